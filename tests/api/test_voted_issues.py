"""`find_issues` of several labels a row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from refusals import refused

import clc_text

WORDS = {"sport": "goal match team ball win", "money": "bank stock price tax loan"}
NAMES = list(WORDS)
RIGHT = {"ann": 0.95, "bob": 0.8, "cid": 0.6}


def drawn(rows: int = 300) -> tuple[np.ndarray, pd.DataFrame, list[str]]:
    """True classes, what three people say of most rows (each row by ann or bob at least), and texts that tell it."""
    random = np.random.default_rng(0)
    true = random.integers(0, 2, rows)
    columns = {}
    for number, (name, right) in enumerate(RIGHT.items()):
        said = np.where(random.random(rows) < right, true, 1 - true)
        there = (random.random(rows) < 0.8) | (number == np.arange(rows) % 2)
        columns[name] = [NAMES[one] if here else None for one, here in zip(said, there, strict=True)]
    texts = [f"{' '.join(random.choice(WORDS[NAMES[one]].split(), 3))} {row}" for row, one in enumerate(true)]
    return np.array(NAMES)[true], pd.DataFrame(columns), texts


@pytest.fixture(scope="module")
def found() -> clc_text.VotedIssues:
    _, votes, texts = drawn()
    issues = clc_text.find_issues(votes, texts=texts)
    assert isinstance(issues, clc_text.VotedIssues)
    return issues


def test_labels_are_joined_and_sources_ranked(found: clc_text.VotedIssues) -> None:
    true, votes, _texts = drawn()
    given = np.array(found.names, object)[found.given]
    assert (found.corrected() == true).mean() > (given == true).mean() and found.power > 0
    accuracy = found.annotators.set_index("name")
    assert list(accuracy["accuracy"].sort_values(ascending=False).index) == list(RIGHT)
    assert (accuracy["low"] < accuracy["accuracy"]).all() and (accuracy["accuracy"] < accuracy["high"]).all()
    assert accuracy["votes"].tolist() == votes.notna().sum().tolist()
    assert abs(found.noise_rate - (given != true).mean()) < 0.05
    assert found.interval is not None
    low, high = found.interval
    assert low <= (found.labels != true).mean() <= high and f"{high:.1%}" in repr(found)
    assert found.alpha is not None and 0 < found.alpha < 1


def test_rows_and_votes_to_look_at(found: clc_text.VotedIssues) -> None:
    true, votes, texts = drawn()
    ranking = found.ranking
    assert sorted(ranking["row"]) == list(range(300)) and ranking["doubt"].is_monotonic_decreasing
    assert [texts[row] for row in ranking["row"]] == list(ranking["text"])
    top = ranking.head(10)
    assert (true[top["row"]] != top["given"]).mean() > 0.8
    assert list(found.issues["row"]) == list(ranking["row"][ranking["doubt"] > 0.5])
    one = found.wrong_votes.iloc[0]
    assert votes[one["annotator"]][one["row"]] == one["label"] != found.labels[one["row"]]
    assert (found.wrong_votes["label"] != true[found.wrong_votes["row"]]).mean() > 0.9
    again = found.ask_again
    assert again["belief"].is_monotonic_increasing and len(again) == 300
    assert found._repr_html_().startswith("<p>") and "3 sources on 300 rows" in repr(found)


def test_other_forms_are_the_same_votes(found: clc_text.VotedIssues) -> None:
    _, votes, texts = drawn()
    numbers = votes.map(lambda one: sorted(NAMES).index(one) if one in NAMES else -1).to_numpy()
    for labels in (numbers, np.eye(2)[numbers] * (numbers >= 0)[:, :, None]):
        again = clc_text.find_issues(labels, texts=texts, label_names=sorted(NAMES))
        assert again.belief == pytest.approx(found.belief) and list(again.labels) == list(found.labels)  # type: ignore[union-attr]


def test_votes_alone_and_other_evidence() -> None:
    true, votes, _ = drawn()
    alone = clc_text.find_issues(votes)
    assert isinstance(alone, clc_text.VotedIssues) and alone.power == 0
    sure = np.where(np.array(sorted(NAMES)) == true[:, None], 0.9, 0.1)
    features = sure + np.random.default_rng(0).normal(0, 0.05, sure.shape)
    heard = clc_text.find_issues(votes, pred_probs=sure, features=features)
    assert isinstance(heard, clc_text.VotedIssues)
    assert (heard.labels == true).mean() > max((alone.labels == true).mean(), 0.97)


def test_features_of_two_kinds_alone_do_not_swap_the_classes() -> None:
    """All rows of a class are copies of each other, so that who learns from other folds has not seen the class."""
    true, votes, _ = drawn()
    sure = np.where(np.array(sorted(NAMES)) == true[:, None], 0.9, 0.1)
    for more in ({}, {"pred_probs": sure}):
        found = clc_text.find_issues(votes, features=sure, **more)
        assert isinstance(found, clc_text.VotedIssues) and (found.labels == true).mean() > 0.9


@pytest.mark.parametrize(
    ("labels", "more", "told"),
    [
        ([[0, 1], [1, 1], [0, 2]], {"label_names": ["a", "b"]}, {"row": 2}),
        (np.eye(3), {}, {"key": "labels"}),
        (np.array([[0, 1], [-1, -1]]), {}, {"row": 1}),
        (np.full((2, 2), -1), {}, {"key": "labels"}),
        (np.array([[0, 1], [1, 1]]), {}, {"key": "task"}),
        (np.array([[0, 1], [1, 1]]), {"task": "votes", "texts": ["a"]}, {"key": "texts"}),
        (np.array([[0, 1], [1, 1]]), {"task": "votes", "features": [[1.0], [np.nan]]}, {"row": 1}),
        (
            np.array([[0, 1], [1, 1]]),
            {"task": "votes", "pred_probs": [[1.0, 0.0], [2.0, 0.0]]},
            {"key": "pred_probs", "row": 1},
        ),
        (np.full((2, 2, 2), 0.3), {}, {"key": "vote"}),
    ],
)
def test_what_is_refused(labels: Any, more: dict[str, Any], told: dict[str, Any]) -> None:
    with refused(**told):
        clc_text.find_issues(np.array(labels), **more)


def test_rows_of_labels_in_lists() -> None:
    """A list of the classes that hold has no class twice and no hole, so that lists with either are votes."""
    said = [[0, 0, 1], [1, 1, 1], [0, None, 0], [1, 0, 1]] * 10
    found = clc_text.find_issues(said)
    assert isinstance(found, clc_text.VotedIssues) and found.votes.per_row.tolist() == [3, 3, 2, 3] * 10
    assert isinstance(clc_text.find_issues([["a", "b", "a"], ["b", "b", "b"]] * 20), clc_text.VotedIssues)
    lists = [["a", "b"], ["b", "c"], ["c", "a"]] * 10
    assert isinstance(clc_text.find_issues(lists, features=np.eye(30)), clc_text.MultiLabelIssues)
    with refused(row=2) as caught:  # of different lengths they are classes that hold
        clc_text.find_issues([[0, 1], [1], [0, 0, 1]] * 10)
    assert "task='votes'" in str(caught.value)


def test_a_source_may_give_a_dictionary_of_probabilities() -> None:
    _, votes, _ = drawn(60)
    sure = {name: {name: 0.9, other: 0.1} for name, other in (NAMES, NAMES[::-1])}
    soft = votes.assign(cid=[None if pd.isna(one) else sure[one] for one in votes["cid"]])
    table = np.full((60, 3, 2), np.nan)
    order = sorted(NAMES)
    for row, line in enumerate(votes.itertuples(index=False)):
        for place, said in enumerate(line):
            if not pd.isna(said):
                told = sure[said] if place == 2 else {said: 1.0}
                table[row, place] = [told.get(name, 0.0) for name in order]
    found, same = clc_text.find_issues(soft), clc_text.find_issues(table, label_names=order)
    assert isinstance(found, clc_text.VotedIssues) and isinstance(same, clc_text.VotedIssues)
    assert list(found.names) == order and found.belief == pytest.approx(same.belief)
    wrong = votes.assign(cid=[{"sport": 0.9, "money": 0.9}] * 60)
    with refused(row=0):
        clc_text.find_issues(wrong)
