"""How often a class is left out where it holds, and given where it does not, by where the share of rows that were
given it levels off.

Of a class that may hold or not, P(given | x) = ε + (1 - ρ - ε) · P(holds | x), with ρ the probability that it is left
out and ε that it is given wrongly. Whatever learns the given labels learns the left side, and where it may take any
shape, ρ and ε cannot be told from doubt: a class that holds of 60 % of such texts looks like one that holds of all of
them and was left out of 40 %. So it may not take any
shape. A plain logistic regression, blind to a row's label, orders the rows; along its log-odds s, P(holds | s) =
σ(a s + b) goes on to 1 and to 0, and where the labels level off before that, ρ and ε explain it. With a and b of each
class, ρ and ε of all together, that is a curve of four parameters for thousands of labels, and what they lose without
ρ and ε is told by likelihood. As a and b are fitted without noise, too, a regression that is too sure of itself is no
noise.

Regressions that are fitted through the noise, and compared by how well they foretell labels, show less: they gain
nearly as much on sound labels, by the rows that they get wrong, as on labels of which a fifth is flipped.

Measured on joined pairs of TREC questions and of posts: `recipes/results/multi_label.md`. Sources: the curve is the
four-parameter logistic model of tests that can be guessed and slipped at: Barton and Lord, "An Upper Asymptote for the
Three-Parameter Logistic Item-Response Model", 1981; a and b are Platt's, "Probabilistic Outputs for Support Vector
Machines", 1999; of one class alone under such noise: Elkan and Noto, "Learning Classifiers from Only Positive and
Unlabeled Data", KDD 2008.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clc_text.data.copies import first_rows
from clc_text.data.folds import assign_folds, rarest_of
from clc_text.data.sampling import every_nth
from clc_text.noise.canaries import before_flips
from clc_text.noise.estimation.logistic import linear_model, of_each_class

# Roots of rates, in which likelihoods bend alike everywhere: of ρ up to 0.64, of ε up to 0.36.
LEFT_OUT = np.arange(9) / 10
GIVEN_WRONGLY = np.arange(7) / 10
STEP = 0.01  # between the roots, when the likelihoods are known
MOST = 0.9  # ρ + ε; beyond, labels tell nothing of what holds
FOLDS = 5
PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)  # on features of length 1
ITERATIONS = 40
ROWS = 3000  # every n-th row of more
APART = 0.05  # standard deviation of the classes' rates around what all say together
ERRORS = 3.0  # standard errors of an interval, and that noise has to be away from none
DIMENSIONS = 384  # of features with more
STEPS = 50  # of a curve's fit, at most
ENOUGH = 1e-4  # nats that a step of that fit has to gain
RIDGE = 1e-3  # on a and b, for classes that are parted without an error
_TINY = 1e-9


@dataclass(frozen=True)
class Plateau:
    """What is found of K classes.

    Attributes:
        transition: float64 [K, 2, 2], T of each class; row = holds, column = given; 0 is no.
        low: float64 [K, 2, 2], T at the lower end of what the labels allow, all classes together.
        high: likewise at the upper end.
    """

    transition: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def rates(self, labels: np.ndarray) -> np.ndarray:
        """float64 [3, K], the share of wrong labels of each class as found, at the lower and at the upper end.

        Args:
            labels: int64 [N, K], given.
        """
        shares = labels.mean(0)
        return np.stack([_wrong(one[:, 1, 0], one[:, 0, 1], shares) for one in (self.transition, self.low, self.high)])


def plateau(features: np.ndarray, labels: np.ndarray, seed: int) -> Plateau:
    """T of each of K classes that may hold of a row, and how sure that is.

    Where the labels allow that there is no noise, T is the identity.

    Args:
        features: float [N, D], which no label has shaped.
        labels: int64 [N, K] of 0 and 1, given.
        seed: of the folds that regressions are blind to; equal features share one.
    """
    rows = every_nth(len(labels), ROWS)
    given = labels[rows]
    fold = assign_folds(rarest_of(given), FOLDS, seed, first_rows(features[rows]))
    return by_odds(_odds(_rotated(features[rows]), given.astype(np.float64), fold), given)


def by_odds(odds: np.ndarray, labels: np.ndarray) -> Plateau:
    """See `plateau`, by float64 [N, K], log-odds of labels [N, K] by what has not seen them."""
    left, wrong, values = _between(likelihoods(odds, labels))
    shares = labels.mean(0)
    together = np.where(left + wrong <= MOST, values.sum(-1), -np.inf).ravel()
    left, wrong, values = left.ravel(), wrong.ravel(), values.reshape(-1, values.shape[-1])
    best = int(together.argmax())
    allowed = np.flatnonzero(together >= together[best] - ERRORS**2 / 2)
    wrongly = _wrong(left[allowed, None], wrong[allowed, None], shares).mean(1)
    ends = allowed[[int(wrongly.argmin()), int(wrongly.argmax())]]
    if allowed[0] == 0:  # where both rates are
        best, own = 0, np.zeros(len(shares), np.int64)
    else:
        away = (left - left[best]) ** 2 + (wrong - wrong[best]) ** 2
        own = (values - away[:, None] / (2 * APART**2)).argmax(0)
    stacked = np.stack([left[own], wrong[own]])
    moved = [stacked + np.array([[left[end] - left[best]], [wrong[end] - wrong[best]]]) for end in ends]
    return Plateau(*(_matrices(one[0], one[1], shares) for one in (stacked, *moved)))


def of_given(each: np.ndarray, rates: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """T [K, 2, 2] of each class and `Plateau.rates` [3, K] of labels as they were given, from those of the labels of
    which a share was then flipped on purpose (`noise.canaries`). Where these flips may be all noise, there is none."""
    if share == 0:
        return each, rates
    before = (rates - share) / (1 - 2 * share)
    if before[1].mean() <= 0:
        return np.stack([np.eye(2)] * len(each)), before.clip(0) * np.array([[0], [0], [1]])
    return np.stack([before_flips(one, share) for one in each]), before.clip(0)


def believed(log_probs: np.ndarray, labels: np.ndarray, transition: np.ndarray) -> np.ndarray:
    """float64 [N, 2], P(true class) from log P(given class) [N, 2] of what may be too sure or not sure enough.

    That is 1 - σ(a s + b) and σ(a s + b), with s the log-odds and the a and b whose curve under T [2, 2] explains the
    labels [N] best.
    """
    odds, given = _of_unit((log_probs[:, 1] - log_probs[:, 0]).astype(np.float64)[:, None]), labels[:, None]
    curve = _Curves.flat(given).fitted(odds, given, transition[1, 0], transition[0, 1])
    holds = _sigmoid(curve.slope * odds + curve.bias)
    return np.concatenate([1 - holds, holds], 1)


def likelihoods(odds: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float64 [G, H, K], in nats, of the labels of each class by its best curve under each ρ (`LEFT_OUT`, G) and ε
    (`GIVEN_WRONGLY`, H).

    Args:
        odds: float64 [N, K], log-odds of the labels by what has not seen them.
        labels: [N, K] of 0 and 1, given.
    """
    odds = _of_unit(odds)
    likelihood = np.empty((len(LEFT_OUT), len(GIVEN_WRONGLY), labels.shape[1]))
    first = _Curves.flat(labels)
    for place, left in enumerate(LEFT_OUT**2):
        curves = first
        for number, wrong in enumerate(GIVEN_WRONGLY**2):
            curves = curves.fitted(odds, labels, left, wrong)
            likelihood[place, number] = curves.values
            if number == 0:
                first = curves  # each begins as that of the rates beside them
    return likelihood


