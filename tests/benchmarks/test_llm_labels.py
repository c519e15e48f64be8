"""Labels that a large language model gave: of every row one, by a name that the set has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import llm_labels

FOLDER = Path(llm_labels.__file__).parent
SIZES = [
    ("trec.txt", 5452, 6),
    ("trec_fine.txt", 5452, 50),
    ("news.txt", 3000, 20),
    ("news_short.txt", 3000, 20),
    ("queues.txt", 3000, 10),
    ("tweets.txt", 8241, 2),
]


@pytest.mark.parametrize(("name", "rows", "classes"), SIZES)
def test_every_row_has_one_label(name: str, rows: int, classes: int) -> None:
    lines = [line.split() for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]
    assert len({int(row) for row, _ in lines}) == len(lines) == rows
    assert len({said for _, said in lines}) == classes


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("trec", 265), ("trec fine", 667), ("news", 398), ("news short", 647), ("queues", 501), ("tweets", 97)],
)
def test_labels_stand_beside_their_own_texts(
    real_data: Path, monkeypatch: pytest.MonkeyPatch, name: str, wrong: int
) -> None:
    """Shifted by one row as good as all would be wrong."""
    monkeypatch.setenv("CLC_TEXT_DATA", str(real_data))
    found = llm_labels.SETS[name]()
    texts, given, true = found.known()
    assert len(texts) == len(given) == len(true)
    assert np.count_nonzero((given != true)[true >= 0]) == wrong
    assert len(found.test_texts) == len(found.test)
    assert set(found.test.tolist()) <= set(range(len(found.names)))
