"""Rows out to people and their answers back: as a table, through Argilla and through Label Studio."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from PIL import Image
from refusals import refused
from synthetic_run import NAMES, Made, corrected_of, make_run

from clc_text.corrections.answers import apply_answers
from clc_text.corrections.export import export
from clc_text.corrections.log import Step
from clc_text.corrections.state import PERSON
from clc_text.corrections.store import Corrected
from clc_text.errors import InputError
from clc_text.vision.png import write_png

Command = Callable[..., str]


def answered_csv(path: Path, answer: Callable[[dict[str, str]], str]) -> None:
    """What a person does in a spreadsheet."""
    with open(path, encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    with open(path, "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | {"answer": answer(row)} for row in rows)


def answered_argilla(path: Path, answer: Callable[[dict[str, Any]], str]) -> None:
    """What `dataset.records(with_responses=True).to_datasets().to_json` writes; what is left open was discarded."""
    flat = []
    for record in json.loads(path.read_text(encoding="utf-8")):
        suggested = record["suggestions"]["label"]["value"]
        value = answer(record["metadata"] | {"suggested": suggested})
        responses = {
            "label.responses": [value or suggested],
            "label.responses.users": ["u"],
            "label.responses.status": ["submitted" if value else "discarded"],
        }
        more = {"_server_id": "s", "label.suggestion": suggested, "label.suggestion.score": None}
        flat.append({"id": record["id"], **more, **record["fields"], **record["metadata"], **responses})
    path.write_text("".join(json.dumps(record) + "\n" for record in flat), encoding="utf-8")


def answered_label_studio(path: Path, answer: Callable[[dict[str, Any]], str]) -> None:
    """What Label Studio exports as JSON; a task that was skipped is cancelled."""
    tasks = json.loads(path.read_text(encoding="utf-8"))
    for task in tasks:
        value = answer(task["data"])
        result = [{"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [value]}}]
        task["annotations"] = [{"was_cancelled": not value, "result": result}]
    path.write_text(json.dumps(tasks), encoding="utf-8")


def answered_label_studio_min(path: Path, answer: Callable[[dict[str, Any]], str]) -> None:
    """What Label Studio exports as JSON-MIN: the data, and the choice under the question's name."""
    tasks = [task["data"] for task in json.loads(path.read_text(encoding="utf-8"))]
    minimal = [task | ({"label": answer(task)} if answer(task) else {}) for task in tasks]
    path.write_text(json.dumps(minimal), encoding="utf-8")


