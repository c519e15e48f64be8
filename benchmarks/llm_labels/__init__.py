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

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.crowd import rows_of


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
    kinds, texts = [], []
    for name in ("train_5500.label", "TREC_10.label"):
        lines = (Path(os.environ["CLC_TEXT_DATA"]) / "trec" / name).read_text(encoding="latin-1").splitlines()
        pairs = [line.split(" ", 1) for line in lines if line.strip()]
        kinds.append([kind if fine else kind.split(":")[0] for kind, _ in pairs])
        texts.append([text for _, text in pairs])
    names = sorted(set(kinds[0]))
    true, test = (np.array([names.index(kind) for kind in part]) for part in kinds)
    rows, given = _said("trec_fine.txt" if fine else "trec.txt", names)
    return Labelled([texts[0][row] for row in rows], given, true[rows], names, texts[1], test)


def _news(file: str, parts: tuple[str, str] = ("train", "test"), groups: tuple[int, ...] | None = None) -> Labelled:
    """Networks read the posts whole.

    Args:
        parts: of which posts were labelled, and on which is tested.
        groups: those that there are; None: all.
    """
    from sklearn.datasets import fetch_20newsgroups

    folder = Path(os.environ["CLC_TEXT_DATA"]) / "20newsgroups"
    split = [
        fetch_20newsgroups(
            data_home=folder, download_if_missing=False, subset=part, remove=("headers", "footers", "quotes")
        )
        for part in parts
    ]
    every = split[0].target_names
    names = list(every) if groups is None else [every[group] for group in groups]
    rows, given = _said(file, names)
    class_of = np.array([names.index(group) if group in names else -1 for group in every])
    true, test = (class_of[one.target] for one in split)
    tested = np.flatnonzero(test >= 0)
    texts = [split[1].data[row] for row in tested]
    return Labelled([split[0].data[row] for row in rows], given, true[rows], names, texts, test[tested])


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
    "queues": partial(_news, "queues.txt", ("test", "train"), (1, 3, 7, 8, 11, 12, 13, 14, 16, 17)),
    "tweets": _tweets,
}
"""By their names; texts and true labels lie in CLC_TEXT_DATA."""
