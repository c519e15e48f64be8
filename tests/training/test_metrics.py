"""Metrics against literal loops over rows."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from clc_text.artifacts.dynamics import EpochRecord
from clc_text.data.labels import Labels
from clc_text.training import metrics
from clc_text.training.metrics import MetricsLog, training_scores
from clc_text.utils.files import read_json_lines

PEERS, ROWS, CLASSES = 2, 60, 4


def record(seed: int = 0, unseen: int = 5) -> EpochRecord:
    generator = torch.Generator().manual_seed(seed)

    def classes() -> torch.Tensor:
        return torch.randint(CLASSES, (PEERS, ROWS), generator=generator)

    seen = torch.ones(ROWS, dtype=torch.bool)
    seen[:unseen] = False
    return EpochRecord(
        seen=seen,
        prediction=classes(),
        confidence=torch.rand(PEERS, ROWS, generator=generator),
        entropy=torch.rand(PEERS, ROWS, generator=generator),
        target=classes(),
        selected=torch.rand(PEERS, ROWS, generator=generator) < 0.6,
    )


def labels(true: bool = True) -> Labels:
    generator = np.random.default_rng(0)
    trained, gold = generator.integers(CLASSES, size=(2, ROWS))
    gold = np.where(generator.random(ROWS) < 0.2, -1, gold)
    return Labels(trained.copy(), trained, gold if true else None, np.zeros(ROWS, bool))


def literal_scores(seen: EpochRecord, given: Labels, peer: int) -> dict[str, Any]:
    """One peer's figures, a row at a time."""
    found: dict[str, Any] = dict.fromkeys(("selected", "changed", "fixed", "broken", "missed"), 0)
    fits, right, entropies, entropies_right, entropies_wrong, precise = [], [], [], [], [], []
    for row in range(ROWS):
        if not seen.seen[row]:
            continue
        prediction, target = int(seen.prediction[peer, row]), int(seen.target[peer, row])
        entropy, selected = float(seen.entropy[peer, row]), bool(seen.selected[peer, row])
        trained, true = int(given.trained[row]), -1 if given.true is None else int(given.true[row])
        found["selected"] += selected
        found["changed"] += target != trained
        fits.append(prediction == trained)
        entropies.append(entropy)
        if true < 0:
            continue
        right.append(prediction == true)
        (entropies_right if prediction == true else entropies_wrong).append(entropy)
        if selected:
            precise.append(target == true)
        found["fixed"] += trained != true and target == true
        found["broken"] += trained == true and target != true
        found["missed"] += trained != true and target != true
    found["agreement"] = sum(fits) / len(fits)
    found["entropy"] = sum(entropies) / len(entropies)
    if given.true is not None:
        found["accuracy"] = 100 * sum(right) / len(right)
        found["label_precision"] = sum(precise) / len(precise)
        found["right"] = sum(entropies_right) / len(entropies_right)
        found["wrong"] = sum(entropies_wrong) / len(entropies_wrong)
    return found


def test_training_scores_are_those_of_a_loop_over_rows() -> None:
    seen, given = record(), labels()
    scores = training_scores(seen, given, CLASSES)
    for peer in range(PEERS):
        literal = literal_scores(seen, given, peer)
        for name in ("selected", "changed", "fixed", "broken", "missed"):
            assert scores[name][peer] == literal[name], name
        for name in ("agreement", "accuracy", "label_precision"):
            assert scores[name][peer] == pytest.approx(literal[name]), name
        assert scores["entropy"]["all"][peer] == pytest.approx(literal["entropy"], rel=1e-6)
        for name in ("right", "wrong"):
            assert scores["entropy"][name][peer] == pytest.approx(literal[name], rel=1e-6), name
    counts = [0] * CLASSES
    for peer in range(PEERS):
        for row in range(5, ROWS):
            counts[int(seen.prediction[peer, row])] += 1
    assert scores["class_shares"] == pytest.approx([count / (PEERS * 55) for count in counts])


def test_without_true_labels_nothing_is_called_right_or_wrong() -> None:
    scores = training_scores(record(), labels(true=False), CLASSES)
    for name in ("label_precision", "accuracy", "fixed", "broken", "missed"):
        assert scores[name] is None
    assert scores["entropy"]["right"] is None and scores["entropy"]["wrong"] is None
    assert scores["changed"][0] == literal_scores(record(), labels(true=False), 0)["changed"]


def test_nothing_selected_has_no_precision_rather_than_a_number() -> None:
    seen = record()
    none = EpochRecord(**{**vars(seen), "selected": torch.zeros(PEERS, ROWS, dtype=torch.bool)})
    scores = training_scores(none, labels(), CLASSES)
    assert scores["selected"] == [0, 0]
    assert scores["label_precision"] == [None, None]
    json.dumps(scores, allow_nan=False)


def test_no_row_seen_is_no_division_by_zero() -> None:
    scores = training_scores(record(unseen=ROWS), labels(), CLASSES)
    assert scores["class_shares"] == [0.0] * CLASSES
    assert scores["agreement"] == [None, None]
    json.dumps(scores, allow_nan=False)


def test_test_scores_are_those_of_a_loop_over_rows() -> None:
    generator = torch.Generator().manual_seed(1)
    log_probs = (2 * torch.randn(3, ROWS, CLASSES, generator=generator)).log_softmax(-1)
    truth = torch.randint(CLASSES, (ROWS,), generator=generator)
    right, together = [0, 0, 0], 0
    for row in range(ROWS):
        mean = [sum(math.exp(float(log_probs[peer, row, c])) for peer in range(3)) / 3 for c in range(CLASSES)]
        together += max(range(CLASSES), key=mean.__getitem__) == int(truth[row])
        for peer in range(3):
            right[peer] += int(log_probs[peer, row].argmax()) == int(truth[row])
    scores = metrics.test_scores(log_probs, truth)
    assert scores["accuracy"]["peers"] == pytest.approx([100 * count / ROWS for count in right])
    assert scores["accuracy"]["ensemble"] == pytest.approx(100 * together / ROWS)
    assert scores["ece"] == pytest.approx(literal_ece(log_probs.exp().mean(0), truth), abs=1e-6)


def literal_ece(probs: torch.Tensor, truth: torch.Tensor, bins: int = 15) -> float:
    """Guo et al. 2017, equation 3, bin by bin."""
    found = 0.0
    for number in range(bins):
        inside = [
            row
            for row in range(len(truth))
            if number / bins <= float(probs[row].max()) < (number + 1) / bins
            or (number == bins - 1 and float(probs[row].max()) >= 1)
        ]
        if inside:
            accuracy = sum(int(probs[row].argmax()) == int(truth[row]) for row in inside) / len(inside)
            confidence = sum(float(probs[row].max()) for row in inside) / len(inside)
            found += len(inside) / len(truth) * abs(accuracy - confidence)
    return found


def test_a_log_goes_on_after_the_epochs_that_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path)
    for epoch in (1, 2, 3):
        log.append({"epoch": epoch, "loss": epoch / 2})
    path.write_text(path.read_text() + '{"epoch": 4, "lo')
    assert [entry["epoch"] for entry in read_json_lines(path)] == [1, 2, 3]
    again = MetricsLog(path, keep=2)
    again.append({"epoch": 3, "loss": 7.0})
    assert [(entry["epoch"], entry["loss"]) for entry in read_json_lines(path)] == [(1, 0.5), (2, 1.0), (3, 7.0)]
    assert MetricsLog(path).entries == []
    assert path.read_text() == ""
