"""Beside cleanlab on features alone: the better of its scores stands in the table, and both are timed."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import features_alone as module
from benchmarks.interleaved import Ratio
from benchmarks.ranking import Table


def table(seed: int = 0) -> Table:
    random = np.random.default_rng(seed)
    true = random.integers(0, 3, 240)
    features = (3 * np.eye(3, 8)[true] + random.normal(size=(240, 8))).astype(np.float32)
    given = np.where(random.random(240) < 0.1, (true + 1) % 3, true)
    return Table([], features, given, true, 3)


def test_both_find_planted_errors_and_are_timed() -> None:
    made = table()
    wrong = made.given != made.true
    found = module.ours(made, 0)
    assert found.judged is not None
    told = module.told(found, made)
    assert told["default"] > told["given"] == 1 - wrong.mean() and told["held"] == 1.0
    for doubt in (found.judged.wrong, *module.theirs(made, 0).values()):
        assert doubt.shape == (240,) and doubt[wrong].mean() > doubt[~wrong].mean()
    taken = module.times(made, 0, rounds=2)
    assert 0 < taken.median < np.inf


def test_the_table_has_the_better_of_cleanlabs_scores() -> None:
    def ranked(precision: float, first: float) -> dict[str, float]:
        return {"average precision": precision, "first 50": first}

    ours = {"given": 0.88, "default": 0.9, "doubt": 0.91, "rate": 0.1, "low": 0.02, "high": 0.3, "held": 1.0}
    found: Any = {"some set": {
        "ours": [ranked(0.8, 0.5) | ours, ranked(0.6, 0.7) | ours | {"held": 0.0}],
        "self_confidence": [ranked(0.5, 0.25)] * 2, "normalized_margin": [ranked(0.4, 0.75)] * 2,
    }}  # fmt: skip
    *_, line = module.as_table(found, {"some set": Ratio(2.5, 2.0, 3.0)}).splitlines()
    assert line == (
        "| some set | 0.500 | 0.400 | 0.700 ± 0.100 | 0.75 | 0.60 | 88.0 | 90.0 | 91.0 | 10.0 | 2 to 30 | 1/2 | 2.5 |"
    )
