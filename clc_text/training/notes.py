"""What a run decides by itself, in words, with the reason."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from clc_text.methods.criteria import entropy, share_of_maximum


@dataclass(frozen=True)
class Note:
    """One decision.

    Attributes:
        name: which, for programs.
        message: one sentence for people.
        severity: "note", or "warning" for what makes the result doubtful.
    """

    name: str
    message: str
    severity: str = "note"


def never_began(method: str, epochs: int, warmup_epochs: int) -> Note:
    """`warmup_epochs` is what the method was told; with 0 its warm-up ends by what the run sees."""
    shorter = ", or lower method.warmup_epochs" if warmup_epochs else ""
    return Note(
        "method never began",
        f"{method} never began: all {epochs} epochs were warm-up, which is plain training; train longer{shorter}",
        "warning",
    )


def warm_up_ended(epoch: int, log_probs: Tensor) -> Note:
    """`log_probs` [P, N, C] of the training rows."""
    shares = [share_of_maximum(float(value), log_probs.shape[-1]) for value in entropy(log_probs).mean(-1)]
    sure = " and ".join(f"{share:.0%}" for share in shares)
    return Note("warm-up ended", f"the warm-up ended after epoch {epoch}: the peers' mean entropy is {sure} of log C")
