from __future__ import annotations

import json
import math
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from refusals import refused

from clc_text.text.encoders.base import encoder, load_encoder
from clc_text.text.encoders.vectors.find import find_vectors
from clc_text.text.encoders.word_vectors import WordVectors

TRAIN = ["The cat sat", "the dog sat , the dog barked !", "", "zzz qqq", "a cat"]
TEST = ["The bird sang", "qqq"]
WORDS = ["the", "a", "cat", "dog", "bird", "sat", "sang", ",", "!", "xylophone", "barked", "rare"]


@pytest.fixture
def glove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLC_TEXT_CACHE", str(tmp_path / "cache"))
    matrix = np.random.default_rng(5).normal(size=(len(WORDS), 4)).round(3)
    path = tmp_path / "glove.txt"
    path.write_text("".join(f"{w} {' '.join(map(str, row))}\n" for w, row in zip(WORDS, matrix, strict=True)))
    return path


def vectors_of(path: Path) -> dict[str, np.ndarray]:
    lines = [line.split() for line in path.read_text().splitlines()]
    return {line[0]: np.array(line[1:], np.float32) for line in lines}


def fit(path: Path, **options: Any):
    return WordVectors(vectors=str(path), **options).fit(TRAIN, TEST, seed=0)


def test_it_is_found_by_name() -> None:
    assert encoder.get("word_vectors") is WordVectors


def test_first_tokens_concatenated(glove: Path) -> None:
    features = fit(glove, length=3).encode(TRAIN)["features"]
    known, zero = vectors_of(glove), np.zeros(4)
    expected = [np.concatenate([known.get(w, zero) for w in (text.lower().split() + [""] * 3)[:3]]) for text in TRAIN]
    assert features.dtype == torch.float32
    np.testing.assert_array_equal(features.numpy(), np.stack(expected).astype(np.float32))


def test_facts(glove: Path) -> None:
    facts = fit(glove, keep_words=10).facts
    # 15 training tokens, of which zzz and qqq are unknown; types: the cat sat dog , barked ! zzz qqq a.
    assert facts["token_coverage"] == pytest.approx(13 / 15, abs=1e-6)
    assert facts["type_coverage"] == pytest.approx(8 / 10)
    assert facts["token_coverage_test"] == pytest.approx(3 / 4)
    assert (facts["empty_texts"], facts["unknown_texts"]) == (1, 1)
    assert (facts["empty_texts_test"], facts["unknown_texts_test"]) == (0, 1)
    assert facts["dimension"] == 4 and facts["vocabulary"] == 10 and facts["words_in_source"] == 12
    assert facts["words_kept"] == 11, "the first ten, and barked"
    assert facts["vectors"] == "glove.txt" and len(facts["sha256"]) == 64
    json.dumps(facts)


def test_rarity_is_learnt_from_the_training_texts_only(glove: Path) -> None:
    text = "the bird sat the"
    features = fit(glove, pooling=["idf_mean"]).encode([text])["features"][0]
    frequency = Counter(word for row in TRAIN for word in set(row.lower().split()))
    weight = {w: math.log((1 + len(TRAIN)) / (1 + frequency[w])) + 1 for w in text.split()}
    known = vectors_of(glove)
    total = sum(weight[w] * known[w].astype(float) for w in text.split())
    np.testing.assert_allclose(features.numpy(), total / sum(weight[w] for w in text.split()), rtol=1e-5)


