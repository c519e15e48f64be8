"""Ids, numbers of rows as the file counts them, and the corrected rows in the form of the file they came from."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from synthetic_run import Made, corrected_of, run_of

from clc_text.corrections.store import Corrected
from clc_text.text.datasets.files import Files
from clc_text.utils.spreadsheet import as_it_was

Command = Callable[..., str]
QUEUES = ["Kälte", "=Strom", "Wasser"]


def rows_of(count: int = 60) -> list[dict[str, Any]]:
    """Every seventh row has no label; texts with separators, quotes, line ends and formulas."""
    # Numbers that have nothing in common make them no copies of each other.
    texts = ["plain", 'with "quotes", and commas', "two\nlines", "=1+1", "ünï;code\ttab", "'=quoted"]
    return [
        {
            "ticket_id": f"{'=' if row == 4 else ''}T-{row:03d}",
            "message": f"{texts[row % 6]} {row * 0x9E3779B97F4A7C15 % 2**64:x}",
            "queue": "" if row % 7 == 3 else QUEUES[row % 3],
            "note": f"+{row} n",
        }
        for row in range(count)
    ]


def written(path: Path, rows: list[dict[str, Any]], encoding: str = "utf-8", separator: str = ",") -> Path:
    ending = path.name.split(".", 1)[1]
    opened: Any = gzip.open if ending.endswith(".gz") else open
    if ending == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
        return path
    with opened(path, "wt", encoding=encoding, newline="") as handle:
        if ending.startswith("json"):
            lines = [json.dumps(row, ensure_ascii=False) for row in rows]
            handle.write("\n".join(lines) + "\n" if ending.startswith("jsonl") else f"[{','.join(lines)}]")
        else:
            writer = csv.DictWriter(handle, list(rows[0]), delimiter=separator)
            writer.writeheader()
            writer.writerows(rows)
    return path


def read(path: Path, encoding: str = "utf-8", separator: str = ",") -> list[dict[str, Any]]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    text = content.decode(encoding)
    if ".jsonl" in path.name:
        return [json.loads(line) for line in text.splitlines()]
    if ".json" in path.name:
        return json.loads(text)
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))


def made_of(folder: Path, name: str, rows: list[dict[str, Any]], **options: Any) -> Made:
    encoding, separator = options.get("encoding", "utf-8"), options.get("separator", ",")
    path = written(folder / name, rows, encoding, "\t" if name.startswith("t.tsv") else separator)
    data = {"train": str(path), "text": "message", "label": "queue", "unlabelled": "drop", **options}
    return run_of(Files(**data).load(0), json.dumps({"name": "files", **data}), folder / "run")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("t.csv", {}), ("t.csv", {"encoding": "iso-8859-1", "separator": ";"}), ("t.tsv", {}), ("t.csv.gz", {}),
        ("t.jsonl", {}), ("t.json", {}), ("t.parquet", {}),
    ],
)  # fmt: skip
def test_the_table_is_the_file_with_other_labels(
    tmp_path: Path, clc_text: Command, name: str, options: dict[str, Any]
) -> None:
    rows = rows_of()
    made = made_of(tmp_path, name, rows, **options)
    said = clc_text("correct", made.run.path, "--policy", "agree")
    table = made.run.file("corrected") / "table" / name
    assert str(table) in said.replace("\n", "")
    how = (options.get("encoding", "utf-8"), "\t" if name == "t.tsv" else options.get("separator", ","))
    kept = [row for row in rows if row["queue"]]
    for _ in range(2):
        state = Corrected(made.run).state()
        names = Corrected(made.run).facts["label_names"]
        found = read(table, *how)
        assert list(found[0]) == ["ticket_id", "message", "queue", "queue_given", "note"]
        assert len(found) == len(kept)
        for place, (here, there) in enumerate(zip(found, kept, strict=True)):
            values = {key: as_it_was(value) for key, value in here.items()} if "sv" in name else dict(here)
            if "sv" in name:
                assert not any(value.startswith(("=", "+", "@")) for value in here.values())
            assert values.pop("queue_given") == there["queue"]
            assert values.pop("queue") == names[state.label[place]]
            assert values == {key: value for key, value in there.items() if key != "queue"}
        assert sum(row["queue"] != row["queue_given"] for row in found) == int(state.changed.sum())
        clc_text("revert", made.run.path, "--all")  # every step writes it anew
    assert state.changed.sum() == 0 < Corrected(made.run).state(1).changed.sum()
    # The loader reads it as it reads the file.
    data = {"train": str(table), "text": "message", "label": "queue", **options}
    assert Files(**data).load(0).given_labels.tolist() == made.labels.given.tolist()


def test_labels_that_are_numbers_stay_numbers(tmp_path: Path, clc_text: Command) -> None:
    for name in ("t.jsonl", "t.parquet"):
        rows = [{"message": f"text {row}", "queue": row % 3 * 10} for row in range(40)]
        (tmp_path / name[2:]).mkdir()
        made = made_of(tmp_path / name[2:], name, rows)
        corrected_of(made)
        found = read(made.run.file("corrected") / "table" / name)
        assert [row["queue_given"] for row in found] == [row["queue"] for row in rows]
        assert {type(row["queue"]) for row in found} == {int}


def test_a_table_where_it_is_wanted(tmp_path: Path, clc_text: Command, refused: Command) -> None:
    made = made_of(tmp_path, "t.csv", rows_of(), separator=";")
    corrected_of(made)
    run, source = made.run.path, (tmp_path / "t.csv").read_bytes()
    said = clc_text("export", run, "--format", "table")
    assert "51 rows in" in said and "9 rows without a label" in said and "cells of the corrected table" in said
    inside = (made.run.file("corrected") / "table" / "t.csv").read_text(encoding="utf-8")
    assert made.run.file("corrected.csv").read_text(encoding="utf-8") == inside
    assert "is there already" in refused("export", run, "--format", "table", "--out", tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes() == source
    clc_text("export", run, "--format", "table", "--out", tmp_path / "all.jsonl")
    assert "cells of" not in clc_text("export", run, "--format", "table", "--out", tmp_path / "all.json")
    assert [row["queue"] for row in read(tmp_path / "all.jsonl")] == [
        as_it_was(row["queue"]) for row in read(made.run.file("corrected.csv"), separator=";")
    ]
    assert "the name does not tell the format" in refused("export", run, "--format", "table", "--out", tmp_path / "x")


def test_a_table_that_was_corrected_once_can_be_again(tmp_path: Path, clc_text: Command) -> None:
    made = made_of(tmp_path, "t.csv", rows_of())
    corrected_of(made)
    (tmp_path / "two").mkdir()
    again = made_of(tmp_path / "two", "t.csv", read(made.run.file("corrected") / "table" / "t.csv"))
    corrected_of(again)
    found = read(again.run.file("corrected") / "table" / "t.csv")
    assert list(found[0]) == ["ticket_id", "message", "queue", "queue_given", "source_queue_given", "note"]


def test_rows_are_named_as_their_file_names_them(tmp_path: Path, clc_text: Command) -> None:
    """By id and by the number in the file, header and dropped rows counted, in every export."""
    rows = rows_of()
    made = made_of(tmp_path, "t.csv", rows)
    corrected = corrected_of(made)
    run = made.run.path
    line = {row["ticket_id"]: number for number, row in enumerate(rows, start=2)}
    assert made.run.environment()["id_column"] == "ticket_id"
    assert "'ticket_id'" in made.run.environment()["facts"]["data"]["id_column_guessed"]
    kept = [row for row in rows if row["queue"]]
    for format, name in (("csv", ".csv"), ("argilla", ".argilla.json"), ("label-studio", ".label_studio.json")):
        clc_text("export", run, "--format", format)
        path = made.run.file("look_first" + name)
        shown: list[dict[str, Any]] = list(read(path))
        entries = [row.get("metadata") or row.get("data") or row for row in shown]
        assert len(entries) == len(kept)
        for entry in entries:
            own = kept[int(entry["row"])]
            assert as_it_was(entry["source_id"]) == own["ticket_id"]
            assert int(entry["source_row"]) == line[own["ticket_id"]]
    for entry in csv.DictReader(io.StringIO(clc_text("diff", run, "--csv"), newline="")):
        assert as_it_was(entry["source_id"]) == kept[int(entry["row"])]["ticket_id"]
        assert int(entry["source_row"]) == line[as_it_was(entry["source_id"])]
        assert not entry["source_id"].startswith("=")
    pairs = json.loads(clc_text("diff", run, "--json"))["pairs"]
    assert pairs
    for example in (example for pair in pairs for example in pair["examples"]):
        assert example["source_id"] == kept[example["row"]]["ticket_id"]
        assert example["source_row"] == line[example["source_id"]]
    table = pq.read_table(corrected.shards[0])
    assert table["ticket_id"].to_pylist() == [row["ticket_id"] for row in kept]
    assert table["source_row"].to_pylist() == [line[row["ticket_id"]] for row in kept]
    clc_text("revert", run, "--all")
    assert pq.read_table(Corrected(made.run).shards[0])["source_row"].to_pylist() == table["source_row"].to_pylist()


def test_a_held_out_share_leaves_every_row_its_number(tmp_path: Path) -> None:
    path = written(tmp_path / "t.jsonl", [{"message": f"text {row}", "queue": str(row % 3)} for row in range(50)])
    task = Files(train=str(path), text="message", label="queue", test_share=0.3).load(0)
    texts = task.train["message"][:]
    assert len(texts) < 50
    assert task.source_row is not None
    np.testing.assert_array_equal(task.source_row, [int(text.split()[1]) + 1 for text in texts])
    assert task.row_noun == "line"


def exported(folder: Path, clc_text: Command) -> Made:
    """A corrected run of a table whose rows to look at lie in look_first.csv."""
    made = made_of(folder, "t.csv", rows_of())
    corrected_of(made)
    clc_text("export", made.run.path)
    return made


@pytest.mark.parametrize("key", ["source_id", "source_row"])
def test_answers_may_name_rows_as_their_file_does(
    tmp_path: Path, clc_text: Command, refused: Command, key: str
) -> None:
    made, answers = exported(tmp_path, clc_text), tmp_path / "answers.csv"
    run = made.run.path
    shown = read(made.run.file("look_first.csv"))[:9]
    with open(answers, "w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow([key, "answer"])
        writer.writerows([row[key], row["suggested"]] for row in shown)
    clc_text("apply", run, answers)
    state = Corrected(made.run).state()
    assert np.flatnonzero(state.source == 2).tolist() == sorted(int(row["row"]) for row in shown)
    for row in shown:
        assert Corrected(made.run).facts["label_names"][state.label[int(row["row"])]] == as_it_was(row["suggested"])
    answers.write_text(f"{key},answer\n1234,Wasser\n")
    assert f"line 2: there is no row whose {key} is '1234'" in refused("apply", run, answers)


@pytest.mark.parametrize("key", ["row", "source_id"])
def test_two_names_of_one_row_have_to_agree(tmp_path: Path, clc_text: Command, refused: Command, key: str) -> None:
    made, answers = exported(tmp_path, clc_text), tmp_path / "answers.csv"
    run = made.run.path
    first, second = read(made.run.file("look_first.csv"))[:2]

    def table(*numbers: str) -> None:
        lines = [
            f"{row[key]},{number},{row['suggested']}" for row, number in zip((first, second), numbers, strict=True)
        ]
        answers.write_text("\n".join([f"{key},source_row,answer", *lines]) + "\n", encoding="utf-8")

    table(first["source_row"], first["source_row"])
    told = refused("apply", run, answers)
    assert (
        f"answers.csv, line 3: {key} " in told and f"source_row {first['source_row']} are two different rows" in told
    )
    assert not (Corrected(made.run).state().source == 2).any()
    table(f"{first['source_row']}.0", "")  # as a spreadsheet writes them; nothing stands beside the second
    clc_text("apply", run, answers)
    assert np.flatnonzero(Corrected(made.run).state().source == 2).tolist() == sorted(
        int(row["row"]) for row in (first, second)
    )


@pytest.mark.parametrize("key", ["row", "source_id", "source_row"])
def test_the_text_beside_an_answer_has_to_be_the_row_s(
    tmp_path: Path, clc_text: Command, refused: Command, key: str
) -> None:
    made, answers = exported(tmp_path, clc_text), tmp_path / "answers.csv"
    run = made.run.path
    rows = [row for row in read(made.run.file("look_first.csv")) if row["text"].strip()][:3]

    def table(texts: list[str]) -> None:
        lines = [
            {key: row[key], "text": text, "answer": row["suggested"]} for row, text in zip(rows, texts, strict=True)
        ]
        written(answers, lines)

    first, second, third = (row["text"] for row in rows)
    table([first, third, second])
    told = refused("apply", run, answers)
    assert f"answers.csv, line 3: beside {key} {rows[1][key]} stands the text" in told
    assert third.split()[-1] in told and second.split()[-1] in told
    assert not (Corrected(made.run).state().source == 2).any()
    table([first, f" {second}\r\n", ""])  # as a spreadsheet may leave them
    clc_text("apply", run, answers)
    assert (Corrected(made.run).state().source == 2).sum() == 3


def test_answers_by_an_id_that_the_run_does_not_know(tmp_path: Path, refused: Command) -> None:
    rows = [{"message": f"text {row}", "queue": str(row % 3)} for row in range(40)]
    made = made_of(tmp_path, "t.csv", rows)
    corrected_of(made)
    (tmp_path / "answers.csv").write_text("source_id,answer\n1,2\n")
    assert "which this run does not know" in refused("apply", made.run.path, tmp_path / "answers.csv")
