"""A table of votes whose columns nobody has named."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from refusals import refused

from clc_text.text.datasets.files import Files
from clc_text.text.datasets.guess import Guessed, guess_columns


def write(path: Path, rows: list[list[str]]) -> str:
    with open(path, "w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows(rows)
    return str(path)


def guessed(folder: Path, texts: list[str], votes: list[str], ids: str | None = None, rows: int = 40) -> Guessed:
    """Of tables with these columns: named k…, the row's key."""
    lines = [[f"a text about number {n}" if name == "text" else f"r{n}" for name in texts] for n in range(rows)]
    train = write(folder / "texts.csv", [texts, *lines])
    said = [[f"r{n}" if place == 0 else f"p{n % 3}" if place == 1 else "ab"[n % 2] for place in range(len(votes))]
            for n in range(rows)]  # fmt: skip
    return guess_columns(Files(train=train, votes=write(folder / "votes.csv", [votes, *said])), ids=ids)


@pytest.mark.parametrize(
    ("texts", "votes", "ids"),
    [
        (["question", "text"], ["question", "worker", "label"], "question"),
        (["id", "text"], ["id", "worker_id", "vote"], "id"),
        (["text", "doc"], ["doc", "Annotator", "answer"], "doc"),
        (["id", "text"], ["id", "annotator", "label"], "id"),
    ],
)
def test_usual_names(texts: list[str], votes: list[str], ids: str, tmp_path: Path) -> None:
    found = guessed(tmp_path, texts, votes)
    assert found.label is None and found.several and found.text == "text"
    files = Files(train=str(tmp_path / "texts.csv"), text="text", **found.reading)
    task = files.load(0)
    assert files.id == ids and task.votes is not None and task.votes.sources == ("p0", "p1", "p2")


def test_other_names_of_the_rows(tmp_path: Path) -> None:
    write(tmp_path / "texts.csv", [["key", "text"], ["r0", "a text of one"], ["r1", "a text of two"]])
    votes = write(tmp_path / "votes.csv", [["item", "who", "said"], ["r0", "p", "a"], ["r1", "p", "b"]])
    files = Files(train=str(tmp_path / "texts.csv"), votes=votes, vote_row="item")
    found = guess_columns(files)
    assert (found.reading["id"], found.reading["vote_label"], found.reading["vote_source"]) == ("key", "said", "who")
    assert guess_columns(Files(train=str(tmp_path / "texts.csv"), votes=votes)).reading == found.reading
    either = write(tmp_path / "either.csv", [["item", "other", "said"], ["r0", "r1", "a"], ["r1", "r0", "b"]])
    with refused(where=either, key="data.vote_row"):  # both name all rows
        guess_columns(Files(train=str(tmp_path / "texts.csv"), votes=either))


@pytest.mark.parametrize(("of_texts", "of_votes"), [(";", ","), (",", ";"), (";", ";")])
def test_each_file_may_have_a_separator_of_its_own(of_texts: str, of_votes: str, tmp_path: Path) -> None:
    guessed(tmp_path, ["key", "text"], ["key", "who", "said"])
    for name, separator in (("texts.csv", of_texts), ("votes.csv", of_votes)):
        path = tmp_path / name
        path.write_text(path.read_text(encoding="utf-8").replace(",", separator), encoding="utf-8")
    files = Files(train=str(tmp_path / "texts.csv"), votes=str(tmp_path / "votes.csv"))
    found = guess_columns(files)
    task = Files(train=files.train, text=found.text, **found.reading).load(0)
    assert task.votes is not None and len(task.votes) == 40 and task.votes.sources == ("p0", "p1", "p2")


def test_labels_twice_are_refused(tmp_path: Path) -> None:
    guessed(tmp_path, ["id", "text"], ["id", "annotator", "label"])
    files = Files(train=str(tmp_path / "texts.csv"), votes=str(tmp_path / "votes.csv"))
    with refused(where=tmp_path / "votes.csv", key="--label"):
        guess_columns(files, label="text")
