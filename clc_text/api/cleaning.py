"""From a table to the same table with corrected labels, in one call: `clc_text.clean` and `clc-text clean`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from clc_text.api.given_table import as_file, given_rows, with_annotators
from clc_text.api.ranked import Ranked
from clc_text.artifacts.audit import Audit
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.unlabelled import Unlabelled
from clc_text.artifacts.votes import KeptVotes
from clc_text.config.recipe import loads
from clc_text.corrections.annotators import in_words as several_in_words
from clc_text.corrections.kinds import flawed_rows, kinds
from clc_text.corrections.policy import DEFAULT, policy_named
from clc_text.corrections.share_in_words import wrong_in_words
from clc_text.corrections.store import Corrected, has_corrected
from clc_text.corrections.table_export import write_whole_table
from clc_text.corrections.tables import ProgressBar
from clc_text.corrections.who_said import in_words as who_said_in_words
from clc_text.corrections.who_said import said_of
from clc_text.data.class_shares import plain
from clc_text.data.votes import Votes
from clc_text.errors import InputError
from clc_text.runs.flaws import flaws_of_run
from clc_text.runs.outputs import check_output
from clc_text.runs.reload import source_rows
from clc_text.runs.starting import columns_of, corrected_table, recipe_text, run_name
from clc_text.utils.dataset_bars import without_bars
from clc_text.utils.files import write_text

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

    from clc_text.corrections.state import State
    from clc_text.runs.observer import Observer


@dataclass(frozen=True)
class Cleaned(Ranked):
    """What was made of a table of N rows and C classes.

    Attributes:
        run: the run directory, with the trained model, the corrected dataset and all that was found.
        audit: how far to trust it (`clc_text.corrections.audit` has the keys).
        table: the table with corrected labels.
        report: the page that tells all, self-contained HTML.
        said: sentences on what was written and how.
    """

    run: RunDirectory
    audit: Audit
    table: Path
    report: Path
    said: tuple[str, ...] = ()

    @functools.cached_property
    def corrected(self) -> Corrected:
        return Corrected(self.run)

    @functools.cached_property
    def _state(self) -> State:
        return self.corrected.state()

    @property
    def _names(self) -> np.ndarray:
        return np.array(self.run.label_names, dtype=object)

    @property
    def labels(self) -> np.ndarray:
        """[N], names of the classes as corrected, in the order of the rows; `unlabelled` has the others, which have no
        label."""
        return np.asarray(self._names[self._state.label])

    @property
    def unlabelled(self) -> pd.DataFrame | None:
        """The rows that nobody labelled, which are not learnt: ``row`` (its place from 0), ``label`` (predicted),
        ``confidence``; None where there are none."""
        import pandas as pd

        bare = self._bare
        if bare is None:
            return None
        label, confidence = self._names[bare.classes], bare.probs.max(1)
        place = np.setdiff1d(np.arange(len(self._places) + len(label)), self._places)
        return pd.DataFrame({"row": place, "label": label, "confidence": confidence})

    @functools.cached_property
    def _bare(self) -> Unlabelled | None:
        return Unlabelled.of(self.run)

    @functools.cached_property
    def _votes(self) -> Votes | None:
        """Those of several sources; None where rows have one label."""
        kept = KeptVotes.load(self.run.path)
        return None if kept is None else kept.votes

    @functools.cached_property
    def _places(self) -> np.ndarray:
        """int64 [N], the place of each row among all of the table, those that nobody labelled, too."""
        rows, numbers = np.arange(len(self._state)), self.run.labels().source_row
        if self._bare is None or numbers is None or self.run.asked:
            return rows
        return np.asarray(rows + np.searchsorted(self._bare.number, numbers))

    @property
    def noise_rate(self) -> float:
        """The share of wrong given labels, 0 … 1; NaN where nothing that learnt them can tell."""
        if self.audit["noise"].get("nothing_learnt"):
            return float("nan")
        return float(self.audit["noise"]["rate"])

    @property
    def interval(self) -> tuple[float, float]:
        """From the lowest to the highest reading of the same evidence; of none from what told shares say to 1."""
        if self.audit["noise"].get("nothing_learnt"):
            return self.audit["noise"].get("told_wrong") or 0.0, 1.0
        low, high = self.audit["noise"]["interval"] or (self.noise_rate, self.noise_rate)
        return float(low), float(high)

    @property
    def transition(self) -> np.ndarray | None:
        """float64 [C, C], the noise matrix; row = true class. None where there are too many classes for one, or
        nothing that learnt the labels can tell."""
        noise = self.audit["noise"]
        matrix = None if noise.get("nothing_learnt") else noise["matrix"]
        return None if matrix is None else np.array(matrix)

    @property
    def annotators(self) -> pd.DataFrame | None:
        """How good each source of labels is, where rows have several; None with one label a row.

        Columns: ``name``, ``votes``, ``share`` of the rows, ``agreement`` with most others, ``accuracy`` (the expected
        share of right labels) and its 95 % interval ``low``, ``high``.
        """
        import pandas as pd

        several = self.audit.get("several_labels")
        if several is None:
            return None
        sources = several["sources"]
        entries: dict[str, list[Any]] = {
            "name": [one["name"] for one in sources],
            "votes": [one["votes"] for one in sources],
            "share": [one["share"] for one in sources],
            "agreement": [one["agreement"] for one in sources],
        }
        right = [one["accuracy"] for one in sources]
        entries["accuracy"] = [None if one is None else one["value"] for one in right]
        entries["low"] = [None if one is None else one["low"] for one in right]
        entries["high"] = [None if one is None else one["high"] for one in right]
        return pd.DataFrame(entries)

    @property
    def ask_again(self) -> pd.DataFrame | None:
        """The rows where another label by a person would help most; None with one label a row.

        Columns: ``row`` (its place from 0), ``votes`` that it has, ``belief`` in its class.
        """
        import pandas as pd

        several = self.audit.get("several_labels")
        if several is None:
            return None
        unsure = pd.DataFrame(several["unsure"], columns=["row", "votes", "belief"])
        return unsure.assign(row=self._places[unsure["row"].to_numpy(np.int64)])

    @property
    def verdict(self) -> str:
        """ "trust", "look first" or "do not use"."""
        return str(self.audit["verdict"]["trust"])

    @property
    def ranking(self) -> pd.DataFrame:
        """All rows, the most doubted first.

        Columns: ``row`` (its place from 0 in the table, rows without a label counted), ``given``, ``suggested``,
        ``label`` (as it is now), ``doubt`` (0 … 1), ``confidence`` (belief in the suggested class), ``why``, ``kind``
        (what is wrong, see `issues`), ``rank`` (from 1), of several labels a row ``said`` (who says what), and
        ``text`` where rows are kept.
        """
        import pandas as pd

        state, names = self._state, self._names
        order = np.argsort(-state.doubt, kind="stable")
        columns: dict[str, Any] = {
            "row": self._places[order],
            "given": names[state.given[order]],
            "suggested": names[state.suggested[order]],
            "label": names[state.label[order]],
            "doubt": state.doubt[order],
            "confidence": state.confidence[order],
            "why": self._why[order],
            "kind": self._kinds()[order],
            "rank": np.arange(1, len(order) + 1),
        }
        if self._votes is not None:
            said = said_of(self._votes, self.run.label_names)
            columns["said"] = [who_said_in_words(said(int(row))) for row in order]
        if self.run.file("data/train.parquet").is_file():
            with without_bars():
                texts = self.run.data()[self.run.environment()["input_column"]]
            columns["text"] = [texts[int(row)] for row in order]
        return pd.DataFrame(columns)

    @property
    def _why(self) -> np.ndarray:
        """[N], who finds the suggested class, or how far a row's labels speak for what is given."""
        if self._votes is None:
            return np.where(self._state.peers_agree, "all views find it", "views differ")
        counts = self._votes.counts
        mine, most = counts[np.arange(len(counts)), self._state.given], counts.max(1)
        differ = np.where(mine < most - 1e-9, "most labels differ", "labels differ")
        return np.where(mine > counts.sum(1) - 1e-9, "all labels say what is given", differ)

    def _kinds(self) -> np.ndarray:
        flaws, per = self.run.flaws(), max(len(self.run.asked), 1)
        flawed = {} if flaws is None else flawed_rows(flaws)
        of_pairs = {
            kind: np.add.outer(per * np.array(rows, np.int64), np.arange(per)).ravel() for kind, rows in flawed.items()
        }
        return kinds(self._state.doubt, of_pairs)

    def to_pandas(self) -> pd.DataFrame:
        """The corrected rows with who said each label and how sure it is, in the order of the table."""
        return self.to_dataset().to_pandas()

    def to_dataset(self) -> Dataset:
        """The same as a `datasets.Dataset`; labels are a `ClassLabel`."""
        from datasets import Dataset, concatenate_datasets

        with without_bars():
            parts = self.corrected.of_shards(lambda shards: [Dataset.from_parquet(str(path)) for path in shards])
        return concatenate_datasets(parts)

    def __repr__(self) -> str:
        rows, changed = self.audit["rows"], self.audit["corrections"]["rows"]
        several = self.audit.get("several_labels")
        joined = f"{several_in_words(several, rows)}; " if several else ""
        told = joined + wrong_in_words(self.audit["noise"], rows)
        return f"{told}; {changed:,} are changed; {self.verdict}: {self.audit['verdict']['summary']}"


