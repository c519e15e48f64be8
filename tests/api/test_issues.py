"""The one call for a table: what it finds beside cleanlab's call, what it takes, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from refusals import refused
from scipy import sparse

import clc_text
from clc_text.corrections.policy import CERTAIN

CLASSES = ("billing", "login", "shipping")
WORDS = {
    "billing": ["invoice", "refund", "charge", "card", "payment", "euro", "receipt", "tax"],
    "login": ["password", "account", "locked", "reset", "token", "sign", "browser", "code"],
    "shipping": ["parcel", "delivery", "courier", "address", "late", "box", "street", "tracking"],
}
COMMON = [
    "please",
    "help",
    "with",
    "the",
    "my",
    "a",
    "since",
    "yesterday",
    "it",
    "is",
    "not",
    "and",
    "what",
    "can",
    "do",
]


def table(rows: int = 600, wrong: float = 0.15, seed: int = 0) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Texts, features, given and true labels: a wrong one is any other class."""
    random = np.random.default_rng(seed)
    true = random.integers(0, 3, rows)
    given = np.where(random.random(rows) < wrong, (true + random.integers(1, 3, rows)) % 3, true)
    texts = [" ".join([*random.choice(WORDS[CLASSES[label]], 3), *random.choice(COMMON, 6)]) for label in true]
    features = (2.0 * np.eye(3, 10)[true] + random.normal(size=(rows, 10))).astype(np.float32)
    return texts, features, given, true


