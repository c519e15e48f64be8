"""How often a class is left out where it holds, and given where it does not, by where the share of rows that were
given it levels off.

Of a class that may hold or not, P(given | x) = ε + (1 - ρ - ε) · P(holds | x), with ρ the probability that it is left
out and ε that it is given wrongly. Whatever learns the given labels learns the left side, and where it may take any
shape, ρ and ε cannot be told from doubt: a class that holds of 60 % of such texts looks like one that holds of all of
them and was left out of 40 %. A logistic regression may not take any shape: its P(holds | x) goes on to 1 and to 0 the
farther x lies, and where the labels level off before that, ρ and ε explain it. So regressions are fitted under many ρ
and ε, and what foretells labels best that they have not seen is believed. The signal is weak in one class of a
thousand rows and clear in all together: classes share what all say, and leave it as far as their own rows ask for it.

Measured on joined pairs of TREC questions, 1,000 texts, features of MiniLM: `recipes/results/multi_label.md`.
Source of learning through known noise: Natarajan et al., "Learning with Noisy Labels", NeurIPS 2013; of one class
alone under such noise: Elkan and Noto, "Learning Classifiers from Only Positive and Unlabeled Data", KDD 2008.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEFT_OUT = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
GIVEN_WRONGLY = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4)
PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)  # on features of length 1; too weak ones would make noise of chance
FLIPPED = (0.0, 0.1, 0.2, 0.3)  # in both grids
ITERATIONS = 40
ROWS = 3000  # every n-th row of more
APART = 0.05  # standard deviation of the classes' rates around what all say together
ERRORS = 3.0  # standard errors of an interval: the regression is a guess at what texts and classes have in common
DIMENSIONS = 384  # of features with more
STEP = 0.01  # between the rates of one class
# Nats a row and class that noise has to explain, or there is none: sound labels follow no regression to the letter,
# and the more rows, the surer that looks (measured: 20 and 40 % left out explain 0.004 to 0.007).
LEAST = 0.0025
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
        return np.stack([_wrong(one, shares) for one in (self.transition, self.low, self.high)])


def plateau(features: np.ndarray, labels: np.ndarray, fold: np.ndarray) -> Plateau:
    """T of each of K classes that may hold of a row, and how sure that is.

    Where the labels are explained as well without noise, or by their shares alone, but for what chance makes of it, T
    is the identity.

    Args:
        features: float [N, D], which no label has shaped.
        labels: int64 [N, K] of 0 and 1, given.
        fold: int64 [N], any parts of the rows, copies together.
    """
    rows = np.arange(0, len(labels), -(-len(labels) // ROWS))
    search = _Search(_rotated(features[rows]), labels[rows].astype(np.float64), fold[rows])
    # From both at once: where labels are flipped either way, neither alone explains anything.
    wrong = max(FLIPPED, key=lambda one: float(search.at(one, one).sum()))
    left = wrong
    for _ in range(2):
        of_left = np.stack([search.at(one, _on(GIVEN_WRONGLY, wrong)) for one in LEFT_OUT])
        left = _best(LEFT_OUT, of_left)
        of_wrong = np.stack([search.at(_on(LEFT_OUT, left), one) for one in GIVEN_WRONGLY])
        before, wrong = wrong, _best(GIVEN_WRONGLY, of_wrong)
        if _on(GIVEN_WRONGLY, wrong) == _on(GIVEN_WRONGLY, before):
            break
    none = search.at(0.0, 0.0).sum()
    found = max(float(of_left.sum(1).max()), float(of_wrong.sum(1).max()))
    ends = [_within(LEFT_OUT, of_left), _within(GIVEN_WRONGLY, of_wrong)]
    if found - max(none, search.by_shares()) < max(LEAST * search.labels.size, ERRORS**2 / 2):
        rates = np.zeros((2, labels.shape[1]))
    else:
        rates = np.stack([_of_each(LEFT_OUT, of_left, left), _of_each(GIVEN_WRONGLY, of_wrong, wrong)])
    middle = np.array([left, wrong]) if rates.any() else np.zeros(2)
    low, high = (
        np.clip(rates + (np.array([end[place] for end in ends]) - middle)[:, None], 0, 0.9) for place in (0, 1)
    )
    shares = labels.sum(0), (1 - labels).sum(0)
    return Plateau(
        *(_matrices(one[0], one[1], shares) for one in (rates, np.minimum(low, rates), np.maximum(high, rates)))
    )


def undone(probs: np.ndarray, transition: np.ndarray) -> np.ndarray:
    """float64 [N, 2], P(true class) from P(given class) [N, 2] and T [2, 2]: what T leaves no room for is certain."""
    wrong, left = transition[0, 1], transition[1, 0]
    holds = ((probs[:, 1] - wrong) / max(1 - left - wrong, 1e-9)).clip(0, 1)
    return np.stack([1 - holds, holds], 1)


class _Search:
    """Held-out log-likelihoods of rows' labels by regressions under given rates, each asked for once."""

    def __init__(self, features: np.ndarray, labels: np.ndarray, fold: np.ndarray) -> None:
        self.features, self.labels, self.fold = features, labels, fold
        self.found: dict[tuple[float, float], np.ndarray] = {}
        self.weights: dict[tuple[float, int], np.ndarray] = {}
        self.place = 2  # among the penalties, of the last that was best

    def at(self, left: float, wrong: float) -> np.ndarray:
        """float64 [K], in nats, by the penalty that is best of all classes together."""
        if (left, wrong) not in self.found:
            tried: dict[int, np.ndarray] = {}
            while True:
                around = range(max(self.place - 1, 0), min(self.place + 2, len(PENALTIES)))
                for place in set(around) - tried.keys():
                    tried[place] = self._held_out(left, wrong, PENALTIES[place])
                best = max(tried, key=lambda place: float(tried[place].sum()))
                if best == self.place:
                    break
                self.place = best
            self.found[left, wrong] = tried[best]
        return self.found[left, wrong]

    def by_shares(self) -> float:
        """The log-likelihood of all labels by their shares among the other folds' rows."""
        found = 0.0
        for number in np.unique(self.fold):
            own = self.fold == number
            given = _given((self.labels[~own].sum(0) + 0.5) / ((~own).sum() + 1), 0.0, 0.0)
            labels = self.labels[own]
            found += float((labels * np.log(given) + (1 - labels) * np.log(1 - given)).sum())
        return found

    def _held_out(self, left: float, wrong: float, penalty: float) -> np.ndarray:
        found = np.zeros(self.labels.shape[1])
        for number in np.unique(self.fold):
            own = self.fold == number
            start = self.weights.get((penalty, int(number)))
            weights = _fitted(self.features[~own], self.labels[~own], left, wrong, penalty, start)
            self.weights[penalty, int(number)] = weights
            given = _given(_sigmoid(self.features[own] @ weights[:-1] + weights[-1]), left, wrong)
            labels = self.labels[own]
            found += (labels * np.log(given) + (1 - labels) * np.log(1 - given)).sum(0)
        return found


