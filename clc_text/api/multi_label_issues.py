"""Which classes of which rows are wrong where several may hold at once, in one call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.api.given_inputs import GivenInputs
from clc_text.api.ranked import Ranked, named, reasons
from clc_text.corrections.evidence import Evidence
from clc_text.corrections.gather import judged_by
from clc_text.corrections.kinds import LIKELY
from clc_text.corrections.policy import DEFAULT, Policy, policy_of_views
from clc_text.data.tabular.values import all_finite, by_class, missing
from clc_text.data.yes_no import said
from clc_text.errors import InputError, some_of
from clc_text.evidence.evidence import Mixture, too_large
from clc_text.evidence.mixture import LEAST, Judged
from clc_text.evidence.several_classes import mixtures_of_each
from clc_text.noise.estimation.plateau import Plateau, by_odds, plateau

if TYPE_CHECKING:
    import pandas as pd

DIMENSIONS = 300  # of words, where there are no features to tell by how often a class is left out
VOTES_AGREE = 0.2  # mean correlation of columns of 0 and 1 above which they say the same thing of a row


@dataclass(frozen=True)
class MultiLabelIssues(Ranked):
    """What was found of N rows, of each of which any of C classes may hold.

    Attributes:
        names: C names of the classes.
        given: int64 [N, C] of 0 and 1.
        doubt: float64 [N, C], how far is doubted what is given of the class; above one half the opposite is more
            probable.
        rates: float64 [3, C], the share of wrong labels of each class as found, at its lower and at its upper end.
        transition: float64 [C, 2, 2], T of each class; row = whether it holds, column = whether it is given.
    """

    names: tuple[Any, ...]
    given: np.ndarray
    doubt: np.ndarray
    rates: np.ndarray
    transition: np.ndarray
    _made: tuple[Mixture, ...]
    _texts: tuple[str, ...] | None = None

    @property
    def noise_rate(self) -> float:
        """The share of wrong labels among all pairs of a row and a class."""
        return float(self.rates[0].mean())

    @property
    def interval(self) -> tuple[float, float]:
        """The ends between which it may lie, the mean of all classes'."""
        return float(self.rates[1].mean()), float(self.rates[2].mean())

    @property
    def ranking(self) -> pd.DataFrame:
        """All pairs of a row and a class, the most doubted first.

        Columns: ``row`` (its place from 0), ``class``, ``holds`` (as given), ``doubt`` (0 … 1, above one half the
        opposite is more probable), ``why``, and ``text`` where texts were given.
        """
        import pandas as pd

        order = np.argsort(-self.doubt, axis=None, kind="stable")
        row, number = np.divmod(order, len(self.names))
        columns: dict[str, Any] = {
            "row": row,
            "class": self._named[number],
            "holds": self.given[row, number] > 0,
            "doubt": self.doubt[row, number],
            "why": self._reasons()[row, number],
        }
        if self._texts is not None:
            columns["text"] = [self._texts[one] for one in row.tolist()]
        return pd.DataFrame(columns)

    @property
    def by_class(self) -> pd.DataFrame:
        """A line a class: ``class``, ``given`` (its share of the rows), ``left_out`` (of the rows where it holds) and
        ``given_wrongly`` (of the others), ``rate`` (share of wrong labels) and its ends ``low``, ``high``."""
        import pandas as pd

        return pd.DataFrame(
            {
                "class": self._named,
                "given": self.given.mean(0),
                "left_out": self.transition[:, 1, 0],
                "given_wrongly": self.transition[:, 0, 1],
                **dict(zip(("rate", "low", "high"), self.rates, strict=True)),
            }
        )

    @property
    def labels(self) -> np.ndarray:
        """int64 [N, C] after the default policy: `corrected`."""
        return self.corrected()

    def corrected(self, policy: str = DEFAULT) -> np.ndarray:
        """int64 [N, C] of 0 and 1, after a policy that rests on views: "default" or "doubt".

        Raises:
            InputError: there is no such policy, or it judges by the networks of a run.
        """
        rule = policy_of_views(policy).of_pairs()
        if not self._made:
            return self.given.copy()
        evidence = Evidence.empty(self.given.size)
        for one, made in enumerate(self._made):
            judged = _judged(rule, made, self.given[:, one])
            evidence.put(slice(one, None, len(self.names)), Evidence.of_views(judged, judged.probs))
        flat = self.given.reshape(-1)
        changed = rule.changes(evidence, flat)
        return np.asarray(np.where(changed, 1 - flat, flat).reshape(self.given.shape))

    def _reasons(self) -> np.ndarray:
        """[N, C], which views find the opposite of what is given."""
        told = np.full(self.given.shape, "nothing tells", object)
        for number, made in enumerate(self._made):
            finds = (made.log_probs.argmax(2) != self.given[:, number]).T
            told[:, number] = reasons(finds, named(made.views))
        return told

    @property
    def _named(self) -> np.ndarray:
        named = np.empty(len(self.names), dtype=object)
        named[:] = self.names
        return named

    def __repr__(self) -> str:
        low, high = self.interval
        return (
            f"{len(self.given):,} rows and {len(self.names):,} classes, any of which may hold; "
            f"{int((self.doubt > LIKELY).sum()):,} pairs of the two are more probably wrong than right; between "
            f"{low:.1%} and {high:.1%} of all pairs are wrong ({self.noise_rate:.1%} in the middle)"
        )