def held_out(features: np.ndarray, given: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    return np.asarray(cross_val_predict(LogisticRegression(), features, given, cv=5, method="predict_proba"))


def test_flawed_texts_are_issues_whatever_their_labels() -> None:
    texts, features, given, _ = table(wrong=0.0)
    texts[7], texts[11] = "Bitte geben Sie Ihre letzte Rechnungsnummer noch einmal ein", texts[11] + " \ufffd"
    texts[13], texts[17] = " ", "не могу войти в свой кабинет"
    one, other = (int(np.flatnonzero(given == label)[-1]) for label in (0, 1))
    texts[other] = texts[one].upper() + " !"
    found = clc_text.find_issues(given, texts=texts, label_names=CLASSES)
    issues = found.issues.set_index("row")
    assert "outlier" in issues.loc[7, "kind"] and "garbled" in issues.loc[11, "kind"]
    assert {one, other} <= {*found.copies.tolist()} and all("copy" in issues.loc[row, "kind"] for row in (one, other))
    assert "empty" in issues.loc[13, "kind"] and "script" in issues.loc[17, "kind"]
    assert found.empty.tolist() == [13] and found.other_script.tolist() == [17]
    doubted = (issues["doubt"] > 0.5).tolist()
    assert doubted == sorted(doubted, reverse=True)  # doubtful labels first
    features = np.eye(3, 10)[given] + 0.15 * np.random.default_rng(0).normal(size=features.shape)
    features[19] = [0] * 9 + [5]
    found = clc_text.find_issues(given, features=features, label_names=CLASSES)
    assert found.outliers is not None and found.outliers.rows.tolist() == [19] and not len(found.garbled)
    assert not len(found.copies)


@pytest.mark.parametrize("by", ["texts", "features", "pred_probs", "all"])
def test_wrong_rows_come_first(by: str) -> None:
    texts, features, given, true = table()
    known: dict[str, Any] = {"texts": texts, "features": features, "pred_probs": held_out(features, given)}
    found = clc_text.find_issues(given, **(known if by == "all" else {by: known[by]}), label_names=CLASSES)
    wrong, ranking = given != true, found.ranking
    first = ranking["row"].to_numpy()[: int(wrong.sum()) // 2]
    assert wrong[first].mean() > 0.85  # 0.15 by chance
    assert sorted(ranking["row"]) == list(range(600)) and (np.diff(ranking["doubt"]) <= 0).all()
    assert (ranking["given"] != ranking["suggested"]).all() and set(ranking["given"]) == set(CLASSES)
    assert (found.issues["doubt"] > 0.5).all() and 0 < len(found.issues) < 600
    assert ((ranking["doubt"] > 0.5) == (ranking["kind"] == "label")).all()
    low, high = found.interval
    assert low <= wrong.mean() <= high and low <= found.noise_rate <= high
    names = np.array(CLASSES, dtype=object)
    assert (found.corrected("doubt") == names[true]).mean() > (names[given] == names[true]).mean()
    if found.ahead >= CERTAIN:
        assert (found.labels == names[true]).mean() > (names[given] == names[true]).mean()
    else:  # 600 rows and one encoder may not be enough to tell noise from hard rows
        assert by == "features" and (found.labels == names[given]).all() and "no label is changed" in repr(found)
    assert found.interval[0] <= found.likeliest[0] <= found.likeliest[1] <= found.interval[1]
    assert found.transition.shape == (3, 3)
    assert ("pred_probs" in found.views) == (by in ("pred_probs", "all"))


def test_a_class_that_is_written_in_two_ways_is_warned_of() -> None:
    texts, labels = [f"words {number % 7} of {number % 3}" for number in range(60)], ["HUM", "hum ", "LOC"] * 20
    with pytest.warns(UserWarning, match="the classes 'HUM' and 'hum ' differ only in case or blanks"):
        clc_text.find_issues(labels, texts=texts)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clc_text.find_issues(["HUM", "NUM", "LOC"] * 20, texts=texts)
        clc_text.find_issues([1, 2, 3] * 20, texts=texts)


def test_it_says_which_views_find_a_row_wrong() -> None:
    texts, features, given, _ = table()
    found = clc_text.find_issues(given, features=features, texts=texts)
    reasons = set(found.ranking["why"])
    assert "all views find it" in reasons
    partly = next(reason for reason in reasons if reason.startswith(f"1 of {len(found.views)} views"))
    assert partly.rpartition(": ")[2] in found.views
    assert all(view in repr(found) for view in found.views) and "more probably wrong than right" in repr(found)


@pytest.mark.parametrize("kind", ["list", "numpy", "pandas", "datasets", "tensors", "arrow", "strings"])
def test_labels_as_people_have_them(kind: str) -> None:
    texts, _, given, _ = table(rows=200)
    labels: Any = given.tolist()
    if kind == "numpy":
        labels = given.astype(np.int32)
    elif kind == "pandas":
        labels = pd.Series(given, index=np.arange(200)[::-1])
    elif kind in ("datasets", "tensors"):
        from datasets import Dataset

        labels = Dataset.from_dict({"label": labels}).with_format("torch" if kind == "tensors" else None)["label"]
    elif kind == "arrow":
        labels = pa.chunked_array([labels])
    elif kind == "strings":
        labels = [CLASSES[label] for label in given]
    found = clc_text.find_issues(labels, texts=pd.Series(texts))
    assert found.given.tolist() == given.tolist()
    assert found.names == (CLASSES if kind == "strings" else (0, 1, 2))


def test_a_notebook_shows_texts_and_names_escaped() -> None:
    texts, _, given, _ = table(rows=200)
    names = ["<b>billing</b>", "login", "shipping"]
    found = clc_text.find_issues([names[label] for label in given], texts=[f"<script>{text}" for text in texts])
    shown = found._repr_html_()
    assert "<script>" not in shown and "<b>" not in shown and "&lt;script&gt;" in shown


def test_of_labels_at_random_nothing_is_said() -> None:
    random = np.random.default_rng(0)
    given = random.integers(0, 3, 300)
    found = clc_text.find_issues(given, features=random.normal(size=(300, 8)))
    assert found.judged is None and len(found.ranking) == len(found.issues) == 0
    assert found.labels.tolist() == given.tolist() and "nothing can be told" in repr(found) + found._repr_html_()


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_a_missing_text_is_an_empty_one(missing: object) -> None:
    texts, _, given, _ = table(120)
    empty = clc_text.find_issues(given, texts=["", *texts[1:]])
    found = clc_text.find_issues(given, texts=[missing, *texts[1:]])
    pd.testing.assert_frame_equal(found.ranking, empty.ranking)


def test_probabilities_whose_columns_are_called_as_the_classes_are_read_by_name() -> None:
    texts, _, given, _ = table(200)
    labels = [CLASSES[label] for label in given]
    probs = np.random.default_rng(0).dirichlet(np.ones(3), 200) + 2 * np.eye(3)[given]
    frame = pd.DataFrame(probs / 3, columns=CLASSES)
    expected = clc_text.find_issues(labels, pred_probs=frame.to_numpy(), texts=texts).ranking
    for named in (frame, frame[[*CLASSES[::-1]]], frame.set_axis(["p0", "p1", "p2"], axis=1)):
        found = clc_text.find_issues(labels, pred_probs=named, texts=texts).ranking
        pd.testing.assert_frame_equal(found, expected)
    with refused(key="pred_probs"):  # whose place the last column takes is not known
        clc_text.find_issues(labels, pred_probs=frame.set_axis([*CLASSES[:2], "other"], axis=1), texts=texts)


def test_tensors() -> None:
    _, features, given, _ = table(120)
    expected = clc_text.find_issues(given, features=features).ranking
    found = clc_text.find_issues(torch.tensor(given), features=torch.tensor(features, requires_grad=True))
    pd.testing.assert_frame_equal(found.ranking, expected)
    half = torch.tensor(np.eye(3)[given]).bfloat16()  # numbers that NumPy has not
    assert clc_text.find_issues(given, pred_probs=half).given.tolist() == given.tolist()


def test_policies_that_judge_by_the_networks_of_a_run_are_refused() -> None:
    texts, _, given, _ = table()
    found = clc_text.find_issues(given, texts=texts)
    assert (found.corrected("doubt") != given).sum() >= (found.corrected() != given).sum() > 0
    with refused(key="policy"):
        found.corrected("posterior")


LABELS = [0, 1, 0, 1]
PROBS = [[0.9, 0.1]] * 4


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"labels": LABELS}, {"key": "pred_probs"}),
        ({"labels": [0, None, 1, 1], "pred_probs": PROBS}, {"row": 1}),
        ({"labels": [0, float("nan"), 1, 1], "pred_probs": PROBS}, {"row": 1}),
        ({"labels": [0, "a", 1, 1], "pred_probs": PROBS}, {"key": "labels"}),
        ({"labels": [0, 0, 0, 0], "pred_probs": PROBS}, {"key": "label"}),
        ({"labels": LABELS, "pred_probs": PROBS[:3]}, {"key": "pred_probs"}),
        ({"labels": LABELS, "pred_probs": [[0.2, 0.3, 0.5]] * 4}, {"key": "pred_probs"}),
        ({"labels": LABELS, "pred_probs": [*PROBS[:2], [0.9, 0.9], [0.1, 0.9]]}, {"key": "pred_probs", "row": 2}),
        ({"labels": LABELS, "pred_probs": [*PROBS[:3], [-0.1, 1.1]]}, {"key": "pred_probs", "row": 3}),
        ({"labels": LABELS, "features": [["a"]] * 4}, {"key": "features"}),
        ({"labels": LABELS, "features": [[1.0], [float("inf")], [2.0], [3.0]]}, {"row": 1}),
        ({"labels": LABELS, "texts": ["a"] * 3}, {"key": "texts"}),
        ({"labels": LABELS, "pred_probs": PROBS, "label_names": ["a", "a"]}, {"key": "label_names"}),
        ({"labels": [0, 1, 2, 1], "pred_probs": PROBS, "label_names": ["a", "b"]}, {"row": 2}),
        ({"labels": ["a", "b", "c", "a"], "pred_probs": PROBS, "label_names": ["a", "b"]}, {"row": 2}),
        ({"labels": pd.array(["a", "b", pd.NA, "b"], "string"), "pred_probs": PROBS}, {"row": 2}),
        ({"labels": [], "texts": []}, {"key": "label"}),
        ({"labels": "abab", "pred_probs": PROBS}, {"key": "labels"}),
        ({"labels": np.eye(2)[LABELS], "pred_probs": PROBS}, {"key": "labels"}),
        ({"labels": pd.DataFrame({"y": LABELS}), "pred_probs": PROBS}, {"key": "labels"}),
        ({"labels": [["a"], ["b"], ["a"], ["b"]], "pred_probs": PROBS}, {"row": 0}),
        ({"labels": [("a", 1), ("b", 2)] * 2, "pred_probs": PROBS}, {"key": "labels"}),
        ({"labels": LABELS, "pred_probs": PROBS, "task": "pairs"}, {"key": "task"}),
        ({"labels": LABELS, "texts": ["a", b"b", "c", "d"]}, {"key": "texts", "row": 1}),
        ({"labels": LABELS, "texts": "abcd"}, {"key": "texts"}),
        ({"labels": LABELS, "features": sparse.csr_matrix(PROBS)}, {"key": "features"}),
        ({"labels": LABELS, "features": [[1e200]] * 4}, {"row": 0}),
        ({"labels": LABELS, "pred_probs": PROBS, "seed": -1}, {"key": "seed"}),
        ({"labels": LABELS, "pred_probs": PROBS, "seed": "a"}, {"key": "seed"}),
    ],
)
def test_what_is_refused_and_where(arguments: dict[str, Any], told: dict[str, Any]) -> None:
    with refused(**told):
        clc_text.find_issues(**arguments)


def test_no_network_library_is_imported_for_any_kind_of_labels() -> None:
    """Importing torch takes longer than most tables take to be judged."""
    code = """
import sys
import numpy as np
import clc_text
random = np.random.default_rng(0)
true = random.integers(0, 3, 90)
features = np.eye(3)[true] + random.normal(0, 0.5, (90, 3))
given = np.where(random.random(90) < 0.1, (true + 1) % 3, true)
print(len(clc_text.find_issues(given, features=features).ranking))
print(len(clc_text.find_issues(given, texts=[f"w{one} common {row}" for row, one in enumerate(true)]).ranking))
print(len(clc_text.find_issues(given, pred_probs=0.1 + 0.7 * np.eye(3)[true]).ranking))
print(len(clc_text.find_issues(np.stack([given, true], 1), features=features).ranking))
print(len(clc_text.find_issues(np.eye(3, dtype=int)[given], features=features, task="multi_label").ranking))
print(sorted({"torch", "transformers", "datasets", "gensim"} & set(sys.modules)))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == ["90", "90", "90", "90", "270", "[]"]
