"""The benchmark's counts, row by row, and that all its rules run on a run."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from synthetic_run import make_run

from benchmarks.corrections import METRICS, POLICIES, compare, score, table


def test_scores_row_by_row() -> None:
    random = np.random.default_rng(0)
    given, true, label = (random.integers(0, 3, 300) for _ in range(3))
    label = np.where(random.random(300) < 0.5, label, given)
    found = score(label, given, true)
    rows = list(zip(given.tolist(), true.tolist(), label.tolist(), strict=True))
    fixed = sum(g != t and now == t for g, t, now in rows)
    broken = sum(g == t and now != t for g, t, now in rows)
    right = sum(g == t for g, t, now in rows)
    assert (found["fixed"], found["broken"]) == (fixed, broken)
    assert found["altered"] == sum(g != t and now not in (t, g) for g, t, now in rows)
    assert found["right_before"] == pytest.approx(100 * right / 300)
    assert found["right_after"] == pytest.approx(100 * (right + fixed - broken) / 300)
    assert found["broken_share"] == pytest.approx(100 * broken / right)
    assert found["precision"] == pytest.approx(100 * fixed / sum(g != now for g, t, now in rows))
    assert math.isnan(score(given, given, true)["precision"])


def test_every_rule_on_one_run(tmp_path: Path) -> None:
    made = make_run(tmp_path / "run", canaries=40)
    pytest.importorskip("cleanlab")
    p = np.exp(made.log_probs.astype(float)).mean(0)
    transition = np.full((6, 6), 0.06) + np.eye(6) * 0.64
    tensors = {"train": np.log(p).astype(np.float32)[None], "transition": transition}
    save_file(tensors, made.run.file("crossfit.safetensors"), metadata={"folds": "5"})
    p /= p.sum(1, keepdims=True)
    found = compare(made.run, lambda run: p)
    cleanlab = ["cleanlab, the same predictions", "cleanlab, plain networks"]
    assert list(found) == [*POLICIES, *cleanlab]
    assert found[cleanlab[0]] == found[cleanlab[1]]  # here they are given the same
    for figures in found.values():
        assert set(figures) == set(METRICS)
        assert figures["right_after"] > figures["right_before"]
    strict, loose = found["posterior, doubt 0.9"], found["posterior, doubt 0.5"]
    assert strict["broken"] < loose["broken"]
    shown = table({"noise": [found, found]})
    assert "**noise**, 2 seeds" in shown
    assert shown.count("\n| ") == 1 + len(found)