def has_several_classes(labels: Any, task: str | None) -> bool:
    """Whether labels are classes of which several may hold: lists of them, or a table of 0 and 1 that is said to be.

    Raises:
        InputError: a table may be either that, or several people's labels of one class.
    """
    if task is not None or isinstance(labels, dict):
        return task == "multi_label"
    if (held := _zeros_and_ones(labels)) is None:
        # One label in each list is one label a row, and an array of numbers or names holds no lists.
        if isinstance(labels, np.ndarray) and labels.ndim == 1 and labels.dtype.kind in "biufU":
            return False
        flat = getattr(labels, "ndim", 1) == 1 and hasattr(labels, "__len__") and not isinstance(labels, (str, bytes))
        return flat and any(_is_list(one) and len(one) != 1 for one in labels) and not rows_of_votes(labels)
    if len(held) < 2 or held.shape[1] < 2 or (held.sum(1) == 1).all():
        return False
    varied = [one for one in held.T if one.std() > 0]
    together = [float(np.corrcoef(one, other)[0, 1]) for one, other in combinations(varied, 2)]
    if together and np.mean(together) > VOTES_AGREE:
        return False
    raise InputError(
        "labels are a table of 0 and 1, or no and yes, whose columns hardly agree, so they may be several classes "
        "that hold at once, or several people's labels of one class a row; say task='multi_label' or task='votes'",
        key="task",
    )


def rows_of_votes(labels: Any) -> bool:
    """Whether lists of labels, all as long, are what several people say of a row each: one says nothing, or two say
    the same, which no list of the classes that hold does."""
    if not isinstance(labels, (list, tuple)) or not all(isinstance(one, (list, tuple)) for one in labels):
        return False
    if not labels or len(labels[0]) < 2 or len({len(one) for one in labels}) > 1:
        return False
    held = _zeros_and_ones(labels)
    if held is not None and (held.sum(1) == 1).all():  # one label a row
        return False
    return any(any(missing(value) for value in one) or len({*map(str, one)}) < len(one) for one in labels)


def issues_of_classes(
    labels: Any,
    pred_probs: Any,
    features: Any,
    texts: Iterable[str] | None,
    label_names: Sequence[Any] | None,
    seed: int,
) -> MultiLabelIssues:
    """`find_issues` where several classes may hold of a row: every class is judged as if it were alone, through what
    is found of how often it is left out and given wrongly (`noise.estimation.plateau`).

    Args:
        labels: N lists of the classes that hold, or [N, C] of 0 and 1.
        pred_probs: [N, C], that a class holds, by models that had not seen the labels of the row.

    Raises:
        InputError: as `find_issues`, or a class holds of no row or of all.
    """
    given, names = held_classes(labels, label_names)
    rows, classes = given.shape
    if pred_probs is None and features is None and texts is None:
        raise InputError(
            "there is nothing to judge the labels by; give pred_probs, features or texts", key="pred_probs"
        )
    too_large(rows * classes, 2)
    probs = None if pred_probs is None else _probabilities(pred_probs, rows, names)
    inputs = GivenInputs.of(features, texts, rows)
    dense, words = inputs.features, inputs.words
    if dense is not None:
        all_finite(dense)
    told = _noise_of_each(given, dense, words, probs, seed)
    made = None if told is None else mixtures_of_each(dense, words, probs, given, told.transition, seed)
    if told is None or made is None:
        nothing = np.tile(np.eye(2), (classes, 1, 1))
        ends = np.tile([[0.0], [0.0], [1.0]], classes)
        return MultiLabelIssues(names, given, np.zeros(given.shape), ends, nothing, (), inputs.texts)
    rule = policy_of_views(DEFAULT).of_pairs()
    doubt = np.stack([_judged(rule, one, held).wrong for one, held in zip(made, given.T, strict=True)], 1)
    transition = np.stack([one.noise.transition for one in made])
    return MultiLabelIssues(names, given, doubt, told.rates(given), transition, tuple(made), inputs.texts)


def _noise_of_each(
    given: np.ndarray, features: np.ndarray | None, words: Any | None, probs: np.ndarray | None, seed: int
) -> Plateau | None:
    """By features, or else words, or else what was foretold of the labels; None where nothing tells one row from
    another."""
    shown = _of_words(words, seed) if features is None and words is not None else features
    if shown is not None:
        return plateau(shown, given, seed)
    if probs is None:
        return None
    sure = probs.clip(LEAST, 1 - LEAST)
    return by_odds(np.log(sure) - np.log(1 - sure), given)


def _judged(rule: Policy, made: Mixture, given: np.ndarray) -> Judged:
    assert made.weights is not None
    return judged_by(rule, made.log_probs, made.weights, given, made.noise.sharpness, made.noise.transition, made.bias)


