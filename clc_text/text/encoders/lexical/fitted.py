"""The TF-IDF encoder after fitting: terms, weights, directions; encodes any text."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
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
from clc_text.text.encoders.vectors.fitted import FittedWordVectors
from clc_text.utils.files import write_json, write_with

_TEXTS_AT_ONCE = 8192
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
        known = (raw != 0).any(1, keepdim=True)
        return (raw - self.shift) * self.scale * known

    def raw(self, texts: Sequence[str]) -> Tensor:
        """float32 [N, F] before centring."""
        rows, blocks = iter(texts), []
        while block := list(itertools.islice(rows, _TEXTS_AT_ONCE)):
            blocks.append(self.weighting.project(self._vectorizer.transform(block)))
        lexical = np.concatenate(blocks) if blocks else np.empty((0, len(self.weighting.components)), np.float32)
        parts = [torch.from_numpy(lexical)]
        if self.words is not None:
            parts.append(self.words.encode(texts)["features"])
        return torch.cat(parts, 1)

    def balance(self, texts: Sequence[str]) -> int:
        """Takes shift and scale from training texts, those without a known term left out; gives how many these are."""
        raw = self.raw(texts)
        known = (raw != 0).any(1)
        raw = raw[known].double()
        self.shift = raw.mean(0)
        centred = raw - self.shift
        sizes = [len(self.weighting.components)]
        sizes.append(raw.shape[1] - sizes[0])
        parts = [part for part in centred.split(sizes, 1) if part.shape[1]]
        # Mean squared length 1 for each part, then mean square 1 for a feature.
        scales = [part.new_ones(part.shape[1]) / part.square().sum(1).mean().sqrt().clamp_min(1e-6) for part in parts]
        self.scale = (torch.cat(scales) * (raw.shape[1] / len(parts)) ** 0.5).float()
        self.shift = self.shift.float()
        return int((~known).sum())

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