@dataclass(frozen=True)
class _Curves:
    """ε + (1 - ρ - ε) · σ(a s + b) of K classes: a and b [K] each, and the labels' log-likelihoods by them."""

    slope: np.ndarray
    bias: np.ndarray
    values: np.ndarray

    @classmethod
    def flat(cls, labels: np.ndarray) -> _Curves:
        shares = labels.mean(0).clip(0.01, 0.97)
        return cls(np.ones(labels.shape[1]), np.log(shares / (1 - shares)), np.full(labels.shape[1], -np.inf))

    def fitted(self, odds: np.ndarray, labels: np.ndarray, left: float, wrong: float) -> _Curves:
        """Under other rates, by Fisher's scoring, each class's steps shortened until they gain (Levenberg and
        Marquardt)."""
        room = max(1 - left - wrong, 0.0)

        def at(slope: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            holds = _sigmoid(slope * odds + bias)
            given = (wrong + room * holds).clip(_TINY, 1 - _TINY)
            values = (labels * np.log(given) + (1 - labels) * np.log(1 - given)).sum(0)
            return holds, values - RIDGE / 2 * (slope**2 + bias**2)

        slope, bias, damped = self.slope, self.bias, np.full(labels.shape[1], 1e-3)
        holds, values = at(slope, bias)
        for _ in range(STEPS):
            given = (wrong + room * holds).clip(_TINY, 1 - _TINY)
            by_odds = room * holds * (1 - holds)
            error = (labels - given) / (given * (1 - given)) * by_odds
            weight = by_odds**2 / (given * (1 - given))
            up, over = (error * odds).sum(0) - RIDGE * slope, error.sum(0) - RIDGE * bias
            first = ((weight * odds**2).sum(0) + RIDGE) * (1 + damped)
            mixed = (weight * odds).sum(0)
            second = (weight.sum(0) + RIDGE) * (1 + damped)
            size = first * second - mixed**2
            tried = (
                np.maximum(slope + (second * up - mixed * over) / size, 0),
                bias + (first * over - mixed * up) / size,
            )
            then, reached = at(*tried)
            better = reached > values
            gained = np.where(better, reached - values, 0.0)
            slope, bias, values = (
                np.where(better, new, old) for new, old in zip((*tried, reached), (slope, bias, values), strict=True)
            )
            holds = np.where(better, then, holds)
            damped = np.where(better, damped / 5, damped * 10)
            if (gained < ENOUGH).all() and (better | (damped > 1e3)).all():
                break
        return _Curves(slope, bias, values)


def _between(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ρ [g, h], ε [g, h] and the likelihoods [g, h, K] at them, finer than those that they are between."""
    from scipy.interpolate import make_interp_spline

    roots = [
        np.linspace(grid[0], grid[-1], round((grid[-1] - grid[0]) / STEP) + 1) for grid in (LEFT_OUT, GIVEN_WRONGLY)
    ]
    for axis, grid in enumerate((LEFT_OUT, GIVEN_WRONGLY)):
        values = make_interp_spline(grid, values, axis=axis)(roots[axis])
    left, wrong = np.meshgrid(roots[0] ** 2, roots[1] ** 2, indexing="ij")
    return left, wrong, values


def _odds(features: np.ndarray, labels: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """float64 [N, K], log-odds of labels [N, K] by regressions blind to them, by the penalty that explains them best,
    all classes together, when each has its best curve without noise."""
    if len(np.unique(fold)) < 2:  # rows that are all alike; nothing but their own labels could be learnt from
        return np.zeros(labels.shape)
    found: dict[int, tuple[float, np.ndarray]] = {}
    place = PENALTIES.index(1.0)
    while True:
        for near in range(max(place - 1, 0), min(place + 2, len(PENALTIES))):
            if near not in found:
                odds = np.empty(labels.shape)
                for number in np.unique(fold):
                    own = fold == number
                    given = labels[~own]
                    begun = _Curves.flat(given).bias
                    weights = linear_model(features[~own], given, of_each_class, PENALTIES[near], ITERATIONS, begun)
                    odds[own] = features[own] @ weights[:-1] + weights[-1]
                curves = _Curves.flat(labels).fitted(_of_unit(odds), labels, 0.0, 0.0)
                found[near] = float(curves.values.sum()), odds
        best = max(found, key=lambda near: found[near][0])
        if best == place:
            return found[best][1]
        place = best


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return np.asarray(expit(logits))


def _of_unit(values: np.ndarray) -> np.ndarray:
    """[N, K] of mean 0 and deviation 1; what does not vary is 0."""
    spread = values.std(0)
    return np.asarray((values - values.mean(0)) / np.where(spread > _TINY, spread, 1.0))


def _rotated(features: np.ndarray) -> np.ndarray:
    """float64 [N, at most `DIMENSIONS`], centred rows of length 1 in the directions in which they differ most."""
    from sklearn.preprocessing import normalize
    from sklearn.utils.extmath import randomized_svd

    rows = normalize(features.astype(np.float64))
    rows -= rows.mean(0)
    if rows.shape[1] <= DIMENSIONS:
        return np.asarray(rows)
    left, sizes, _ = randomized_svd(rows, min(DIMENSIONS, len(rows)), random_state=0)
    return np.asarray(left * sizes)


def _matrices(left: np.ndarray, wrong: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """float64 [K, 2, 2]. No class is given wrongly so often that all that are given it would be wrong."""
    wrong, left = np.minimum(wrong, shares).clip(0, 0.49), left.clip(0, 0.9)
    return np.stack([np.stack([1 - wrong, wrong], -1), np.stack([left, 1 - left], -1)], -2)


def _wrong(left: np.ndarray, wrong: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The share of wrong labels where a class is given to such shares of the rows."""
    holds = ((shares - wrong) / np.maximum(1 - left - wrong, _TINY)).clip(0, 1)
    return np.asarray(holds * left + (1 - holds) * wrong)
