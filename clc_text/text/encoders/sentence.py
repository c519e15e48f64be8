"""Features of a frozen pre-trained encoder, computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from clc_text.config.components import option
from clc_text.models.encoder import Encoder, FittedEncoder
from clc_text.text.cut_off import tokens_cut_off
from clc_text.text.encoders.base import encoder
from clc_text.text.encoders.features.fitted import FittedSentence

if TYPE_CHECKING:
    import numpy as np

    from clc_text.text.encoders.features.compute import FrozenModel, Reading


@encoder("sentence")
@dataclass(frozen=True)
class Sentence(Encoder):
    """Each text as one vector of a pre-trained model that is never changed, for a small network on top."""

    fitted: ClassVar[type[FittedEncoder]] = FittedSentence

    model: str = option(
        "sentence-transformers/all-MiniLM-L6-v2",
        "a folder, a Hub id, or 'package:NAME' for an installed package that carries a model; safetensors only, and "
        "never code of the model's own",
        not_empty=True,
        give="a folder, a Hub id or 'package:NAME'",
    )
    pooling: Literal["mean", "first"] = option(
        "mean", "the mean of the tokens' vectors, or the first token's (for models that were trained so)"
    )
    max_length: int = option(
        128, "tokens of a text that the model reads; the rest is cut off", at_least=3, at_most=1_000_000
    )
    standardize: bool = option(True, "shift and scale every feature to mean 0, deviation 1 over the training texts")
    batch_size: int = option(64, "texts of a forward pass", at_least=1, at_most=1_000_000)

    def fit(self, train: Sequence[str], test: Sequence[str], seed: int) -> FittedSentence:
        """Finds the model, and takes the scales from the training texts.

        Raises:
            InputError: there is no such model, or it reads fewer tokens than `max_length`.
        """
        model = self.frozen_model()
        facts = {
            "model": self.model,
            "model_sha256": model.sha256,
            "empty_texts": sum(not text.strip() for text in train),
            "empty_texts_test": sum(not text.strip() for text in test),
        }
        fitted = FittedSentence(self.model, model, self.how_read(), self.batch_size)
        raw, tokens = fitted.read(train)
        fitted.facts = facts | self._cut_off(model, tokens.numpy())
        if self.standardize:
            fitted.take_scales(raw)
        return fitted

    def reading(self, texts: Sequence[str]) -> dict[str, Any]:
        from clc_text.text.encoders.features.first_tokens import first_tokens

        model = self.frozen_model()
        _, tokens = first_tokens(model.tokenizer, texts, self.max_length)
        return {"model": self.model} | self._cut_off(model, tokens)

    def how_read(self) -> Reading:
        from clc_text.text.encoders.features.compute import Reading

        return Reading(self.pooling, self.max_length)

    def frozen_model(self) -> FrozenModel:
        """The model, found and not yet loaded.

        Raises:
            InputError: there is none of that name, or it reads fewer tokens than `max_length`.
        """
        from clc_text.models.pretrained import check_length, model_folder
        from clc_text.text.encoders.features.compute import KEY, FrozenModel

        model = FrozenModel(model_folder(self.model, KEY))
        check_length(self.max_length, model.folder, model.tokenizer)
        return model

    def _cut_off(self, model: FrozenModel, tokens: np.ndarray) -> dict[str, Any]:
        return tokens_cut_off(tokens, self.max_length, model.folder, model.tokenizer)
