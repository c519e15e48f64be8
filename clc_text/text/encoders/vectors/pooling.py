"""The vectors of a text's tokens as one vector of fixed length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool1d, embedding_bag

from clc_text.text.encoders.vectors.tokens import Tokens

POOLINGS = ("concat", "segments", "flat_segments", "mean", "idf_mean", "max", "min")
SEGMENTS = 16  # of Co-teaching+
IN_ORDER = frozenset(POOLINGS[:3])  # they take the first `length` tokens, the others all of them
_BLOCK_FLOATS = 1 << 23


def pooled_size(dimension: int, pooling: Sequence[str], length: int, segments: int = SEGMENTS) -> int:
    """Numbers a text: D for each pooling, `length` times D for ``concat``, `segments` times D for ``segments``."""
    times = {"concat": length, "segments": segments, "flat_segments": segments}
    return sum(dimension * times.get(kind, 1) for kind in pooling)


def idf(tokens: Tokens, size: int) -> np.ndarray:
    """float32 [V], log((1 + N) / (1 + df)) + 1 with df the number of the N texts that hold the word."""
    text = np.repeat(np.arange(len(tokens)), tokens.lengths)[tokens.ids >= 0]
    pairs = np.unique(text * np.int64(size) + tokens.ids[tokens.ids >= 0])
    frequency = np.bincount(pairs % size, minlength=size)
    return (np.log((1 + len(tokens)) / (1 + frequency)) + 1).astype(np.float32)


def pool(
    tokens: Tokens,
    matrix: np.ndarray,
    pooling: Sequence[str],
    length: int,
    idf: np.ndarray | None = None,
    segments: int = SEGMENTS,
) -> Iterator[tuple[slice, Tensor]]:
    """Pools block by block; the memory needed beside the result is bounded, and a row never depends on its block.

    Args:
        tokens: N texts; an id is a row of `matrix`, or -1 for a token without a vector.
        matrix: float32 [V, D].
        pooling: of `POOLINGS`; their results stand one after the other. ``concat`` takes the first `length` tokens,
            zeros for tokens without a vector and behind the text's end. ``segments`` is what
            `torch.nn.AdaptiveAvgPool1d` makes of each of the D dimensions of that sequence, ``flat_segments`` of its
            `length` · D numbers as one sequence: means of numbers that stand side by side in a token's vector. That is
            the input of Co-teaching+ (Yu et al. 2019) on 20 Newsgroups, as its code has it. The others take
            the tokens that have a vector, each as often as it occurs; a text without any gives zeros.
        idf: float32 [V], the weights of ``idf_mean``.
        segments: into how many the sequence is cut.

    Yields:
        (rows, float32 [rows, F]), the rows in order; see `pooled_size` for F.
    """
    # What is cut into segments is laid out whole before.
    laid_out = ["concat" if kind in IN_ORDER and length > segments else kind for kind in pooling]
    for rows in _blocks(tokens, matrix.shape[1], pooled_size(matrix.shape[1], laid_out, length, segments)):
        offsets = tokens.offsets[rows.start : rows.stop + 1]
        block = Tokens(tokens.ids[offsets[0] : offsets[-1]], offsets - offsets[0])
        yield rows, _pool_block(block, matrix, pooling, length, idf, segments)


def _blocks(tokens: Tokens, dimension: int, size: int) -> Iterator[slice]:
    """Consecutive texts that hold few enough tokens and give few enough features; at least one text each."""
    most_tokens, most_texts = max(1, _BLOCK_FLOATS // dimension), max(1, _BLOCK_FLOATS // size)
    start = 0
    while start < len(tokens):
        stop = int(np.searchsorted(tokens.offsets, tokens.offsets[start] + most_tokens, side="right")) - 1
        stop = min(max(stop, start + 1), start + most_texts, len(tokens))
        yield slice(start, stop)
        start = stop


def _pool_block(
    block: Tokens, matrix: np.ndarray, pooling: Sequence[str], length: int, idf: np.ndarray | None, segments: int
) -> Tensor:
    # Only the vectors that occur are fetched, and once each: the table may be a memory map.
    occurs = np.zeros(len(matrix), dtype=bool)
    has_vector = block.ids >= 0
    ids = block.ids[has_vector]
    occurs[ids] = True
    used = np.flatnonzero(occurs)
    position = np.cumsum(occurs, dtype=np.int64) - 1
    vectors = torch.from_numpy(np.asarray(matrix[used], dtype=np.float32).reshape(len(used), matrix.shape[1]))
    bags = torch.from_numpy(position[ids])
    starts = torch.from_numpy(np.concatenate([[0], np.cumsum(has_vector)])[block.offsets[:-1]])
    parts = []
    for kind in pooling:
        if kind == "concat":
            parts.append(_concat(block, position, vectors, length))
        elif kind == "segments":
            sequence = _concat(block, position, vectors, length).view(len(block), length, -1)
            means = adaptive_avg_pool1d(sequence.transpose(1, 2), segments)
            parts.append(means.transpose(1, 2).reshape(len(block), -1))
        elif kind == "flat_segments":
            numbers = _concat(block, position, vectors, length)
            parts.append(adaptive_avg_pool1d(numbers, segments * vectors.shape[1]))
        elif not len(used):
            parts.append(vectors.new_zeros(len(block), matrix.shape[1]))
        elif kind == "idf_mean":
            assert idf is not None
            weights = torch.from_numpy(idf[ids].astype(np.float32, copy=False))
            total = embedding_bag(bags, torch.ones(len(used), 1), starts, mode="sum", per_sample_weights=weights)
            summed = embedding_bag(bags, vectors, starts, mode="sum", per_sample_weights=weights)
            parts.append(summed / total.clamp_min(torch.finfo(torch.float32).tiny))
        elif kind == "min":
            # Subtracted from zero rather than negated: a text without vectors stays 0, not -0.
            parts.append(0 - embedding_bag(bags, -vectors, starts, mode="max"))
        else:
            parts.append(embedding_bag(bags, vectors, starts, mode=kind))
    return torch.cat(parts, dim=1)


def _concat(block: Tokens, position: np.ndarray, vectors: Tensor, length: int) -> Tensor:
    places = block.offsets[:-1, None] + np.arange(length)
    inside = places < block.offsets[1:, None]
    ids = np.full(places.shape, -1, dtype=np.int64)
    ids[inside] = block.ids[places[inside]]
    missing = ids < 0
    if missing.all():
        return vectors.new_zeros(len(block), length * vectors.shape[1])
    of_words = vectors[torch.from_numpy(np.where(missing, 0, position[ids]))]
    of_words[torch.from_numpy(missing)] = 0
    return of_words.reshape(len(block), -1)
