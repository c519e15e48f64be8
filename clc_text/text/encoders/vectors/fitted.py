"""The word-vector encoder after fitting: words, vectors, weights and scales; encodes any text."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from clc_text.errors import InputError
from clc_text.models.encoder import FittedEncoder
from clc_text.text.encoders.base import read_description, write_description
from clc_text.text.encoders.vectors.cache import cache_directory
from clc_text.text.encoders.vectors.pooling import IN_ORDER, SEGMENTS, idf, pool, pooled_size
from clc_text.text.encoders.vectors.table import VectorTable
from clc_text.text.encoders.vectors.tokens import KnownWords, Tokens, number_tokens, tokenizer
from clc_text.utils.files import write_json, write_with
from clc_text.utils.on_disk import empty_table

_TEXTS_AT_ONCE = 8192


@dataclass(frozen=True)
class Reading:
    """How texts become features; see `WordVectors` for the meaning of each."""

    tokens: str
    lowercase: bool
    pooling: list[str]
    length: int
    characters: bool = False  # as runs of before this was written down read texts; see `tokenizer`
    segments: int = SEGMENTS


class FittedWordVectors(FittedEncoder):
    """Encodes texts as ``{"features": float32 [N, F]}``, F by `pooled_size`.

    It knows the words it was saved with: those of the training and test texts and the first `keep_words` of the
    source. Any other word counts as unknown, whether or not the source file is still there, so that a text is encoded
    the same on every machine. A text without a known word gives zeros, after standardisation as well (where 0 is the
    mean of the training rows).

    Args:
        table: words and vectors.
        reading: how texts are cut and pooled.
        idf: float32 [V], for ``idf_mean``; None without it.
        mean, scale: float32 [F], subtracted and divided by; None: not standardised.
    """

    def __init__(
        self,
        table: VectorTable,
        reading: Reading,
        idf: np.ndarray | None = None,
        mean: Tensor | None = None,
        scale: Tensor | None = None,
        facts: dict[str, Any] | None = None,
    ) -> None:
        self.table = table
        self.reading = reading
        self.idf = idf
        self.mean = mean
        self.scale = scale
        self.facts = dict(facts or {})
        self._rows = KnownWords((word, row) for row, word in enumerate(table.words))
        self._tokenize = tokenizer(reading.tokens, reading.lowercase, reading.characters)

    @property
    def size(self) -> int:
        """F, the features of a text."""
        reading = self.reading
        return pooled_size(self.table.dimension, reading.pooling, reading.length, reading.segments)

    def encode(self, texts: Sequence[str]) -> dict[str, Tensor]:
        features = empty_table(len(texts), self.size, cache_directory())
        start = 0
        rows = iter(texts)
        while chunk := list(itertools.islice(rows, _TEXTS_AT_ONCE)):
            tokens = number_tokens(chunk, self._tokenize, self._rows, first_row=start)
            known = torch.from_numpy(tokens.known > 0)
            for block, pooled in self.pooled(tokens):
                if self.mean is not None and self.scale is not None:
                    pooled = (pooled - self.mean) / self.scale * known[block, None]
                features[start + block.start : start + block.stop] = pooled
            start += len(chunk)
        return {"features": features}

    def frozen(self, texts: Sequence[str]) -> Tensor:
        """As `encode` makes them, or with ``concat`` and segments the mean of all words' vectors, weighted by rarity.

        Vectors one after the other have no distances to speak of: a word more at the beginning moves all of them.
        """
        if IN_ORDER.isdisjoint(self.reading.pooling):
            return self.encode(texts)["features"]
        tokens = number_tokens(texts, self._tokenize, self._rows)
        weights = idf(tokens, len(self.table.words)) if self.idf is None else self.idf
        features = torch.zeros(len(texts), self.table.dimension)
        for block, pooled in pool(tokens, self.table.matrix, ["idf_mean"], 1, weights):
            features[block] = pooled
        return features

    def pooled(self, tokens: Tokens) -> Iterator[tuple[slice, Tensor]]:
        """Blocks of features before standardisation; ids are rows of the table."""
        reading = self.reading
        return pool(tokens, self.table.matrix, reading.pooling, reading.length, self.idf, reading.segments)

    def standardise(self, tokens: Tokens) -> None:
        """Takes mean and deviation of the features from training texts, those without a known word left out."""
        known = torch.from_numpy(tokens.known > 0)
        count, total, squares = int(known.sum()), torch.zeros(self.size).double(), torch.zeros(self.size).double()
        for block, pooled in self.pooled(tokens):
            rows = pooled[known[block]].double()
            total += rows.sum(0)
            squares += rows.square().sum(0)
        mean = total / count
        deviation = (squares / count - mean.square()).clamp_min(0).sqrt()
        # A column that does not vary (beyond rounding) is only shifted; dividing by its deviation would blow up noise.
        constant = deviation <= 1e-6 * mean.abs().clamp_min(1e-6)
        self.mean = mean.float()
        self.scale = torch.where(constant, 1.0, deviation).float()

    def save(self, directory: Path) -> None:
        from safetensors.torch import save_file

        tensors = {"vectors": torch.from_numpy(np.array(self.table.matrix))}
        if self.idf is not None:
            tensors["idf"] = torch.from_numpy(self.idf)
        if self.mean is not None and self.scale is not None:
            tensors |= {"mean": self.mean, "scale": self.scale}
        write_with(directory / "vectors.safetensors", lambda aside: save_file(tensors, aside))
        write_json(directory / "words.json", self.table.words)
        values = {"reading": vars(self.reading), "source": self.table.source, "facts": self.facts}
        write_description(directory, "word_vectors", values)

    @classmethod
    def load(cls, directory: Path) -> FittedWordVectors:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        description = read_description(directory)
        try:
            words = json.loads((directory / "words.json").read_text(encoding="utf-8"))
            tensors = load_file(directory / "vectors.safetensors")
            table = VectorTable(words, tensors["vectors"].numpy(), description["source"])
            if len(words) != len(table.matrix):
                raise ValueError(f"{len(words)} words, {len(table.matrix)} vectors")
            reading = Reading(**description["reading"])
            idf = tensors["idf"].numpy() if "idf" in tensors else None
            return cls(table, reading, idf, tensors.get("mean"), tensors.get("scale"), description["facts"])
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise InputError(
                f"the encoder in {directory} is missing files or damaged ({error})", where=directory
            ) from None