def clean(
    data: Any,
    labels: Iterable[Any] | None = None,
    *,
    text: str | None = None,
    label: str | Sequence[str] | None = None,
    annotators: Any = None,
    out: str | Path | None = None,
    policy: str = DEFAULT,
    class_shares: Literal["even"] | Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    overwrite: bool = False,
    quiet: bool = True,
) -> Cleaned:
    """Finds the wrong labels of a table, corrects those that are sure, and says how far to trust it.

    Trains a run, corrects it, and writes its report and a table with corrected labels beside it, as `clc-text clean`
    does.

    Args:
        data: a file (CSV, TSV, Excel, JSON lines, Parquet), ``hf://datasets/OWNER/NAME`` of the Hub, a data frame of
            pandas or polars, a `datasets.Dataset`, or a sequence of texts.
        labels: the texts' given labels, where `data` is a sequence of texts.
        text, label: the columns of a table; None: guessed. Several columns of labels are those of several annotators.
        annotators: what several people or models say of each row, in place of labels: the names of the columns of a
            table, or beside it what `find_issues` takes: a data frame [N, J], an array, a list of rows, or a
            dictionary of columns; absent is None, NaN, empty or, of numbers, -1; distributions are dictionaries
            ``{class: probability}`` in cells, or [N, J, C] of classes numbered from 0.
        out: the run directory; None: ``runs/NAME``, for data that is no file ``runs/table``.
        policy: when to change a label: "default" or "doubt".
        class_shares: how common the true classes are, where you know it, of one label a row: ``"even"``, or of some
            classes a share 0 … 1, or a range, ``(0.1, 0.3)`` or ``"0.1-0.3"``.
        overrides: further recipe keys, such as ``"training.epochs=20"``.
        overwrite: replace what an earlier call has written.
        quiet: show no progress.

    Raises:
        InputError: data, a column or an option that cannot be, or an `out` that exists.
    """
    from clc_text.runs.console import TrainingDisplay

    beside = Path(out) if out else Path("runs") / "table"
    if annotators is not None:
        if labels is not None or label is not None:
            raise InputError("annotators stand in place of labels; give one of them", key="annotators")
        data, label, text = with_annotators(data, annotators, text)
    source, frame, text, label = as_file(data, labels, text, label, beside, overwrite)
    directory = Path(out) if out else None if frame is None else beside
    with given_rows(frame, source, beside), TrainingDisplay(quiet) as display, without_bars():
        return clean_table(
            source, text, label, out=directory, policy=policy, class_shares=class_shares, overrides=overrides,
            overwrite=overwrite, observer=display, log=display.stage, bar=not quiet,
        )  # fmt: skip


