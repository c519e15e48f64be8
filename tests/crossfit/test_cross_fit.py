"""How the rounds of cross-fitting are put together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from clc_text.crossfit import cross_fit
from clc_text.crossfit.cross_fit import _possible_names, _with
from clc_text.crossfit.rounds import LEAST_GAIN, AfterEpoch, Round, Settings, mean_of, renamed
from clc_text.data.labels import Labels
from clc_text.noise.estimation.match_classes import match_classes
from clc_text.noise.estimation.noise_fit import fit_noise


def a_round(probs: np.ndarray, labels: np.ndarray) -> Round:
    log_probs = np.log(probs)
    return Round(fit_noise(log_probs, labels), log_probs, 1, 1)


def some_rounds(count: int) -> tuple[list[Round], np.ndarray]:
    """Rounds that know the labels as well as each other, and err independently."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 900)
    logits = [1.5 * np.eye(3)[labels] + random.normal(0, 1, (900, 3)) for _ in range(count)]
    probs = [np.exp(values) / np.exp(values).sum(1, keepdims=True) for values in logits]
    return [a_round(values, labels) for values in probs], labels


@pytest.mark.parametrize(
    ("likelihoods", "last", "best"),
    [
        ([-1.0, -0.9, -0.8, -0.8, -0.9], 5, 3),  # two epochs without any gain
        ([-1.0, -0.9, -0.9 + 1.8 * LEAST_GAIN, -0.9 + 3.6 * LEAST_GAIN, -0.8], None, 5),  # small ones add up
        ([-1.0, -0.9, -0.9 + 0.9 * LEAST_GAIN, -0.9 + 1.8 * LEAST_GAIN], 4, 4),  # the best may be a small one
    ],
)
def test_a_round_ends_where_the_likelihood_rises_no_more(
    likelihoods: list[float], last: int | None, best: int
) -> None:
    rounds, labels = some_rounds(1)
    after = AfterEpoch(torch.zeros(900, dtype=torch.int64), labels, Settings(patience=2), None)
    ended = None
    for likelihood in likelihoods:
        after.epoch += 1
        if after._ends_with(replace(rounds[0].fit, log_likelihood=likelihood), rounds[0].log_probs):
            ended = after.epoch
            break
    assert ended == last
    assert after.best is not None and after.best.best_epoch == best
    assert after.best.fit.log_likelihood == max(likelihoods)
    assert after.best.epochs == after.epoch


def test_of_several_classes_that_may_hold_every_gain_counts() -> None:
    rounds, labels = some_rounds(1)
    pairs = np.stack([labels == 0, labels == 1], 1).astype(np.int64)
    after = AfterEpoch(torch.zeros(900, dtype=torch.int64), pairs, Settings(patience=1), None)
    for epoch in range(1, 4):
        after.epoch = epoch
        fit = replace(rounds[0].fit, log_likelihood=-1.0 + epoch * LEAST_GAIN / 2)
        assert not after._ends_with(fit, rounds[0].log_probs)


def test_the_mean_is_of_probabilities() -> None:
    rounds, _ = some_rounds(3)
    for row in (0, 5):
        for column in range(3):
            mean = sum(np.exp(found.log_probs[row, column]) for found in rounds) / 3
            assert abs(np.exp(mean_of(rounds)[row, column]) - mean) < 1e-9


def test_a_round_is_used_where_the_mean_gets_better() -> None:
    rounds, labels = some_rounds(3)
    used, fit = _with(rounds[1], [rounds[0]], fit_noise(mean_of(rounds[:1]), labels), labels)
    assert used == rounds[:2]
    assert fit_noise(mean_of(used), labels).log_likelihood > rounds[0].fit.log_likelihood
    assert fit.log_likelihood == fit_noise(mean_of(used), labels).log_likelihood
    confused = a_round(np.roll(np.exp(rounds[2].log_probs), 1, axis=1), labels)  # knows as much, by other names
    kept, same = _with(confused, used, fit, labels)
    assert kept is used
    assert same is fit


def test_names_are_those_of_the_given_classes() -> None:
    values = np.array([[1.0, 2.0, 3.0]])
    assert renamed(values, np.array([2, 0, 1])).tolist() == [[2.0, 3.0, 1.0]]


