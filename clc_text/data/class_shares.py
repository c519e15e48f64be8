"""How common the classes truly are, where somebody knows it, and what follows for what is believed of the rows.

Whoever made a table often knows about how its classes are shared out, although not which rows are which: that about a
fifth of all questions ask for a number, or that nearly all posts are harmless. Where rules or keywords gave the labels
that is what the table itself hides: rows that no rule caught are given one class, all that learns the labels repeats
it, and no estimate of the noise sees anything. What is told rules that out: of labels of which 62 % are of a class
that 20 to 30 % of the rows are of, at least 32 % are wrong.

What is believed, q(c | x, y), is changed as little as can be (Σ_n KL(r_n ‖ q_n)) so that the mean over the rows lies
where it was told to: r_n(c) ∝ w(c) · q_n(c), one weight a class, as prior probabilities are changed (Saerens, Latinne
and Decaestecker, 2002); w is 1 for every class whose mean lies in its range by itself.

Answers to rows drawn at random tell such ranges, too (`ClassShares.of_answers`), which mostly hold what is believed
already, and change nothing then.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clc_text.data.beliefs import SEARCH_CELLS, believed, blocks
from clc_text.data.best_classes import BestClasses, Table, empty_as, some_rows
from clc_text.data.labels import classes_of
from clc_text.data.sampling import every_nth
from clc_text.data.trusted import TrustedLabels
from clc_text.errors import InputError, nearest

EVEN = "even"
KEY = "class_shares"
# Told exactly, shares may miss a sum of 1 by so much, since people round them; they are then divided by their sum.
ROUNDED = 0.02
CONTRADICTED = 0.01  # how often right answers contradict what is so
# How often the share of a class is not in its range by answers, at most; of all classes one is so in the mean. With
# 5 % for each, 25 answers to labels made by rules moved what is believed less (`recipes/results/answers.md`).
OUTSIDE = 0.2
LARGEST = 30.0  # of |log w|: beliefs that rule a class out are not turned round by what is told
_SMALLEST = 1e-12
_BETWEEN = re.compile(r"(?<=[\d.\s])[-–]")  # two numbers; not the minus of 1e-3
_HOW = "give a share from 0 to 1, or a range such as 0.1-0.3"


@dataclass(frozen=True)
class ClassShares:
    """Between what shares the true classes of a table's rows lie.

    Attributes:
        low, high: float64 [C], 0 … 1; 0 and 1 of a class of which nothing is told.
    """

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, told: Any, names: Sequence[Any]) -> ClassShares:
        """What was told of classes by their names.

        Args:
            told: ``"even"``, or a mapping, or a pandas Series, of some names to a share, a range ``"0.1-0.3"``, or a
                pair of numbers.
            names: the C classes.

        Raises:
            InputError: an unknown class, no share, or shares that cannot be.
        """
        classes = len(names)
        if isinstance(told, str) and told == EVEN:
            even = np.full(classes, 1 / classes)
            return cls(even, even.copy())
        told = _mapping(told)
        if not isinstance(told, Mapping) or not told:
            raise InputError(
                f"{KEY} is {told!r:.60}; give 'even', or a share, or a range such as 0.1-0.3, for each class", key=KEY
            )
        low, high = np.zeros(classes), np.ones(classes)
        equal = {own: place for place, own in enumerate(names)}
        as_written = {str(own): place for place, own in enumerate(names)}
        found: set[int] = set()
        for name, share in told.items():
            place = _place(name, equal, as_written)
            if place in found:
                raise InputError(f"{KEY}.{name} is told twice; give one share, or a range", key=f"{KEY}.{name}")
            found.add(place)
            low[place], high[place] = _range(share, str(name))
        return cls(*_possible(low, high, names))

    @classmethod
    def of_answers(
        cls, trusted: TrustedLabels, rows: int, classes: int, outside: float | None = None
    ) -> ClassShares | None:
        """Between what shares the classes of so many rows lie by people's answers to some drawn at random: of each
        class the exact interval (Clopper and Pearson, 1934), of as many answers as the unequal weights leave
        (Kish, 1965). That of Wilson is too narrow where a class is rarer than one answer tells: of 100 answers to
        2,000 classes it would have 12 % of sound labels wrong. None: no such row is answered, or they were drawn from
        less than half of all rows, whose shares may be others.

        Args:
            outside: how often the share of a class is not in its range; None: `OUTSIDE`, and of more than five classes
                one in so many.
        """
        from scipy.special import betaincinv

        weights = trusted.weights
        if weights.sum() < rows / 2:
            return None
        outside = min(OUTSIDE, 1 / classes) if outside is None else outside
        shares = np.bincount(trusted.labels, weights, classes) / weights.sum()
        count = weights.sum() ** 2 / (weights**2).sum()
        of_class = shares * count
        low = betaincinv(of_class, count - of_class + 1, outside / 2)
        high = betaincinv(of_class + 1, np.maximum(count - of_class, 0), 1 - outside / 2)
        return cls(np.nan_to_num(low, nan=0.0), np.nan_to_num(high, nan=1.0))  # of no answer, and of all

    @property
    def ends(self) -> list[list[float]]:
        """[low, high], as files keep them; `ClassShares(*np.array(ends))` reads them back."""
        return [self.low.tolist(), self.high.tolist()]

    def contradicted(self, trusted: TrustedLabels, rows: int, names: Sequence[str]) -> str | None:
        """Where answers to random ones of so many rows say that a class is rarer or more common than this, in a
        sentence on the one of which they are surest; None: they do not (99 % and more, of all C classes together)."""
        by = ClassShares.of_answers(trusted, rows, len(names), CONTRADICTED / len(names))
        if by is None:
            return None
        apart = np.maximum(by.low - self.high, self.low - by.high)
        if apart.max() <= 0:
            return None
        one = int(apart.argmax())
        told = f"{self.low[one]:.1%} to {self.high[one]:.1%}"
        if self.low[one] == self.high[one]:
            told = f"{self.low[one]:.1%}"
        return (
            f"by answers to random rows {by.low[one]:.1%} to {by.high[one]:.1%} of all rows are '{names[one]}', and "
            f"{KEY} tells of {told}, which what is learnt was moved to; tell what the answers say, or leave it out"
        )

    def least_wrong(self, labels: np.ndarray) -> float:
        """The least share of wrong labels, 0 … 1, that follows from nothing but these shares.

        Args:
            labels: int64 [N], given, or float [N, C] distributions, of which the likeliest class is the label.
        """
        given = np.bincount(classes_of(labels), minlength=len(self.low)) / len(labels)
        return float(max(np.maximum(given - self.high, 0).sum(), np.maximum(self.low - given, 0).sum()))

    def weights(self, belief: Table) -> np.ndarray:
        """float64 [C], w, by which a belief [N, C] comes to lie in these ranges; of many rows times classes by every
        n-th row."""
        from scipy.optimize import minimize

        some = some_rows(belief, every_nth(len(belief), max(1, SEARCH_CELLS // belief.shape[1])))
        if isinstance(some, BestClasses):
            some = some[:]
        mean = some.mean(0)
        classes = len(mean)
        if ((mean >= self.low) & (mean <= self.high)).all():
            return np.ones(classes)

        def dual(raised_and_lowered: np.ndarray) -> tuple[float, np.ndarray]:
            """Minus the dual of the least divergence, and its gradient, by log w = raised - lowered, both >= 0."""
            raised, lowered = np.split(raised_and_lowered, 2)
            weights = np.exp(raised - lowered)
            total, now = 0.0, np.zeros(classes)
            for part in blocks(some):
                moved = some[part] * weights
                sums = np.maximum(moved.sum(1, keepdims=True), _SMALLEST)
                total += float(np.log(sums).sum())
                now += (moved / sums).sum(0)
            now /= len(some)
            value = total / len(some) - float(raised @ self.low) + float(lowered @ self.high)
            return value, np.concatenate([now - self.low, self.high - now])

        found = minimize(
            dual, np.zeros(2 * classes), jac=True, method="L-BFGS-B", bounds=[(0.0, LARGEST)] * (2 * classes),
            options={"maxiter": 1000, "ftol": 1e-12, "gtol": 1e-7},
        )  # fmt: skip
        raised, lowered = np.split(found.x, 2)
        return np.asarray(np.exp(raised - lowered))

    def applied(self, belief: Any) -> Any:
        """float64 [N, C], the belief [N, C], moved as little as may be into these ranges."""
        return weighed(belief, self.weights(belief))

    def to_dict(self, names: Sequence[str]) -> dict[str, list[float]]:
        """[low, high] of each class of which something is told; `of` reads it back."""
        ends = zip(names, self.low.tolist(), self.high.tolist(), strict=True)
        return {name: [low, high] for name, low, high in ends if (low, high) != (0.0, 1.0)}


def plain(told: Any) -> Any:
    """What was told, as a recipe keeps it: names and numbers of Python's own, and of a list what is `written` in it;
    `ClassShares.of` judges it."""
    if isinstance(told, list):
        return written(told)
    told = _mapping(told)
    if not isinstance(told, Mapping):
        return told
    return {_as_read(name): _plain_share(share) for name, share in told.items()}


def written(shares: Sequence[str]) -> Any:
    """What `ClassShares.of` takes, of ``CLASS=SHARE`` as on a command line, or of ``even`` alone.

    Raises:
        InputError: one of them is neither, or a class is told twice.
    """
    if list(shares) == [EVEN]:
        return EVEN
    told: dict[str, str] = {}
    for one in shares:
        name, equals, share = one.rpartition("=")
        if not equals:
            raise InputError(
                f"--share {one!r} has no '='; write CLASS=SHARE, such as spam=0.1-0.3, or even alone",
                key="--share",
            )
        if name in told:
            raise InputError(f"--share tells of '{name}' twice; give one share, or a range", key="--share")
        told[name] = share.strip()
    return told


def _as_read(name: Any) -> str:
    """What a class of this value is called once a table of it is read (`data.reading.labels.label_strings`)."""
    if isinstance(name, (bool, np.bool_)):
        return str(name).lower()
    return str(int(name)) if isinstance(name, float) and name.is_integer() else str(name)


def _plain_share(share: Any) -> Any:
    if isinstance(share, (list, tuple)):
        return [_plain_share(end) for end in share]
    return share.tolist() if hasattr(share, "tolist") else share  # of NumPy and pandas, one number or some


def _mapping(told: Any) -> Any:
    """Of a pandas Series, such as `value_counts(normalize=True)` gives, the mapping that it is."""
    return dict(told.items()) if hasattr(told, "items") else told


def _place(name: Any, equal: Mapping[Any, int], as_written: Mapping[str, int]) -> int:
    """Which of the classes is meant, by what equals its name or is written as it is."""
    if isinstance(name, Hashable) and name in equal:
        return equal[name]
    if str(name) not in as_written:
        raise InputError(f"{KEY}.{name}: no class is called so{nearest(str(name), as_written)}", key=f"{KEY}.{name}")
    return as_written[str(name)]


def weighed(belief: Any, weights: np.ndarray) -> Any:
    """float64 [N, C], ∝ w · q."""
    if (weights == 1).all():
        return belief
    moved = empty_as(belief)
    for part in blocks(belief):
        moved[part] = believed(belief[part].astype(np.float64, copy=False), weights)
    return moved


def _range(share: Any, name: str) -> tuple[float, float]:
    ends: Any = _plain_share(share)
    if isinstance(ends, str):
        ends = _BETWEEN.split(ends)
    elif not isinstance(ends, list):
        ends = [ends]
    try:
        numbers = [float(end) for end in ends] if len(ends) in (1, 2) else []
    except (TypeError, ValueError, OverflowError):
        numbers = []
    if not numbers or isinstance(share, bool) or not 0 <= numbers[0] <= numbers[-1] <= 1:
        raise InputError(f"{KEY}.{name} is {share!r:.60}; {_HOW}", key=f"{KEY}.{name}")
    if numbers[-1] == 0:
        raise InputError(
            f"{KEY}.{name} is 0, which leaves no row to the class; give a small share, such as 0.001, or make another "
            "class of its labels before anything is learnt (data.label_map)",
            key=f"{KEY}.{name}",
        )
    return numbers[0], numbers[-1]


def _possible(low: np.ndarray, high: np.ndarray, names: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The ranges, where they leave room for a sum of 1, and for every class; shares of all classes that were rounded,
    divided by theirs."""
    if (low == high).all() and abs(low.sum() - 1) <= ROUNDED:
        return low / low.sum(), high / high.sum()
    least, most = float(low.sum()), float(high.sum())
    if least > 1 + 1e-9 or most < 1 - 1e-9:
        raise InputError(
            f"the shares in {KEY} sum to {'at least' if least > 1 else 'at most'} {least if least > 1 else most:.3g}, "
            "and those of all classes have to be 1 in sum",
            key=KEY,
        )
    without = np.flatnonzero(1 - (least - low) <= 1e-9)
    if len(without):
        raise InputError(
            f"the shares in {KEY} leave nothing to '{names[without[0]]}', and a class that no row is of cannot be "
            "learnt; tell less of the others, or make another class of its labels first (data.label_map)",
            key=KEY,
        )
    return low, high
