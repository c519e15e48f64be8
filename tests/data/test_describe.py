"""What `describe` says of a small task, counted by hand."""

from __future__ import annotations

import datasets
import numpy as np
import pytest

from clc_text.data.describe import describe
from clc_text.data.task import Task


def test_describe() -> None:
    features = datasets.Features(text=datasets.Value("string"), label=datasets.ClassLabel(names=["a", "b", "c"]))
    texts = ["one", "one", "two words", "  ", "three more words", None]
    train = datasets.Dataset.from_dict({"text": texts, "label": [0, 1, 1, 1, 0, 0]}, features=features)
    test = datasets.Dataset.from_dict({"text": ["one", "", "new"], "label": [0, 1, 1]}, features=features)
    true = np.array([0, 0, 1, 1, 0, 0])
    found = describe(Task("t", train, test, "text", "label", true, facts={"note": 1}))
    assert found["classes"] == {
        "a": {"train": 3, "test": 1},
        "b": {"train": 3, "test": 2},
        "c": {"train": 0, "test": 0},
    }
    assert (found["rows"], found["test_rows"], found["label_accuracy"]) == (6, 3, 83.33)
    assert (found["empty_texts"], found["duplicate_texts"], found["conflicting_texts"]) == (2, 1, 2)
    assert (found["empty_test_texts"], found["leaked_test_texts"]) == (1, 1)
    # words of the six texts, sorted: 0 0 1 1 2 3
    assert found["words"] == {"0": 0, "0.05": 0, "0.25": 0.25, "0.5": 1, "0.75": 1.75, "0.95": 2.75, "1": 3}
    assert found["characters"]["1"] == len("three more words")
    assert found["scripts"] == {"Latin": 4, "no letters": 2}
    assert found["empty_rows"] == [3, 5]
    near = found["near_copies"]
    assert (near["texts"], near["conflicting"], near["leaked_test_texts"]) == (1, 2, 1)
    assert near["examples"] == [{"rows": [0, 1], "labels": ["a", "b"], "texts": ["one", "one"]}]
    assert found["label_variants"] == []
    assert found["facts"] == {"note": 1}


def test_labels_follow_a_selection() -> None:
    features = datasets.Features(text=datasets.Value("string"), label=datasets.ClassLabel(names=["a", "b"]))
    rows = datasets.Dataset.from_dict({"text": ["x", "y", "z"], "label": [0, 1, 1]}, features=features)
    task = Task("t", rows.select([2, 0]), rows.select([1]), "text", "label")
    assert task.given_labels.tolist() == [1, 0] and task.given_labels.dtype == np.int64
    assert task.test_labels is not None and task.test_labels.tolist() == [1]


def test_inputs_that_are_not_text_are_only_counted() -> None:
    features = datasets.Features(pixel=datasets.Value("int64"), label=datasets.ClassLabel(names=["a", "b"]))
    rows = datasets.Dataset.from_dict({"pixel": [1, 2], "label": [0, 1]}, features=features)
    found = describe(Task("t", rows, None, "pixel", "label"))
    assert (
        "words" not in found
        and "near_copies" not in found
        and found["classes"] == {"a": {"train": 1}, "b": {"train": 1}}
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("发票退款", 4),
        ("ราคา", 4),
        ("ที่นี่", 2),
        ("テスト", 3),
        ("iPhone手机 ok", 4),
        ("🙂🙂", 2),
        ("한국어 문장", 2),
        ("a", 1),
    ],
)
def test_words_that_no_blank_sets_apart_are_counted_all_the_same(text: str, words: int) -> None:
    features = datasets.Features(text=datasets.Value("string"), label=datasets.ClassLabel(names=["a", "b"]))
    rows = datasets.Dataset.from_dict({"text": [text] * 3, "label": [0, 1, 1]}, features=features)
    found = describe(Task("t", rows, None, "text", "label"))
    assert set(found["words"].values()) == {words}
    assert ("warning" in found) is (words == 1)
    spaceless = text[0] not in "🙂한a"
    assert ("scripts_without_blanks" in found) is spaceless
    if spaceless:
        assert found["scripts_without_blanks"].startswith("3 of 3 training texts")