def test_standardised_by_the_training_rows_that_have_a_known_word(glove: Path) -> None:
    fitted = fit(glove, pooling=["mean", "max", "min"], standardize=True)
    features = fitted.encode(TRAIN)["features"].numpy()
    known = features[[0, 1, 4]]
    np.testing.assert_allclose(known.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(known.std(0), 1, atol=1e-4)
    assert not features[[2, 3]].any(), "texts without a known word are the mean row"
    assert not fitted.encode(["", "qqq"])["features"].any()


def test_columns_that_do_not_vary_are_only_shifted(glove: Path) -> None:
    texts = ["the cat", "the dog", "the bird"]
    fitted = WordVectors(vectors=str(glove), length=3, standardize=True).fit(texts, [], seed=0)
    features = fitted.encode([*texts, "a cat"])["features"]
    assert torch.isfinite(features).all()
    np.testing.assert_allclose(features[:3, :4], 0, atol=1e-6)
    assert features[:3, 8:].abs().max() == 0
    known = vectors_of(glove)
    np.testing.assert_allclose(features[3, :4], known["a"] - known["the"], rtol=1e-5)


@pytest.mark.parametrize("source", ["file", "train"])
def test_saved_and_loaded_it_encodes_the_same(glove: Path, tmp_path: Path, source: str) -> None:
    options: dict[str, Any] = {"pooling": ["concat", "idf_mean", "min"], "standardize": True, "length": 2}
    name = str(glove) if source == "file" else "train"
    fitted = WordVectors(vectors=name, train_min_count=1, keep_words=10, **options).fit(TRAIN, TEST, seed=0)
    fitted.save(tmp_path / "encoder")
    kinds = {path.suffix for path in (tmp_path / "encoder").iterdir()}
    assert kinds == {".json", ".safetensors"}
    glove.unlink()
    loaded = load_encoder(tmp_path / "encoder")
    texts = [*TRAIN, *TEST, "a xylophone", "rare bird", "entirely unseen"]
    assert torch.equal(loaded.encode(texts)["features"], fitted.encode(texts)["features"])
    assert loaded.facts == fitted.facts


def test_a_run_of_before_reads_scripts_without_blanks_as_it_did(tmp_path: Path) -> None:
    texts = ["发票退款 发票", "退款发票 发票"]
    fitted = WordVectors(vectors="train", train_min_count=1).fit(texts, [], seed=0)
    assert "warning" not in fitted.facts and fitted.facts["vocabulary"] == 4
    assert fitted.encode(["票"])["features"].any()
    fitted.save(tmp_path / "encoder")
    about = json.loads((tmp_path / "encoder" / "encoder.json").read_text(encoding="utf-8"))
    del about["reading"]["characters"]
    (tmp_path / "encoder" / "encoder.json").write_text(json.dumps(about), encoding="utf-8")
    loaded = load_encoder(tmp_path / "encoder")
    assert loaded.encode(["票"])["features"].any() and not loaded.encode(["发票退款"])["features"].any()


def test_texts_of_one_word_are_warned_of() -> None:
    texts = ["发票退款", "发票退款", "hello you two"]
    fitted = WordVectors(vectors="train", tokens="spaces").fit(texts, [], seed=0)
    assert "the median text is a single word" in fitted.facts["warning"]
    assert "warning" not in WordVectors(vectors="train").fit(texts, [], seed=0).facts


def test_new_texts_find_the_frequent_words_of_the_file(glove: Path) -> None:
    few, many = fit(glove, keep_words=0), fit(glove, keep_words=10)
    assert not few.encode(["xylophone"])["features"].any()
    assert many.encode(["xylophone"])["features"].any()
    assert not many.encode(["rare"])["features"].any()


def test_a_text_is_encoded_the_same_alone_and_among_others(glove: Path) -> None:
    fitted = fit(glove, pooling=["mean", "idf_mean", "max", "concat"], standardize=True)
    together = fitted.encode(TRAIN)["features"]
    for row, text in enumerate(TRAIN):
        assert torch.equal(fitted.encode([text])["features"][0], together[row])
    assert fitted.encode([])["features"].shape == (0, fitted.size)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"pooling": []}, "encoder.pooling"),
        ({"pooling": ["meen"]}, "encoder.pooling"),
        ({"pooling": ["max", "max"]}, "encoder.pooling"),
        ({"length": 0}, "encoder.length"),
        ({"keep_words": -1}, "encoder.keep_words"),
        ({"train_dimension": 0}, "encoder.train_dimension"),
        ({"vectors": ""}, "encoder.vectors"),
    ],
)
def test_bad_options(options: dict[str, Any], key: str) -> None:
    with refused(key=key):
        WordVectors(**options)


def test_texts_of_another_language(glove: Path) -> None:
    with refused(key="encoder.lowercase"):
        WordVectors(vectors=str(glove), keep_words=0).fit(["кот", "собака"], ["the cat"], seed=0)


