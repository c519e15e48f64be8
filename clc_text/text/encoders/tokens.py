"""Texts as token numbers, for a network that reads tokens itself."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from clc_text.config.components import option
from clc_text.errors import InputError
from clc_text.models.encoder import Encoder, FittedEncoder
from clc_text.text.cut_off import tokens_cut_off
from clc_text.text.encoders.base import encoder, read_description, write_description

if TYPE_CHECKING:
    from torch import Tensor

KEY = "encoder.model"
_TEXTS_A_PASS = 64


class FittedTokens(FittedEncoder):
    """Encodes texts as ``{"input_ids", "attention_mask"}``, each padded to the longest text of a batch.

    A run directory keeps a copy of the tokenizer, so that it encodes further texts the same on every machine.
    """

    def __init__(self, tokenizer: Any, max_length: int, facts: dict[str, Any] | None = None) -> None:
        self.tokenizer, self.max_length = tokenizer, max_length
        self.facts = dict(facts or {})

    def encode(self, texts: Sequence[str]) -> dict[str, Tensor]:
        from clc_text.text.encoders.features.first_tokens import first_tokens
        from clc_text.text.encoders.features.ragged import Ragged

        rows, _ = first_tokens(self.tokenizer, texts, self.max_length)
        ids = Ragged.of(rows, fill=self.tokenizer.pad_token_id)
        # They are indexed like tensors, which is all that batches need.
        return {"input_ids": ids, "attention_mask": ids.mask()}  # type: ignore[dict-item]

    def frozen(self, texts: Sequence[str]) -> Tensor:
        """The mean of the tokens' vectors by the model as it was before any training."""
        from clc_text.models.pretrained import model_folder
        from clc_text.text.encoders.features.compute import FrozenModel, Reading
        from clc_text.text.encoders.features.fitted import FittedSentence

        model = FrozenModel(model_folder(self.facts["model"], KEY))
        return FittedSentence(self.facts["model"], model, Reading("mean", self.max_length), _TEXTS_A_PASS).raw(texts)

    def save(self, directory: Path) -> None:
        self.tokenizer.save_pretrained(directory)
        write_description(directory, "tokens", {"max_length": self.max_length, "facts": self.facts})

    def save_beside(self, model: Path) -> None:
        tokenizer = copy.deepcopy(self.tokenizer)
        tokenizer.model_max_length = self.max_length  # so that `truncation=True` cuts texts off where training did
        tokenizer.save_pretrained(model)

    @classmethod
    def load(cls, directory: Path) -> FittedTokens:
        from clc_text.models.pretrained import load_tokenizer

        description = read_description(directory)
        try:
            max_length, facts = int(description["max_length"]), dict(description["facts"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"the encoder in {directory} is missing files or damaged ({error})", where=directory
            ) from None
        return cls(load_tokenizer(directory, "the run's encoder"), max_length, facts)


@encoder("tokens")
@dataclass(frozen=True)
class Tokens(Encoder):
    """Each text as the numbers of its tokens, for `network: transformer` with the same model."""

    fitted: ClassVar[type[FittedEncoder]] = FittedTokens

    model: str = option(
        "sentence-transformers/all-MiniLM-L6-v2",
        "the model whose tokenizer is used: a folder, a Hub id, or 'package:NAME'; the same as network.model",
        not_empty=True,
        give="a folder, a Hub id or 'package:NAME'",
    )
    max_length: int = option(128, "tokens of a text; the rest is cut off", at_least=3, at_most=1_000_000)

    def fit(self, train: Sequence[str], test: Sequence[str], seed: int) -> FittedTokens:
        """Loads the tokenizer.

        Raises:
            InputError: there is no such model, or it reads fewer tokens than `max_length`.
        """
        folder, tokenizer = self._tokenizer()
        facts = {
            "model": self.model,
            "empty_texts": sum(not text.strip() for text in train),
            "empty_texts_test": sum(not text.strip() for text in test),
        }
        return FittedTokens(tokenizer, self.max_length, facts | self._cut_off(train, folder, tokenizer))

    def reading(self, texts: Sequence[str]) -> dict[str, Any]:
        return {"model": self.model} | self._cut_off(texts, *self._tokenizer())

    def _cut_off(self, texts: Sequence[str], folder: Path, tokenizer: Any) -> dict[str, Any]:
        from clc_text.text.encoders.features.first_tokens import first_tokens

        _, lengths = first_tokens(tokenizer, texts, self.max_length)
        return tokens_cut_off(lengths, self.max_length, folder, tokenizer)

    def _tokenizer(self) -> tuple[Path, Any]:
        from clc_text.models.pretrained import check_length, load_tokenizer, model_folder

        folder = model_folder(self.model, KEY)
        tokenizer = load_tokenizer(folder, KEY)
        check_length(self.max_length, folder, tokenizer)
        return folder, tokenizer
