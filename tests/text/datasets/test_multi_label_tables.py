"""Several classes that hold at once: lists and columns of 0 and 1 say the same, and what is not plain is asked."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import refused

from clc_text.data.describe import describe
from clc_text.data.task import Task
from clc_text.text.datasets.files import Files

CLASSES = ["art", "news", "sport"]
HELD = [[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1]] * 4


def lists(folder: Path, held: list[list[int]] = HELD, **more: Any) -> Path:
    """Every row's classes in a list; `more` columns, each a list of values."""
    path = folder / "lists.jsonl"
    with open(path, "w", encoding="utf-8") as handle:
        for row, one in enumerate(held):
            named = [name for name, there in zip(CLASSES, one, strict=True) if there]
            extra = {key: values[row] for key, values in more.items()}
            handle.write(json.dumps({"text": f"text {row}", "topics": named} | extra) + "\n")
    return path


def columns(folder: Path, held: list[list[Any]] = HELD) -> Path:
    path = folder / "columns.csv"
    with open(path, "w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([["text", *CLASSES], *([f"text {n}", *row] for n, row in enumerate(held))])
    return path


def check(task: Task, held: list[list[int]] = HELD) -> None:
    assert task.asked == tuple(CLASSES)
    assert task.held().tolist() == held
    assert task.label_names == ["no", "yes"]
    for number, pair in enumerate(task.train):
        row, one = divmod(number, 3)
        assert pair["text"] == f"text {row}"
        assert pair[task.class_column] == CLASSES[one]
        assert pair[task.label_column] == held[row][one]
    assert len(set(task.train[task.id_column][:])) == len(task.train)


def test_lists(tmp_path: Path) -> None:
    check(Files(train=str(lists(tmp_path)), label="topics").load(0))
    check(Files(train=str(lists(tmp_path)), label="topics", task="multi_label").load(0))


def test_columns(tmp_path: Path) -> None:
    check(Files(train=str(columns(tmp_path)), label=CLASSES, task="multi_label").load(0))


@pytest.mark.parametrize(("no", "yes"), [("false", "true"), ("No", "Yes"), ("0.0", "1.0"), (" 0", "1 ")])
def test_columns_may_say_it_in_words(tmp_path: Path, no: str, yes: str) -> None:
    words = [[yes if value else no for value in row] for row in HELD]
    check(Files(train=str(columns(tmp_path, words)), label=CLASSES, task="multi_label").load(0))
    with refused(where=tmp_path / "columns.csv", key="data.task"):
        Files(train=str(columns(tmp_path, words)), label=CLASSES).load(0)
    words[3][1] = "perhaps"
    with refused(where=tmp_path / "columns.csv", key="news", row=5):
        Files(train=str(columns(tmp_path, words)), label=CLASSES, task="multi_label").load(0)


def test_what_is_not_plain_is_asked(tmp_path: Path) -> None:
    with refused(where=tmp_path / "columns.csv", key="data.task"):
        Files(train=str(columns(tmp_path)), label=CLASSES).load(0)
    with refused(where=tmp_path / "lists.jsonl", key="topics"):
        Files(train=str(lists(tmp_path, HELD[:6])), label="topics").load(0)
    check(Files(train=str(lists(tmp_path, HELD[:6])), label="topics", task="multi_label").load(0), HELD[:6])


def test_people_who_agree_are_votes(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    true = random.integers(0, 2, 60)
    said = [[int(value ^ (random.random() < 0.15)) for _ in CLASSES] for value in true.tolist()]
    task = Files(train=str(columns(tmp_path, said)), label=CLASSES).load(0)
    assert task.votes is not None and not task.asked
    apart = Files(train=str(columns(tmp_path)), label=CLASSES, task="votes").load(0)
    assert apart.votes is not None and apart.votes.sources == tuple(CLASSES)


def test_unlabelled_rows_and_rows_of_no_class_differ(tmp_path: Path) -> None:
    holes: list[list[Any]] = [*HELD, ["", 1, 0]]
    with refused(row=26):
        Files(train=str(columns(tmp_path, holes)), label=CLASSES, task="multi_label").load(0)
    check(Files(train=str(columns(tmp_path, holes)), label=CLASSES, task="multi_label", unlabelled="drop").load(0))


def test_true_labels_and_test_rows(tmp_path: Path) -> None:
    gold = [[name for name, there in zip(CLASSES, row, strict=True) if there] for row in HELD]
    wrong = [[0, *row[1:]] if number % 5 == 0 else row for number, row in enumerate(HELD)]
    path = str(lists(tmp_path, wrong, gold=gold))
    task = Files(train=path, label="topics", true_label="gold", task="multi_label").load(0)
    assert task.true_labels is not None and task.true_labels.reshape(-1, 3).tolist() == HELD
    assert task.held().tolist() == wrong
    parts = Files(train=path, label="topics", true_label="gold", task="multi_label", test_share=0.25).load(3)
    assert parts.test is not None and parts.test_labels is not None
    tested = [int(text.removeprefix("text ")) for text in parts.test["text"][::3]]
    assert 4 <= len(tested) <= 8 and len(parts.train) == 3 * (len(HELD) - len(tested))
    assert parts.test_labels.reshape(-1, 3).tolist() == [HELD[row] for row in tested]


def test_what_is_said_of_them(tmp_path: Path) -> None:
    found = describe(Files(train=str(lists(tmp_path)), label="topics").load(0))
    assert found["rows"] == 24
    assert {name: counts["train"] for name, counts in found["classes"].items()} == {"art": 12, "news": 8, "sport": 12}
    assert found["duplicate_texts"] == 0
    assert "several of 3 classes may hold of a text" in found["facts"]["labels_read_as"]


@pytest.mark.parametrize(
    ("held", "key"),
    [
        ([[1, 0, 0], [1, 1, 0], [1, 0, 1]], "art"),
        ([[1, 0, 0], [0, 1, 0], [1, 1, 0]], "sport"),
    ],
)
def test_a_class_that_tells_nothing(tmp_path: Path, held: list[list[int]], key: str) -> None:
    with refused(where=tmp_path / "columns.csv", key=key):
        Files(train=str(columns(tmp_path, held)), label=CLASSES, task="multi_label").load(0)


def test_what_is_refused(tmp_path: Path) -> None:
    with refused(where=tmp_path / "columns.csv", key="art"):
        Files(train=str(columns(tmp_path)), label="art", task="multi_label").load(0)
    with refused(key="data.label_names"):
        Files(train=str(columns(tmp_path)), label=CLASSES, task="multi_label", label_names=CLASSES).load(0)
    numbers = tmp_path / "numbers.jsonl"
    numbers.write_text("".join(json.dumps({"text": f"t {n}", "label": row}) + "\n" for n, row in enumerate(HELD)))
    with refused(where=numbers, key="label", row=1):
        Files(train=str(numbers), task="multi_label").load(0)
    with refused(key="data.votes"):
        Files(train=str(columns(tmp_path)), votes="votes.csv", task="multi_label")
    with refused(key="data.label_names"):
        Files(train=str(lists(tmp_path)), label="topics", label_names=["art", "news"]).load(0)
