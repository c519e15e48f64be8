"""The sentence encoder after fitting: a model, and the scales of its features; encodes any text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from clc_text.errors import InputError
from clc_text.models.encoder import FittedEncoder
from clc_text.models.pretrained import model_folder
from clc_text.text.encoders.base import read_description, write_description
from clc_text.text.encoders.features.cache import FeatureCache, Found
from clc_text.text.encoders.features.compute import KEY, FrozenModel, Reading, work
from clc_text.text.encoders.vectors.cache import cache_directory
from clc_text.text.progress import progress
from clc_text.utils.files import write_with
from clc_text.utils.on_disk import empty_table

PIECE = 4096  # texts of a file of the cache
ROWS_AT_ONCE = 65_536  # whose mean and deviation are taken at once
FEW = 64  # so many texts are computed faster than a file is worth


class FittedSentence(FittedEncoder):
    """Encodes texts as ``{"features": float32 [N, D]}``, D the model's hidden size.

    A run directory keeps the model's name and the hash of its files, not the files (often a hundred megabytes): to
    encode further texts the model must still be found under its name, and is refused when it has changed.

    Args:
        name: the model as the recipe names it.
        mean, scale: float32 [D], subtracted and divided by; None: not standardised.
    """

    distances = True

    def __init__(
        self,
        name: str,
        model: FrozenModel,
        reading: Reading,
        batch_size: int,
        mean: Tensor | None = None,
        scale: Tensor | None = None,
        facts: dict[str, Any] | None = None,
    ) -> None:
        self.name, self.model, self.reading, self.batch_size = name, model, reading, batch_size
        self.mean, self.scale = mean, scale
        self.facts = dict(facts or {})

    def encode(self, texts: Sequence[str]) -> dict[str, Tensor]:
        features = self.raw(texts)
        if self.mean is not None and self.scale is not None:
            features.sub_(self.mean).div_(self.scale)
        return {"features": features}

    def frozen(self, texts: Sequence[str]) -> Tensor:
        """As the model makes them: its distances are those that it was trained for."""
        return self.raw(texts)

    def raw(self, texts: Sequence[str]) -> Tensor:
        """float32 [N, D] before standardisation, from the cache as far as it reaches."""
        return self.read(texts)[0]

    def read(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """`raw`, and the tokens of each whole text, int32 [N]; equal texts are computed once."""
        places: dict[str, int] = {}
        rows = torch.tensor([places.setdefault(text, len(places)) for text in texts], dtype=torch.int64)
        different = list(places)
        if not different:
            return torch.empty(0, self.model.size), torch.empty(0, dtype=torch.int32)
        cache = FeatureCache(self.model.facts(self.reading), self.model.size)
        missing = torch.ones(len(different), dtype=torch.bool)
        features, tokens = torch.empty(0), torch.empty(len(rows), dtype=torch.int32)
        found = torch.full((len(different),), -1)

        def put(part: Found) -> None:  # one after another: all parts and the whole are twice the memory
            nonlocal features
            if not len(features):
                features = empty_table(len(rows), part.features.shape[1], cache_directory())
            found[part.places] = torch.arange(len(part.places))
            places = found[rows]
            own = (places >= 0).nonzero()[:, 0]
            features[own], tokens[own] = part.features[places[own]], part.tokens[places[own]]
            found[part.places], missing[part.places] = -1, False

        for part in cache.find(different):
            put(part)
        for part in self._compute(different, missing.nonzero()[:, 0].tolist(), cache):
            put(part)
        return features, tokens

    def _compute(self, texts: Sequence[str], missing: list[int], cache: FeatureCache) -> Iterator[Found]:
        """Those texts, a file of the cache after another, so that what is done survives a crash."""
        shown = len(missing) > FEW
        with progress("computing features", sum(work(texts[row], self.reading) for row in missing), shown) as advance:
            for start in range(0, len(missing), PIECE):
                rows = missing[start : start + PIECE]
                piece = [texts[row] for row in rows]
                features, tokens = self.model.vectors(piece, self.reading, self.batch_size, advance)
                if len(missing) > FEW:
                    cache.store(piece, features, tokens)
                yield Found(torch.tensor(rows), features, tokens)

    def take_scales(self, raw: Tensor) -> None:
        """Takes mean and deviation of the features from those of training texts, [N, D]."""
        mean, deviation = _mean_and_deviation(raw)
        # A column that does not vary (beyond rounding) is only shifted; dividing by its deviation would blow up noise.
        constant = deviation <= 1e-6 * mean.abs().clamp_min(1e-6)
        self.mean = mean.float()
        self.scale = torch.where(constant, 1.0, deviation).float()

    def save(self, directory: Path) -> None:
        from safetensors.torch import save_file

        if self.mean is not None and self.scale is not None:
            scales = {"mean": self.mean, "scale": self.scale}
            write_with(directory / "scales.safetensors", lambda aside: save_file(scales, aside))
        values = {
            "model": self.name,
            "sha256": self.model.sha256,
            "reading": asdict(self.reading),
            "batch_size": self.batch_size,
            "standardised": self.mean is not None,
            "facts": self.facts,
        }
        write_description(directory, "sentence", values)

    @classmethod
    def load(cls, directory: Path) -> FittedSentence:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        description = read_description(directory)
        try:
            scales = load_file(directory / "scales.safetensors") if description["standardised"] else {}
            name, sha256 = description["model"], description["sha256"]
            reading, batch_size = Reading(**description["reading"]), int(description["batch_size"])
            facts = dict(description["facts"])
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise InputError(
                f"the encoder in {directory} is missing files or damaged ({error})", where=directory
            ) from None
        model = FrozenModel(model_folder(name, KEY))
        if model.sha256 != sha256:
            raise InputError(
                f"the model '{name}' has changed since the run in {directory.parent} was trained on its features; "
                "bring its files back, or train again",
                where=name,
            )
        return cls(name, model, reading, batch_size, scales.get("mean"), scales.get("scale"), facts)


def _mean_and_deviation(raw: Tensor) -> tuple[Tensor, Tensor]:
    """float64 [D] each, of float32 [N, D]; of more than `ROWS_AT_ONCE` rows part by part."""
    if len(raw) <= ROWS_AT_ONCE:
        features = raw.double()
        return features.mean(0), features.std(0, unbiased=False)
    mean = torch.stack([part.double().sum(0) for part in raw.split(ROWS_AT_ONCE)]).sum(0) / len(raw)
    apart = [(part.double() - mean).square_().sum(0) for part in raw.split(ROWS_AT_ONCE)]
    return mean, (torch.stack(apart).sum(0) / len(raw)).sqrt()
