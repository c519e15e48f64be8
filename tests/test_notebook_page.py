"""The Python of docs/notebook.md runs as it stands there, on a small table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

PAGE = Path(__file__).parent.parent / "docs" / "notebook.md"
WORDS = {"billing": "invoice refund charge card", "login": "password account locked reset"}


def small_table() -> dict[str, Any]:
    """What the page takes for granted: a table with texts and queues, and features of it."""
    random, names = np.random.default_rng(0), list(WORDS)
    true = random.integers(0, 2, 120)
    labels = [names[number] for number in np.where(random.random(120) < 0.1, 1 - true, true)]
    texts = [f"{' '.join(random.choice(WORDS[names[number]].split(), 3))} n{row}" for row, number in enumerate(true)]
    embeddings = ((2 * true - 1)[:, None] + random.normal(0, 1, (120, 5))).astype(np.float32)
    frame = pd.DataFrame({"message": texts, "queue": labels})
    return {
        "labels": labels, "texts": texts, "embeddings": embeddings, "frame": frame, "X": embeddings, "y": labels,
        "X_new": embeddings[:3],
    }  # fmt: skip


@pytest.mark.slow
def test_every_block_runs_and_means_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    assert len(blocks) >= 3
    names = small_table()
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    found, made, model = names["found"], names["made"], names["model"]
    assert len(found.ranking) == len(made.ranking) == 120
    assert set(made.labels) <= set(WORDS) and list(model.classes_) == list(WORDS)
    assert made.report.is_file() and made.table.is_file()
