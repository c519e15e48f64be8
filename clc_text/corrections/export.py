"""The rows worth a look first, as files that people answer in a table, in Argilla or in Label Studio."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from clc_text.corrections.exported_images import Draw, are_images, written_beside
from clc_text.corrections.spreadsheet import harmless_row
from clc_text.corrections.state import PERSON, State
from clc_text.corrections.store import Corrected
from clc_text.errors import InputError, nearest
from clc_text.files import write_text, written_aside

QUESTION = "label"  # what both tools call the question, and its answers

Row = dict[str, Any]
"""``row`` (from 0), ``text`` (or ``image``, the path of its file), ``given``, ``current`` and ``suggested`` (class
names), ``confidence``, ``doubt``, ``run_id``."""


def export(corrected: Corrected, out: Path, k: int, format: str, draw: Draw) -> int:
    """Writes the k most doubtful rows that no person has answered yet; gives their number.

    Args:
        draw: writes an image, where the rows are images.

    Raises:
        InputError: the format is not known, `k` is not positive, or the rows are no texts.
    """
    if format not in FORMATS:
        raise InputError(f"there is no export format '{format}'{nearest(format, FORMATS)}")
    if k < 1:
        raise InputError(f"--k is {k}; give at least 1")
    chosen = first_to_look_at(corrected.state(), k)
    inputs = corrected.inputs(chosen)
    if not are_images(inputs):
        rows = described(corrected, chosen, "text", inputs)
    elif format == "csv":
        rows = described(corrected, chosen, "image", written_beside(inputs, chosen, out, draw))
    else:
        raise InputError(f"the format {format} shows texts only, and {corrected.path} has images; use --format csv")
    FORMATS[format](rows, corrected.facts["label_names"], out)
    return len(rows)


def described(corrected: Corrected, chosen: np.ndarray, kind: str, shown: Sequence[Any]) -> list[Row]:
    """The chosen rows; `shown` are their texts, or whatever `kind` says."""
    strange = next((row for row, value in zip(chosen, shown, strict=True) if not isinstance(value, str)), None)
    if strange is not None:
        raise InputError(
            f"row {strange} of {corrected.path} is neither text nor image; sort the dataset by its column `rank` "
            "instead"
        )
    state = corrected.state()
    names = corrected.facts["label_names"]
    return [
        {
            "row": int(row),
            kind: value,
            "given": names[state.given[row]],
            "current": names[state.label[row]],
            "suggested": names[state.suggested[row]],
            "confidence": round(float(state.confidence[row]), 4),
            "doubt": round(float(state.doubt[row]), 4),
            "run_id": corrected.facts["run_id"],
        }
        for row, value in zip(chosen, shown, strict=True)
    ]


def first_to_look_at(state: State, k: int) -> np.ndarray:
    """int64 [<= k], the rows whose given label is most probably wrong, changed ones among them, and that no person has
    answered."""
    open_rows = np.flatnonzero(state.source != PERSON)
    return open_rows[np.argsort(state.rank[open_rows], kind="stable")[:k]]


def _csv(rows: Sequence[Row], names: list[str], out: Path) -> None:
    """A table with an empty column `answer`; a person writes a class name there, or leaves it empty."""
    kind = "image" if rows and "image" in rows[0] else "text"
    columns = ["row", kind, "given", "current", "suggested", "confidence", "doubt", "run_id", "answer"]
    with written_aside(out) as aside, open(aside, "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, restval="")
        writer.writeheader()
        writer.writerows(map(harmless_row, rows))


def _argilla(rows: Sequence[Row], names: list[str], out: Path) -> None:
    """Records as `argilla.Dataset.records.from_json` reads them, and beside them the dataset's settings.

    Format: Argilla 2, `Record.from_dict` and `Settings.from_json`.
    """
    records = [
        {
            "id": str(row["row"]),
            "fields": {"text": row["text"]},
            "metadata": {key: row[key] for key in ("row", "given", "current", "confidence", "doubt", "run_id")},
            "suggestions": {
                QUESTION: {"value": row["suggested"], "score": row["confidence"], "agent": f"clc-text:{row['run_id']}"}
            },
            "responses": {},
            "vectors": {},
        }
        for row in rows
    ]
    write_text(out, json.dumps(records, ensure_ascii=False, indent=1) + "\n")
    options = [{"value": name, "text": name, "description": None} for name in names]
    settings = {
        "guidelines": "Which class does the text belong to? The suggestion is a model's.",
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "fields": [{"name": "text", "title": "text", "required": True, "settings": {"type": "text"}}],
        "questions": [
            {
                "name": QUESTION,
                "title": QUESTION,
                "required": True,
                "settings": {"type": "label_selection", "options": options},
            }
        ],
        "metadata": [],
        "vectors": [],
    }
    write_text(out.with_suffix(".settings.json"), json.dumps(settings, ensure_ascii=False, indent=1) + "\n")


def _label_studio(rows: Sequence[Row], names: list[str], out: Path) -> None:
    """Tasks with predictions as Label Studio imports them, and beside them the project's labelling configuration.

    Format: https://labelstud.io/guide/predictions, tag `Choices`.
    """
    shown = ("text", "row", "given", "current", "suggested", "confidence", "doubt", "run_id")
    tasks = [
        {
            "data": {key: row[key] for key in shown},
            "predictions": [
                {
                    "model_version": f"clc-text {row['run_id']}",
                    "score": row["confidence"],
                    "result": [
                        {
                            "id": f"row{row['row']}",
                            "from_name": QUESTION,
                            "to_name": "text",
                            "type": "choices",
                            "value": {"choices": [row["suggested"]]},
                        }
                    ],
                }
            ],
        }
        for row in rows
    ]
    write_text(out, json.dumps(tasks, ensure_ascii=False, indent=1) + "\n")
    choices = "\n".join(f"    <Choice value={quoteattr(name)}/>" for name in names)
    config = (
        "<View>\n"
        '  <Text name="text" value="$text"/>\n'
        f'  <Choices name="{QUESTION}" toName="text" choice="single" showInLine="true">\n{choices}\n  </Choices>\n'
        "</View>\n"
    )
    write_text(out.with_suffix(".config.xml"), config)


def file_for(corrected: Corrected, format: str) -> Path:
    """Where an export goes unless it is told otherwise."""
    return corrected.run.file("look_first" + SUFFIXES.get(format, ""))


def how_to_answer(format: str, out: Path) -> str:
    """What a person does with the file."""
    return {
        "csv": "write a class into the column `answer`; leave it empty where you do not know",
        "argilla": (
            "in Argilla: "
            f"rg.Dataset(name=..., settings=rg.Settings.from_json('{out.with_suffix('.settings.json')}')), create it, "
            f"dataset.records.from_json('{out}'); afterwards "
            "dataset.records(with_responses=True).to_datasets().to_json('answers.jsonl')"
        ),
        "label-studio": (
            f"in Label Studio: a project with the labelling configuration {out.with_suffix('.config.xml')}, import "
            f"{out}; afterwards export JSON, JSON-MIN or CSV"
        ),
    }[format]


FORMATS: dict[str, Callable[[Sequence[Row], list[str], Path], None]] = {
    "csv": _csv,
    "argilla": _argilla,
    "label-studio": _label_studio,
}
SUFFIXES = {"csv": ".csv", "argilla": ".json", "label-studio": ".json"}
