"""What an encoder does not read of long texts, counted and said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

LITTLE = 0.01  # share of texts; fewer are not worth a sentence


def cut_off(lengths: np.ndarray, limit: int, unit: str, option: str, remedy: str) -> dict[str, Any]:
    """Facts of an encoder that reads the beginning of a text.

    Args:
        lengths: int [N], of the training texts.
        limit: what is read of each, at most.
        unit: ``"words"`` or ``"tokens"``.
        option: the key of the recipe that sets the limit.
        remedy: what to do about it, as the end of a sentence.

    Returns:
        ``texts_cut_off`` (rows), ``share_cut_off`` of the rows, ``share_read`` of all words or tokens (both 0 … 1),
        and where more than a few texts are cut ``cut_off``, all of it as a sentence.
    """
    total = int(lengths.sum())
    cut = int((lengths > limit).sum())
    share = cut / max(len(lengths), 1)
    read = float(np.minimum(lengths, limit).sum() / total) if total else 1.0
    facts: dict[str, Any] = {
        "texts_cut_off": cut, "share_cut_off": round(share, 4), "share_read": round(read, 4)
    }  # fmt: skip
    if share >= LITTLE:
        facts["cut_off"] = (
            f"{cut:,} of {len(lengths):,} texts ({share:.0%}) are longer than the first {limit} {unit} that the "
            f"encoder reads ({option}), so that {read:.0%} of all {unit} are read; {remedy}"
        )
    return facts


def tokens_cut_off(tokens: np.ndarray, max_length: int, folder: Path, tokenizer: Any) -> dict[str, Any]:
    """`cut_off` of an encoder that reads with the tokenizer of the model in `folder`.

    Args:
        tokens: int [N], of each whole text.
        max_length: what is read of each, at most.
    """
    from clc_text.models.pretrained import longest_text

    longest = longest_text(folder, tokenizer)
    remedy = (
        f"raise it, the model reads up to {longest:,}" if longest > max_length else "this model reads no longer ones"
    )
    return cut_off(tokens, max_length, "tokens", "encoder.max_length", remedy)
