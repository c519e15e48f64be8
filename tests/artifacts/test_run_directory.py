"""A run directory is read as it was written, and reading leaves it as it is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from refusals import refused
from synthetic_run import make_run

from clc_text.artifacts.run_directory import RunDirectory


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("cached", [False, True])
def test_a_run_that_cannot_be_written_is_read_without_a_trace(
    cached: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path / "run", rows=20).run
    if cached:
        assert len(run.data()) == 20
    before = files_of(run.path)
    really = os.access

    def read_only(path: Any, mode: int, **more: Any) -> bool:
        inside = Path(path).is_relative_to(run.path)
        return really(path, mode, **more) and not (inside and mode & os.W_OK)

    monkeypatch.setattr(os, "access", read_only)
    assert run.data()["text"][0].startswith("question 0")
    assert files_of(run.path) == before


def test_only_a_line_feed_ends_a_line_of_metrics(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", rows=20).run
    notice = {"name": "one\u2028class\x85", "message": "\f and \u2029", "severity": "note"}
    entries = [{"epoch": 1, "notices": [notice]}, {"epoch": 2, "notices": []}]
    lines = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
    run.file("metrics.jsonl").write_text(lines + '{"epoch": 3, "no', encoding="utf-8")
    assert run.metrics() == entries


def test_what_is_no_run_directory_is_said(tmp_path: Path) -> None:
    with refused(where=tmp_path, key="recipe.yaml"):
        RunDirectory(tmp_path)


@pytest.mark.parametrize(("column", "joined"), [("joined_label", True), ("label", False)])
def test_labels_that_were_made_of_several_are_told(column: str, joined: bool, tmp_path: Path) -> None:
    assert make_run(tmp_path / "run", rows=20, label_column=column).run.labels_joined == joined
