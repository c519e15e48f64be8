"""The TF-IDF encoder after fitting: terms, weights, directions; encodes any text."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from clc_text.errors import InputError
from clc_text.models.encoder import FittedEncoder
from clc_text.text.encoders.base import read_description, write_description
from clc_text.text.encoders.lexical.terms import analyser
from clc_text.text.encoders.lexical.weighting import Weighting
from clc_text.text.encoders.vectors.cache import cache_directory
from clc_text.text.encoders.vectors.fitted import FittedWordVectors
from clc_text.utils.files import write_json, write_with
from clc_text.utils.on_disk import empty_table

_TEXTS_AT_ONCE = 8192
_ROWS_AT_ONCE = 65_536  # that are brought to double precision at once
_WORDS = "words"  # the folder of the word vectors


class FittedTfidf(FittedEncoder):
    """Encodes texts as ``{"features": float32 [N, F]}``, F the directions' number and that of the word vectors.

    Both parts are centred on the training texts and have the same mean length there; all of it is scaled by one
    number, so that a feature is as large as a network wants it and distances stay what they are. A text without a
    known term gives zeros.

    Args:
        weighting: terms, weights, directions.
        words: the word vectors beside them, all words of a text weighted by rarity; None: none.
        shift: float32 [F], subtracted.
        scale: float32 [F], multiplied by.
    """

    encodes_frozen = True

    def __init__(
        self,
        weighting: Weighting,
        ngrams: int,
        words: FittedWordVectors | None,
        shift: Tensor | None = None,
        scale: Tensor | None = None,
        facts: dict[str, Any] | None = None,
    ) -> None:
        self.weighting, self.ngrams, self.words = weighting, ngrams, words
        self.shift, self.scale = shift, scale
        self.facts = dict(facts or {})
        self._vectorizer = weighting.vectorizer(analyser(ngrams))

    def encode(self, texts: Sequence[str]) -> dict[str, Tensor]:
        return {"features": self.frozen(texts)}

    def frozen(self, texts: Sequence[str]) -> Tensor:
        """The same as `encode`: no label has shaped it, and its distances are those of the texts."""
        raw = self.raw(texts)
        if self.shift is None or self.scale is None:
            return raw
        for part in raw.split(_ROWS_AT_ONCE):
            known = (part != 0).any(1, keepdim=True)
            part.sub_(self.shift).mul_(self.scale).mul_(known)
        return raw

    def raw(self, texts: Sequence[str]) -> Tensor:
        """float32 [N, F] before centring."""
        size = len(self.weighting.components)
        made = empty_table(len(texts), size + (0 if self.words is None else self.words.size), cache_directory())
        rows, start = iter(texts), 0
        while block := list(itertools.islice(rows, _TEXTS_AT_ONCE)):
            part = made[start : start + len(block)]
            part[:, :size] = torch.from_numpy(self.weighting.project(self._vectorizer.transform(block)))
            if self.words is not None:
                part[:, size:] = self.words.encode(block)["features"]
            start += len(block)
        return made

    def balance(self, texts: Sequence[str]) -> int:
        """Takes shift and scale from training texts, those without a known term left out; gives how many these are."""
        raw = self.raw(texts)

        def of_known() -> Iterator[Tensor]:  # those of few texts at once, in which a mean rounds as it always has
            for part in raw.split(_ROWS_AT_ONCE):
                yield part[(part != 0).any(1)].double()

        count = sum(map(len, of_known()))
        shift = sum((part.mean(0) * (len(part) / count) for part in of_known() if len(part)), torch.zeros(1).double())
        sizes = [len(self.weighting.components), raw.shape[1] - len(self.weighting.components)]
        sizes = [size for size in sizes if size]
        squares = torch.zeros(len(sizes)).double()
        for part in of_known():
            if len(part):
                lengths = [one.square().sum(1).mean() for one in (part - shift).split(sizes, 1)]
                squares += torch.stack(lengths) * (len(part) / count)
        # Mean squared length 1 for each part, then mean square 1 for a feature.
        scales = [one.new_ones(size) / one.sqrt().clamp_min(1e-6) for one, size in zip(squares, sizes, strict=True)]
        self.scale = (torch.cat(scales) * (raw.shape[1] / len(sizes)) ** 0.5).float()
        self.shift = shift.float()
        return len(raw) - count

    def save(self, directory: Path) -> None:
        from safetensors.torch import save_file

        if self.words is not None:
            self.words.save(directory / _WORDS)
        tensors = {
            "idf": torch.from_numpy(np.array(self.weighting.idf)),
            "components": torch.from_numpy(np.array(self.weighting.components)),
        }
        if self.shift is not None and self.scale is not None:
            tensors |= {"shift": self.shift, "scale": self.scale}
        write_with(directory / "weighting.safetensors", lambda aside: save_file(tensors, aside))
        write_json(directory / "terms.json", self.weighting.terms)
        values = {"ngrams": self.ngrams, "words": self.words is not None, "facts": self.facts}
        write_description(directory, "tfidf", values)

    @classmethod
    def load(cls, directory: Path) -> FittedTfidf:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        description = read_description(directory)
        try:
            terms = json.loads((directory / "terms.json").read_text(encoding="utf-8"))
            tensors = load_file(directory / "weighting.safetensors")
            weighting = Weighting(list(map(str, terms)), tensors["idf"].numpy(), tensors["components"].numpy())
            if weighting.components.shape[1:] != (len(terms),) or weighting.idf.shape != (len(terms),):
                raise ValueError(f"{len(terms)} terms, weights of {list(weighting.components.shape)}")
            words = FittedWordVectors.load(directory / _WORDS) if description["words"] else None
            ngrams, facts = int(description["ngrams"]), dict(description["facts"])
            return cls(weighting, ngrams, words, tensors.get("shift"), tensors.get("scale"), facts)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise InputError(
                f"the encoder in {directory} is missing files or damaged ({error})", where=directory
            ) from None
