"""How rows were chosen comes back with their answers, through every format, and is kept."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from refusals import refused
from synthetic_run import Made, corrected_of, make_run
from typer.testing import CliRunner

from clc_text.cli import app
from clc_text.corrections.asking.asked import Asked, before, read_asked, remember
from clc_text.errors import InputError

Command = Callable[..., str]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    found = make_run(tmp_path / "run", rows=120)
    corrected_of(found)
    return found


def command(*arguments: object) -> str:
    found = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert found.exit_code == 0, (found.output, found.exception)
    return found.output


def answered_csv(made: Made, path: Path) -> dict[int, tuple[str, float]]:
    """Answers every row of a table with its given label; what it says of each."""
    with open(path, encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    with open(path, "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | {"answer": row["given"]} for row in rows)
    return {int(row["row"]): (row["why"], float(row["inclusion"])) for row in rows}


def answered_argilla(made: Made, path: Path) -> dict[int, tuple[str, float]]:
    records = json.loads(path.read_text(encoding="utf-8"))
    for record in records:
        record["responses"] = {"label": [{"value": record["metadata"]["given"], "status": "submitted"}]}
    path.write_text(json.dumps(records), encoding="utf-8")
    return {entry["metadata"]["row"]: (entry["metadata"]["why"], entry["metadata"]["inclusion"]) for entry in records}


def answered_label_studio(made: Made, path: Path) -> dict[int, tuple[str, float]]:
    tasks = json.loads(path.read_text(encoding="utf-8"))
    for task in tasks:
        chosen: dict[str, Any] = {"from_name": "label", "value": {"choices": [task["data"]["given"]]}}
        task["annotations"] = [{"result": [chosen]}]
    path.write_text(json.dumps(tasks), encoding="utf-8")
    return {task["data"]["row"]: (task["data"]["why"], task["data"]["inclusion"]) for task in tasks}


FORMATS = {
    "csv": ("look_first.csv", answered_csv),
    "argilla": ("look_first.argilla.json", answered_argilla),
    "label-studio": ("look_first.label_studio.json", answered_label_studio),
}


@pytest.mark.parametrize("format", list(FORMATS))
def test_there_and_back(made: Made, format: str) -> None:
    name, answer = FORMATS[format]
    run = made.run.path
    said = command("next", run, "--k", 20, "--purpose", "both", "--format", format)
    assert "10 of them drawn at random" in said
    sent = answer(made, run / name)
    command("apply", run, run / name)
    kept = read_asked(run)
    assert {row: (one.why, one.inclusion) for row, one in kept.items()} == sent
    assert {one.asked for one in kept.values()} == {1} and {one.answered for one in kept.values()} == {2}
    assert sorted({why for why, _ in sent.values()}) == ["doubt", "random"]


def test_the_next_rows_are_others(made: Made) -> None:
    run = made.run.path
    command("next", run, "--k", 20)
    first = answered_csv(made, run / "look_first.csv")
    command("apply", run, run / "look_first.csv")
    command("next", run, "--k", 20)
    second = answered_csv(made, run / "look_first.csv")
    assert not first.keys() & second.keys()
    command("apply", run, run / "look_first.csv")
    assert {one.asked for one in read_asked(run).values()} == {1, 2}


def test_export_has_the_same_choices(made: Made) -> None:
    run = made.run.path
    command("next", run, "--k", 15, "--purpose", "estimate", "--out", run / "one.csv")
    command("export", run, "--k", 15, "--purpose", "estimate", "--out", run / "two.csv")
    assert (run / "one.csv").read_bytes() == (run / "two.csv").read_bytes()
    assert all(why == "random" for why, _ in answered_csv(made, run / "one.csv").values())
    command("export", run, "--k", 15, "--out", run / "three.csv")
    assert all(one == ("doubt", 1.0) for one in answered_csv(made, run / "three.csv").values())


@pytest.mark.parametrize(
    "changed", [{"why": "guess"}, {"inclusion": "2"}, {"inclusion": ""}, {"asked": "x"}, {"inclusion": "nan"}]
)
def test_a_changed_column_is_named(made: Made, changed: dict[str, str]) -> None:
    run = made.run.path
    command("next", run, "--k", 5)
    answered_csv(made, run / "look_first.csv")
    with open(run / "look_first.csv", encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    with open(run / "bad.csv", "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows([rows[0], rows[1] | changed])
    found = CliRunner().invoke(app, ["apply", str(run), str(run / "bad.csv")])
    assert isinstance(found.exception, InputError)
    assert f"line 3: how this row was chosen (why '{(rows[1] | changed)['why']}'" in str(found.exception)
    assert read_asked(run) == {}


def test_answers_without_the_columns_are_chosen_nobody_knows_how(made: Made) -> None:
    run = made.run.path
    (run / "plain.csv").write_text("row,answer\n3,ABBR\n", encoding="utf-8")
    command("apply", run, run / "plain.csv")
    assert read_asked(run) == {3: Asked(answered=2)}


def test_a_purpose_that_is_none_is_refused(made: Made) -> None:
    found = CliRunner().invoke(app, ["next", str(made.run.path), "--purpose", "estimat"])
    assert isinstance(found.exception, InputError) and "did you mean 'estimate'" in str(found.exception)


def test_the_first_draw_of_a_row_stays(tmp_path: Path) -> None:
    remember(tmp_path, {1: Asked("random", 0.1, 1, 2)})
    remember(tmp_path, {1: Asked(answered=5), 2: Asked("doubt", 1.0, 4, 5)})
    kept = read_asked(tmp_path)
    assert kept == {1: Asked("random", 0.1, 1, 2), 2: Asked("doubt", 1.0, 4, 5)}
    assert before(kept, 5) == {1: Asked("random", 0.1, -5, -4), 2: Asked("doubt", 1.0, -2, -1)}


def test_what_several_people_chose_is_kept_with_the_draw(tmp_path: Path) -> None:
    """Row 1 is answered by one, then by two; of row 2 they differ until it is drawn again."""
    remember(tmp_path, {1: Asked("random", 0.1, 1, 2), 2: Asked("random", 0.1, 1, again=(1, 1))})
    assert before(read_asked(tmp_path), 5)[2] == Asked("random", 0.1, -5, 0, (1, 1))
    remember(tmp_path, {1: Asked("random", 0.1, 1, 3, (2,)), 2: Asked("random", 0.2, 3, 4)})
    kept = {1: Asked("random", 0.1, 1, 2, (2,)), 2: Asked("random", 0.2, 3, 4, (1, 1))}
    assert read_asked(tmp_path) == kept
    remember(tmp_path, {row: Asked(answered=6) for row in kept})
    assert read_asked(tmp_path) == kept


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"row": 1}',
        '{"row": 1, "why": "random", "inclusion": 7, "asked": 1}',
        '{"row": 1, "answered": 2, "again": [1]}',
        '{"row": 1, "answered": 2, "again": [3, 0]}',
    ],
)
def test_a_damaged_file_is_told(tmp_path: Path, line: str) -> None:
    (tmp_path / "asked.jsonl").write_text(line + "\n", encoding="utf-8")
    with refused(where=tmp_path / "asked.jsonl"):
        read_asked(tmp_path)