def test_the_last_resort_is_that_every_class_keeps_its_name() -> None:
    rounds, labels = some_rounds(1)
    plain = _possible_names(rounds[0], labels)
    assert [names.tolist() for names in plain] == [[0, 1, 2]]
    shifted = a_round(np.roll(np.exp(rounds[0].log_probs), 1, axis=1), labels)
    names = [found.tolist() for found in _possible_names(shifted, labels)]
    assert names[0] == [2, 0, 1]
    assert names[-1] == [0, 1, 2]
    np.testing.assert_allclose(shifted.renamed(np.array(names[0])).log_probs, rounds[0].log_probs)


def test_of_thousands_of_classes_each_keeps_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds, labels = some_rounds(1)
    shifted = a_round(np.roll(np.exp(rounds[0].log_probs), 1, axis=1), labels)
    monkeypatch.setattr(cross_fit, "DENSE_CLASSES", 2)
    assert [found.tolist() for found in _possible_names(shifted, labels)] == [[0, 1, 2]]


def test_a_round_tells_how_many_labels_it_alone_finds_wrong_under_whatever_names() -> None:
    rounds, labels = some_rounds(1)
    given = np.where(np.arange(900) % 4 == 0, (labels + 1) % 3, labels)
    plain = a_round(np.exp(rounds[0].log_probs), given)
    rate = plain.facts(given, True)["rate"]
    assert abs(rate - 0.25) < 0.05
    order = np.array([2, 0, 1])
    other = Round(
        replace(plain.fit, probs=plain.fit.probs[:, order], transition=plain.fit.transition[order]),
        plain.log_probs[:, order], 1, 1,
    )  # fmt: skip
    assert other.facts(given, True)["rate"] > 0.5
    assert other.renamed(order).facts(given, True)["rate"] == pytest.approx(rate)


def test_classes_that_end_under_each_others_names_are_named_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of a frequent class is given as a rare one; from round 2 on networks call each by the other's name."""
    random = np.random.default_rng(3)
    true = random.choice(4, 2_000, p=[0.02, 0.34, 0.34, 0.3])
    given = np.where((true == 3) & (random.random(2_000) < 0.42), 0, true)
    logits = 2.0 * np.eye(4)[true] + random.normal(0, 0.8, (2_000, 4))
    right = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    swapped = a_round(right[:, [3, 1, 2, 0]], given)
    assert (swapped.fit.probs.argmax(1) == true).mean() < 0.75
    monkeypatch.setattr(cross_fit, "train_round", lambda *arguments: swapped)
    monkeypatch.setattr(cross_fit, "_possible_names", lambda *arguments: [np.arange(4)])
    found = cross_fit.cross_fit(lambda *arguments: None, Labels(given), 4, Settings(), 0)  # type: ignore[arg-type, return-value]
    assert found.facts["renamed"] == [3, 1, 2, 0]
    assert (found.posterior.argmax(1) == true).mean() > 0.95
    assert (np.diag(found.transition)[1:] > 0.5).all()
    monkeypatch.setattr(cross_fit, "train_round", lambda *arguments: a_round(right, given))
    found = cross_fit.cross_fit(lambda *arguments: None, Labels(given), 4, Settings(), 0)  # type: ignore[arg-type, return-value]
    assert found.facts["renamed"] == [0, 1, 2, 3]


@pytest.mark.parametrize("seed", [2, 4])  # in which chance turns the balance
def test_no_name_is_changed_where_more_labels_would_be_wrong(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nearly half of every class is given as the next, and a quarter of one is taken for the class before it: of what
    is predicted as that, most are given as the next one."""
    random = np.random.default_rng(seed)
    true = random.choice(4, 3_000)
    given = np.where(random.random(3_000) < 0.46, (true + 1) % 4, true)
    shown = np.where((true == 2) & (random.random(3_000) < 0.25), 1, true)
    logits = 4.0 * np.eye(4)[shown] + random.normal(0, 0.8, (3_000, 4))
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert match_classes(probs, given, cross_fit.MARGINS[0]).tolist() == [0, 2, 1, 3]
    monkeypatch.setattr(cross_fit, "train_round", lambda *arguments: a_round(probs, given))
    monkeypatch.setattr(cross_fit, "_possible_names", lambda *arguments: [np.arange(4)])
    found = cross_fit.cross_fit(lambda *arguments: None, Labels(given), 4, Settings(), 0)  # type: ignore[arg-type, return-value]
    assert found.facts["renamed"] == [0, 1, 2, 3]
    assert (found.posterior.argmax(1) == true).mean() > 0.9
