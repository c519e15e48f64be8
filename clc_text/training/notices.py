"""What a run notices about itself, or decides by itself, in words with the reason."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from torch import Tensor

from clc_text.methods.criteria import entropy, share_of_maximum


@dataclass(frozen=True)
class Notice:
    """One thing noticed or decided.

    Attributes:
        name: which, for programs.
        message: one sentence for people: what was seen, and what to do.
        severity: "warning" for what makes the result doubtful, "note" for what is worth knowing.
        epoch: when; 0 before training. Of a decision it is known when its epoch is recorded.
    """

    name: str
    message: str
    severity: Literal["warning", "note"] = "note"
    epoch: int = 0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def never_began(method: str, epochs: int, warmup_epochs: int) -> Notice:
    """`warmup_epochs` is what the method was told; with 0 its warm-up ends by what the run sees."""
    shorter = ", or lower method.warmup_epochs" if warmup_epochs else ""
    return Notice(
        "method never began",
        f"{method} never began: all {epochs} epochs were warm-up, which is plain training; train longer{shorter}",
        "warning",
    )


def will_never_begin(method: str, epochs: int, warmup_epochs: int) -> str:
    return (
        f"the warm-up lasts {warmup_epochs} epochs and the training {epochs}, so {method} never begins: all of it is "
        "plain training; train longer, or lower warmup_epochs"
    )


def warm_up_ended(epoch: int, log_probs: Tensor) -> Notice:
    """`log_probs` [P, N, C] of the training rows; of several problems, [C, P, N, 2], the mean over them is told."""
    doubts = entropy(log_probs).mean(-1).view(-1, len(log_probs) if log_probs.dim() == 3 else log_probs.shape[1])
    shares = [share_of_maximum(float(value), log_probs.shape[-1]) for value in doubts.mean(0)]
    sure = " and ".join(f"{share:.0%}" for share in shares)
    sentence = f"the warm-up ended after epoch {epoch}: the peers' mean entropy is {sure} of log C"
    return Notice("warm-up ended", sentence)


def selected_apart(method: str, parts: int) -> str:
    return (
        f"the method '{method}' chooses and weighs rows among those of one batch; a step has {parts} here, by "
        "accumulated gradients or several processes, and each chooses for itself (docs/trainer.md)"
    )
