"""Calibration error and temperature: by hand, against SciPy's optimum, and on labels that are partly wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from refusals import refused
from torch import Tensor

from clc_text.methods.base import TrainingState
from clc_text.methods.calibration import TEMPERATURES, calibration_error, fit_temperature, held_out, tempered
from clc_text.methods.clc import CLC
from clc_text.methods.clc_auto import CLCAuto

STEP = TEMPERATURES[1] / TEMPERATURES[0]


def test_calibration_error_by_hand() -> None:
    """Two rows at confidence 0.9, one right: |0.5 - 0.9| · 2/4; two at 1.0, both right: 0."""
    confidence, right = torch.tensor([0.9, 0.9, 1.0, 1.0]), torch.tensor([True, False, True, True])
    assert calibration_error(confidence, right) == pytest.approx(0.2)
    assert calibration_error(confidence[:0], right[:0]) == 0


def calibrated(rows: int, classes: int, seed: int) -> tuple[Tensor, Tensor]:
    """Logits whose softmax is exactly the chance of each class, and labels drawn by it."""
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(rows, classes, generator=generator)
    labels = torch.multinomial(logits.softmax(-1), 1, generator=generator).squeeze(-1)
    return logits, labels


@pytest.mark.parametrize("true", [0.5, 1.0, 2.0])
def test_the_temperature_of_clean_labels(true: float) -> None:
    """Predictions that are too flat or too sure by a known factor."""
    logits, labels = calibrated(6000, 4, 0)
    found = fit_temperature((true * logits).log_softmax(-1), labels)
    assert true / STEP**1.5 < found < true * STEP**1.5
    before = calibration_error(*confidence((true * logits).log_softmax(-1), labels))
    after = calibration_error(*confidence(tempered((true * logits).log_softmax(-1), found), labels))
    assert after < 0.02 and (true == 1 or after < before / 3)


def confidence(log_probs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    sure, predicted = log_probs.exp().max(-1)
    return sure, predicted == labels


@pytest.mark.parametrize("kind", ["pairwise", "symmetric"])
@pytest.mark.parametrize("true", [0.5, 2.0])
def test_wrong_labels_do_not_make_predictions_look_too_sure(true: float, kind: str) -> None:
    """A third of the labels is flipped; a temperature fitted without regard to that would be far too high."""
    logits, labels = calibrated(6000, 4, 1)
    generator = torch.Generator().manual_seed(2)
    step = torch.ones_like(labels) if kind == "pairwise" else torch.randint(1, 4, labels.shape, generator=generator)
    flipped = torch.rand(len(labels), generator=generator) < 0.33
    given = torch.where(flipped, (labels + step) % 4, labels)
    log_probs = (true * logits).log_softmax(-1)
    found = fit_temperature(log_probs, given)
    assert true / 1.3 < found < true * 1.3
    plain = min(TEMPERATURES, key=lambda value: float(-tempered(log_probs, value)[range(len(given)), given].mean()))
    assert plain > 1.5 * true, "what a fit that knows nothing of noise gives"


@pytest.mark.parametrize(
    ("kind", "stated", "off"), [("clean", 0.93, 0.04), ("pairwise", 0.89, 0.06), ("even", 1.0, 0.12)]
)
def test_of_few_rows_it_is_as_far_off_as_the_docstring_says(kind: str, stated: float, off: float) -> None:
    """The geometric mean over 20 draws, which lies within three of its standard errors."""
    found = []
    for seed in range(1000, 1020):
        logits, labels = calibrated(545, 6, seed)
        generator = torch.Generator().manual_seed(100 + seed)
        evenly = torch.randint(1, 6, labels.shape, generator=generator)
        flipped = torch.rand(len(labels), generator=generator) < (0.0 if kind == "clean" else 0.33)
        given = torch.where(flipped, (labels + (1 if kind == "pairwise" else evenly)) % 6, labels)
        found.append(fit_temperature(logits.log_softmax(-1), given))
    assert np.exp(np.log(found).mean()) == pytest.approx(stated, abs=off)


def test_the_temperature_of_soft_labels() -> None:
    logits, _ = calibrated(500, 3, 3)
    assert fit_temperature((2 * logits).log_softmax(-1), logits.softmax(-1)) == pytest.approx(2.0, rel=STEP - 1)


def test_tempered_is_softmax_of_divided_logits() -> None:
    logits = torch.randn(2, 5, 3)
    expected = torch.stack([(logits[0] / 0.5).log_softmax(-1), (logits[1] / 3).log_softmax(-1)])
    torch.testing.assert_close(tempered(logits.log_softmax(-1), torch.tensor([[0.5], [3.0]])), expected)
    torch.testing.assert_close(tempered(logits.log_softmax(-1), 2.0), (logits / 2).log_softmax(-1))


def test_held_out_rows_are_spread_and_always_the_same() -> None:
    rows = torch.arange(10000)
    held = held_out(rows, 0.1)
    assert 950 < held.sum() < 1050
    assert min(held[start : start + 100].sum() for start in range(0, 10000, 100)) >= 5
    assert held[0], "even one row alone is held out, so a fit always has some"
    shuffled = torch.randperm(10000)
    assert torch.equal(held_out(shuffled, 0.1), held[shuffled])
    assert (held_out(rows, 0.2) | ~held).all(), "a larger share holds out those and more"


# ---- in CLC ----


def state(temperature: float | None, threshold: float) -> TrainingState:
    memory = {"threshold": torch.tensor([threshold, threshold])}
    if temperature is not None:
        memory["temperature"] = torch.tensor([temperature, temperature])
    return TrainingState(num_classes=3, memory=memory)


def test_the_temperature_moves_the_doubt_and_not_the_losses() -> None:
    """Against the plain method on the same rows: the same where no row changes sides, and other rows where some do."""
    logits, labels = torch.randn(2, 40, 3, dtype=torch.float64), torch.randint(3, (40,))
    log_probs = logits.log_softmax(-1)
    entropies = [float(-(row.softmax(-1) * row.log_softmax(-1)).sum()) for row in (logits / 2).flatten(0, 1)]
    expected = torch.tensor(entropies).view(2, 40) <= 0.9
    found = CLC(temperature=2.0).supervise(log_probs, labels, state(2.0, 0.9))
    assert torch.equal(found.selected, expected.flip(0)), "a row is selected where the peer is sure"
    assert not torch.equal(found.selected, CLC().supervise(log_probs, labels, state(None, 0.9)).selected)
    everything = CLC(temperature=2.0).supervise(log_probs, labels, state(2.0, 99.0))
    plain = CLC().supervise(log_probs, labels, state(None, 99.0))
    torch.testing.assert_close(everything.losses, plain.losses)
    torch.testing.assert_close(everything.targets, plain.targets)


@pytest.mark.parametrize("criterion", ["entropy", "margin", "confidence", "energy"])
def test_gamma_is_the_mean_doubt_at_the_temperature(criterion: str) -> None:
    logits, labels = torch.randn(2, 30, 3), torch.randint(3, (30,))
    before = TrainingState(num_classes=3, logits=logits)
    method = CLC(temperature=2.0, criterion=criterion)  # type: ignore[arg-type]
    method.prepare(logits.log_softmax(-1), labels, before)
    by_halves = TrainingState(num_classes=3, logits=logits / 2)
    CLC(criterion=criterion).prepare((logits / 2).log_softmax(-1), labels, by_halves)  # type: ignore[arg-type]
    factor = 2.0 if criterion == "energy" else 1.0  # which is measured in the units of the logits
    torch.testing.assert_close(before.memory["threshold"], factor * by_halves.memory["threshold"])


def test_each_peer_s_temperature_is_fitted_on_held_out_rows_alone() -> None:
    logits, labels = calibrated(4000, 4, 5)
    held = held_out(torch.arange(4000), 0.25)
    peers = torch.stack([2 * logits, 0.5 * logits])
    peers[:, ~held] = 50.0 * torch.nn.functional.one_hot(labels[~held], 4)  # learnt by heart
    at = TrainingState(num_classes=4)
    CLC(temperature="fit", held_out=0.25).prepare(peers.log_softmax(-1), labels, at)
    expected = [fit_temperature(one[held].log_softmax(-1), labels[held]) for one in peers]
    assert at.memory["temperature"].tolist() == pytest.approx(expected)
    assert expected[0] > 1.5 and expected[1] < 0.7


def test_bad_temperatures() -> None:
    for value in (0.0, -1.0, float("nan"), float("inf"), "fitted"):
        with refused(key="method.temperature"):
            CLC(temperature=value)  # type: ignore[arg-type]
    with refused(key="method.temperature"):
        CLC(temperature="fit", warmup_epochs=0)
    with refused(key="method.held_out"):
        CLC(temperature="fit", held_out=0.9)
    assert CLCAuto(temperature="fit").temperature == "fit"


# ---- in a run ----

RUN = """
data: {name: quickstart, rows: 400, test_rows: 100}
noise: {name: symmetric, rate: 0.3}
encoder: {name: word_vectors, vectors: train, pooling: [concat], length: 8}
network: {name: mlp, hidden: [24]}
method: {name: clc, warmup_epochs: 2, temperature: fit, held_out: 0.2}
training: {epochs: 3, batch_size: 64, learning_rate: 2.0e-3, device: cpu, class_weights: balanced}
"""


def test_a_run_reports_temperature_and_calibration(tmp_path: Path) -> None:
    from clc_text.config.recipe import loads
    from clc_text.runs.run import train

    run = train(loads(RUN), tmp_path / "run")
    entries, result, labels = run.metrics(), run.result(), run.labels()
    held = held_out(torch.arange(400), 0.2)
    assert [entry["temperature"] is None for entry in entries] == [True, True, False]
    assert entries[0]["train"]["selected"] == [int((~held).sum())] * 2, "held-out rows do not count while it warms up"
    assert result["temperature"] == entries[-1]["temperature"] and len(result["temperature"]) == 2
    record = run.dynamics(3)
    assert labels.true is not None
    expected = [
        literal_error(record.confidence[peer].numpy(), record.prediction[peer].numpy() == labels.true)
        for peer in range(2)
    ]
    # The training dynamics' file has three decimals: a row near a bin's edge may be on its other side there.
    assert entries[-1]["train"]["ece"] == pytest.approx(expected, abs=0.01)
    assert result["ece"]["train"] == pytest.approx(np.mean(entries[-1]["train"]["ece"]))
    assert result["ece"]["test"] == entries[-1]["test"]["ece"]


def literal_error(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    found = 0.0
    for number in range(bins):
        inside = [row for row in range(len(right)) if min(int(confidence[row] * bins), bins - 1) == number]
        if inside:
            gap = np.mean([right[row] for row in inside]) - np.mean([confidence[row] for row in inside])
            found += len(inside) / len(right) * abs(gap)
    return found


def test_held_out_rows_teach_nothing_while_it_warms_up(tmp_path: Path) -> None:
    """Their labels may be anything: the networks after the warm-up are the same."""
    from small_training import arguments, peers_model, rows

    from clc_text.crossfit.trainer import NoisyLabelTrainer
    from clc_text.data.rows import Rows

    folder, data = tmp_path, rows(60)
    held = held_out(torch.arange(60), 0.2)
    other = Rows(data.inputs, torch.where(held, (data.labels + 1) % 4, data.labels))
    weights = []
    for name, given in (("a", data), ("b", other)):
        model = peers_model()
        method = CLC(warmup_epochs=3, temperature="fit", held_out=0.2)
        NoisyLabelTrainer(
            model, arguments(folder / name, num_train_epochs=2), method=method, train_dataset=given
        ).train()
        weights.append(model.state_dict())
    assert all(torch.equal(values, weights[1][name]) for name, values in weights[0].items())
    assert held.sum() > 5


def test_class_weights_of_a_recipe(tmp_path: Path) -> None:
    from clc_text.config.recipe import loads
    from clc_text.runs.run import train

    folder = tmp_path
    few = ["training.epochs=1", "method.name=standard", "name=x"]
    even = train(loads(RUN, overrides=[*few, "training.class_weights=null"]), folder / "even").metrics()
    twice = train(loads(RUN, overrides=[*few, f"training.class_weights={[2.0] * 6}"]), folder / "twice").metrics()
    alone = train(
        loads(RUN, overrides=[*few, f"training.class_weights={[1.0] + [0.0] * 5}"]), folder / "one"
    ).metrics()
    assert twice[0]["loss"] > 1.5 * even[0]["loss"] > 3 * alone[0]["loss"]
    assert alone[0]["train"]["class_shares"][0] > even[0]["train"]["class_shares"][0] + 0.2
    with refused(key="class_weights"):
        train(loads(RUN, overrides=["training.class_weights=[1, 2]"]), folder / "bad")
    assert not (folder / "bad").exists(), "nothing is written before a mistake is found"
