"""The formats in which people answer: a table, Argilla's records and Label Studio's tasks."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from clc_text.utils.files import write_text, written_aside
from clc_text.utils.spreadsheet import harmless, harmless_row

QUESTION = "label"  # what both tools call the question, and its answers

Row = dict[str, Any]
"""``row`` (the run's number, from 0), where known ``source_id`` and ``source_row`` (its number in the file), ``text``
(or ``image``, the path of its file), with several labels a row ``votes`` (who said what), ``given``, ``suggested`` and
``current`` (class names), ``doubt`` (probability that the given label is wrong), ``confidence`` (that of the suggested
class), ``changed``, ``copies``, how the row was chosen (``why``, ``inclusion``, ``asked``:
`clc_text.corrections.asking.asked`), ``run_id``."""


def _csv(rows: Sequence[Row], names: list[str], out: Path) -> None:
    """A table with an empty column `answer`; a person writes a class name there, or leaves it empty."""
    columns = [*(map(harmless, rows[0]) if rows else ("row", "text", "given", "suggested")), "answer"]
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
            "metadata": {key: value for key, value in row.items() if key not in ("text", "suggested")},
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
    tasks = [
        {
            "data": row,
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
