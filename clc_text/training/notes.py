"""What a run decides by itself, in words, with the reason."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from clc_text.criteria import entropy, share_of_maximum
from clc_text.crossfit.gain import NOTHING
from clc_text.crossfit.result import CrossFit


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


def cross_fitted(found: CrossFit) -> Note:
    if found.learnt_nothing:
        return Note(
            "nothing learnt",
            f"{NOTHING}, so the noise is not known, and labels that are corrected by them are guesses; choose a "
            "better encoder or a higher learning rate",
            "warning",
        )
    names = found.facts["renamed"]
    renamed = sum(name != index for index, name in enumerate(names))
    sentence = (
        f"about {found.rate:.0%} of the labels to train on are wrong, by networks that had not seen them "
        f"({found.facts['folds']} folds)"
    )
    if renamed:
        sentence += f"; {renamed} classes had been learnt under each other's names and were renamed"
    copies = found.facts.get("copies", 0)
    if copies:
        sentence += f"; {copies:,} rows are copies of another, and share its fold"
    return Note("cross-fitted", sentence)


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
