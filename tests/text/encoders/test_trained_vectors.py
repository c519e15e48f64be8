from __future__ import annotations

import itertools
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import refused

from clc_text.text.encoders.vectors import train
from clc_text.text.encoders.vectors.table import VectorTable
from clc_text.text.encoders.vectors.tokens import Numbering, Tokens, number_tokens
from clc_text.text.encoders.vectors.train import _LONGEST_SENTENCE, Training, _Sentences, train_vectors
from clc_text.text.encoders.word_vectors import WordVectors

TRAINING = Training(dimension=12, epochs=10, window=3, min_count=2, skip_gram=True)

SCRIPT = """
from clc_text.text.encoders.vectors import train
from clc_text.text.encoders.vectors.table import VectorTable
from clc_text.text.encoders.vectors.tokens import Numbering, number_tokens
from clc_text.text.encoders.vectors.train import Training, train_vectors
texts = [f"how many {kind}s does the {who} have ?" for kind in ("cat", "dog", "cow") for who in ("man", "king", "boy")]
numbers = Numbering()
tokens = number_tokens(texts * 5, str.split, numbers)
table = train_vectors(tokens, list(numbers), Training(8, 3, 5, 1, True), seed=3)
print(table.source["sha256"], table.words)
"""


def corpus() -> tuple[Tokens, list[str]]:
    days, people = ["monday", "friday", "sunday"], ["anna", "bert", "carl"]
    rng = np.random.default_rng(0)
    texts = []
    for _ in range(300):
        texts.append(f"on {rng.choice(days)} the shop is open until six")
        texts.append(f"my friend {rng.choice(people)} likes to sing songs")
    numbers = Numbering()
    tokens = number_tokens([*texts, "hapax"], str.split, numbers)
    return tokens, list(numbers)


def test_words_of_one_kind_come_together_and_rare_ones_are_left_out() -> None:
    tokens, words = corpus()
    table = train_vectors(tokens, words, TRAINING, seed=0)
    assert set(table.words) == set(words) - {"hapax"}
    store = table.keyed_vectors()
    assert store.similarity("monday", "friday") > store.similarity("monday", "anna") + 0.3
    assert store.similarity("anna", "carl") > store.similarity("carl", "sunday") + 0.3


def test_components_are_standardised_over_the_tokens() -> None:
    tokens, words = corpus()
    table = train_vectors(tokens, words, TRAINING, seed=0)
    row = {word: n for n, word in enumerate(table.words)}
    running = np.stack([table.matrix[row[words[n]]] for n in tokens.ids if words[n] in row]).astype(float)
    np.testing.assert_allclose(running.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(running.std(0), 1, atol=1e-5)


def test_the_seed_decides() -> None:
    tokens, words = corpus()
    one, same, other = (train_vectors(tokens, words, TRAINING, seed).matrix for seed in (1, 1, 2))
    assert one.tobytes() == same.tobytes()
    assert not np.array_equal(one, other)


def test_processes_with_other_hash_seeds_agree() -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            env=os.environ | {"PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    one, two = (process.communicate()[0] for process in running)
    assert one == two and len(one) > 100


def test_long_texts_are_given_in_pieces_and_wholly() -> None:
    ids = (np.arange(2 * _LONGEST_SENTENCE + 5) % 3).astype(np.int32)
    pieces = list(_Sentences(Tokens(ids, np.array([0, 0, len(ids)])), ["a", "b", "c"]))
    assert [len(piece) for piece in pieces] == [_LONGEST_SENTENCE, _LONGEST_SENTENCE, 5]
    assert list(itertools.chain(*pieces)) == [("a", "b", "c")[n] for n in ids]


def test_a_corpus_without_a_repeated_word_is_named() -> None:
    numbers = Numbering()
    for texts in (["one two", "three"], ["", ""]):
        tokens = number_tokens(texts, str.split, numbers)
        with refused(key="encoder.vectors"):
            train_vectors(tokens, list(numbers), TRAINING, seed=0)


def test_they_are_trained_once_for_the_same_texts_words_options_and_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLC_TEXT_CACHE", str(tmp_path))
    texts = [f"how many {kind}s does the {who} have ?" for kind in ("cat", "dog") for who in ("man", "king")] * 5
    encoder = WordVectors(vectors="train", train_dimension=8, train_epochs=2)
    first = encoder.fit(texts, [], seed=3)
    trained = []

    def counted(*given: Any) -> VectorTable:
        trained.append(given)
        return train_vectors(*given)

    monkeypatch.setattr(train, "train_vectors", counted)
    again = encoder.fit(texts, [], seed=3)
    assert not trained
    np.testing.assert_array_equal(again.table.matrix, first.table.matrix)
    assert again.table.source == first.table.source
    encoder.fit(texts, [], seed=4)
    encoder.fit(texts[::-1], [], seed=3)
    encoder.fit(texts, ["another word"], seed=3)
    replace(encoder, train_epochs=3).fit(texts, [], seed=3)
    assert len(trained) == 4


def test_what_is_kept_is_found_without_importing_gensim(monkeypatch: pytest.MonkeyPatch) -> None:
    import gensim

    tokens, words = corpus()
    before = train.key_of(tokens, words, TRAINING, 0)
    assert gensim.__version__ in before
    monkeypatch.setitem(sys.modules, "gensim", None)  # importing it is an error now
    assert train.key_of(tokens, words, TRAINING, 0) == before
