"""One call for rows of which several classes may hold: lists or a table of 0 and 1."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from refusals import refused
from sklearn.metrics import average_precision_score

import clc_text
from clc_text.api.multi_label_issues import MultiLabelIssues
from clc_text.api.voted_issues import VotedIssues

CLASSES = ("art", "money", "sport")
WORDS = {"sport": "goal match team ball", "money": "bank stock price tax", "art": "paint stage film song"}


def rows(count: int = 900) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Texts, features, which classes are given and which hold: of these 30 % are left out."""
    random = np.random.default_rng(0)
    holds = (random.random((count, 3)) < 0.45).astype(np.int64)
    given = holds * (random.random(holds.shape) >= 0.3)
    texts = []
    for row in range(count):
        named = [CLASSES[one] for one in np.flatnonzero(holds[row])]
        words = [word for name in named for word in random.choice(WORDS[name].split(), 2)]
        texts.append(" ".join([*words, f"w{row}"]))
    features = 3.0 * holds @ np.eye(3, 8) + 0.5 * random.normal(size=(count, 8))
    return texts, features.astype(np.float32), given, holds


def lists(table: np.ndarray) -> list[list[str]]:
    return [[CLASSES[one] for one in np.flatnonzero(row)] for row in table]


def held_out(features: np.ndarray, given: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    found = [cross_val_predict(LogisticRegression(), features, one, cv=5, method="predict_proba") for one in given.T]
    return np.stack([probs[:, 1] for probs in found], 1)


@pytest.mark.parametrize("by", ["texts", "features", "pred_probs", "all"])
def test_what_is_left_out_comes_first(by: str) -> None:
    texts, features, given, holds = rows()
    known: dict[str, Any] = {"texts": texts, "features": features, "pred_probs": held_out(features, given)}
    found = clc_text.find_issues(lists(given), **(known if by == "all" else {by: known[by]}))
    assert isinstance(found, MultiLabelIssues) and found.names == CLASSES
    wrong = given != holds
    assert average_precision_score(wrong.reshape(-1), found.doubt.reshape(-1)) > 0.9  # 0.13 by chance
    ranking = found.ranking
    assert len(ranking) == 2700 and (np.diff(ranking["doubt"]) <= 0).all()
    number = ranking["class"].map(CLASSES.index)
    assert (ranking["holds"] == (given[ranking["row"], number] > 0)).all()
    assert (ranking["doubt"] == found.doubt[ranking["row"], number]).all()
    assert wrong[ranking["row"][:100], number[:100]].mean() > 0.9
    assert len(found.issues) == (found.doubt > 0.5).sum() and set(found.issues["class"]) <= set(CLASSES)
    assert ("text" in ranking) == (by in ("texts", "all"))
    assert "more probably wrong than right" in repr(found) and "<table" in found._repr_html_()


def test_how_often_a_class_is_left_out_is_told_and_undone() -> None:
    texts, features, given, holds = rows()
    found = clc_text.find_issues(given, features=features, texts=texts, label_names=CLASSES, task="multi_label")
    low, high = found.interval
    assert low <= (given != holds).mean() <= high
    table = found.by_class
    assert table["class"].tolist() == list(CLASSES) and (table["given_wrongly"] < 0.05).all()
    assert ((table["left_out"] > 0.15) & (table["left_out"] < 0.45)).all()  # 0.3
    np.testing.assert_allclose(table["given"], given.mean(0))
    now = found.corrected()
    changed = now != given
    assert changed.sum() > 100 and (now == holds)[changed].mean() > 0.95
    assert (now == found.labels).all() and (found.corrected("doubt") == holds).mean() > (given == holds).mean()
    with refused(key="policy"):
        found.corrected("posterior")


@pytest.mark.parametrize(
    "form", ["lists", "sets", "arrays", "series", "array", "bools", "frame", "tensor", "nested", "words"]
)
def test_labels_as_people_have_them(form: str) -> None:
    texts, _, given, _ = rows(200)
    named = lists(given)
    several: dict[str, Any] = {
        "lists": named,
        "sets": [set(one) for one in named],
        "arrays": [np.array(one, dtype=object) for one in named],
        "series": pd.Series(named, index=np.arange(200)[::-1]),
        "array": given,
        "bools": given > 0,
        "frame": pd.DataFrame(given, columns=CLASSES),
        "tensor": torch.from_numpy(given),
        "nested": given.tolist(),
        "words": pd.DataFrame(np.where(given > 0, "Yes", "no"), columns=CLASSES),
    }
    by_name = form in ("lists", "sets", "arrays", "series")
    names = None if by_name or form in ("frame", "words") else CLASSES
    task: Any = None if by_name else "multi_label"
    found = clc_text.find_issues(several[form], texts=texts, label_names=names, task=task)
    assert isinstance(found, MultiLabelIssues)
    assert found.names == CLASSES and (found.given == given).all()


def test_lists_as_a_csv_file_has_them() -> None:
    texts, _, given, _ = rows(200)
    frame = pd.DataFrame({"topics": lists(given)})
    read = pd.read_csv(io.StringIO(frame.to_csv(index=False)))["topics"]
    found = clc_text.find_issues(read, texts=texts)
    assert isinstance(found, MultiLabelIssues) and found.names == CLASSES and (found.given == given).all()
    read[3] = np.nan
    with refused(row=3):
        clc_text.find_issues(read, texts=texts)


def test_a_table_that_may_be_either_is_asked_about() -> None:
    texts, _, given, _ = rows(200)
    for table in (given, given.tolist(), given > 0, pd.DataFrame(given)):
        with refused(key="task"):
            clc_text.find_issues(table, texts=texts)
    agreed = np.repeat(given[:, :1], 3, 1)
    agreed[::10, 0] = 1 - agreed[::10, 0]
    assert isinstance(clc_text.find_issues(agreed, texts=texts), VotedIssues), "people who say the same"
    assert isinstance(clc_text.find_issues(given, texts=texts, task="votes"), VotedIssues)
    one_hot = np.eye(3, dtype=int)[np.arange(200) % 3]
    with refused(key="labels"):
        clc_text.find_issues(one_hot, texts=texts)


def test_a_class_of_which_nothing_is_learnt_is_left_as_it_is() -> None:
    random = np.random.default_rng(0)
    given = random.integers(0, 2, (60, 2))
    found = clc_text.find_issues(given, features=np.ones((60, 3)), task="multi_label")
    assert (found.doubt == 0).all() and (found.corrected() == given).all() and not len(found.issues)
    assert set(found.ranking["why"]) == {"nothing tells"}


LISTS: list[Any] = [["a"], ["a", "b"], [], ["b"]]
TEXTS = ["a", "b", "c", "d"]
TABLE: dict[str, Any] = {"labels": np.eye(2), "texts": TEXTS[:2], "task": "multi_label"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"labels": LISTS}, {"key": "pred_probs"}),
        ({"labels": [["a"], None, [], ["b"]], "texts": TEXTS}, {"row": 1}),
        ({"labels": [["a"], "b", [], ["b"]], "texts": TEXTS}, {"row": 1}),
        ({"labels": [["a"], ["b", "b"], [], ["b"]], "texts": TEXTS}, {"row": 1}),
        ({"labels": LISTS, "texts": TEXTS, "label_names": ["a"]}, {"row": 1}),
        ({"labels": LISTS, "texts": TEXTS, "label_names": ["a", "b", "c"]}, {"key": "labels"}),
        ({"labels": [["a"], ["a", "b"]], "texts": TEXTS[:2]}, {"key": "labels"}),
        ({"labels": "abcd", "texts": TEXTS, "task": "multi_label"}, {"key": "labels"}),
        ({"labels": [[], [], []], "texts": TEXTS[:3]}, {"key": "labels"}),
        ({"labels": LISTS, "texts": TEXTS[:3]}, {"key": "texts"}),
        ({"labels": LISTS, "pred_probs": [[0.5]] * 4}, {"key": "pred_probs"}),
        ({"labels": LISTS, "pred_probs": [[0.5, 0.5]] * 3 + [[0.5, 1.5]]}, {"key": "pred_probs", "row": 3}),
        ({"labels": LISTS, "features": [[1.0], [float("nan")], [2.0], [3.0]]}, {"row": 1}),
        ({"labels": np.eye(2, 3)[[0, 1, 0]], "texts": TEXTS[:3], "task": "multi_label"}, {"key": "labels"}),
        (
            {"labels": np.eye(2), "texts": TEXTS[:2], "task": "multi_label", "label_names": ["a"]},
            {"key": "label_names"},
        ),
        (
            {"labels": np.eye(2), "texts": TEXTS[:2], "task": "multi_label", "label_names": ["a", "a"]},
            {"key": "label_names"},
        ),
    ],
)
def test_what_is_refused_and_where(arguments: dict[str, Any], told: dict[str, Any]) -> None:
    with refused(**told):
        clc_text.find_issues(**arguments)
