"""Labels that look as if a rule had made them of words: where it is wrong, nothing that learns the labels can tell.

Rules, keywords and regular expressions leave labels that words foretell almost without error, far better than what
the texts mean does. Measured, held-out agreement with the given labels by words and by a frozen MiniLM: TREC labelled
by regular expressions, 43 % of them wrong, 98 and 85 %; the same questions with true labels 86 and 81 %; labels that
crowds gave tweets, abstracts and opinions 76 to 91 % by words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clc_text.evidence.views import OF_WORDS

SHARE = 0.95  # of the labels that words foretell
AHEAD = 0.05  # of everything that is not words


@dataclass(frozen=True)
class RuleLike:
    """How many of the given labels are foretold, 0 … 1: by the best view of words, and by the best of the others; None
    where these tell too little to be heard."""

    words: float
    others: float | None

    def sentence(self, shares_told: bool = False) -> str:
        """Args: shares_told: somebody has said how common the classes truly are already."""
        others = "too little to be heard" if self.others is None else f"{self.others:.0%}"
        known = "" if shares_told else "; so does how common the classes truly are, if you know it (`class_shares`)"
        return (
            f"words alone foretell {self.words:.0%} of the labels and what the texts mean {others}, as where rules or "
            "keywords made the labels: where such a rule is wrong nothing here can tell, and more labels may "
            "be wrong than estimated; answers to rows drawn at random tell (`clc-text next RUN --purpose estimate`)"
            + known
        )


def rule_like(
    log_probs: np.ndarray, given: np.ndarray, views: Sequence[str], left_out: Sequence[str] = ()
) -> RuleLike | None:
    """Whether labels look made by a rule; None: they do not, or there are not both kinds of views.

    Args:
        log_probs: [V, n, C], of views that have not seen the rows' labels.
        given: int64 [n].
        views: [V], their names.
        left_out: names of the views that have learnt too little.
    """
    foretold = dict(zip(views, (log_probs.argmax(2) == given).mean(1).tolist(), strict=True))
    by_words = [share for name, share in foretold.items() if name in OF_WORDS]
    by_others = [share for name, share in foretold.items() if name not in OF_WORDS]
    unheard = not by_others and any(name not in OF_WORDS for name in left_out)
    if not by_words or not (by_others or unheard):
        return None
    rules = RuleLike(max(by_words), None if unheard else max(by_others))
    return rules if rules.words >= SHARE and rules.words - (rules.others or 0.0) >= AHEAD else None