def clean_table(
    table: Path,
    text: str | None = None,
    label: str | Sequence[str] | None = None,
    ids: str | None = None,
    *,
    votes: Path | None = None,
    annotator: str | None = None,
    out: Path | None = None,
    policy: str = DEFAULT,
    class_shares: Literal["even"] | Mapping[str, Any] | list[str] | None = None,
    overrides: Sequence[str] = (),
    resume: bool = False,
    overwrite: bool = False,
    observer: Observer | None = None,
    log: Callable[[str], None] = lambda _: None,
    bar: bool = True,
) -> Cleaned:
    """`clean` of a file.

    Args:
        label: the column of labels, or those of several annotators; None: guessed.
        ids: the column that names a row; None: guessed.
        votes: a second table with a label a line; None: there is none.
        annotator: of a table with a label a line, the column of who gives it; None: a line is a row.
        class_shares: as `clean` has it, or as words: ``CLASS=SHARE`` of each, or ``even``.
        resume: go on with what an earlier call began; what it corrected stays.
        observer: told how the training goes.
        log: told of the columns that were guessed.
        bar: show how far judging is.
    """
    from clc_text.corrections.audit import audit
    from clc_text.corrections.correct import correct
    from clc_text.report.report_page import report_page
    from clc_text.runs.evidence import judges_of_run
    from clc_text.runs.observer import Silent
    from clc_text.runs.run import train

    observer = observer or Silent()
    chosen = policy_named(policy)
    guessed = columns_of(str(table), overrides, text, label, ids, str(votes) if votes else None, annotator)
    for sentence in guessed.said:
        log(sentence)
    directory = out or Path("runs") / run_name(str(table))
    target = corrected_table(directory, str(table))
    check_output(target, inputs=[table, *([votes] if votes else [])])
    if resume and overwrite:
        raise InputError(
            "--resume goes on with a run and --overwrite replaces it; give only one of them", key="--resume"
        )
    if target.exists() and not overwrite:  # it is written last
        raise InputError(
            f"{target} is there already; move it away, give another --out, or begin anew with --overwrite",
            where=target,
        )
    recipe = loads(
        recipe_text(str(table), guessed, ids), f"the recipe of {table}", overrides, default_name=directory.name
    )
    if class_shares is not None:
        recipe = replace(recipe, class_shares=plain(class_shares))
    finished = train(recipe, directory, resume=resume, overwrite=overwrite, observer=observer)
    if has_corrected(finished):  # by the call that this one resumes, and perhaps by people since
        corrected = Corrected(finished)
    else:
        with ProgressBar(shown=bar) as progress:
            judges = judges_of_run(finished, chosen, None, progress)
            corrected = correct(
                finished, judges.policy, judges.predictions, source_rows(finished), False, progress,
                judges.nothing_learnt,
            )  # fmt: skip
    flaws_of_run(finished)
    audited = audit(corrected)
    page = directory / "report.html"
    write_text(page, report_page(finished))
    of_table = write_whole_table(corrected, target, may_replace=overwrite)
    return Cleaned(finished, audited, target, page, tuple(of_table[1:]))
