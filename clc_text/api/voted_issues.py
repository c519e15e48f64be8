"""What several people or models say of each row, in one call: the joined labels, and how good each source is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.api.given_inputs import GivenInputs
from clc_text.api.multi_label_issues import rows_of_votes
from clc_text.api.ranked import Ranked
from clc_text.data.agreement import accuracies, votes_facts
from clc_text.data.checks.rare_labels import in_words, rare_votes
from clc_text.data.tabular.annotators import distribution, frame_of_votes
from clc_text.data.tabular.values import all_finite, numbered, probabilities
from clc_text.data.votes import Votes
from clc_text.errors import InputError
from clc_text.evidence.voted import joined_by
from clc_text.noise.votes.one_class import one_class_sources, rules_in_words

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class VotedIssues(Ranked):
    """What was found of N rows, C classes and J sources.

    Attributes:
        names: C names of the classes.
        votes: what the sources say.
        belief: float64 [N, C], q, the probability of each class by all votes and what else is known of a row.
        matrices: float64 [J, C, C], P(source says k | true class c).
        given: int64 [N], the class that most of a row's votes say; of several the likeliest.
        power: to which the classifier is heard; 0: it says nothing of the votes.
        interval: the least and the most share of wrong ones among the joined labels (`noise.votes.wrong`); None of
            one source alone.
    """

    names: tuple[Any, ...]
    votes: Votes
    belief: np.ndarray
    matrices: np.ndarray
    given: np.ndarray
    power: float
    interval: tuple[float, float] | None = None
    _texts: tuple[str, ...] | None = None

    @property
    def labels(self) -> np.ndarray:
        """[N], names of the joined labels: the class that is believed of each row."""
        return np.asarray(self._named[self.belief.argmax(1)])

    def corrected(self) -> np.ndarray:
        """`labels`, as one label a row has them."""
        return self.labels

    @property
    def noise_rate(self) -> float:
        """The expected share of wrong labels among the majorities of the votes."""
        return float(1 - self.belief[np.arange(len(self.given)), self.given].mean())

    @property
    def ranking(self) -> pd.DataFrame:
        """All rows, the most doubted majority first.

        Columns: ``row`` (its place from 0), ``given`` (by the majority), ``suggested`` (the best other class),
        ``label`` (as joined), ``doubt`` (that the majority is wrong), ``confidence`` (belief in the suggested class),
        ``votes`` (how many), ``agreement`` (their share that says what is given), and ``text`` where texts were given.
        """
        import pandas as pd

        each, counts = np.arange(len(self.given)), self.votes.counts
        doubt = 1 - self.belief[each, self.given]
        others = self.belief.copy()
        others[each, self.given] = -1
        suggested = others.argmax(1)
        order = np.argsort(-doubt, kind="stable")
        said = np.maximum(counts.sum(1), 1e-9)
        columns: dict[str, Any] = {
            "row": order,
            "given": self._named[self.given[order]],
            "suggested": self._named[suggested[order]],
            "label": self.labels[order],
            "doubt": doubt[order],
            "confidence": self.belief[order, suggested[order]],
            "votes": self.votes.per_row[order],
            "agreement": (counts[each, self.given] / said)[order],
        }
        if self._texts is not None:
            columns["text"] = [self._texts[row] for row in order.tolist()]
        return pd.DataFrame(columns)

    @property
    def annotators(self) -> pd.DataFrame:
        """A line a source: ``name``, ``votes``, ``share`` of the rows, ``agreement`` with most others, ``accuracy``
        (expected share of right votes) and its 95 % interval ``low``, ``high``."""
        import pandas as pd

        sources = pd.DataFrame(votes_facts(self.votes)["sources"])
        return sources.assign(**pd.DataFrame(accuracies(self.votes, self.belief), columns=["accuracy", "low", "high"]))

    @property
    def alpha(self) -> float | None:
        """Krippendorff's α, of distributions that of their likeliest classes; None where no row has two votes."""
        agreement: float | None = votes_facts(self.votes)["alpha"]
        return agreement

    @property
    def wrong_votes(self) -> pd.DataFrame:
        """The single votes that are more probably wrong than right, the surest first: ``row``, ``annotator``,
        ``label`` and ``doubt``."""
        import pandas as pd

        votes = self.votes
        doubt = 1 - self.belief[votes.row, votes.label]
        entries = np.flatnonzero((doubt > 0.5) & (votes.weight > 0.5))
        entries = entries[np.argsort(-doubt[entries], kind="stable")]
        sources = np.array(votes.sources, dtype=object)
        return pd.DataFrame(
            {
                "row": votes.row[entries],
                "annotator": sources[votes.source[entries]],
                "label": self._named[votes.label[entries]],
                "doubt": doubt[entries],
            }
        )

    @property
    def ask_again(self) -> pd.DataFrame:
        """All rows, first those where another vote would help most: ``row``, ``votes``, ``belief`` in its class."""
        import pandas as pd

        belief = self.belief.max(1)
        order = np.argsort(belief, kind="stable")
        return pd.DataFrame({"row": order, "votes": self.votes.per_row[order], "belief": belief[order]})

    @property
    def _named(self) -> np.ndarray:
        named = np.empty(len(self.names), dtype=object)
        named[:] = self.names
        return named

    def __repr__(self) -> str:
        overruled = int((self.belief.argmax(1) != self.given).sum())
        heard = "with" if self.power else "without"
        between = ""
        if self.interval is not None:
            between = f", of the joined labels between {self.interval[0]:.1%} and {self.interval[1]:.1%}"
        said = f"{int(self.votes.per_source.sum()):,} labels by {len(self.votes.sources):,} sources"
        rules = int(one_class_sources(self.votes).sum())
        by_rules = [rules_in_words(rules, len(self.votes.sources))] if rules else []
        rare = in_words(rare_votes(self.votes, list(map(str, self.names))), of_recipe=False)
        return (
            f"{said} on {len(self.given):,} rows, joined {heard} what else is known of the rows; {overruled:,} "
            f"against most of their row's labels; of the majorities {self.noise_rate:.1%} are expected to be wrong"
            + "".join([between, *(f"; {sentence}" for sentence in (*by_rules, *rare))])
        )


