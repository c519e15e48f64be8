"""A frozen encoder applied to texts: one vector a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from clc_text.models.pretrained import load_model, load_tokenizer, model_hash
from clc_text.text.encoders.features.first_tokens import first_tokens

KEY = "encoder.model"


@dataclass(frozen=True)
class Reading:
    """How texts become vectors; see `Sentence` for the meaning of each."""

    pooling: str
    max_length: int


class FrozenModel:
    """A model in a folder, loaded when it is first needed: features that are cached need none.

    Args:
        folder: with ``config.json``, the tokenizer and safetensors.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def sha256(self) -> str:
        return model_hash(self.folder)

    @cached_property
    def tokenizer(self) -> Any:
        return load_tokenizer(self.folder, KEY)

    @cached_property
    def device(self) -> torch.device:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    @cached_property
    def model(self) -> Any:
        from transformers import AutoModel

        return load_model(AutoModel, self.folder, KEY).eval().to(self.device)

    @cached_property
    def size(self) -> int:
        """D, the numbers of a vector; told without loading the model."""
        from transformers import AutoConfig

        return int(load_model(AutoConfig, self.folder, KEY).hidden_size)

    @torch.no_grad()
    def vectors(
        self, texts: Sequence[str], reading: Reading, batch_size: int, done: Callable[[int], object] = lambda _: None
    ) -> tuple[Tensor, Tensor]:
        """float32 [N, D] and the tokens of each whole text, int32 [N], on the CPU.

        Args:
            batch_size: texts of a forward pass; texts of like length go together, so that little is padded.
            done: told after each of them how much of `work` it was.
        """
        if not len(texts):
            return torch.empty(0, self.size), torch.empty(0, dtype=torch.int32)
        tokens, whole = first_tokens(self.tokenizer, texts, reading.max_length)
        # The longest first: what does not fit into memory fails at once.
        order = sorted(range(len(tokens)), key=lambda row: -len(tokens[row]))
        made = torch.empty(len(tokens), self.size)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            batch = self.tokenizer.pad({"input_ids": [tokens[row] for row in rows]}, return_tensors="pt")
            batch = {name: batch[name].to(self.device) for name in ("input_ids", "attention_mask")}
            hidden = self.model(**batch).last_hidden_state.float()
            made[rows] = pooled(hidden, batch["attention_mask"], reading.pooling).cpu()
            done(sum(work(texts[row], reading) for row in rows))
        return made, torch.from_numpy(whole)

    def facts(self, reading: Reading) -> dict[str, Any]:
        return {"model_sha256": self.sha256, **asdict(reading)}


def work(text: str, reading: Reading) -> int:
    """About what a text costs: the characters that are read of it, with those that a text costs anyway."""
    return 20 + min(len(text), 5 * reading.max_length)


def pooled(hidden: Tensor, mask: Tensor, pooling: str) -> Tensor:
    """[B, L, D] and [B, L] -> [B, D]: the mean over the tokens that the mask marks, or the first token's vector.

    A text without any token gives zeros.
    """
    if pooling == "first":
        return hidden[:, 0]
    marked = mask.unsqueeze(-1).to(hidden)
    return (hidden * marked).sum(1) / marked.sum(1).clamp(min=1)
