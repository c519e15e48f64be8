"""Flawed texts of a run: looked for once, in its own rows, of a multi-label run in each text once."""

from __future__ import annotations

import shutil
from pathlib import Path

import datasets
import numpy as np
import pytest
from synthetic_run import make_run

from clc_text.artifacts.run_directory import FLAWS, RunDirectory
from clc_text.data.checks.outliers import LEAST
from clc_text.data.checks.outliers import outliers as plain
from clc_text.runs import flaws as module
from clc_text.runs.flaws import flaws_of_run
from clc_text.runs.frozen_features import distances_of_run


@pytest.fixture
def run(tiny_run: Path, tmp_path: Path) -> RunDirectory:
    shutil.copytree(tiny_run, tmp_path / "run")
    (tmp_path / "run" / FLAWS).unlink(missing_ok=True)
    return RunDirectory(tmp_path / "run")


def with_texts(run: RunDirectory, monkeypatch: pytest.MonkeyPatch, texts: list[str | None]) -> None:
    rows = run.data().remove_columns("text").add_column("text", texts)  # type: ignore[call-arg]
    monkeypatch.setattr(module, "rows_of_run", lambda run, recipe: rows)


def test_they_are_looked_for_once_and_kept(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run.flaws() is None
    texts = list(run.data()["text"])
    texts[3], texts[5] = "Grüezi mitenand, das isch öppis ganz anders", texts[5] + " &amp;"
    with_texts(run, monkeypatch, texts)
    found = flaws_of_run(run)
    assert found is not None and found["texts"] == len(texts) >= LEAST
    assert found["garbled"] == {"HTML entities or tags": [5]}
    expected = plain(texts)
    assert expected is not None and found["outliers"] is not None
    assert found["outliers"]["rows"] == expected.rows.tolist() and 3 in expected.rows
    assert found["outliers"]["by"] == ["words"]  # vectors learnt from these very texts know nothing of strange ones
    assert distances_of_run(run) is None
    assert found["drift"] is None or 0 <= found["drift"]["auc"] <= 1
    with_texts(run, monkeypatch, ["never read"] * len(texts))
    assert flaws_of_run(run) == found == run.flaws()


def test_test_rows_of_another_kind(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    test = [f"parcel {number} never arrived at the depot" for number in range(80)]
    rows = datasets.Dataset.from_dict({"text": test})
    monkeypatch.setattr(RunDirectory, "data", lambda run, split="train", known=RunDirectory.data: (
        rows if split == "test" else known(run, split)
    ))  # fmt: skip
    found = flaws_of_run(run)
    assert found is not None and found["drift"] is not None and found["drift"]["auc"] > 0.95


def test_rows_that_are_no_texts_have_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_run(tmp_path / "run", rows=60).run
    numbers = datasets.Dataset.from_dict({made.environment()["input_column"]: np.arange(60)})
    monkeypatch.setattr(module, "rows_of_run", lambda run, recipe: numbers)
    assert flaws_of_run(made) is None and not made.file(FLAWS).exists()
