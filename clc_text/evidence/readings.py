"""How many labels are wrong, by every reading of the same evidence: a range, since a table cannot tell which is right.

* The mean doubt of the mixture: noise by class and near a decision, as the labels themselves have it.
* Noise by class alone, expectation-maximisation: of the mixture and of each view. Right where labels are wrong
  whatever the text; far too low where they are wrong because texts are hard or alike: a model learns such errors.
* The confident joint of each view (Northcutt et al., 2021): takes what a view cannot tell apart for noise; too high
  where the encoder is weak.
* The mean doubt of the mixture where a given label counts for half of what noise by class says, between both.

Where somebody knows how common the classes truly are, every one of them is of beliefs that were moved to be so
(`data.class_shares`), and none can be lower than what follows from that alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from clc_text.data.class_shares import ClassShares
from clc_text.data.labels import classes_of
from clc_text.evidence.mixture import Judged, judge, pooled
from clc_text.evidence.views import weights
from clc_text.noise.estimation.confident_joint import confident_joint
from clc_text.noise.estimation.half_trust import never_certain
from clc_text.noise.estimation.noise_fit import fit_noise, posterior_labels, softmax

# So many sound labels even the lowest reading may take for wrong, since encoders are not perfect (measured: 0.2 to 1.7
# points on clean sets, up to 2.4 on 1,500 noisy rows).
ENCODER = 0.03
MIXTURE = "mixture"


@dataclass(frozen=True)
class Reading:
    """One estimate of the share of wrong labels, 0 … 1: of a view, or of the mixture, by a method."""

    of: str
    method: str
    rate: float


def readings(
    log_probs: np.ndarray,
    given: np.ndarray,
    views: tuple[str, ...],
    judged: Judged,
    shares: ClassShares | None = None,
) -> list[Reading]:
    """The mean doubt first, which is the one to name where one number is asked for.

    Args:
        log_probs: float32 [V, n, C], of the views.
        given: int64 [n], or float [n, C] distributions.
        views: [V], their names.
        judged: these labels, by the mixture (`mixture.judge_near`).
        shares: how common the classes truly are; None: nobody has told.
    """
    each, named, counted = np.arange(len(given)), classes_of(given), weights(views)
    by_class = fit_noise(pooled(log_probs, counted), given)
    transition = never_certain(by_class.transition)
    half = judge(log_probs, counted, given, by_class.sharpness, transition, shares=shares)
    told = [
        Reading(MIXTURE, "doubt", float(judged.wrong.mean())),
        Reading(MIXTURE, "half", float(half.wrong.mean())),
        Reading(MIXTURE, "em", float(1 - half.belief[each, named].mean())),
    ]
    for name, one in zip(views, log_probs.astype(np.float64), strict=True):
        fit = fit_noise(one, given)
        belief, seen = posterior_labels(fit.probs, given, fit.transition), softmax(one)
        if shares is not None:
            belief, seen = shares.applied(belief), shares.applied(seen)
        told.append(Reading(name, "em", float(1 - belief[each, named].mean())))
        told.append(Reading(name, "confident_joint", float(confident_joint(seen, named).rate)))
    if shares is None:
        return told
    least = shares.least_wrong(given)
    return [replace(one, rate=max(one.rate, least)) for one in told]


def readings_and_span(
    log_probs: np.ndarray,
    given: np.ndarray,
    views: tuple[str, ...],
    judged: Judged,
    shares: ClassShares | None = None,
) -> tuple[list[Reading], tuple[float, float]]:
    """`readings` and their `span`, which an audit and `clc-text noise estimate` of one run both have of here."""
    told = readings(log_probs, given, views, judged, shares)
    return told, span(told, len(given), 0.0 if shares is None else shares.least_wrong(given))


def likeliest(readings: list[Reading]) -> tuple[float, float]:
    """The mixture's two mean doubts, the smaller first: of labels as they themselves show their noise, and of labels
    that count for half. Where noise is made the truth is mostly near the smaller, of people's labels near the larger
    one or above (measured: recipes/results/find_wrong_rows.md)."""
    one, other = (next(each.rate for each in readings if each.method == method) for method in ("doubt", "half"))
    return min(one, other), max(one, other)


def span(readings: list[Reading], rows: int, least: float = 0.0) -> tuple[float, float]:
    """From the lowest reading, less what encoders are wrong about, to the highest, and what a draw of rows matters;
    not below what is certain to be wrong, `least`."""
    low, high = min(one.rate for one in readings), max(one.rate for one in readings)
    return max(least, low - ENCODER - _reach(low, rows)), min(1.0, high + _reach(high, rows))


def _reach(rate: float, rows: int) -> float:
    """Half a 95 % interval of a share of so many rows."""
    within = min(max(rate, 0.0), 1.0)  # a mean of shares may be beyond by the last digit
    return float(1.96 * np.sqrt(within * (1 - within) / max(rows, 1)))


def agreement(log_probs: np.ndarray) -> float:
    """Of log-probabilities [V, n, C]: the share of rows on whose class two views agree, the mean over all pairs."""
    firsts = log_probs.argmax(2)
    pairs = [float((one == other).mean()) for place, one in enumerate(firsts) for other in firsts[place + 1 :]]
    return float(np.mean(pairs)) if pairs else 1.0
