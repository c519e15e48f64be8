"""Labels that a rule made of words are told from labels that people gave."""

from __future__ import annotations

import numpy as np
import pytest

from clc_text import find_issues
from clc_text.evidence.rules import AHEAD, SHARE, rule_like


def foretelling(share: float, given: np.ndarray) -> np.ndarray:
    """Log-probabilities [n, 2] of a view that foretells so many of the labels."""
    right = np.arange(len(given)) < round(share * len(given))
    first = np.where(right, given, 1 - given)
    return np.log(np.where(first[:, None] == np.arange(2), 0.9, 0.1))


@pytest.mark.parametrize(
    ("words", "others", "flagged"),
    [
        (0.98, 0.85, True),
        (SHARE, SHARE - AHEAD - 0.01, True),
        (0.94, 0.7, False),
        (0.99, 0.97, False),
        (0.8, 0.99, False),
    ],
)
def test_words_have_to_foretell_nearly_all_and_much_more_than_the_rest(
    words: float, others: float, flagged: bool
) -> None:
    given = np.arange(1000) % 2
    log_probs = np.stack([foretelling(0.6, given), foretelling(others, given), foretelling(words, given)])
    found = rule_like(log_probs, given, ("neighbours", "networks", "linear_words"))
    assert (found is not None) == flagged
    if found is not None:
        assert (found.words, found.others) == (pytest.approx(words), pytest.approx(others))
        assert f"{words:.0%}" in found.sentence() and "class_shares" in found.sentence()
        assert "class_shares" not in found.sentence(shares_told=True)


@pytest.mark.parametrize("views", [("words", "linear_words"), ("networks", "neighbours")])
def test_one_kind_of_views_tells_nothing(views: tuple[str, ...]) -> None:
    given = np.arange(100) % 2
    assert rule_like(np.stack([foretelling(1.0, given)] * 2), given, views) is None


def test_views_that_are_not_heard_are_behind() -> None:
    given = np.arange(100) % 2
    found = rule_like(foretelling(0.99, given)[None], given, ("words",), ("neighbours",))
    assert found is not None and found.others is None and "too little to be heard" in found.sentence()
    assert rule_like(foretelling(0.9, given)[None], given, ("words",), ("neighbours",)) is None


@pytest.mark.parametrize("meant", [0.6, 0.85])
def test_labels_by_a_keyword_are_told_in_a_notebook(meant: float) -> None:
    """The meaning (a feature) is of four topics; a rule looks for one word of a text, people for the topic."""
    random = np.random.default_rng(0)
    topic = random.integers(0, 2, 1500)
    keyword = random.random(1500) < np.where(topic == 1, meant, 1 - meant)
    fillers = random.integers(0, 400, (1500, 8))
    texts = [
        " ".join([f"w{word}" for word in row] + ["refund" if marked else "hello"])
        for row, marked in zip(fillers, keyword, strict=True)
    ]
    features = (2 * topic - 1)[:, None] + random.normal(0, 0.7, (1500, 6))
    by_rule = find_issues(["a" if marked else "b" for marked in keyword], texts=texts, features=features)
    assert by_rule.rule_like is not None and by_rule.rule_like.words > 0.97
    assert "rules or keywords made the labels" in repr(by_rule)
    by_people = find_issues(["a" if one else "b" for one in topic], texts=texts, features=features)
    assert by_people.rule_like is None and "rules or keywords" not in repr(by_people)
