from __future__ import annotations

import numpy as np
import pytest
import torch

from clc_text.text.encoders.vectors import pooling as module
from clc_text.text.encoders.vectors.pooling import POOLINGS, pool, pooled_size
from clc_text.text.encoders.vectors.tokens import Tokens

DIMENSION, WORDS, LENGTH, SEGMENTS = 5, 40, 4, 3


def random_tokens(seed: int, texts: int = 60) -> Tokens:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 12, texts)
    lengths[[0, 7, texts - 1]] = 0
    lengths[3] = 300
    ids = rng.integers(-1, WORDS, lengths.sum()).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids[offsets[5] : offsets[6]] = -1  # a text of unknown words only
    return Tokens(ids, offsets)


def reference(ids: np.ndarray, matrix: np.ndarray, kind: str, idf: np.ndarray) -> np.ndarray:
    """One text, word by word, in double precision."""
    if kind == "concat":
        rows = [matrix[n] if n >= 0 else np.zeros(DIMENSION) for n in ids[:LENGTH]]
        rows += [np.zeros(DIMENSION)] * (LENGTH - len(rows))
        return np.concatenate(rows)
    if kind == "segments":  # each dimension's sequence by itself
        sequence = reference(ids, matrix, "concat", idf).reshape(LENGTH, DIMENSION)
        return np.stack([windows(column, SEGMENTS) for column in sequence.T], 1).ravel()
    if kind == "flat_segments":
        return windows(reference(ids, matrix, "concat", idf), SEGMENTS * DIMENSION)
    known = [n for n in ids if n >= 0]
    if not known:
        return np.zeros(DIMENSION)
    if kind == "mean":
        return sum(matrix[n].astype(float) for n in known) / len(known)
    if kind == "idf_mean":
        return sum(idf[n] * matrix[n].astype(float) for n in known) / sum(float(idf[n]) for n in known)
    columns = zip(*(matrix[n] for n in known), strict=True)
    return np.array([max(column) if kind == "max" else min(column) for column in columns])


def windows(numbers: np.ndarray, parts: int) -> np.ndarray:
    """Means over parts of as equal length as can be, which share a number where they do not fall between two."""
    bounds = [(len(numbers) * part // parts, -(-len(numbers) * (part + 1) // parts)) for part in range(parts)]
    return np.array([numbers[start:stop].astype(float).mean() for start, stop in bounds])


def pooled(tokens: Tokens, matrix: np.ndarray, kinds: list[str], idf: np.ndarray) -> np.ndarray:
    blocks = list(pool(tokens, matrix, kinds, LENGTH, idf, SEGMENTS))
    rows = [row for block, _ in blocks for row in range(block.start, block.stop)]
    assert rows == list(range(len(tokens)))
    return torch.cat([values for _, values in blocks]).numpy()


@pytest.mark.parametrize("block", [1, 37, 1 << 23])
@pytest.mark.parametrize("kinds", [[kind] for kind in POOLINGS] + [["mean", "max", "min"], ["idf_mean", "concat"]])
def test_pooling_equals_the_loop_over_words(kinds: list[str], block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(WORDS, DIMENSION)).astype(np.float32)
    matrix.flags.writeable = False  # as a memory map is
    idf = rng.uniform(1, 9, WORDS).astype(np.float32)
    tokens = random_tokens(1)
    expected = np.stack(
        [
            np.concatenate([reference(tokens.ids[start:stop], matrix, kind, idf) for kind in kinds])
            for start, stop in zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True)
        ]
    )
    whole = pooled(tokens, matrix, kinds, idf)
    assert whole.shape == (len(tokens), pooled_size(DIMENSION, kinds, LENGTH, SEGMENTS))
    np.testing.assert_allclose(whole, expected, rtol=1e-5, atol=1e-6)
    monkeypatch.setattr(module, "_BLOCK_FLOATS", block)
    in_blocks = pooled(tokens, matrix, kinds, idf)
    assert in_blocks.tobytes() == whole.tobytes(), "a row must not depend on its neighbours, not even in its last bit"


def test_nothing_to_pool() -> None:
    matrix = np.zeros((0, DIMENSION), np.float32)
    nobody = Tokens(np.full(3, -1, np.int32), np.array([0, 3, 3]))
    assert pooled(nobody, matrix, list(POOLINGS), np.zeros(0, np.float32)).any() == False  # noqa: E712
    assert list(pool(Tokens(np.zeros(0, np.int32), np.array([0])), matrix, ["mean"], LENGTH)) == []
