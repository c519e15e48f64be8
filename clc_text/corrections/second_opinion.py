"""What cleanlab's confident learning makes of the same predictions."""

from __future__ import annotations

import warnings

import numpy as np

from clc_text.artifacts.audit import IfFollowed, SecondOpinion
from clc_text.corrections.intervals import metric
from clc_text.corrections.outcome import outcome
from clc_text.corrections.state import State

MAX_ROWS = 200_000


def second_opinion(probs: np.ndarray, state: State) -> SecondOpinion | None:
    """How cleanlab's label issues agree with the corrections; None without cleanlab, or with too many rows for it.

    Source: Northcutt, Jiang, Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 2021;
    `cleanlab.filter.find_label_issues` with its default, pruning by noise rate. A row that it doubts would get its
    most probable class.

    Args:
        probs: [N, C], which cleanlab takes for predictions out of sample.
    """
    try:
        from cleanlab import __version__
    except ImportError:
        return None
    if len(probs) > MAX_ROWS:
        return None
    issues = label_issues(probs, state.given)
    changed = state.changed
    return {
        "library": "cleanlab",
        "version": __version__,
        "issues": int(issues.sum()),
        "changed_and_doubted": int((changed & issues).sum()),
        "changed_only": int((changed & ~issues).sum()),
        "doubted_only": int((~changed & issues).sum()),
        "kappa": kappa(changed, issues),
        "truth": _truth(probs, issues, state),
    }


def label_issues(probs: np.ndarray, given: np.ndarray) -> np.ndarray:
    """bool [N], the labels that confident learning doubts, by its defaults; needs cleanlab."""
    from cleanlab.filter import find_label_issues

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of classes without rows, which are none of our making
        return np.asarray(find_label_issues(given.astype(np.int64), probs, n_jobs=1))


def if_followed(probs: np.ndarray, issues: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Labels [N]: each that is doubted becomes the most probable class."""
    return np.where(issues, probs.argmax(1), given)


def kappa(one: np.ndarray, other: np.ndarray) -> float | None:
    """Cohen's kappa of two yes-no decisions [N]: 1 the same, 0 as by chance; None where neither ever varies."""
    same = float((one == other).mean())
    yes, also = float(one.mean()), float(other.mean())
    chance = yes * also + (1 - yes) * (1 - also)
    return None if chance == 1 else (same - chance) / (1 - chance)


def _truth(probs: np.ndarray, issues: np.ndarray, state: State) -> IfFollowed | None:
    if state.true is None:
        return None
    now = outcome(if_followed(probs, issues, state.given), state.given, state.true)
    return {"fixed": now.fixed, "broken": now.broken, "right_after": metric(now.right_after, now.rows)}