def held_classes(labels: Any, label_names: Sequence[Any] | None) -> tuple[np.ndarray, tuple[Any, ...]]:
    """int64 [N, C] of 0 and 1, and the classes' names.

    Raises:
        InputError: a row has no labels or names a class twice, a name is not among `label_names`, or a class holds of
            no row or of all.
    """
    given = _zeros_and_ones(labels)
    if given is not None:
        own = getattr(labels, "columns", range(given.shape[1]))
        names = tuple(own if label_names is None else label_names)
        if len(names) != given.shape[1]:
            raise InputError(
                f"labels have {given.shape[1]} columns, and label_names has {len(names)} names", key="label_names"
            )
    else:
        given, names = _of_lists(labels, label_names)
    if len(set(names)) < len(names):
        raise InputError("label_names has a name twice, or two columns have one name", key="label_names")
    if not given.size:
        raise InputError("labels name no class, or there is no row; there is nothing to judge", key="labels")
    shares = given.mean(0)
    for share, how in ((0, "no row"), (1, "every row")):
        if alike := [f"'{str(names[one])[:60]}'" for one in np.flatnonzero(shares == share)]:
            raise InputError(
                f"by the labels {some_of(alike, 5)} holds of {how}, so that nothing tells when that is wrong; leave "
                "it out",
                key="labels",
            )
    return given, names


def _zeros_and_ones(labels: Any) -> np.ndarray | None:
    """int64 [N, C] where labels are a table of 0 and 1, or of no and yes (`clc_text.data.yes_no`); None where they are
    something else."""
    if hasattr(labels, "detach"):
        labels = labels.detach().cpu().numpy()
    elif hasattr(labels, "to_numpy") and len(getattr(labels, "shape", ())) == 2:
        labels = labels.to_numpy()
    elif isinstance(labels, (list, tuple)) and labels and all(_is_list(one) for one in labels):
        if (
            len({len(one) for one in labels}) > 1
            or len(labels[0]) < 2
            or any(isinstance(one, _SETS) for one in labels)
        ):
            return None
        flat = [value for one in labels for value in one]
        if not all(isinstance(value, (bool, int, float, np.number, np.bool_)) for value in flat):
            return None
        labels = np.array(flat, np.float64).reshape(len(labels), -1)
    if not isinstance(labels, np.ndarray) or labels.ndim != 2:
        return None
    if labels.dtype.kind in "OUT":
        held = [said(cell) for cell in labels.ravel().tolist()]
        return None if None in held else np.array(held, np.int64).reshape(labels.shape)
    if labels.dtype.kind not in "biuf":
        return None
    return labels.astype(np.int64) if np.isin(labels, (0, 1)).all() else None


_SETS = (set, frozenset)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, np.ndarray, *_SETS))


def _of_lists(labels: Any, label_names: Sequence[Any] | None) -> tuple[np.ndarray, tuple[Any, ...]]:
    if isinstance(labels, (str, bytes)):
        raise InputError("labels is one text; give a list of the classes that hold for each row", key="labels")
    listed = [one.tolist() if isinstance(one, np.ndarray) else one for one in labels]
    for row, one in enumerate(listed):
        if not _is_list(one):
            what = "no labels" if missing(one) else f"{str(one)[:60]!r}, which is no list"
            raise InputError(
                f"row {row} has {what}; give a list of the classes that hold, empty where none does", row=row
            )
    classes = {value for one in listed for value in one}
    try:
        names = tuple(sorted(classes)) if label_names is None else tuple(label_names)
    except TypeError:
        raise InputError("some labels are numbers and others are texts; make them one kind", key="labels") from None
    places = {name: place for place, name in enumerate(names)}
    given = np.zeros((len(listed), len(names)), np.int64)
    for row, one in enumerate(listed):
        strange = next((value for value in one if value not in places), None)
        if strange is not None:
            raise InputError(f"row {row} has the label {str(strange)[:60]!r}, which is not among label_names", row=row)
        if len(set(one)) < len(one):
            raise InputError(f"row {row} names a class twice; a list names the classes that hold", row=row)
        given[row, [places[value] for value in one]] = 1
    return given, names


def _probabilities(values: Any, rows: int, names: Sequence[Any]) -> np.ndarray:
    probs = by_class(values, rows, names)
    bad = np.flatnonzero(~((probs >= 0) & (probs <= 1)).all(1))
    if len(bad):
        raise InputError(
            f"row {bad[0]} of pred_probs has a number that is no probability: they are 0 … 1",
            key="pred_probs",
            row=int(bad[0]),
        )
    return probs


def _of_words(words: Any, seed: int) -> np.ndarray | None:
    """float64 [N, D], words in few dimensions; None where there are too few of them."""
    from sklearn.decomposition import TruncatedSVD

    size = min(DIMENSIONS, *(length - 1 for length in words.shape))
    return None if size < 1 else np.asarray(TruncatedSVD(size, random_state=seed).fit_transform(words))
