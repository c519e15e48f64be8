"""The benchmarks' sets, whose features are there already, are trained by the product as it is."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import answers, ranking


def drawn(rows: int = 160) -> tuple[np.ndarray, np.ndarray]:
    """Features [N, 6] of two classes, and these."""
    random = np.random.default_rng(0)
    true = random.integers(0, 2, rows)
    return ((2 * true - 1)[:, None] + random.normal(0, 1, (rows, 6))).astype(np.float32), true


def test_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "RECIPE", answers.RECIPE.replace("epochs: 40", "epochs: 2").replace("[300]", "[8]"))
    features, true = drawn()
    found, cross_fit = answers.trained(answers.Table([""] * 160, features, true, true, features[:40], true[:40], 2), 0)
    assert 0 <= found["accuracy"] <= 1 and cross_fit.posterior.shape == (160, 2)


def test_ranking() -> None:
    features, true = drawn()
    table = ranking.Table([""] * 160, features, true, true, 2)
    probs = ranking.networks_of(table, 0)
    assert probs.shape == (160, 2) and (probs.argmax(1) == true).mean() > 0.8