def answered_xlsx(path: Path, answer: Callable[[dict[str, str]], str]) -> None:
    """The table opened in Excel and saved as a workbook: numbers are numbers there."""
    with open(path, encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    book = openpyxl.Workbook()
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append(list((row | {"row": int(row["row"]), "answer": answer(row) or None}).values()))
    book.save(path)


def answered_parquet(path: Path, answer: Callable[[dict[str, str]], str]) -> None:
    with open(path, encoding="utf-8", newline="") as handle:
        rows = [row | {"row": int(row["row"]), "answer": answer(row) or None} for row in csv.DictReader(handle)]
    parquet.write_table(pa.Table.from_pylist(rows), path)


def answered_utf16(path: Path, answer: Callable[[dict[str, str]], str]) -> None:
    """What Excel calls Unicode text."""
    answered_csv(path, answer)
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-16")


@pytest.mark.parametrize(
    ("format", "people"),
    [
        ("csv", answered_csv), ("argilla", answered_argilla), ("label-studio", answered_label_studio),
        ("label-studio", answered_label_studio_min), ("csv", answered_xlsx), ("csv", answered_parquet),
        ("csv", answered_utf16),
    ],
)  # fmt: skip
def test_there_and_back(made: Made, clc_text: Command, tmp_path: Path, format: str, people: Any) -> None:
    """Every third row is left open, every third confirmed, every third corrected."""
    before = corrected_of(made).state()
    run, file = made.run.path, tmp_path / "rows.x"
    assert "20 rows in" in clc_text("export", run, "--k", 20, "--format", format, "--out", file)
    asked = np.argsort(before.rank, kind="stable")[:20]
    places = {int(row): place for place, row in enumerate(asked)}

    def answer(row: dict[str, Any]) -> str:
        place = places[int(row["row"])]
        other = NAMES[(NAMES.index(row["given"]) + 1) % 6]
        return ("", row["given"], other)[place % 3]

    people(file, answer)
    said = clc_text("apply", run, file)
    assert said.splitlines()[0] == "13 answers: 7 confirm the given label, 6 correct it"
    after = Corrected(made.run).state()
    for row in range(400):
        kind = places[row] % 3 if row in places else 0
        if kind == 0:
            assert (after.label[row], after.source[row]) == (before.label[row], before.source[row])
        else:
            assert after.source[row] == PERSON
            assert after.label[row] == (before.given[row] if kind == 1 else (before.given[row] + 1) % 6)
    # What has been answered is not asked again.
    clc_text("export", run, "--k", 400, "--out", tmp_path / "more.csv")
    with open(tmp_path / "more.csv", encoding="utf-8", newline="") as handle:
        more = [int(row["row"]) for row in csv.DictReader(handle)]
    assert more == [row for row in np.argsort(after.rank, kind="stable").tolist() if after.source[row] != PERSON]
    assert len(more) == 400 - 13


def test_what_is_exported_is_true_of_the_row(corrected: Corrected, clc_text: Command, tmp_path: Path) -> None:
    clc_text("export", corrected.run.path, "--k", 30, "--out", tmp_path / "rows.csv")
    state, texts = corrected.state(), corrected.run.data()["text"]
    with open(tmp_path / "rows.csv", encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    for row in rows:
        at = int(row["row"])
        assert row["text"] == texts[at]
        assert [row["given"], row["current"], row["suggested"]] == [
            NAMES[labels[at]] for labels in (state.given, state.label, state.suggested)
        ]
        assert float(row["confidence"]) == pytest.approx(state.confidence[at], abs=1e-4)
        assert float(row["doubt"]) == pytest.approx(state.doubt[at], abs=1e-4)
        assert (row["run_id"], row["answer"]) == (corrected.run.run_id, "")
    doubts = [float(row["doubt"]) for row in rows]
    assert doubts == sorted(doubts, reverse=True)
    assert doubts[-1] >= np.delete(state.doubt, [int(row["row"]) for row in rows]).max() - 1e-4


def test_hostile_texts_and_names_survive(tmp_path: Path, clc_text: Command) -> None:
    names = ['a"b', "x,y", "<b>", " ä\n", "e f", "=1+1"]
    made = make_run(tmp_path / "run", names=names)
    corrected_of(made)
    clc_text("export", made.run.path, "--format", "label-studio", "--out", tmp_path / "tasks.json")
    config = ElementTree.parse(tmp_path / "tasks.config.xml")
    assert [choice.get("value") for choice in config.iter("Choice")] == names
    clc_text("export", made.run.path, "--format", "argilla", "--out", tmp_path / "records.json")
    settings = json.loads((tmp_path / "records.settings.json").read_text(encoding="utf-8"))
    assert [option["value"] for option in settings["questions"][0]["settings"]["options"]] == names
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps([{"row": row, "label": name} for row, name in enumerate(names)]))
    clc_text("apply", made.run.path, answers)
    assert Corrected(made.run).state().label[:6].tolist() == [0, 1, 2, 3, 4, 5]


def test_a_changed_mind_and_a_confirmation(corrected: Corrected, clc_text: Command, tmp_path: Path) -> None:
    answers = tmp_path / "answers.csv"
    given = NAMES[corrected.state().given[5]]
    other = NAMES[(corrected.state().given[5] + 1) % 6]
    answers.write_text(f"row;answer\n5;{other}\n5.0;{other}\n", encoding="utf-8-sig")  # as a spreadsheet saves it
    assert clc_text("apply", corrected.run.path, answers).startswith("1 answer: 0 confirm")
    answers.write_text(f"row\tanswer\n5\t{given}\n")
    assert "1 replaces an earlier answer" in clc_text("apply", corrected.run.path, answers)
    assert Corrected(corrected.run).facts["labels"]["person"] == 1


RUN = "0123456789abcdef"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no file"),
        (b"", "is empty"),
        (b"\xff\xfe", "is not UTF-8 (byte 0); save it as UTF-8"),
        (b"row,answer\n1,NUMB\n", "line 2: there is no class 'NUMB'; did you mean 'NUM'?"),
        (b"row,answer\n1,num\n", "line 2: there is no class 'num'; did you mean 'NUM'?"),
        (
            b"row,answer\n1,person\n",
            "line 2: there is no class 'person'; known: ABBR, DESC, ENTY, HUM, LOC, NUM; leave",
        ),
        (b"row,answer\n400,NUM\n", "line 2: there is no row '400'; rows are 0 to 399"),
        (b"row,answer\n-1,NUM\n", "line 2: there is no row '-1'"),
        (b"row,answer\n1.5,NUM\n", "line 2: there is no row '1.5'"),
        (b"row,answer\n1,NUM\n2,LOC\n1,LOC\n", "line 4: row 1 is answered 'LOC' here and 'NUM' in line 2; keep one"),
        (b"row,answer\n1,\n2,  \n", "holds no answer: every one is empty"),
        (b"row,answer\n", "holds no answer"),
        (
            b"id,answer\n1,NUM\n",
            "has the columns 'id', 'answer'; it needs one of 'row', 'source_id', 'source_row', and one "
            "of 'answer', 'label', 'choice'",
        ),
        (b"row,answer,run_id\n1,NUM,ffff\n", f"line 2: this answer belongs to run ffff, not to {RUN}; apply it there"),
        (b'row,answer\n1,"NUM\n', "line 2: not readable as CSV: a quote opens in the row that begins here"),
        (b'sep=,\nrow,answer\n1,\n2,"NUM"x\n3,LOC\n', "line 4: not readable as CSV: in the row that begins here"),
        (b'{"row": 1}\n{"row": 2 "answer": 3}\n', 'line 2: not readable JSON: after {"row": 2 a comma or the closing'),
        (b"[1", "is not readable JSON"),
        (b"[1]", "entry 1: expected an object of keys and values, got 1"),
        (b'[{"a": 1}]', "entry 1: neither a record of Argilla nor a task of Label Studio"),
        (b'[{"data": {}, "annotations": [{"result": 3}]}]', "entry 1: neither a record"),
        (b"[]", "holds no answer"),
        (
            b'[{"id": "true", "label.responses": ["NUM"], "label.responses.status": ["submitted"]}]',
            "there is no row 'true'",
        ),
        (b'[{"id": 1, "fields": {}, "responses": {"label": [{"value": null}]}}]', "holds no answer"),
        (b'[{"row": true, "label": "NUM"}]', "there is no row 'True'"),
        (b'[{"row": 1, "label": ["NUM", "LOC"]}]', "entry 1: 2 classes are chosen (NUM, LOC); choose one"),
        (b"[" * 100_000, "is not readable JSON"),
    ],
    ids=range(27),
)
def test_what_is_no_answer(
    corrected: Corrected, refused: Command, tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "answers"
    if content is not None:
        path.write_bytes(content)
    assert said in refused("apply", corrected.run.path, path)
    assert Corrected(corrected.run).facts["step"] == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--k", "0"], "--k is 0; give at least 1"),
        (["--format", "labelstudio"], "there is no export format 'labelstudio'; did you mean 'label-studio'?"),
        (["--format", "xml"], "there is no export format 'xml'; known: argilla, csv, dataset, label-studio, table"),
        (["--out", "rows.parquet"], "rows.parquet: --format csv writes .csv"),
        (["--out", "rows.CSV", "--format", "argilla"], "rows.CSV: --format argilla writes .json"),
    ],
)
def test_what_cannot_be_exported(
    corrected: Corrected, refused: Command, options: list[str], said: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert said in refused("export", corrected.run.path, *options)
    assert not list(tmp_path.glob("rows*"))
    assert not list(corrected.run.path.glob("look_first*"))


def test_answers_that_were_not_taken_over_are_not_written_over(
    corrected: Corrected, clc_text: Command, refused: Command
) -> None:
    run, path = corrected.run.path, corrected.run.file("look_first.csv")
    clc_text("export", run, "--k", "5")
    clc_text("export", run, "--k", "4")  # nobody has answered yet
    answered_csv(path, lambda row: row["suggested"])
    before = path.read_bytes()
    assert "4 answers that were not taken over yet" in refused("export", run, "--k", "5")
    assert path.read_bytes() == before
    clc_text("export", run, "--out", run / "elsewhere.csv")
    clc_text("apply", run, path)
    clc_text("export", run, "--k", "5")
    with open(path, encoding="utf-8", newline="") as handle:
        assert not any(row["answer"] for row in csv.DictReader(handle))
    path.write_text("my own notes\n")
    assert "its answers cannot be taken over" in refused("export", run)
    assert path.read_text() == "my own notes\n"


def test_two_at_once_do_not_undo_each_other(corrected: Corrected, clc_text: Command, refused: Command) -> None:
    """The second has read the state before the first has written its own."""
    first, second = Corrected(corrected.run), Corrected(corrected.run)
    state = first.state()
    rows = np.arange(3)
    first.write(state.with_labels(rows, np.zeros(3, np.int32), PERSON), Step("apply", {}))
    with pytest.raises(InputError, match=r"was changed by another command in the meantime \(it is at step 2\)"):
        second.write(state.with_labels(rows + 3, np.zeros(3, np.int32), PERSON), Step("apply", {}))
    now = Corrected(corrected.run)
    assert now.facts["step"] == 2 and len(now.history()) == 2
    assert np.flatnonzero(now.state().source == PERSON).tolist() == [0, 1, 2]


def test_a_text_longer_than_the_csv_module_likes(tmp_path: Path, clc_text: Command) -> None:
    made = make_run(tmp_path / "run", rows=60, more_columns={"text": [f"{row} " * 30_000 for row in range(60)]})
    corrected_of(made)
    clc_text("export", made.run.path, "--k", "3")
    answered_csv(made.run.file("look_first.csv"), lambda row: row["suggested"])
    assert "3 answers" in clc_text("apply", made.run.path, made.run.file("look_first.csv"))


def test_no_text_and_no_class_is_a_formula(tmp_path: Path, clc_text: Command) -> None:
    names = ["=1+1", "@b", "-3", "+ c", "'d", "e"]
    texts = [
        f"{start}{row * 0x9E3779B97F4A7C15 % 2**64:x}"
        for row in range(20)
        for start in ("=cmd|' /C calc'!A", "\tx", "fine")
    ]
    made = make_run(tmp_path / "run", rows=60, names=names, more_columns={"text": texts})
    corrected_of(made)
    run = made.run.path
    clc_text("export", run, "--k", "60")
    with open(made.run.file("look_first.csv"), encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert {row["text"] for row in rows} == {"'" * (text[0] in "=\t") + text for text in texts}
    shown = {row["suggested"] for row in rows} | {row["given"] for row in rows}
    assert shown == {"'=1+1", "'@b", "-3", "'+ c", "'d", "e"}
    answered_csv(made.run.file("look_first.csv"), lambda row: row["suggested"])
    clc_text("apply", run, made.run.file("look_first.csv"))
    state = Corrected(made.run).state()
    person = state.source == PERSON
    assert person.sum() == 60 and (state.label == state.suggested)[person].all()
    assert "=cmd" not in [line.split(",")[1][:4] for line in clc_text("diff", run, "--csv").splitlines()]


def test_a_class_with_other_line_ends_in_its_name(tmp_path: Path, clc_text: Command) -> None:
    names = ["line\u2028end", "next\x85line", "C", "D", "E", "F"]
    made = make_run(tmp_path / "run", names=names)
    corrected_of(made)
    clc_text("revert", made.run.path, "--class", names[0])
    assert len(Corrected(made.run).history()) == 2
    clc_text("audit", made.run.path)


def test_images_are_files_beside_the_table(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a row holds is drawn anew; what lies in a file of its own is named; the answers come back as for texts."""
    corrected = corrected_of(made)
    own, out = tmp_path / "pictures/own.png", tmp_path / "tables/look.csv"
    for folder in (own.parent, out.parent):
        folder.mkdir()
    Image.new("RGB", (2, 3), (9, 9, 9)).save(own)

    def inputs(self: Corrected, rows: np.ndarray) -> list[dict[str, Any]]:
        buffer = io.BytesIO()
        Image.new("RGB", (4, 5), (200, 10, 30)).save(buffer, "BMP")
        held = {"bytes": buffer.getvalue(), "path": "secret/x.bmp"}
        return [held if index else {"bytes": None, "path": str(own)} for index in range(len(rows))]

    monkeypatch.setattr(Corrected, "inputs", inputs)
    assert export(corrected, out, 3, "csv", write_png).rows == 3
    with open(out, newline="") as handle:
        rows = list(csv.DictReader(handle))
    names = [f"look_images/row-{int(row['row']):06d}.png" for row in rows]
    assert [row["image"] for row in rows] == ["../pictures/own.png", *names[1:]]
    with Image.open(out.parent / rows[0]["image"]) as picture:
        assert picture.size == (2, 3)
    for row in rows[1:]:
        with Image.open(out.parent / row["image"]) as picture:
            assert (picture.format, picture.size, picture.getpixel((0, 0))) == ("PNG", (4, 5), (200, 10, 30))
    with refused(where=corrected.path, key="--format"):
        export(corrected, tmp_path / "look.json", 3, "argilla", write_png)
    assert not (tmp_path / "look.json").exists()
    for row in rows:
        row["answer"] = NAMES[0]
    with open(out, "w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert apply_answers(corrected, out)["answers"] == 3