@pytest.mark.parametrize("file", ["encoder.json", "words.json", "vectors.safetensors"])
def test_a_damaged_encoder_is_named(glove: Path, tmp_path: Path, file: str) -> None:
    fit(glove).save(tmp_path / "e")
    raw = (tmp_path / "e" / file).read_bytes()
    (tmp_path / "e" / file).write_bytes(raw[: len(raw) // 2])
    with refused(where=tmp_path / "e" / ("encoder.json" if file == "encoder.json" else "")):
        load_encoder(tmp_path / "e")
    (tmp_path / "e" / file).unlink()
    with refused(where=tmp_path / "e"):
        load_encoder(tmp_path / "e")


def test_an_unknown_kind_of_encoder_is_named(tmp_path: Path) -> None:
    (tmp_path / "encoder.json").write_text('{"encoder": "word_vector"}')
    with refused(key="word_vector"):
        load_encoder(tmp_path)


def test_vectors_of_torchtext(glove: Path, tmp_path: Path) -> None:
    vocab = pytest.importorskip("torchtext.vocab", reason="the torchtext extra is not installed")
    import ssl

    trusting = ssl._create_default_https_context
    try:  # torchtext switches certificate checks off for the whole process
        theirs = vocab.Vectors(glove.name, cache=str(tmp_path))
    finally:
        ssl._create_default_https_context = trusting
    options: dict[str, Any] = {"pooling": ["mean"], "keep_words": 10}
    given = WordVectors.from_torchtext(theirs, **options).fit(TRAIN, TEST, seed=0)
    expected = fit(glove, **options)
    assert torch.equal(given.encode(TRAIN)["features"], expected.encode(TRAIN)["features"])
    assert given.facts["vectors"] == "torchtext.vocab.Vectors"
    given.save(tmp_path / "e")
    assert torch.equal(load_encoder(tmp_path / "e").encode(TEST)["features"], expected.encode(TEST)["features"])
    assert (tmp_path / "glove.txt.pt").is_file()
    from_cache = fit(tmp_path / "glove.txt.pt", **options)
    assert torch.equal(from_cache.encode(TRAIN)["features"], expected.encode(TRAIN)["features"])


def test_vectors_of_gensim(glove: Path) -> None:
    table = fit(glove).table
    given = WordVectors.from_gensim(table.keyed_vectors(), pooling=["max"]).fit(TRAIN, TEST, seed=0)
    expected = fit(glove, pooling=["max"])
    assert torch.equal(given.encode(TRAIN)["features"], expected.encode(TRAIN)["features"])


def trec(real_data: Path, file: str) -> list[str]:
    lines = (real_data / "trec" / file).read_bytes().replace(b"\xf0", b" ").decode("latin1").splitlines()
    return [line.split(" ", 1)[1] for line in lines]


@pytest.mark.parametrize("tokens", ["glove", "spaces"])
def test_glove_covers_trec(real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokens: str) -> None:
    monkeypatch.setenv("CLC_TEXT_CACHE", str(tmp_path))
    train, test = trec(real_data, "train_5500.label"), trec(real_data, "TREC_10.label")
    chosen = WordVectors(vectors="glove.6B.50d", tokens=tokens)  # type: ignore[arg-type]
    fitted = chosen.fit(train, test, seed=0)
    assert fitted.facts["token_coverage"] > 0.992
    assert fitted.facts["token_coverage_test"] > 0.997
    features = fitted.encode(train)["features"]
    assert features.shape == (5452, 500) and torch.isfinite(features).all()
    for step in ("find.read_text", "cache._store"):
        monkeypatch.setattr(f"clc_text.text.encoders.vectors.{step}", lambda *_: pytest.fail("the cache was not read"))
    again = chosen.fit(train, test, seed=0)
    assert torch.equal(again.encode(test)["features"], fitted.encode(test)["features"])
    assert os.listdir(tmp_path / "vectors")


@pytest.mark.parametrize("name", ["/no/such/vectors.txt", "/no/such/glove*[", "~", "a/../b"])
def test_vectors_that_are_not_there_are_a_sentence_wherever_they_are_looked_for(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLC_TEXT_DATA", str(tmp_path))
    with refused(key="encoder.vectors"):
        find_vectors(name)


def test_a_word_of_very_many_numbers_is_no_word_vector(tmp_path: Path) -> None:
    path = tmp_path / "wide.vec"
    path.write_text("what " + "0.5 " * 300_000 + "\n")
    with refused(where=path):
        WordVectors(vectors=str(path)).fit(["what is"], [], 0)
