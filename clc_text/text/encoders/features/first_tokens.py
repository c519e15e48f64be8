"""The tokens of a text that a model reads, and how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def first_tokens(tokenizer: Any, texts: Sequence[str], max_length: int) -> tuple[list[list[int]], np.ndarray]:
    """The first tokens of each text, and how many all of it has, int32 [N]; special ones are counted in both."""
    if not len(texts):
        return [], np.zeros(0, np.int32)
    encoded = tokenizer(
        list(texts), truncation=True, max_length=max_length, return_attention_mask=False, verbose=False
    )
    tokens: list[list[int]] = encoded["input_ids"]
    if encoded.encodings is None:  # a tokenizer in Python, which forgets what it cuts off
        whole = tokenizer(list(texts), truncation=False, return_attention_mask=False, verbose=False)["input_ids"]
        return tokens, np.array([len(row) for row in whole], np.int32)
    special = tokenizer.num_special_tokens_to_add()
    lengths = [len(one.ids) + sum(len(rest.ids) - special for rest in one.overflowing) for one in encoded.encodings]
    return tokens, np.array(lengths, np.int32)
