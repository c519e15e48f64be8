"""Mixed rows of a batch, for methods that learn from what lies between two rows (mixup)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from clc_text.errors import InputError
from clc_text.methods.base import Looks
from clc_text.models.peers import at_least_float32


def check_mixable(method: str, inputs: Mapping[str, Any]) -> None:
    """Refuses inputs that have nothing in between.

    Raises:
        InputError: names the input, such as token ids.
    """
    for name, values in inputs.items():
        if not (isinstance(values, Tensor) and values.is_floating_point()):
            raise InputError(
                f"the method '{method}' mixes what the networks read of two rows, and '{name}' of two has nothing in "
                "between; take frozen features (encoder sentence, word_vectors or tfidf with network mlp), or another "
                "method",
                key=name,
            )


def looks_at(model: nn.Module, inputs: Mapping[str, Tensor], logits: Tensor, alpha: float) -> Looks:
    """The same rows by another draw of dropout, and each mixed with another row of the batch.

    Share and partners are drawn from the CPU's global generator, which a checkpoint keeps.

    Args:
        model: the peers, while they learn.
        inputs: float [B, ...] by name.
        logits: [P, B, C], what the peers have made of them.
        alpha: α of Beta(α, α), the share that a row keeps of itself or its partner of it, whichever is more.
    """
    share = float(torch.distributions.Beta(alpha, alpha).sample())
    share = max(share, 1 - share)
    rows = logits.shape[-2]
    drawn = torch.randperm(rows)
    partners = drawn.to(logits.device)
    mixed = {name: torch.lerp(values[drawn.to(values.device)], values, share) for name, values in inputs.items()}
    drops = any(isinstance(part, _DropoutNd) and part.p > 0 for part in model.modules())
    if drops:  # both in one pass, each row by a draw of its own
        mixed = {name: torch.cat([inputs[name], values]) for name, values in mixed.items()}
    found = at_least_float32(model(**mixed).peer_logits).log_softmax(-1)
    again = found[..., :rows, :] if drops else logits.log_softmax(-1)
    return Looks(again, found[..., -rows:, :], partners, share)
