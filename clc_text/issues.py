"""Which labels of a table are wrong, in one call: for notebooks, and for whoever has a model of their own."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.artifacts.run_directory import Labels
from clc_text.corrections.evidence import Evidence
from clc_text.corrections.policy import DEFAULT, policy_named
from clc_text.errors import InputError
from clc_text.evidence.evidence import NETWORKS, mixture_of, too_large
from clc_text.evidence.mixture import Judged, judge
from clc_text.evidence.readings import span
from clc_text.evidence.rules import RuleLike, rule_like
from clc_text.evidence.views import weights

if TYPE_CHECKING:
    import pandas as pd

LIKELY = 0.5  # doubt above which another class is more probable than the given one
SHOWN = 10  # rows of a notebook's table


class Ranked:
    """Rows by how far their labels are doubted, as data frames and on a notebook's page."""

    @property
    def ranking(self) -> pd.DataFrame:
        """All rows, the most doubted first; the column ``doubt`` is 0 … 1."""
        raise NotImplementedError

    @property
    def issues(self) -> pd.DataFrame:
        """`ranking`, of the rows whose label is more probably wrong than right."""
        ranking = self.ranking
        return ranking[ranking["doubt"] > LIKELY] if len(ranking) else ranking

    def _repr_html_(self) -> str:
        table = self.ranking.head(SHOWN).to_html(index=False, escape=True, float_format="{:.2f}".format)
        return f"<p>{html.escape(repr(self))}</p>{table}"


@dataclass(frozen=True)
class Issues(Ranked):
    """What was found of N rows of C classes.

    Attributes:
        names: C names of the classes, in the order of probabilities.
        given: int64 [N], the given labels as numbers of classes.
        judged: doubt and suggestion of each row; None where nothing tells anything of the labels.
        views: who judged, V names.
        left_out: who has learnt too little to be heard.
        noise_rate: the share of wrong labels, 0 … 1, the mean doubt.
        interval: from the lowest to the highest of all readings of the same evidence.
        transition: float64 [C, C], the noise matrix T by expectation-maximisation; row = true class.
        rule_like: how well words foretell the labels, where these look made by a rule; then more may be wrong than
            `interval` says.
    """

    names: tuple[Any, ...]
    given: np.ndarray
    judged: Judged | None
    views: tuple[str, ...]
    left_out: tuple[str, ...]
    noise_rate: float
    interval: tuple[float, float]
    transition: np.ndarray
    rule_like: RuleLike | None = None
    _texts: tuple[str, ...] | None = None
    _firsts: np.ndarray | None = None

    @property
    def ranking(self) -> pd.DataFrame:
        """All rows, the most doubted first.

        Columns: ``row`` (its place from 0, as of `iloc`), ``given``, ``suggested``, ``doubt`` (0 … 1, above one half
        another class is more probable), ``confidence`` (belief in the suggested class), ``why``, and ``text`` where
        texts were given.
        """
        import pandas as pd

        if self.judged is None:
            return pd.DataFrame(columns=["row", "given", "suggested", "doubt", "confidence", "why"])
        found, names = self.judged, np.array(self.names, dtype=object)
        order = np.argsort(-found.wrong, kind="stable")
        columns = {
            "row": order,
            "given": names[self.given[order]],
            "suggested": names[found.suggested[order]],
            "doubt": found.wrong[order],
            "confidence": found.belief[order, found.suggested[order]],
            "why": self._reasons(order),
        }
        if self._texts is not None:
            columns["text"] = [self._texts[row] for row in order.tolist()]
        return pd.DataFrame(columns)

    @property
    def labels(self) -> np.ndarray:
        """[N], names of the classes after the default policy: `corrected`."""
        return self.corrected()

    def corrected(self, policy: str = DEFAULT) -> np.ndarray:
        """[N], names of the classes after a policy that rests on views: "default" or "doubt".

        Raises:
            InputError: there is no such policy, or it judges by the networks of a run.
        """
        rule, names = policy_named(policy), np.array(self.names, dtype=object)
        if not rule.views:
            raise InputError(f"the policy '{policy}' judges by the networks of a run; take 'default' or 'doubt'")
        if self.judged is None:
            return np.asarray(names[self.given])
        changed = rule.changes(Evidence.of_views(self.judged, self.judged.probs), self.given)
        return np.asarray(names[np.where(changed, self.judged.suggested, self.given)])

    def _reasons(self, rows: np.ndarray) -> list[str]:
        """Which views find the suggested class most probable, of some rows."""
        assert self._firsts is not None and self.judged is not None
        finds = (self._firsts[:, rows] == self.judged.suggested[rows]).T
        kinds, kind = np.unique(finds, axis=0, return_inverse=True)
        sentences = [
            self._sentence([view for view, one in zip(self.views, found, strict=True) if one]) for found in kinds
        ]
        return [sentences[number] for number in kind.ravel().tolist()]

    def _sentence(self, views: list[str]) -> str:
        if len(views) == len(self.views):
            return "all views find it" if len(views) > 1 else f"{views[0]} finds it"
        return f"{len(views)} of {len(self.views)} views find it" + (f": {', '.join(views)}" if views else "")

    def __repr__(self) -> str:
        if self.judged is None:
            return f"{len(self.given):,} rows, of whose labels nothing can be told"
        low, high = self.interval
        return (
            f"{len(self.given):,} rows, {int((self.judged.wrong > LIKELY).sum()):,} of them more probably wrong than "
            f"right; between {low:.1%} and {high:.1%} of the labels are wrong ({self.noise_rate:.1%} in the middle), "
            f"by {', '.join(self.views)}" + (f"; {self.rule_like.sentence}" if self.rule_like else "")
        )


