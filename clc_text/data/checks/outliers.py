"""Rows like no other: texts whose words hardly any other text has, and features that lie far from all others.

Two kinds of evidence are read where they are to be had, and added as surprise (Fisher 1925): how rare a text's words
are in the other texts, beyond what texts of its length differ by, and how far its nearest neighbours lie. How much is
too much is read off the rows themselves: a Weibull tail through the upper quantiles of the bulk says how many rows as
odd as this would be there by chance, and rows are named as long as no more than `FALSE` of them would be
(Benjamini and Hochberg 1995). So rows that are merely the last of a long tail are none, and of clean rows, whatever
shape their tail has, about one set in three has a row or two that is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clc_text.data.copies import digest_of, first_rows, firsts
from clc_text.data.nearest import Nearest, nearest
from clc_text.data.scripts import SPACELESS, has_spaceless

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FALSE = 0.2  # of the rows that are named, as many may be there by chance
LEAST = 200  # rows below which their tail cannot be told
AMONG = 10_000  # rows that neighbours are sought among
BULK = (0.5, 0.75, 0.9)  # quantiles that the tail is drawn through; above them, one row in ten may be strange
_PLACES = (16, 22)  # bits of the table of words, which are hashed: no vocabulary grows with the rows
_TEXTS = 20_000  # texts that are in memory at once
_KEPT = 1 << 24  # words of all texts, up to which they are cut apart once; of more twice, which needs no memory
_MEDIAN = 0.4549  # of the chi-squared distribution with one degree of freedom


@dataclass(frozen=True)
class Outliers:
    """Rows like no other.

    Attributes:
        surprise: float64 [N], in nats: how improbable it is to find a row as odd as this among so many alike; 0 for
            rows of the middle, and for those of which nothing can be told.
        rows: int64 [n], those that are too odd to be there by chance, the oddest first.
        by: what was looked at, "words", "features".
    """

    surprise: np.ndarray
    rows: np.ndarray
    by: tuple[str, ...]


def outliers(
    texts: Sequence[str] | None = None,
    features: np.ndarray | None = None,
    seed: int = 0,
    near: Nearest | None = None,
) -> Outliers | None:
    """Looks for them; None of fewer than `LEAST` rows with a word or a feature.

    Blank texts are none, and a text that comes again counts once.

    Args:
        texts: [N]; None: rows are no texts.
        features: float [N, D], finite, whose distances mean something: those of a pre-trained encoder, not of one that
            was fitted to these texts, which gives rare words a place among frequent ones. None: there are none.
        seed: of the rows that neighbours are sought among, where there are very many.
        near: the nearest others of each row by these features, where somebody has found them.
    """
    if max(len(rows) for rows in (texts, features, ()) if rows is not None) < LEAST:
        return None
    measured: dict[str, np.ndarray] = {}
    blank = None if texts is None else np.array([not text.strip() for text in texts], bool)
    if texts is not None:
        measured["words"] = rarity(texts)
    if features is not None:
        measured["features"] = isolation(features, blank, seed, near)
    measured = {name: values for name, values in measured.items() if np.isfinite(values).sum() >= LEAST}
    if not measured:
        return None
    total = np.sum([_surprise(values) for values in measured.values()], axis=0)
    known = np.any([np.isfinite(values) for values in measured.values()], axis=0)
    surprise = _surprise(np.where(known, total, np.nan)) if len(measured) > 1 else total
    return Outliers(surprise, _beyond_chance(surprise, known), tuple(measured))


def rarity(texts: Sequence[str]) -> np.ndarray:
    """float64 [N], how rare the words of each text are in the others; NaN of texts without words.

    The mean over a text's different words of -log(share of other texts that have it), less that of the median text, in
    units of what texts of as many words differ by: their words are a draw from all words, and texts have a spread of
    their own beside it, which is found so that the median text is a median one.
    """
    first = firsts((digest_of(text.encode("utf-8", "surrogatepass")) for text in texts), len(texts))
    counted = first == np.arange(len(texts))
    places = 1 << min(max((64 * len(texts)).bit_length(), _PLACES[0]), _PLACES[1])
    having = np.zeros(places, np.int64)
    kept: list[tuple[int, csr_matrix]] = []
    for start, block in _words(texts, places):
        having += np.bincount(block[np.flatnonzero(counted[start : start + _TEXTS])].indices, minlength=places)
        if sum(one.nnz for _, one in kept) + block.nnz <= _KEPT:
            kept.append((start, block))
    whole = sum(one.shape[0] for _, one in kept) == len(texts)
    rare = -np.log((np.maximum(having - 1, 0) + 0.5) / counted.sum())
    sums, squares, words = (np.zeros(len(texts)) for _ in range(3))
    for start, block in kept if whole else _words(texts, places):
        part = slice(start, start + block.shape[0])
        words[part] = np.diff(block.indptr)
        sums[part], squares[part] = block @ rare, block @ rare**2
    found, written = np.full(len(texts), np.nan), words > 0
    told = written & counted
    if not told.any():
        return found
    mean = sums[written] / words[written]
    of_word = squares[told].sum() / words[told].sum() - (sums[told].sum() / words[told].sum()) ** 2
    away, of_draw = mean - np.median(mean[counted[written]]), of_word / words[written]
    spread = _spread(away[counted[written]] ** 2, of_draw[counted[written]])
    found[written] = away / np.sqrt(np.maximum(spread + of_draw, 1e-12))
    return found


def isolation(
    features: np.ndarray, left_out: np.ndarray | None = None, seed: int = 0, near: Nearest | None = None
) -> np.ndarray:
    """float64 [N], the mean distance (1 - cosine) to the `NEIGHBOURS` nearest rows that are no copies of the row.

    So many and not a few, so that a handful of rows of one strange kind do not vouch for each other.

    Args:
        features: float [N, D].
        left_out: bool [N], rows that have no distance (NaN) and are nobody's neighbours.
        near: the nearest others among all rows, where somebody has found them; None: they are looked for.
    """
    found = np.full(len(features), np.nan)
    rows = np.arange(len(features)) if left_out is None else np.flatnonzero(~left_out)
    if near is None:
        kept = features[rows]
        near = nearest(kept, first_rows(kept), seed, AMONG)
        group, counted = near.group, np.ones(near.places.shape, bool)
    else:
        group, there = near.group[rows], np.zeros(len(near.places), bool)
        there[group] = True
        counted = there[near.places]
    told = np.asarray(counted.any(1))
    distance = np.full(len(told), np.nan)
    distance[told] = 1 - np.mean(near.similarity[told], 1, where=counted[told])
    found[rows] = distance[group]
    return found


def _words(texts: Sequence[str], places: int) -> Iterator[tuple[int, csr_matrix]]:
    """(first text, sparse [n, places] of its different words) a block; a script without blanks gives characters."""
    from sklearn.feature_extraction.text import HashingVectorizer

    pattern = r"\w+"
    if any(map(has_spaceless, texts)):
        pattern = rf"{SPACELESS}|(?:(?!{SPACELESS})\w)+"
    made = HashingVectorizer(
        n_features=places, tokenizer=re.compile(pattern).findall, token_pattern=None, binary=True, norm=None,
        alternate_sign=False, dtype=np.float32,
    )  # fmt: skip
    for start in range(0, len(texts), _TEXTS):
        yield start, made.transform(texts[start : start + _TEXTS])


def _spread(squares: np.ndarray, of_draw: np.ndarray) -> float:
    """The variance beside that of the draw, by which the median of squared deviations is that of a normal one."""
    low, high = 0.0, float(squares.max()) / _MEDIAN
    for _ in range(60):
        middle = (low + high) / 2
        if np.median(squares / np.maximum(middle + of_draw, 1e-12)) > _MEDIAN:
            low = middle
        else:
            high = middle
    return high


def _surprise(values: np.ndarray) -> np.ndarray:
    """float64 [N], -log P(a value as large as this), by a Weibull tail through `BULK`; 0 of a NaN and in the bulk.

    0 throughout where values are too often equal to have a tail.
    """
    middle, *upper = np.nanquantile(values, BULK)
    near, far = (quantile - middle for quantile in upper)
    if not 0 < near < far:
        return np.zeros(len(values))
    half = BULK[0]  # of all values are above the middle
    depth = [-np.log((1 - share) / half) for share in BULK[1:]]
    shape = np.log(depth[1] / depth[0]) / np.log(far / near)
    scale = near / depth[0] ** (1 / shape)
    above = np.maximum(np.nan_to_num(values, nan=middle) - middle, 0)
    return np.asarray(np.where(above > 0, -np.log(half) + (above / scale) ** shape, 0.0))


def _beyond_chance(surprise: np.ndarray, known: np.ndarray) -> np.ndarray:
    from scipy.stats import false_discovery_control

    rows = np.flatnonzero(known)
    share = false_discovery_control(np.exp(-np.minimum(surprise[rows], 700.0)))
    named = rows[share <= FALSE]
    return np.asarray(named[np.argsort(-surprise[named], kind="stable")])
