"""The grammar's corpus: deterministic, learnable but not trivial, test questions that training never saw."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from refusals import refused

from clc_text.text.datasets.grammar.generate import BLOCK, TEST, TRAIN, questions
from clc_text.text.datasets.grammar.lexicon import LEXICON, PARTITIONS
from clc_text.text.datasets.grammar.templates import CLASSES, SHARES, TEMPLATES
from clc_text.text.datasets.quickstart import Quickstart


def drawn(rows: int, seed: int, stream: int) -> pa.Table:
    return pa.Table.from_batches(questions(rows, seed, stream))


@pytest.mark.parametrize("slot", sorted(LEXICON))
def test_word_lists_keep_the_streams_apart(slot: str) -> None:
    assert len(LEXICON[slot]) % PARTITIONS == 0
    assert len(set(LEXICON[slot])) == len(LEXICON[slot])


def test_every_class_has_templates_with_a_slot() -> None:
    assert list(TEMPLATES) == CLASSES and sum(SHARES) == pytest.approx(1.0)
    assert all("{" in pattern for patterns in TEMPLATES.values() for pattern in patterns)


def test_same_seed_same_corpus_and_a_longer_one_begins_with_the_shorter() -> None:
    short, long = drawn(1_000, 5, TRAIN), drawn(BLOCK + 10, 5, TRAIN)
    assert long.slice(0, 1_000).equals(short)
    assert len(long) == BLOCK + 10
    assert not drawn(1_000, 6, TRAIN).equals(short)
    assert long.slice(BLOCK, 10)["text"].to_pylist() != long.slice(0, 10)["text"].to_pylist()


def test_no_test_question_is_a_training_question() -> None:
    train, test = set(drawn(100_000, 0, TRAIN)["text"].to_pylist()), drawn(20_000, 0, TEST)["text"].to_pylist()
    assert not train & set(test)


def test_class_shares() -> None:
    counts = np.bincount(drawn(50_000, 1, TRAIN)["label"].to_numpy()) / 50_000
    assert counts == pytest.approx(SHARES, abs=0.01)


def test_a_bag_of_words_learns_most_but_not_all() -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    task = Quickstart(rows=4_000, test_rows=2_000).load(0)
    assert task.test is not None and task.true_labels is not None
    assert (task.true_labels == task.given_labels).all() and task.label_names == CLASSES
    accuracy = []
    for longest in (1, 3):
        words = CountVectorizer(token_pattern=r"\S+", ngram_range=(1, longest))
        model = LogisticRegression(C=3.0, max_iter=300).fit(words.fit_transform(task.train["text"]), task.given_labels)
        accuracy.append(100 * model.score(words.transform(task.test["text"]), task.test_labels))
    assert 93 <= accuracy[0] <= 97
    assert accuracy[1] > accuracy[0] + 1, "word order decides most of the rest"


def test_sizes_are_checked() -> None:
    assert Quickstart(rows=10, test_rows=0).load(0).test is None
    with refused(key="data.rows"):
        Quickstart(rows=1)
    with refused(key="data.test_rows"):
        Quickstart(test_rows=-1)
