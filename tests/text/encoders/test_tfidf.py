"""TF-IDF against scikit-learn and a literal loop, what is kept of it, and scripts without blanks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from refusals import refused

from clc_text.text.encoders.base import load_encoder
from clc_text.text.encoders.lexical import fitted as fitted_module
from clc_text.text.encoders.lexical.terms import analyser
from clc_text.text.encoders.lexical.weighting import fit_weighting
from clc_text.text.encoders.tfidf import Tfidf
from clc_text.text.encoders.word_vectors import WordVectors
from clc_text.utils import on_disk

TEXTS = [
    "Who wrote the novel ?",
    "who wrote the letter about the river",
    "where is the river",
    "where is the city , where is the river",
    "",
    "the city has a river",
    "a novel about the city",
] * 3
NEW = ["who is where", "quite unheard things", "a novel ! a novel ?"]


def test_terms_are_words_and_pairs_of_words() -> None:
    assert analyser(2)("Don't panic: the U.S. economy!") == [
        "do", "n't", "panic", "the", "u.s.", "economy",
        "do n't", "n't panic", "panic the", "the u.s.", "u.s. economy",
    ]  # fmt: skip
    assert analyser(1)("one 😡 two") == ["one", "😡", "two"]


def test_what_is_written_without_blanks_gives_pieces() -> None:
    assert analyser(2)("我喜欢 USB键") == [
        "我", "喜", "欢", "我喜", "喜欢", "我喜欢", "usb", "键",
    ]  # fmt: skip
    assert "ภาษา"[:3] in analyser(2)("ภาษาไทย")


@pytest.mark.parametrize("texts", [["我喜欢这部电影", "我不喜欢这本书", "这部电影很好"] * 4])
def test_texts_of_one_word_are_told_apart_by_their_pieces(texts: list[str]) -> None:
    found = Tfidf().fit(texts, [], 0).frozen([*texts[:3], "电影", "书"])
    nearest = (found[3:] @ found[:3].T).argmax(1)
    assert nearest.tolist() == [2, 1]


def test_weights_are_those_of_the_formula() -> None:
    terms = analyser(2)
    made = fit_weighting(TEXTS, terms, dimension=4, most_terms=1000, least_texts=2, seed=0)
    assert made is not None and made.components.shape == (4, len(made.terms))
    column = {term: number for number, term in enumerate(made.terms)}
    frequency = {term: sum(term in terms(text) for text in TEXTS) for term in made.terms}
    assert min(frequency.values()) >= 2
    expected = []
    for text in NEW:
        weights = np.zeros(len(made.terms))
        found = terms(text)
        for term in set(found) & set(column):
            idf = np.log((1 + len(TEXTS)) / (1 + frequency[term])) + 1
            weights[column[term]] = (1 + np.log(found.count(term))) * idf
        row = made.components @ (weights / max(np.linalg.norm(weights), 1e-30))
        expected.append(row / max(np.linalg.norm(row), 1e-30))
    found_rows = made.project(made.vectorizer(terms).transform(NEW))
    np.testing.assert_allclose(found_rows, expected, atol=1e-5)
    assert not found_rows[1].any(), "no known term"


def test_both_parts_weigh_alike_and_a_feature_is_of_size_one() -> None:
    fitted = Tfidf(dimension=5, word_vectors=7).fit(TEXTS, [], 0)
    features = fitted.encode(TEXTS)["features"].double()
    known = features[(features != 0).any(1)]
    assert len(known) == 18 and features.shape == (21, 12)
    torch.testing.assert_close(known.mean(0), torch.zeros(12).double(), atol=1e-5, rtol=0)
    assert float(known.square().mean()) == pytest.approx(1, abs=1e-4)
    lexical, words = (part.square().sum(1).mean() for part in known.split([5, 7], 1))
    assert float(lexical) == pytest.approx(float(words), rel=1e-4)
    alone = Tfidf(dimension=5, word_vectors=0).fit(TEXTS, [], 0).frozen(TEXTS).double()
    ratio = alone[:4] / features[:4, :5]
    assert float(ratio.std()) == pytest.approx(0, abs=1e-4), "one scale for all, so that distances stay"


def test_every_word_counts_and_unknown_texts_are_zeros() -> None:
    long = ["padding " * 500 + word for word in ("river", "novel")]
    fitted = Tfidf().fit(TEXTS * 2 + long * 2, [], 0)
    assert not torch.allclose(*fitted.frozen(long))
    assert not fitted.frozen(["zzz yyy", ""]).any()
    assert fitted.facts["empty_texts"] == 6 and fitted.facts["unknown_texts"] == 0
    assert Tfidf().reading(long) == {}, "nothing is cut off"


def test_many_texts_are_encoded_part_by_part_and_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    texts = [*TEXTS, "", *TEXTS[::-1], "qqq"]
    usual = Tfidf(dimension=4, word_vectors=3, min_texts=1).fit(texts, [], 0)
    assert usual.shift is not None and usual.scale is not None
    raw = usual.raw(texts).double()
    known = raw[(raw != 0).any(1)]
    torch.testing.assert_close(usual.shift.double(), known.mean(0), rtol=1e-6, atol=1e-7)
    monkeypatch.setattr(fitted_module, "_ROWS_AT_ONCE", 2)
    monkeypatch.setattr(fitted_module, "_TEXTS_AT_ONCE", 3)
    monkeypatch.setattr(on_disk, "LARGE", 0)
    monkeypatch.setenv("CLC_TEXT_CACHE", str(tmp_path))
    parts = Tfidf(dimension=4, word_vectors=3, min_texts=1).fit(texts, [], 0)
    assert parts.shift is not None and parts.scale is not None
    torch.testing.assert_close(parts.shift, usual.shift)
    torch.testing.assert_close(parts.scale, usual.scale)
    torch.testing.assert_close(parts.encode(texts)["features"], usual.encode(texts)["features"])
    assert parts.facts["unknown_texts"] == usual.facts["unknown_texts"]


def test_saved_and_loaded(tmp_path: Path) -> None:
    fitted = Tfidf(dimension=5, word_vectors=7).fit(TEXTS, NEW, 3)
    fitted.save(tmp_path / "encoder")
    files = [path for path in (tmp_path / "encoder").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".safetensors"}
    loaded = load_encoder(tmp_path / "encoder")
    assert torch.equal(loaded.encode(NEW)["features"], fitted.encode(NEW)["features"])
    assert loaded.facts == fitted.facts and loaded.encode([])["features"].shape == (0, 12)
    again = Tfidf(dimension=5, word_vectors=7).fit(TEXTS, NEW, 3)
    assert torch.equal(again.encode(NEW)["features"], fitted.encode(NEW)["features"])


@pytest.mark.parametrize("file", ["encoder.json", "terms.json", "weighting.safetensors", "words/words.json"])
def test_a_damaged_encoder_is_named(tmp_path: Path, file: str) -> None:
    Tfidf(dimension=5, word_vectors=7).fit(TEXTS, NEW, 3).save(tmp_path / "encoder")
    raw = (tmp_path / "encoder" / file).read_bytes()
    (tmp_path / "encoder" / file).write_bytes(raw[: len(raw) // 2])
    with refused(where=tmp_path / "encoder" / ("encoder.json" if file == "encoder.json" else "")):
        load_encoder(tmp_path / "encoder")


def test_terms_that_do_not_go_with_the_weights_are_refused(tmp_path: Path) -> None:
    Tfidf().fit(TEXTS, [], 0).save(tmp_path)
    (tmp_path / "terms.json").write_text(json.dumps(["one"]))
    with refused(where=tmp_path):
        load_encoder(tmp_path)


@pytest.mark.parametrize("texts", [["one"], ["one", "two"], ["one", ""], ["a b", "c d", "e f"], ["same"] * 5])
def test_few_texts(texts: list[str]) -> None:
    found = Tfidf().fit(texts, [], 0).encode(texts)["features"]
    assert torch.isfinite(found).all() and len(found) == len(texts)


def test_texts_without_a_word() -> None:
    with refused(key="data.text"):
        Tfidf().fit(["", "?!"], [], 0)


@pytest.mark.parametrize("key", ["dimension", "ngrams", "max_terms", "min_texts", "word_vectors"])
def test_bad_options(key: str) -> None:
    bad: dict[str, Any] = {key: -1}
    with refused(key=f"encoder.{key}"):
        Tfidf(**bad)


def test_it_knows_more_of_trec_than_ten_words_do(real_data: Path) -> None:
    """By labels alone, on real questions: a linear model on held-out rows."""
    from sklearn.linear_model import LogisticRegression

    from clc_text.config.recipe import loads

    task = loads("data: trec").data.load(0)
    texts, labels = task.train["text"][:1200], task.given_labels[:1200]

    def right(encoder: Any) -> float:
        features = encoder.fit(texts[:800], [], 0).encode(texts)["features"].numpy()
        model = LogisticRegression(C=0.01, max_iter=200).fit(features[:800], labels[:800])
        return float((model.predict(features[800:]) == labels[800:]).mean())

    ten_words = WordVectors(vectors="train", standardize=True)
    assert right(Tfidf()) > right(ten_words) + 0.03
