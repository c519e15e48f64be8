"""What is planted is of none of the set's own texts, and counted among the first rows."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import outliers as module


def test_shares_of_the_first_rows() -> None:
    score = np.arange(200, dtype=float)
    assert module.shares(score, 150) == [1.0, 1.0, 0.5] and module.shares(-score, 150) == [0.0, 0.0, 0.0]


def test_what_is_planted_is_of_the_other_sets_and_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {name: [f"{name} text number {row:03} {'word ' * 60}" for row in range(100)] for name in module.SETS}
    monkeypatch.setattr(module, "source", lambda name: (texts[name], np.zeros(100), np.zeros(100)))
    found = module.planted("trec", 0)
    assert len(found) == len(set(found)) == module.TOPICS + len(module.LANGUAGES) + len(module.LEFT_BEHIND)
    assert not any(text.startswith("trec") for text in found)
    assert (
        sum(text.startswith("tickets") for text in found) == sum(text.startswith("disaster") for text in found) == 20
    )
    assert max(map(len, found)) <= module.LETTERS
    assert module.planted("trec", 1) != found == module.planted("trec", 0)
