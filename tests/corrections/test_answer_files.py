"""Answers as label tools really export them, and what becomes of rows that are answered in several ways."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import openpyxl
import pytest
from refusals import refused

from clc_text.corrections.answer_files import Answer, read_answers
from clc_text.corrections.state import PERSON
from clc_text.corrections.store import Corrected
from clc_text.errors import InputError

Command = Callable[..., str]


def written(folder: Path, value: Any, name: str = "answers.json") -> Path:
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def pairs(answers: list[Answer]) -> list[tuple[Any, ...]]:
    return [(int(answer.row), *answer.labels) for answer in answers]


# ---- Argilla 2 ----


def flat(row: int, *responses: tuple[str, str], question: str = "label") -> dict[str, Any]:
    """A record of `to_list(flatten=True)`, and of `to_datasets()`; keys without a response are None there."""
    given: dict[str, Any] = {"id": str(row), "_server_id": "s", "text": "a", "row": row, "run_id": None}
    name = f"{question}.responses"
    values, statuses = [value for value, _ in responses], [status for _, status in responses]
    if responses:
        return given | {name: values, f"{name}.users": ["u"] * len(values), f"{name}.status": statuses}
    return given | {name: None, f"{name}.users": None, f"{name}.status": None}


RECORDS = [
    flat(3, ("NUM", "submitted")),
    flat(4, ("LOC", "draft"), ("HUM", "submitted")),
    flat(5, ("LOC", "discarded")),
    flat(6),
]


def as_lines(folder: Path) -> Path:
    return written(folder, "".join(json.dumps(record) + "\n" for record in RECORDS), "a.jsonl")


def as_columns(folder: Path) -> Path:
    """`to_dict(flatten=True)`."""
    return written(folder, {name: [record[name] for record in RECORDS] for name in RECORDS[0]})


def by_id(folder: Path) -> Path:
    """`to_dict(flatten=True, orient="index")`."""
    return written(folder, {record["id"]: record for record in RECORDS})


def as_parquet(folder: Path) -> Path:
    datasets.Dataset.from_list(RECORDS).to_parquet(folder / "a.parquet")
    return folder / "a.parquet"


def as_folder(folder: Path) -> Path:
    datasets.Dataset.from_list(RECORDS).save_to_disk(folder / "saved")
    return folder / "saved"


def from_the_server(folder: Path) -> Path:
    def record(row: int, *responses: tuple[str, str]) -> dict[str, Any]:
        given = [{"values": {"label": {"value": value}}, "status": status} for value, status in responses]
        return {"id": str(row), "fields": {"text": "a"}, "metadata": {"row": row}, "responses": given}

    return written(
        folder,
        [
            record(3, ("NUM", "submitted")),
            record(4, ("LOC", "draft"), ("HUM", "submitted")),
            record(5, ("A", "draft")),
        ],
    )


@pytest.mark.parametrize(
    "write", [as_lines, as_columns, by_id, as_parquet, as_folder, from_the_server, lambda f: written(f, RECORDS)]
)
def test_only_what_was_submitted_is_an_answer(write: Callable[[Path], Path], tmp_path: Path) -> None:
    assert pairs(read_answers(write(tmp_path))) == [(3, "NUM"), (4, "HUM")]


def test_an_export_that_is_silent_on_the_status_is_asked_for_again(tmp_path: Path) -> None:
    record = {"id": "3", "fields": {}, "metadata": {}, "responses": {"label": [{"value": "NUM", "user_id": "u"}]}}
    with pytest.raises(InputError, match=r"entry 1: .* does not say which answers were submitted.*to_datasets\(\)"):
        read_answers(written(tmp_path, [record]))
    old = {"id": "3", "label.responses": ["NUM"], "label.responses.users": ["u"]}
    with refused(where=f"{tmp_path / 'answers.json'}, entry 1"):
        read_answers(written(tmp_path, [old]))
    with refused(where=tmp_path / "answers.json"):
        read_answers(written(tmp_path, [flat(5, ("NUM", "draft"))]))


def test_several_questions(tmp_path: Path) -> None:
    two = [flat(3, ("NUM", "submitted"), question="topic") | flat(3, ("angry", "submitted"), question="mood")]
    with refused(where=tmp_path / "answers.json", key="--question"):
        read_answers(written(tmp_path, two))
    assert pairs(read_answers(written(tmp_path, two), "mood")) == [(3, "angry")]
    with refused(where=tmp_path / "answers.json", key="moot"):
        read_answers(written(tmp_path, two), "moot")
    assert pairs(read_answers(written(tmp_path, [flat(3, ("NUM", "submitted"), question="topic")]))) == [(3, "NUM")]


# ---- Label Studio ----


def chosen(*choices: str, name: str = "label", **more: Any) -> dict[str, Any]:
    value = {"choices": list(choices), **more}
    return {"id": "x", "type": "choices", "from_name": name, "to_name": "text", "value": value}


def task(row: int, *annotations: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": 90 + row,
        "data": {"row": row, "text": "a"},
        "predictions": [],
        **more,
        "annotations": [*annotations],
    }


def by(who: Any, *results: Any, **more: Any) -> dict[str, Any]:
    return {"id": 1, "completed_by": who, "was_cancelled": False, "result": list(results), **more}


RELATION = {"type": "relation", "from_id": "x", "to_id": "y", "direction": "right"}
SPAN = {"id": "y", "type": "labels", "from_name": "spans", "value": {"start": 0, "end": 3, "labels": ["Person"]}}


def test_what_stands_beside_the_choice_is_no_answer(tmp_path: Path) -> None:
    part = chosen("NUM", name="label", start=0, end=3, text="abc")
    tasks = [
        task(1, by(5, RELATION, SPAN, part, chosen("LOC"), chosen("angry", name="mood"))),
        task(2) | {"annotations": None},
        task(3, by(5, chosen("NUM"), was_cancelled=True)),
        task(4, by(5) | {"result": None}, drafts=[by(5, chosen("NUM"))]),
        {"id": 7, "data": {"row": 5, "text": "a"}, "predictions": [{"result": [chosen("NUM")]}]},
        {"id": 8, "data": {"row": 6}, "completions": [by(5, chosen("HUM")), by(6, chosen("LOC"), skipped=True)]},
    ]
    assert pairs(read_answers(written(tmp_path, tasks))) == [(1, "LOC"), (6, "HUM")]
    with refused(where=tmp_path / "answers.json"):
        read_answers(written(tmp_path, tasks[2:4]))


def test_another_controls_name(tmp_path: Path) -> None:
    tasks = [task(1, by(5, chosen("LOC", name="topic")))]
    assert pairs(read_answers(written(tmp_path, tasks))) == [(1, "LOC")]
    its = {"annotator": 1, "annotation_id": 4, "created_at": "t", "updated_at": "t", "lead_time": 3.1, "id": 2}
    small = [{"row": 1, "text": "a", "topic": "LOC", **its}]
    assert pairs(read_answers(written(tmp_path, small))) == [(1, "LOC")]
    table = "id,row,text,topic,annotator,annotation_id,lead_time\n2,1,a,LOC,1,4,3.1\n3,2,b,,1,5,3.1\n"
    assert pairs(read_answers(written(tmp_path, table, "a.csv"))) == [(1, "LOC")]
    with refused(where=tmp_path / "answers.json", key="--question"):
        read_answers(written(tmp_path, [small[0] | {"mood": "angry"}]))


@pytest.mark.parametrize(
    "value",
    ['{"choices": ["LOC", "NUM"]}', {"choices": ["LOC", "NUM"]}, [{"choices": ["LOC", "NUM"]}], ["LOC", "NUM"]],
)
def test_several_choices_are_seen_in_every_form(value: Any, tmp_path: Path) -> None:
    assert pairs(read_answers(written(tmp_path, [{"row": 1, "label": value}]))) == [(1, "LOC", "NUM")]


# ---- people who disagree ----


def test_disagreements(corrected: Corrected, clc_text: Command, refused: Command, tmp_path: Path) -> None:
    run = corrected.run.path
    tasks = [
        task(1, by(5, chosen("NUM")), by({"id": 6, "email": "b@c"}, chosen("LOC")), by(7, chosen("LOC"))),
        task(2, by(5, chosen("NUM")), by(6, chosen("HUM"))),
        task(3, by(5, chosen("NUM")), by(6, chosen("NUM"))),
        task(4, by(5, chosen("NUM", "LOC"))),
    ]
    path = written(tmp_path, tasks[:3])
    said = refused("apply", run, path)
    assert "2 rows are answered in several ways: row 1 ('NUM' in entry 1 by 5, 'LOC' in entry 1 by b@c, " in said
    assert "row 2 ('NUM' in entry 2 by 5, 'HUM' in entry 2 by 6); keep one" in said
    assert "give --on-disagreement majority or skip" in said
    assert Corrected(corrected.run).facts["step"] == 1
    assert "there is no" not in said and "'vote'" in refused("apply", run, path, "--on-disagreement", "vote")

    given = Corrected(corrected.run).state()
    assert clc_text("apply", run, written(tmp_path, tasks), "--on-disagreement", "skip").startswith("1 answer:")
    after = Corrected(corrected.run)
    assert [int(row) for row in (after.state().source == PERSON).nonzero()[0]] == [3]
    assert after.state().label[1] == given.label[1]
    clc_text("apply", run, written(tmp_path, tasks), "--on-disagreement", "majority")
    after = Corrected(corrected.run)
    assert [int(row) for row in (after.state().source == PERSON).nonzero()[0]] == [1, 3]
    assert after.facts["label_names"][after.state().label[1]] == "LOC"
    step = after.history()[-1]["arguments"]
    assert (step["disagreed"], step["left_out"], step["on_disagreement"]) == (3, 2, "majority")
    assert "no answer that people agree on" in refused(
        "apply", run, written(tmp_path, tasks[1:2]), "--on-disagreement", "majority"
    )


def test_a_message_does_not_grow_with_the_answers(corrected: Corrected, refused: Command, tmp_path: Path) -> None:
    many = [task(row, by(5, chosen("NUM")), by(6, chosen("HUM"))) for row in range(400)]
    said = refused("apply", corrected.run.path, written(tmp_path, many))
    assert "400 rows are answered" in said and "and 390 more" in said and len(said) < 2_000
    for row in ({"row": 1, "label": "x" * 100_000}, {"row": "1" * 100_000, "label": "NUM"}, {"x" * 100_000: 1}):
        assert len(refused("apply", corrected.run.path, written(tmp_path, [row]))) < 1_000


# ---- tables ----


def test_answers_in_other_encodings(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("row;answer\n1;caf\u00e9\n".encode("cp1252"))
    with refused(where=path, key="--encoding", says="byte 16"):
        read_answers(path)
    assert pairs(read_answers(path, encoding="cp1252")) == [(1, "caf\u00e9")]
    path.write_bytes(gzip.compress(b"sep=;\nrow;answer\n1;a,b\n"))
    assert pairs(read_answers(path)) == [(1, "a,b")]
    with refused(key="cp12525"):
        read_answers(path, encoding="cp12525")


def test_a_workbook_of_answers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["row", "answer"], [1, "LOC"], [2, None], [3, 7], [4, "=1+1"]):
        book.active.append(row)
    path = tmp_path / "answers.xlsx"
    book.save(path)
    with refused(where=path, key="answer", row=5):
        read_answers(path)
    book.active.delete_rows(5)
    book.save(path)
    assert pairs(read_answers(path)) == [(1, "LOC"), (3, 7)]
    path.write_bytes(path.read_bytes()[:500])
    with refused(where=path):
        read_answers(path)
    path.write_bytes(b"\xd0\xcf\x11\xe0" + b"0" * 100)
    with refused(where=path) as caught:
        read_answers(path)
    assert ".xls" in str(caught.value)
