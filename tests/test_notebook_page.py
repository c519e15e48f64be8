"""The Python of docs/notebook.md runs as it stands there, on a small table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import clc_text

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
    for person in ("ann", "bob", "llm"):
        said = np.where(random.random(120) < 0.15, 1 - true, true)
        frame[person] = [None if person == "llm" and random.random() < 0.2 else names[number] for number in said]
    holds = np.stack([1 - true, true], 1) ^ (random.random((120, 2)) < 0.1).astype(int)
    return {
        "labels": labels, "texts": texts, "embeddings": embeddings, "frame": frame, "X": embeddings, "y": labels,
        "X_new": embeddings[:3], "table": pd.DataFrame(holds, columns=names),
        "topics": [[name for name, one in zip(names, row, strict=True) if one] for row in holds],
    }  # fmt: skip


def run_blocks(only: str | None = None, without: str | None = None) -> list[dict[str, Any]]:
    """The page's blocks, one after another; what the names mean after each of those with (without) some words."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    chosen = [
        block for block in blocks if (only is None or only in block) and (without is None or without not in block)
    ]
    names, after = {"clc_text": clc_text, **small_table()}, []
    for block in chosen:
        exec(compile(block, str(PAGE), "exec"), names)
        after.append(dict(names))
    return after


def test_blocks_that_train_no_run_mean_what_they_say() -> None:
    one_label, annotators, classes, classifier = run_blocks(without="clc_text.clean(")
    assert len(one_label["found"].ranking) == 120
    assert list(annotators["found"].annotators["name"]) == ["ann", "bob", "llm"]
    assert len(classes["found"].ranking) == 240
    assert list(classifier["model"].classes_) == list(WORDS)


@pytest.mark.slow
def test_a_table_in_one_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = run_blocks(only="clc_text.clean(")[0]["made"]
    assert len(made.ranking) == 120 and set(made.labels) <= set(WORDS)
    assert made.report.is_file() and made.table.is_file()
