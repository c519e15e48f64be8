"""Texts that are nearly the same: copies with another blank, greeting or number.

MinHash over runs of five characters with banded buckets (Broder 1997; Leskovec, Rajaraman and Ullman, "Mining of
Massive Datasets", chapter 3), so that a million texts take minutes and not a comparison of each with each.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

UNASKED = 200_000  # texts, of which they are looked for though nobody asks: of a million it takes minutes and 2.5 GB
ALIKE = 0.8  # share of all runs of characters that both texts have (Jaccard)
_RUN = 5
_SEEDS, _BAND = 128, 4  # 32 bands of 4: of pairs with a share of .8 one in 10 million is missed
_LONGEST = 4_000  # characters of a text that are compared
_WORDS = re.compile(r"\w+").findall
_BLOCK = 100_000  # characters at once: what fits a processor's cache takes half the time


def first_near_copies(texts: Sequence[str]) -> np.ndarray:
    """int64 [N], the number of the first row of the group of near copies that a row belongs to: its own without any.

    Case, blanks and punctuation do not count. A row is in a group if it is alike to one row in it, not to all. Empty
    texts are copies of nothing.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = len(texts)
    firsts_of: dict[str, int] = {}  # texts that are equal are compared once
    equal = np.empty(count, np.int64)
    for row, text in enumerate(texts):
        reduced = _reduced(text)
        equal[row] = firsts_of.setdefault(reduced, row) if reduced else row
    kept = np.fromiter(firsts_of.values(), np.int64, len(firsts_of))
    if not len(kept):
        return np.arange(count)
    left, right = _pairs(_signatures(list(firsts_of)))
    del firsts_of
    copies = np.flatnonzero(equal != np.arange(count))
    ends = np.concatenate([kept[left], equal[copies]]), np.concatenate([kept[right], copies])
    edges = coo_matrix((np.ones(len(ends[0]), bool), ends), (count, count))
    _, group = connected_components(edges, directed=False)
    _, first = np.unique(group, return_index=True)
    firsts: np.ndarray = first[group]
    return firsts


def contradicting(first: np.ndarray, given: np.ndarray) -> np.ndarray:
    """int64, the rows of groups of near copies that were given several labels, a group together.

    Args:
        first: [N], see `first_near_copies`.
        given: [N, …], the given classes of each row.
    """
    differs = (given != given[first]).reshape(len(first), -1).any(1)
    rows = np.flatnonzero(np.isin(first, first[differs]))
    return rows[np.argsort(first[rows], kind="stable")]


def _reduced(text: str) -> str:
    """What of a text is compared; a text of signs alone is compared as it is."""
    cut = text[:_LONGEST]
    folded = (cut if cut.isascii() else unicodedata.normalize("NFKC", cut)).casefold()
    words = " ".join(_WORDS(folded))
    return words or " ".join(folded.split())


def _signatures(texts: list[str]) -> np.ndarray:
    """uint32 [n, _SEEDS], the least hash, by each of several functions, of a text's runs of characters."""
    lengths = np.array([len(text) for text in texts])
    blocks = np.cumsum(lengths) // _BLOCK
    found = np.empty((len(texts), _SEEDS), np.uint32)
    start = 0
    for end in [*(np.flatnonzero(np.diff(blocks)) + 1).tolist(), len(texts)]:
        found[start:end] = _block(texts[start:end], lengths[start:end])
        start = end
    return found


def _block(texts: list[str], lengths: np.ndarray) -> np.ndarray:
    # Blanks at the end: a text of one letter has a run, too.
    codes = np.frombuffer("".join(text + " " * (_RUN - 1) for text in texts).encode("utf-32-le"), np.uint32)
    count = len(codes) - _RUN + 1
    runs = np.zeros(count, np.uint64)
    for place in range(_RUN):
        runs = _mixed(runs + codes[place : count + place])
    spaces = lengths + _RUN - 1
    of_text = np.repeat(np.arange(len(texts)), spaces)[:count]
    starts = np.cumsum(spaces) - spaces
    # Only runs within a text count; one that is shorter than a run keeps those with the blanks.
    within = np.arange(count) - starts[of_text] < np.maximum(lengths - _RUN + 1, 1)[of_text]
    hashes = (runs[within] >> np.uint64(32)).astype(np.uint32)
    starts = np.flatnonzero(np.diff(of_text[within], prepend=-1))
    salts = (_mixed(np.arange(1, _SEEDS + 1, dtype=np.uint64)) >> np.uint64(32)).astype(np.uint32) | np.uint32(1)
    least = np.empty((_SEEDS, len(texts)), np.uint32)
    for seed, salt in enumerate(salts):
        np.minimum.reduceat(hashes * salt, starts, out=least[seed])
    return least.T


def _mixed(values: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64: every bit of a value decides over every bit of what comes out."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _pairs(signatures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are alike, each beside the first of its bucket: a bucket of n rows takes n comparisons."""
    count, pairs = len(signatures), np.zeros(0, np.int64)
    for begin in range(0, _SEEDS, _BAND):
        band = np.zeros(len(signatures), np.uint64)
        for column in range(begin, begin + _BAND):
            band = _mixed(band + signatures[:, column])
        _, first, bucket = np.unique(band, return_index=True, return_inverse=True)
        left, right = first[bucket], np.arange(len(band))
        apart = left != right
        pairs = np.union1d(pairs, left[apart] * count + right[apart])
    left, right = np.divmod(pairs, count)
    alike = np.empty(len(left), bool)
    for start in range(0, len(left), 100_000):
        part = slice(start, start + 100_000)
        alike[part] = (signatures[left[part]] == signatures[right[part]]).mean(1) >= ALIKE
    return left[alike], right[alike]
