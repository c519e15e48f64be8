"""Which labels of a table are wrong, in one call: for notebooks, and for whoever has a model of their own."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from clc_text.api.given_inputs import GivenInputs
from clc_text.api.multi_label_issues import MultiLabelIssues, has_several_classes, issues_of_classes
from clc_text.api.ranked import Ranked, named, reasons
from clc_text.api.voted_issues import VotedIssues, is_several, issues_of_votes
from clc_text.corrections.evidence import Evidence
from clc_text.corrections.kinds import COPY, EMPTY, GARBLED, LIKELY, OUTLIER, SCRIPT, kinds
from clc_text.corrections.policy import DEFAULT, policy_of_views
from clc_text.corrections.share_in_words import known_from_below, unless_habits
from clc_text.data.checks.garbled import empty_rows, garbled
from clc_text.data.checks.names_alike import EACH_COUNTS, alike_in_words
from clc_text.data.checks.near_copies import UNASKED, contradicting, first_near_copies
from clc_text.data.checks.outliers import Outliers, outliers
from clc_text.data.checks.scripts import in_another_script
from clc_text.data.class_shares import KEY, ClassShares
from clc_text.data.labels import Labels
from clc_text.data.nearest import nearest
from clc_text.data.reading.written_lists import lists_in
from clc_text.data.tabular.values import all_finite, numbered, probabilities
from clc_text.errors import InputError
from clc_text.evidence.evidence import first_of_copies, mixture_of, too_large
from clc_text.evidence.mixture import Judged, judge_near
from clc_text.evidence.readings import likeliest, readings_and_span
from clc_text.evidence.rules import RuleLike, rule_like
from clc_text.evidence.views import weights
from clc_text.evidence.views.base import FIT_ROWS
from clc_text.noise.estimation.near_noise import TOO_FEW, too_few
from clc_text.noise.estimation.noise_fit import matrix_of

if TYPE_CHECKING:
    import pandas as pd


def _nothing() -> np.ndarray:
    return np.zeros(0, np.int64)


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
        likeliest: from the mean doubt to that of labels that count for half (`evidence.readings.likeliest`).
        transition: float64 [C, C], how the labels of each class were given, as the rows' beliefs have it; row = true
            class.
        rule_like: how well words foretell the labels, where these look made by a rule; then more may be wrong than
            `interval` says.
        outliers: rows like no other, by features and texts; None where there are too few rows, or neither of the two.
        garbled: int64, the numbers of rows whose text is.
        copies: int64, those of rows whose text is nearly that of a row with another label, a group together; none are
            looked for in more than 200,000 rows.
        empty: int64, those of rows without a text.
        other_script: int64, those of rows in a script that at most one row of 100 is in.
        ahead: by how many standard errors noise explains held-out labels better than hard texts alone do, at most 0
            where there are too few rows to tell (`near_noise.too_few`); below two the default policy changes nothing.
        told_wrong: the share of labels that have to be wrong by nothing but the `class_shares` that were told; None:
            nothing was.
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
    outliers: Outliers | None = None
    garbled: np.ndarray = field(default_factory=_nothing)
    ahead: float | None = None
    likeliest: tuple[float, float] = (0.0, 1.0)
    copies: np.ndarray = field(default_factory=_nothing)
    empty: np.ndarray = field(default_factory=_nothing)
    other_script: np.ndarray = field(default_factory=_nothing)
    told_wrong: float | None = None

    @property
    def ranking(self) -> pd.DataFrame:
        """All rows, the most doubted first.

        Columns: ``row`` (its place from 0, as of `iloc`), ``given``, ``suggested``, ``doubt`` (0 … 1, the
        probability that the given label is wrong), ``confidence`` (belief in the suggested class), ``why``, ``kind``
        (what is wrong, see `issues`), and ``text`` where texts were given.
        """
        import pandas as pd

        if self.judged is None:
            return pd.DataFrame(columns=["row", "given", "suggested", "doubt", "confidence", "why", "kind"])
        odd = np.zeros(0, np.int64) if self.outliers is None else self.outliers.rows
        flawed = {
            OUTLIER: odd, GARBLED: self.garbled, COPY: self.copies, EMPTY: self.empty, SCRIPT: self.other_script
        }  # fmt: skip
        judged, names = self.judged, np.array(self.names, dtype=object)
        order = np.argsort(-judged.wrong, kind="stable")
        columns = {
            "row": order,
            "given": names[self.given[order]],
            "suggested": names[judged.suggested[order]],
            "doubt": judged.wrong[order],
            "confidence": judged.belief[order, judged.suggested[order]],
            "why": self._reasons(order),
            "kind": kinds(judged.wrong, flawed)[order],
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
        rule, names = policy_of_views(policy).of_noise(self.ahead), np.array(self.names, dtype=object)
        if self.judged is None:
            return np.asarray(names[self.given])
        changed = rule.changes(Evidence.of_views(self.judged, self.judged.probs), self.given)
        return np.asarray(names[np.where(changed, self.judged.suggested, self.given)])

    def _reasons(self, rows: np.ndarray) -> list[str]:
        """Which views find the suggested class most probable, of some rows."""
        assert self._firsts is not None and self.judged is not None
        return reasons((self._firsts[:, rows] == self.judged.suggested[rows]).T, self.views)

    def __repr__(self) -> str:
        if self.judged is None:
            alone = (
                f", but that by the shares told at least {self.told_wrong:.1%} are wrong" if self.told_wrong else ""
            )
            return f"{len(self.given):,} rows, of whose labels nothing can be told{alone}"
        unsure = policy_of_views(DEFAULT).of_noise(self.ahead).uncertain
        few = too_few(len(self.given), len(self.names))
        why = TOO_FEW if few else "hard texts explain that as well as noise"
        share = "between {:.1%} and {:.1%} of the labels are wrong, most likely {:.1%} to {:.1%}".format(
            *self.interval, *self.likeliest
        ) + unless_habits(self.ahead)
        if known_from_below(self.told_wrong, self.rule_like):
            share = f"at least {self.interval[0]:.1%} of the labels are wrong"
        return (
            f"{len(self.given):,} rows, {int((self.judged.wrong > LIKELY).sum()):,} of them more probably wrong than "
            f"right; {share}, by "
            + ", ".join(self.views)
            + (f"; {self.rule_like.sentence(self.told_wrong is not None)}" if self.rule_like else "")
            + (f"; {why}, so no label is changed by default" if unsure else "")
        )


def find_issues(
    labels: Iterable[Any],
    *,
    pred_probs: Any = None,
    features: Any = None,
    texts: Iterable[str] | None = None,
    label_names: Sequence[Any] | None = None,
    seed: int = 0,
    task: Literal["multi_label", "votes"] | None = None,
    class_shares: Literal["even"] | Mapping[Any, Any] | None = None,
) -> Issues | VotedIssues | MultiLabelIssues:
    """Judges labels by whatever is known of their rows: no model is trained beyond small ones, in seconds.

    The more of the three is given the better (measured: `recipes/results/find_wrong_rows.md`); at least one has to be,
    unless the rows have several labels each.

    Args:
        labels: N given labels, names or numbers; a list, an array, a column of pandas, polars or `datasets`. Of
            several annotators a data frame (a column each), a dictionary of columns or an array [N, J], where None,
            NaN, blank text or -1 says that one has not labelled a row; or their distributions [N, J, C]. Where several
            classes may hold of a row, N lists of them, or [N, C] of 0 and 1.
        pred_probs: [N, C], probabilities by any model that had not seen the label of the row (cross-validated), in the
            order of `label_names`, or of the sorted labels, or by columns that are called as the classes; where
            several classes may hold, of each that it does.
        features: [N, D], embeddings by any encoder that no label has shaped.
        texts: N texts, for the views of words.
        label_names: C names; labels are these, or their numbers from 0. None: the labels that occur, sorted.
        seed: of the folds that small models are cross-fitted by.
        task: what a table of 0 and 1 is: classes of which several may hold, or several people's labels of one.
        class_shares: how common the true classes are, where you know it, of one label a row: ``"even"``, or of some
            classes a share 0 … 1, or a range, ``(0.1, 0.3)`` or ``"0.1-0.3"``
            (`clc_text.data.class_shares`).

    Raises:
        InputError: sizes that do not fit together, missing labels, numbers that are no probabilities or not finite, or
            nothing to judge by.
    """
    if not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed is {seed!r}; give a whole number from 0", key="seed")
    if task not in (None, "multi_label", "votes"):
        raise InputError(f"task is {task!r}; give 'multi_label' or 'votes', or leave it out", key="task")
    if task != "votes" and hasattr(labels, "__len__") and not isinstance(labels, (str, bytes, dict)):
        listed = lists_in(labels)  # a column of lists comes back from a CSV file as text
        labels = labels if listed is None else listed
    several = has_several_classes(labels, task)
    if class_shares is not None and (several or task == "votes" or is_several(labels)):
        raise InputError(f"{KEY} is of one label and one class a row; leave it out", key=KEY)
    if several:
        try:
            return issues_of_classes(labels, pred_probs, features, texts, label_names, seed)
        except InputError as error:
            if task is not None:
                raise
            raise error.in_words(
                f"{error} (lists of labels are read as the classes that hold of each row; of what several people say "
                "of it, make rows of one length, with None where one says nothing, and say task='votes')"
            ) from None
    if task == "votes" or is_several(labels):
        return issues_of_votes(labels, pred_probs, features, texts, label_names, seed)
    given, names = numbered(labels, label_names)
    rows, classes = len(given), len(names)
    if sentence := alike_in_words([name for name in names if isinstance(name, str)]):
        warnings.warn(f"{sentence}{EACH_COUNTS}join them first", UserWarning, stacklevel=2)
    shares = None if class_shares is None else ClassShares.of(class_shares, names)
    least = None if shares is None else shares.least_wrong(given)
    if pred_probs is None and features is None and texts is None:
        raise InputError(
            "there is nothing to judge the labels by; give pred_probs, features or texts", key="pred_probs"
        )
    too_large(rows, classes)
    probs = None if pred_probs is None else probabilities(pred_probs, rows, names)
    inputs = GivenInputs.of(features, texts, rows)
    dense, written = inputs.features, inputs.texts
    unplanted = Labels(given)
    near = None
    if dense is not None:
        all_finite(dense)
        near = nearest(dense, first_of_copies(dense, None, rows), seed, FIT_ROWS)  # for a view, and for outliers
    mixture = mixture_of(dense, unplanted, classes, seed, probs, inputs.words, near=near, shares=shares)
    if mixture is None:
        return Issues(
            names, given, None, (), (), float("nan"), (least or 0.0, 1.0), np.full((classes, classes), np.nan),
            told_wrong=least,
        )  # fmt: skip
    judged = judge_near(mixture.log_probs, weights(mixture.views), given, mixture.noise)
    rate = float(judged.wrong.mean())
    told, interval = readings_and_span(mixture.log_probs, given, mixture.views, judged, shares)
    by_rule = rule_like(mixture.log_probs, given, mixture.views, mixture.left_out)
    return Issues(
        names, given, judged, named(mixture.views), named(mixture.left_out), rate, interval,
        matrix_of(judged.belief, given), by_rule, written, mixture.log_probs.argmax(2),
        outliers(written, dense, seed, near), ahead=mixture.noise.ahead, likeliest=likeliest(told), told_wrong=least,
        **({} if written is None else _flawed(written, given)),
    )  # fmt: skip


def _flawed(texts: Sequence[str], given: np.ndarray) -> dict[str, np.ndarray]:
    """The rows whose text is flawed, by the attributes of `Issues`."""
    import pyarrow as pa

    found = garbled(pa.chunked_array([pa.array(texts, pa.large_string())]))
    copies = contradicting(first_near_copies(texts), given) if len(texts) <= UNASKED else _nothing()
    return {
        "garbled": np.unique(np.concatenate([*found.values(), _nothing()])),
        "copies": copies,
        "empty": empty_rows(texts),
        "other_script": in_another_script(texts),
    }
