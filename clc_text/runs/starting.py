"""The recipe that a table is cleaned by, where its owner has none: of `clc-text init` and `clc-text clean`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

from clc_text.config.length import enough_epoch_rows, enough_epochs, enough_patience
from clc_text.config.recipe import loads
from clc_text.data.columns import NamedColumns
from clc_text.errors import InputError
from clc_text.text.datasets.files import Files
from clc_text.text.datasets.guess import Guessed, guess_columns
from clc_text.text.datasets.hub import Hub
from clc_text.utils.files import expanded

CANARIES, MOST_CANARIES = 0.02, 0.1  # shares of the rows
ENOUGH = 32  # canaries, for the audit to measure by (it asks for 30, and of a class of few rows none is flipped)

# A dataset of the Hub, as `huggingface_hub` and pandas write it; what makes a path of it takes a stroke away. A bare
# ``owner/name`` may be a mistyped path, and nothing is asked of the network for that.
_HUB = re.compile(r"hf:/{1,2}datasets/([^/]+(?:/[^/]+)?)/?")


def hub_id(train: str) -> str | None:
    """The id of a dataset that is named as one of the Hub; None where it is a file or a folder."""
    found = _HUB.fullmatch(train)
    return None if found is None else found[1]


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
        train: a file, a folder, or ``hf://datasets/OWNER/NAME``.
        overrides, votes, annotator: see `files_of`.
    """
    if (identity := hub_id(train)) is not None:
        return _columns_of_hub(identity, overrides, text, label, ids, votes, annotator)
    if re.fullmatch(r"[\w-]+/[\w-]+", train) and not Path(train).exists():
        raise InputError(
            f"data.train: '{train}' does not exist; check the path, or write hf://datasets/{train} for a dataset of "
            "the Hub",
            where=train,
            key="data.train",
        )
    return guess_columns(files_of(train, overrides, votes, annotator), text, label, ids)


def _columns_of_hub(
    identity: str,
    overrides: Sequence[str],
    text: str | None,
    label: str | Sequence[str] | None,
    ids: str | None,
    votes: str | None,
    annotator: str | None,
) -> Guessed:
    if votes is not None:
        raise InputError("--votes goes with a file, whose rows it names; the Hub's dataset has none", key="--votes")
    of_data = [one for one in overrides if one.startswith("data.")]
    hub = loads(f"data: {{name: hub, id: {_quoted(identity)}}}", f"--set of {identity}", of_data).data
    if not isinstance(hub, Hub) or hub.id != identity:
        raise InputError(f"the table is {identity}, and --set names other data", where=identity, key="--set")
    columns = {field.name: getattr(hub, field.name) for field in fields(NamedColumns)}
    files = Files(train=identity, **columns | {"annotator": annotator or hub.annotator})
    found = guess_columns(files, text, label, ids or hub.id_column, hub.train_rows())
    own = {field.name: field.default for field in fields(Hub) if field.name not in (*columns, "id")}
    return replace(
        found, reading=found.reading | {name: getattr(hub, name) for name in own if getattr(hub, name) != own[name]}
    )


def recipe_text(train: str, guessed: Guessed, ids: str | None = None, name: str | None = None) -> str:
    """A recipe with its comments; `loads` reads it.

    Args:
        train: the table, as in `columns_of`.
        guessed: its columns.
        ids: the column that names a row; None: it is guessed.
        name: of the run; None: that of the file.
    """
    identity = hub_id(train)
    data = {"name": "files", "train": train} if identity is None else {"name": "hub", "id": identity}
    data |= {"text": guessed.text} | ({} if guessed.label is None else {"label": guessed.label}) | guessed.reading
    data |= {} if not ids else {"id": ids} if identity is None else {"id_column": ids}
    written = ", ".join(f"{key}: {_quoted(value)}" for key, value in data.items())
    of_folds = {
        "fold_patience": enough_patience(guessed.rows),
        "fold_epoch_rows": enough_epoch_rows(guessed.rows),
    }
    folds = "".join(f", {key}: {value}" for key, value in of_folds.items() if value is not None)
    return "\n".join(
        [
            f"# {expanded(train).name}: every key with its meaning: clc-text recipe show THIS_FILE",
            f"name: {_quoted(name or run_name(train))}",
            f"data: {{{written}}}",
            "encoder: {name: auto}    # a sentence encoder where one is installed or cached, else TF-IDF of all words",
            f"method: {{name: clc_auto{folds}}} # needs no noise rate",
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