def is_several(labels: Any) -> bool:
    """Whether labels are rows of several, and not one a row; a single 1 in each row of zeros is one label, too."""
    if isinstance(labels, dict) or rows_of_votes(labels):
        return True
    shape: tuple[int, ...] = getattr(labels, "shape", ())
    if len(shape) not in (2, 3) or shape[1] < 2:
        return False
    kind = getattr(getattr(labels, "dtype", None), "kind", "")
    one_hot = len(shape) == 2 and kind in "biuf" and kind != "" and (np.sort(labels, 1)[:, -2:] == [0, 1]).all()
    return not (one_hot and (labels.sum(1) == 1).all())


def issues_of_votes(
    labels: Any,
    pred_probs: Any,
    features: Any,
    texts: Iterable[str] | None,
    label_names: Sequence[Any] | None,
    seed: int,
) -> VotedIssues:
    """`find_issues` of several labels a row; nothing but them has to be given.

    Args:
        labels: a table as `frame_of_votes` reads it, or [N, J, C] distributions with NaN or zeros where one says
            nothing.

    Raises:
        InputError: as `find_issues`, or a row has no label at all.
    """
    votes, names = _votes(labels, label_names)
    if len(bare := np.flatnonzero(votes.per_row == 0)):
        raise InputError(
            f"row {bare[0]} has no label by anybody ({len(bare):,} such rows); leave them out", row=bare[0]
        )
    rows = votes.rows
    probs = None if pred_probs is None else probabilities(pred_probs, rows, names)
    inputs = GivenInputs.of(features, texts, rows)
    if inputs.features is not None:
        all_finite(inputs.features)
    fitted = joined_by(votes, inputs.features, inputs.words, probs, seed)
    wrong = fitted.facts.get("wrong")
    counts = votes.counts
    most = counts >= counts.max(1, keepdims=True) - 1e-9
    given = np.where(most, fitted.posterior, -1).argmax(1)
    return VotedIssues(
        names, votes, fitted.posterior, fitted.matrices, given, float(fitted.facts["power"]),
        None if wrong is None else (wrong[0], wrong[2]), inputs.texts,
    )  # fmt: skip


def _votes(labels: Any, label_names: Sequence[Any] | None) -> tuple[Votes, tuple[Any, ...]]:
    if len(getattr(labels, "shape", ())) == 3:
        if hasattr(labels, "detach"):
            labels = labels.detach().cpu().numpy()
        classes = labels.shape[2]
        names = tuple(range(classes)) if label_names is None else tuple(label_names)
        if len(names) != classes:
            raise InputError(
                f"labels have probabilities of {classes} classes, and label_names has {len(names)}", key="label_names"
            )
        return Votes.of_table(np.asarray(labels), classes), names
    frame = frame_of_votes(labels)
    row, source = np.nonzero(frame.notna().to_numpy())
    if not len(row):
        raise InputError("there are no labels: every one is absent", key="labels")
    sources = np.array(frame.columns, dtype=object)
    said: list[Any] = []
    weight: list[float] = []
    entries: list[int] = []
    for place, one in enumerate(frame.to_numpy(dtype=object)[row, source].tolist()):
        shares = distribution(one, row[place], sources[source[place]]) if isinstance(one, dict) else {one: 1.0}
        said += shares
        weight += shares.values()
        entries += [place] * len(shares)
    row, source = row[entries], source[entries]
    numbers, names = numbered(said, label_names, row, sources[source])
    return Votes.of(row, source, numbers, len(frame), list(frame.columns), len(names), np.array(weight)), names
