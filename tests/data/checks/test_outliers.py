"""Rows like no other: planted ones come first, clean rows have next to none whatever their tail, copies vouch not."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from clc_text.data import nearest
from clc_text.data.checks import outliers as module
from clc_text.data.checks.outliers import LEAST, isolation, outliers, rarity

FOREIGN = [
    "Bitte geben Sie die Rechnungsnummer Ihrer letzten Bestellung an",
    "Le fichier demandé n'a pas pu être ouvert en écriture",
    "Não foi possível encontrar o diretório de trabalho indicado",
    "Tiedostoa ei voitu tallentaa koska levy on täynnä",
    "lorem ipsum dolor sit amet consectetur adipiscing elit",
    "Unsubscribe | Imprint | Privacy policy | 2021 Acme Incorporated",
]


def sentences(count: int, seed: int = 0) -> list[str]:
    """Texts of 4 to 15 words, as frequent as words are (Zipf)."""
    generator = np.random.default_rng(seed)
    words = np.array([f"word{number}" for number in range(2000)])
    share = 1 / np.arange(1, 2001)
    return [
        " ".join(generator.choice(words, generator.integers(4, 16), p=share / share.sum())) + f" {row % 50}"
        for row in range(count)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_foreign_texts_are_named_and_clean_ones_are_not(seed: int) -> None:
    clean = sentences(1500, seed)
    alone = outliers(clean)
    assert alone is not None and len(alone.rows) <= 3
    found = outliers([*clean, *FOREIGN])
    assert found is not None and found.by == ("words",)
    planted = set(range(1500, 1500 + len(FOREIGN)))
    assert set(np.argsort(-found.surprise)[: len(FOREIGN)].tolist()) == planted
    assert len(planted & set(found.rows.tolist())) >= 4
    assert (np.diff(found.surprise[found.rows]) <= 0).all()  # the oddest first


@pytest.mark.parametrize("draw", ["normal", "gamma", "exponential", "lognormal"])
def test_whatever_shape_the_tail_of_clean_rows_has_few_are_named(draw: str) -> None:
    options = {"gamma": (2.0,), "lognormal": (0.0, 0.4)}
    counts = []
    for seed in range(30):
        values = getattr(np.random.default_rng(seed), draw)(*options.get(draw, ()), size=1000)
        surprise = module._surprise(values)
        counts.append(len(module._beyond_chance(surprise, np.ones(1000, bool))))
        assert (np.diff(surprise[np.argsort(values)]) >= 0).all()
    assert np.mean(counts) < 3


def test_values_far_beyond_the_bulk_are_named_whatever_the_unit() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    values[:5] += 30
    for scaled in (values, 1e6 * values, 1e-6 * values + 7):
        assert set(module._beyond_chance(module._surprise(scaled), np.ones(1000, bool)).tolist()) == set(range(5))


def test_features_far_from_all_others() -> None:
    generator = np.random.default_rng(1)
    centres = generator.normal(size=(5, 24))
    near = centres[generator.integers(0, 5, 800)] + 0.25 * generator.normal(size=(800, 24))
    far = 4 * generator.normal(size=(6, 24))
    found = outliers(features=np.concatenate([near, far]).astype(np.float32))
    assert found is not None and found.by == ("features",)
    assert set(np.argsort(-found.surprise)[:6].tolist()) == set(range(800, 806)) == set(found.rows.tolist())


def test_copies_of_a_row_are_none_of_its_neighbours() -> None:
    vectors = np.random.default_rng(2).normal(size=(300, 8)).astype(np.float32)
    vectors[:40] = vectors[0]
    distances = isolation(vectors)
    assert np.allclose(distances[:40], distances[0])
    alone = isolation(np.concatenate([vectors[:1], vectors[40:]]))
    assert distances[0] == pytest.approx(alone[0], rel=1e-5)


def test_a_text_that_comes_again_counts_once() -> None:
    texts = sentences(400)
    again = [FOREIGN[0]] * 30
    whole, single = rarity([*texts, *again]), rarity([*texts, FOREIGN[0]])
    assert np.allclose(whole[400:], single[400]) and np.allclose(whole[:400], single[:400])


def test_neighbours_are_those_of_a_plain_search(monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.neighbors import NearestNeighbors

    generator = np.random.default_rng(3)
    vectors = generator.normal(size=(700, 12)) + 3 * generator.random((700, 1))  # some lie denser than others
    plain = NearestNeighbors(n_neighbors=nearest.NEIGHBOURS + 1, metric="cosine").fit(vectors).kneighbors(vectors)[0]
    assert np.allclose(isolation(vectors), plain[:, 1:].mean(1), atol=1e-5)
    monkeypatch.setattr(module, "AMONG", 300)  # of very many rows, some stand for all
    assert np.corrcoef(isolation(vectors), plain[:, 1:].mean(1))[0, 1] > 0.9


def test_blocks_and_a_second_reading_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = sentences(300)
    whole = rarity(texts)
    monkeypatch.setattr(module, "_TEXTS", 70)
    monkeypatch.setattr(module, "_KEPT", 500)
    assert np.allclose(rarity(texts), whole)


def test_scripts_without_blanks_are_read_by_characters() -> None:
    generator = np.random.default_rng(4)
    usual = [chr(code) for code in range(0x4E00, 0x4E00 + 60)]
    texts = ["".join(generator.choice(usual, 12)) for _ in range(400)]
    texts.append("".join(chr(code) for code in range(0x7000, 0x700C)))
    found = outliers(texts)
    assert found is not None and found.rows.tolist() == [400]


def test_where_nothing_can_be_told() -> None:
    assert outliers(sentences(LEAST - 1)) is None and outliers() is None
    assert outliers([" ", "", "?!"] * 200) is None
    same = outliers(["one and the same text"] * 500)
    assert same is not None and not len(same.rows) and not same.surprise.any()
    blank = outliers([*sentences(400), "", "  "])
    assert blank is not None and not blank.surprise[400:].any()
    zeros = outliers(features=np.zeros((300, 4), np.float32))
    assert zeros is None


@pytest.mark.skipif("CLC_TEXT_DATA" not in os.environ, reason="needs TREC; CLC_TEXT_DATA says where it lies")
def test_trec_is_clean_and_what_is_planted_in_it_comes_first() -> None:
    path = Path(os.environ["CLC_TEXT_DATA"]) / "trec/train_5500.label"
    texts = [line.partition(" ")[2] for line in path.read_text("latin-1").splitlines()]
    clean = outliers(texts)
    assert clean is not None and len(clean.rows) <= 5
    found = outliers([*texts, *FOREIGN])
    assert found is not None
    assert (np.argsort(-found.surprise)[: len(FOREIGN)] >= len(texts)).mean() >= 0.8


def test_neighbours_that_have_been_found_are_taken() -> None:
    """As if they were looked for; rows that are left out are nobody's neighbours, and fewer count."""
    vectors = np.random.default_rng(5).normal(size=(260, 6)).astype(np.float32)
    near = nearest.nearest(vectors, np.arange(260), 0, 1000)
    np.testing.assert_allclose(isolation(vectors, near=near), isolation(vectors), rtol=1e-5)
    blank = np.zeros(260, bool)
    blank[[3, 50]] = True
    found = isolation(vectors, blank, near=near)
    assert np.isnan(found[blank]).all()
    row = int(np.flatnonzero((near.places == 3).any(1) & ~blank)[0])
    counted = ~blank[near.places[row]]
    assert counted.sum() < nearest.NEIGHBOURS
    assert found[row] == pytest.approx(1 - near.similarity[row][counted].mean(), rel=1e-5)


def test_features_of_blank_texts_are_no_outliers_in_a_notebook() -> None:
    from clc_text.api.issues import Issues, find_issues

    generator = np.random.default_rng(6)
    labels = generator.integers(0, 2, 300)
    vectors = (2 * np.eye(2, 6)[labels] + 0.3 * generator.normal(size=(300, 6))).astype(np.float32)
    texts = sentences(300)
    texts[7], texts[8], vectors[[7, 8]] = " ", "", -9
    vectors[[7, 8], 5] = [9, 30]
    found = find_issues(labels.tolist(), features=vectors, texts=texts)
    assert isinstance(found, Issues) and found.outliers is not None
    assert not set(found.outliers.rows.tolist()) & {7, 8}