def _fitted(
    features: np.ndarray, labels: np.ndarray, left: float, wrong: float, penalty: float, start: np.ndarray | None
) -> np.ndarray:
    """float64 [D + 1, K], weights and, last, biases that explain labels [n, K] best through the noise (L-BFGS)."""
    from scipy.optimize import minimize

    shape = (features.shape[1] + 1, labels.shape[1])
    spread = 1 - left - wrong

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(shape)
        holds = _sigmoid(features @ weights[:-1] + weights[-1])
        given = _given(holds, left, wrong)
        value = -(labels * np.log(given) + (1 - labels) * np.log(1 - given)).sum()
        error = (given - labels) / (given * (1 - given)) * spread * holds * (1 - holds)
        slope = np.concatenate([features.T @ error + penalty * weights[:-1], error.sum(0, keepdims=True)])
        return (value + penalty / 2 * (weights[:-1] ** 2).sum()) / len(labels), slope.ravel() / len(labels)

    if start is None:
        shares = ((labels.mean(0) - wrong) / spread).clip(0.01, 0.97)
        start = np.zeros(shape)
        start[-1] = np.log(shares / (1 - shares))
    options = {"maxiter": ITERATIONS}
    return np.asarray(minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options).x.reshape(shape))


def _given(holds: np.ndarray, left: float, wrong: float) -> np.ndarray:
    return np.asarray((wrong + (1 - left - wrong) * holds).clip(_TINY, 1 - _TINY))


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    return np.asarray(expit(logits))


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


def _on(grid: tuple[float, ...], rate: float) -> float:
    """The rate of a grid that is nearest."""
    return min(grid, key=lambda one: abs(one - rate))


def _fine(grid: tuple[float, ...], likelihoods: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rates [n] between those of a grid [G], and log-likelihoods [G, ...] at them."""
    from scipy.interpolate import PchipInterpolator

    rates = np.linspace(grid[0], grid[-1], round((grid[-1] - grid[0]) / STEP) + 1)
    return rates, PchipInterpolator(grid, likelihoods)(rates)


def _best(grid: tuple[float, ...], likelihoods: np.ndarray) -> float:
    """The rate that all classes say together, by their log-likelihoods [G, K]: where the parabola through the highest
    sum and its neighbours is highest, at most half way to these; an end of the grid stays that."""
    values = likelihoods.sum(1)
    place = int(values.argmax())
    if place in (0, len(grid) - 1):
        return grid[place]
    bend, slope, _ = np.polyfit(grid[place - 1 : place + 2], values[place - 1 : place + 2], 2)
    low, high = (grid[place - 1] + grid[place]) / 2, (grid[place] + grid[place + 1]) / 2
    return float(np.clip(-slope / (2 * bend), low, high)) if bend < 0 else grid[place]


def _within(grid: tuple[float, ...], likelihoods: np.ndarray) -> tuple[float, float]:
    """The ends of the rates that all classes together allow."""
    rates, values = _fine(grid, likelihoods.sum(1))
    allowed = rates[values >= values.max() - ERRORS**2 / 2]
    return float(allowed[0]), float(allowed[-1])


def _of_each(grid: tuple[float, ...], likelihoods: np.ndarray, shared: float) -> np.ndarray:
    """float64 [K], of each class the rate that its own rows and what all say together make likeliest."""
    rates, values = _fine(grid, likelihoods)
    return np.asarray(rates[(values - ((rates - shared) ** 2 / (2 * APART**2))[:, None]).argmax(0)])


def _matrices(left: np.ndarray, wrong: np.ndarray, shares: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """float64 [K, 2, 2]. No class is given wrongly so often that all that are given it would be wrong."""
    yes, no = shares
    wrong = np.minimum(wrong, yes / np.maximum(yes + no, 1))
    wrong, left = wrong.clip(0, 0.49), left.clip(0, 0.9)
    return np.stack([np.stack([1 - wrong, wrong], -1), np.stack([left, 1 - left], -1)], -2)


def _wrong(transition: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """float64 [K], the share of wrong labels where a class is given to such shares [K] of the rows."""
    wrong, left = transition[:, 0, 1], transition[:, 1, 0]
    holds = ((shares - wrong) / np.maximum(1 - left - wrong, _TINY)).clip(0, 1)
    return np.asarray(holds * left + (1 - holds) * wrong)
