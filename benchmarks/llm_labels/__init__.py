"""What a large language model called texts: labels of our own, beside the texts' true ones.

Asked by the names of the classes alone, without an example, 150 to 275 texts at a time, each read once:

* ``trec``: which kind of answer a question wants (abbreviation, description, entity, human, location, number), of
  TREC's 5,452 training questions;
* ``trec fine``: the same, of fifty kinds;
* ``news``: to which newsgroup a post was sent, of 3,000 training posts of 20 Newsgroups, of which their first 280
  characters were shown (headers, footers and quotes removed, blanks joined);
* ``news short``: the same of 3,000 others, by the first 120 characters;
* ``queues``: to which of ten queues a message belongs, of 3,000 test posts of ten newsgroups, by their first 100
  characters, the groups named in words (``PC hardware``); trained on, and tested on the training posts;
* ``tweets``: whether a tweet is about a real disaster, of those that a crowd had labelled, 7,557 to train on and the
  684 that experts have judged.

The model: Claude, of Anthropic, in November 2026. It may have seen these sets in training.

A file has a line a row: its place in TREC's training file, in scikit-learn's split in its usual order, or in
the crowd's training file and, after its rows, in its test file; and the class's name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.crowd import rows_of
from benchmarks.newsgroups import QUEUES, posts
from benchmarks.trec import questions
from clc_text.text.datasets.trec import TEST_FILE, TRAIN_FILE


@dataclass(frozen=True)
class Labelled:
    """A set as the model labelled it.

    Attributes:
        texts: of N rows.
        given: int64 [N], what the model said.
        true: int64 [N]; -1: nobody knows.
        names: of the C classes.
        test_texts: of M rows.
        test: int64 [M], their true classes.
        test_given: int64 [M], what the model said of them; None: it was not asked.
    """

    texts: list[str]
    given: np.ndarray
    true: np.ndarray
    names: list[str]
    test_texts: list[str]
    test: np.ndarray
    test_given: np.ndarray | None = None

    def known(self) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Texts, given and true labels of all rows that the model labelled, those of the test among them."""
        if self.test_given is None:
            return self.texts, self.given, self.true
        given, true = (np.concatenate(pair) for pair in ((self.given, self.test_given), (self.true, self.test)))
        return [*self.texts, *self.test_texts], given, true


def _trec(fine: bool) -> Labelled:
    (of_train, texts), (of_test, test_texts) = (questions(file) for file in (TRAIN_FILE, TEST_FILE))
    kinds = [part if fine else [kind.split(":")[0] for kind in part] for part in (of_train, of_test)]
    names = sorted(set(kinds[0]))
    true, test = (np.array([names.index(kind) for kind in part]) for part in kinds)
    rows, given = _said("trec_fine.txt" if fine else "trec.txt", names)
    return Labelled([texts[row] for row in rows], given, true[rows], names, test_texts, test)


def _news(
    file: str, labelled: Literal["train", "test"] = "train", groups: Sequence[int] = tuple(range(20))
) -> Labelled:
    """Networks read the posts whole, and are tested on the other part.

    Args:
        labelled: the part of which posts were labelled.
        groups: those that there are.
    """
    here, other = posts(labelled), posts("test" if labelled == "train" else "train")
    names = [here.target_names[group] for group in groups]
    rows, given = _said(file, names)
    class_of = np.array([groups.index(group) if group in groups else -1 for group in range(len(here.target_names))])
    true, test = class_of[here.target], class_of[other.target]
    tested = np.flatnonzero(test >= 0)
    texts = [other.data[row] for row in tested]
    return Labelled([here.data[row] for row in rows], given, true[rows], names, texts, test[tested])


def _tweets() -> Labelled:
    parts = [rows_of(f"disaster_{part}.csv") for part in ("train", "test")]
    texts = [[row["text"] for row in part] for part in parts]
    given = _said("tweets.txt", ["no", "yes"])[1]
    train = len(parts[0])
    gold = np.array([int(row["gold_label"]) for row in parts[1]])
    unknown = np.full(train, -1)
    return Labelled(texts[0], given[:train], unknown, ["no", "yes"], texts[1], gold, given[train:])


def _said(name: str, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a file, and the model's class of each."""
    lines = [line.split() for line in (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()]
    return np.array([int(row) for row, _ in lines]), np.array([names.index(said) for _, said in lines])


SETS: dict[str, Callable[[], Labelled]] = {
    "trec": partial(_trec, fine=False),
    "trec fine": partial(_trec, fine=True),
    "news": partial(_news, "news.txt"),
    "news short": partial(_news, "news_short.txt"),
    "queues": partial(_news, "queues.txt", "test", QUEUES),
    "tweets": _tweets,
}
"""By their names; texts and true labels lie in CLC_TEXT_DATA."""