def find_issues(
    labels: Iterable[Any],
    *,
    pred_probs: Any = None,
    features: Any = None,
    texts: Iterable[str] | None = None,
    label_names: Sequence[Any] | None = None,
    seed: int = 0,
) -> Issues:
    """Judges labels by whatever is known of their rows: no model is trained beyond small ones, in seconds.

    The more of the three is given the better (measured: `recipes/results/find_wrong_rows.md`); at least one has to be.

    Args:
        labels: N given labels, names or numbers; a list, an array, a column of pandas, polars or `datasets`.
        pred_probs: [N, C], probabilities by any model that had not seen the label of the row (cross-validated), in the
            order of `label_names`, or of the sorted labels.
        features: [N, D], embeddings by any encoder that no label has shaped.
        texts: N texts, for the views of words.
        label_names: C names; labels are these, or their numbers from 0. None: the labels that occur, sorted.
        seed: of the folds that small models are cross-fitted by.

    Raises:
        InputError: sizes that do not fit together, missing labels, numbers that are no probabilities or not finite, or
            nothing to judge by.
    """
    if not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed is {seed!r}; give a whole number from 0")
    given, names = _numbered(labels, label_names)
    rows, classes = len(given), len(names)
    if pred_probs is None and features is None and texts is None:
        raise InputError("there is nothing to judge the labels by; give pred_probs, features or texts")
    too_large(rows, classes)
    probs = None if pred_probs is None else _probabilities(pred_probs, rows, classes)
    dense = None if features is None else _table("features", features, rows, np.float32)
    written = None if texts is None else _texts(texts, rows)
    words = None
    if written is not None:
        from clc_text.text.encoders.lexical.weighting import terms_of

        words = terms_of(written)
    unplanted = Labels(given, given, None, np.zeros(rows, bool))
    mixture = mixture_of(dense, unplanted, classes, seed, probs, words)
    if mixture is None:
        return Issues(names, given, None, (), (), float("nan"), (0.0, 1.0), np.full((classes, classes), np.nan))
    judged = judge(mixture.log_probs, weights(mixture.views), given, mixture.sharpness, mixture.transition)
    readings = mixture.readings(given, np.arange(rows))
    by_rule = rule_like(mixture.log_probs, given, mixture.views, mixture.left_out)
    return Issues(
        names, given, judged, _named(mixture.views), _named(mixture.left_out), readings[0].rate, span(readings, rows),
        mixture.transition, by_rule,
        None if written is None else tuple(written), mixture.log_probs.argmax(2),
    )  # fmt: skip


def _named(views: tuple[str, ...]) -> tuple[str, ...]:
    """Probabilities that the user brought are no networks of ours."""
    return tuple("pred_probs" if view == NETWORKS else view for view in views)


