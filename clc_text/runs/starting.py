"""The recipe that a table is cleaned by, where its owner has none: of `clc-text init` and `clc-text clean`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from clc_text.config.length import enough_epochs, enough_patience
from clc_text.config.recipe import loads
from clc_text.errors import InputError
from clc_text.text.datasets.files import Files
from clc_text.text.datasets.guess import Guessed, guess_columns
from clc_text.utils.files import expanded

CANARIES, MOST_CANARIES = 0.02, 0.1  # shares of the rows
ENOUGH = 32  # canaries, for the audit to measure by (it asks for 30, and of a class of few rows none is flipped)


def files_of(
    train: str, overrides: Sequence[str] = (), votes: str | None = None, annotator: str | None = None
) -> Files:
    """The table, read as `overrides` (of a whole recipe) say of `data`, and what several sources say of its rows."""
    of_data = [one for one in overrides if one.startswith("data.")]
    data = loads(f"data: {{name: files, train: {_quoted(train)}}}", f"--set of {train}", of_data).data
    if not isinstance(data, Files) or data.train != train:
        raise InputError(f"the table is {train}, and --set names other data", where=train, key="--set")
    return replace(data, votes=votes or data.votes, annotator=annotator or data.annotator)


def columns_of(
    train: str,
    overrides: Sequence[str] = (),
    text: str | None = None,
    label: str | Sequence[str] | None = None,
    ids: str | None = None,
    votes: str | None = None,
    annotator: str | None = None,
) -> Guessed:
    """The columns of the table; those that are named are only looked for (see `guess_columns`).

    Args:
        overrides, votes, annotator: see `files_of`.
    """
    return guess_columns(files_of(train, overrides, votes, annotator), text, label, ids)


def recipe_text(train: str, guessed: Guessed, ids: str | None = None, name: str | None = None) -> str:
    """A recipe with its comments; `loads` reads it.

    Args:
        train: the table.
        guessed: its columns.
        ids: the column that names a row; None: it is guessed.
        name: of the run; None: that of the file.
    """
    data = {"name": "files", "train": train, "text": guessed.text}
    data |= ({} if guessed.label is None else {"label": guessed.label}) | guessed.reading
    data |= {"id": ids} if ids else {}
    written = ", ".join(f"{key}: {_quoted(value)}" for key, value in data.items())
    few = enough_patience(guessed.rows)
    patience = "" if few is None else f", fold_patience: {few}"
    return "\n".join(
        [
            f"# {expanded(train).name}: every key with its meaning: clc-text recipe show THIS_FILE",
            f"name: {_quoted(name or run_name(train))}",
            f"data: {{{written}}}",
            "encoder: {name: auto}    # a sentence encoder where one is installed or cached, else TF-IDF of all words",
            f"method: {{name: clc_auto{patience}}} # needs no noise rate",
            f"training: {{epochs: {enough_epochs(guessed.rows)}}}",
            f"canaries: {canary_share(guessed.rows):.3g}    # labels flipped on "
            + ("trial, of single sources," if guessed.several else "purpose,")
            + " to see how many are found",
            "",
        ]
    )


def canary_share(rows: int) -> float:
    """So many that the audit has something to measure by, of few rows no more than they bear."""
    return min(max(CANARIES, ENOUGH / max(rows, 1)), MOST_CANARIES)


def run_name(train: str) -> str:
    """The file's name without its endings, as a folder may be called."""
    stem = expanded(train).name.split(".")[0]
    kept = "".join(char if char.isalnum() or char in "-_" else "_" for char in stem)
    return kept.strip("_-")[:60] or "table"


def corrected_table(directory: Path, train: str) -> Path:
    """Where the table with corrected labels goes: beside the run, in the table's own format."""
    source = expanded(train)
    endings = source.name.split(".", 1)[1] if source.is_file() and "." in source.name else "csv"
    endings = endings.removesuffix(".gz") if not endings.startswith(("csv", "tsv", "tab")) else endings
    if endings.split(".")[-1] in ("xlsx", "xlsm"):
        endings = "csv"
    return directory.parent / f"{directory.name}_corrected.{endings}"


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=not str(value).isprintable())
