"""Where exports go, so that none takes the place of another."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from clc_text.corrections.store import Corrected
from clc_text.errors import InputError

ENDINGS = {"csv": ".csv", "argilla": ".argilla.json", "label-studio": ".label_studio.json"}
_OF_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".xlsx", ".xlsm")  # what `apply` reads by its ending
_WHAT = {"csv": "a table of rows to answer", "argilla": "rows for Argilla", "label-studio": "rows for Label Studio"}


def file_for(corrected: Corrected, format: str) -> Path:
    """Where an export goes unless it is told otherwise."""
    return corrected.run.file("look_first" + ENDINGS.get(format, ""))


def check_ending(path: Path, format: str) -> None:
    """Raises: InputError: the file's name says that it is of another kind than what is written."""
    ending, right = path.suffix.lower(), "." + ENDINGS[format].rpartition(".")[2]
    if ending in _OF_TABLES and ending != right:
        raise InputError(f"{path}: --format {format} writes {right}; give the file that ending", where=path)


def check_not_another(path: Path, format: str, run_id: str) -> None:
    """Refuses to write over rows in another format, or over those of another run.

    Raises:
        InputError: they are there.
    """
    found, first = _first_row(path)
    if found is None:
        return
    if found != format:
        raise InputError(f"{path} is there already: {_WHAT[found]}; choose another file with --out", where=path)
    other = first.get("run_id")
    if other not in (None, "", run_id):
        raise InputError(
            f"{path} is there already: {_WHAT[found]}, of run {other}; choose another file with --out", where=path
        )


def _first_row(path: Path) -> tuple[str | None, dict[str, Any]]:
    """The format of an export and its first row; None for what is none, which `check_answers_taken_over` judges."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as handle:
            if handle.read(1) != "[":
                handle.seek(0)
                reader = csv.DictReader(handle)
                known = {"row", "answer"} <= set(reader.fieldnames or [])
                return ("csv", next(reader, {})) if known else (None, {})
            handle.seek(0)
            entry = json.load(handle)[0]
        if "fields" in entry:
            return "argilla", dict(entry["metadata"])
        return "label-studio", dict(entry["data"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError, csv.Error):
        return None, {}