def _numbered(labels: Iterable[Any], label_names: Sequence[Any] | None) -> tuple[np.ndarray, tuple[Any, ...]]:
    """int64 [N] and the classes' names."""
    found = _column("labels", labels)
    for row, one in enumerate(found):
        if _missing(one):
            raise InputError(f"row {row} has no label; leave such rows out")
        if not isinstance(one, (str, int, float)):
            raise InputError(f"the label of row {row} is neither a name nor a number: {str(one)[:60]!r}")
    if label_names is None:
        try:
            names = tuple(sorted(set(found)))
        except TypeError:
            raise InputError("some labels are numbers and others are texts; make them one kind") from None
    else:
        names = tuple(label_names)
        if len(set(names)) < len(names):
            raise InputError("a name is twice in label_names")
        numbers = all(isinstance(one, int) and not isinstance(one, bool) for one in found)
        if numbers and not set(found) <= set(names):
            _known(found, range(len(names)))
            return np.array(found, np.int64), names
    if len(names) < 2:
        there = f"only one class, {str(names[0])[:60]!r}" if names else "no class and no row"
        raise InputError(f"there is {there}; a label is wrong only where there is another class")
    places = {name: place for place, name in enumerate(names)}
    _known(found, places)
    return np.array([places[one] for one in found], np.int64), names


def _known(found: Sequence[Any], known: Any) -> None:
    for row, one in enumerate(found):
        if one not in known:
            raise InputError(f"row {row} has the label {str(one)[:60]!r}, which is not among label_names")


def _column(name: str, values: Iterable[Any]) -> list[Any]:
    """The values of a list, array, tensor or column as Python's own."""
    shape = getattr(values, "shape", None)
    if isinstance(values, (str, bytes)) or (shape is not None and len(shape) != 1):
        what = "one text" if shape is None else f"a table of the shape {list(shape)}"
        raise InputError(f"{name} is {what}; give a list or a column, one of them for each row")
    scalar = (np.generic, np.ndarray) if not hasattr(values, "detach") else object
    return [one.item() if isinstance(one, scalar) and hasattr(one, "item") else one for one in values]


def _missing(value: Any) -> bool:
    """None, NaN, and what pandas has for it."""
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):  # NA, which is neither true nor false; an array
        return type(value).__name__ == "NAType"


def _table(name: str, values: Any, rows: int, kind: type) -> np.ndarray:
    if hasattr(values, "detach"):  # a tensor
        values = values.detach().cpu()
    if hasattr(values, "toarray"):
        raise InputError(f"{name} is a sparse matrix; give embeddings, or texts= for words, or its toarray()")
    try:
        with np.errstate(over="ignore"):  # what is too large for `kind` is found not to be finite
            found: np.ndarray = np.asarray(values, dtype=kind)
    except (TypeError, ValueError):
        raise InputError(f"{name} holds something that is no number") from None
    if found.ndim != 2 or len(found) != rows:
        raise InputError(f"{name} has the shape {list(found.shape)}, but there are {rows:,} labels: one row for each")
    return found


def _probabilities(values: Any, rows: int, classes: int) -> np.ndarray:
    found = _table("pred_probs", values, rows, np.float64)
    if found.shape[1] != classes:
        raise InputError(
            f"pred_probs has {found.shape[1]} columns, but there are {classes} classes; give label_names in the order "
            "of the columns"
        )
    sums = found.sum(1)
    bad = np.flatnonzero(~(np.isfinite(found).all(1) & (found >= 0).all(1) & (np.abs(sums - 1) < 1e-2)))
    if len(bad):
        raise InputError(f"row {bad[0]} of pred_probs is not a row of probabilities: they are 0 … 1 and sum to 1")
    return np.asarray(found / sums[:, None])


def _texts(texts: Iterable[str], rows: int) -> list[str]:
    found = ["" if _missing(one) else one for one in _column("texts", texts)]
    if len(found) != rows:
        raise InputError(f"there are {len(found):,} texts and {rows:,} labels: one text for each")
    strange = next((row for row, one in enumerate(found) if not isinstance(one, (str, int, float))), None)
    if strange is not None:
        raise InputError(f"row {strange} of texts is no text: {str(found[strange])[:60]!r}")
    return [str(one) for one in found]
