"""The figures of a run with their 95 % intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from clc_text.analysis.corrected import CorrectedLabels
from clc_text.analysis.examples import count_changes
from clc_text.artifacts.audit import Audit
from clc_text.artifacts.results import LAST, summarise
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.run_files import Predictor
from clc_text.corrections.audit_metrics import shown_in
from clc_text.corrections.intervals import metric, wilson
from clc_text.data.labels import Labels
from clc_text.report.markup import piece, table

WHO: dict[Predictor, str] = {"ensemble": "ensemble", "peers_mean": "mean of the peers"}


@dataclass(frozen=True)
class Number:
    """One share.

    Attributes:
        name: what it is a share of.
        value: 0 … 1.
        interval: its 95 % interval, if it has one.
        remark: of how many, or how it is to be read.
    """

    name: str
    value: float
    interval: tuple[float, float] | None = None
    remark: str = ""


def numbers_html(run: RunDirectory, audit: Audit | None, labels: Labels, now: CorrectedLabels | None) -> Markup:
    numbers = [*_of_labels(audit, labels, now), *_of_tests(run)]
    lines = [
        [one.name, f"{100 * one.value:.1f} %", _interval(one), piece("bar", one.value, one.interval), one.remark]
        for one in numbers
    ]
    if not lines:
        return Markup("")
    return table("Figures with their 95 % intervals", ["", "#share", "95 % interval", "0 to 100 %", ""], lines, "bars")


def _of_labels(audit: Audit | None, labels: Labels, now: CorrectedLabels | None) -> Iterator[Number]:
    if audit is not None:
        yield from _of_audit(audit)
    elif now is not None:
        yield from _of_training(labels, now)


def _of_audit(audit: Audit) -> Iterator[Number]:
    for one, value in shown_in("report", audit):
        if isinstance(value, Mapping):  # a share
            interval = (value["low"], value["high"]) if "low" in value else None
            of = f"{value['count']:,} of {value['of']:,}" if "of" in value else ""
            yield Number(one.titled(audit), value["value"], interval, one.remark(audit) or of)


def _of_training(labels: Labels, now: CorrectedLabels) -> Iterator[Number]:
    counts = count_changes(labels, now)
    yield Number("labels that would change", counts.changed / counts.rows, None, f"{counts.changed:,} ({now.source})")
    if labels.true is None or counts.fixed is None or counts.broken is None:
        return
    known = labels.true >= 0
    of, before = int(known.sum()), int((labels.given == labels.true)[known].sum())
    shares = {
        "right_before": metric(before, of),
        "right_after": metric(int((now.label == labels.true)[known].sum()), of),
        "precision": metric(counts.fixed, int((now.changed & known).sum())),
        "recall": metric(counts.fixed, of - before),
        "false": metric(counts.broken, before),
    }
    names = {
        "right_before": "labels that are right as given",
        "right_after": "labels that would be right",
        "precision": "changed labels that would be right",
        "recall": "wrong labels that would be right",
        "false": "right labels that would change",
    }
    yield from _shares(shares, names)


def _shares(shares: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Number]:
    for key, name in names.items():
        if shares[key] is not None:
            share = shares[key]
            of = f"{share['count']:,} of {share['of']:,}" if "of" in share else ""
            yield Number(name, share["value"], (share["low"], share["high"]), of)


def _of_tests(run: RunDirectory) -> Iterator[Number]:
    if not run.file("metrics.jsonl").is_file():
        return
    accuracies = summarise(run.metrics())
    rows = run.environment()["rows"]["test"]
    if accuracies is None or not rows:
        return
    for who, called in WHO.items():
        share = accuracies["last"][who] / 100
        yield Number(f"test accuracy, last epoch, {called}", share, wilson(share * rows, rows), f"{rows:,} test rows")
    share, epochs = accuracies["last10"]["peers_mean"] / 100, min(LAST, len(run.metrics()))
    yield Number(
        f"test accuracy, last {epochs} epoch{'s' * (epochs != 1)}, {WHO['peers_mean']}",
        share,
        None,
        "as papers state it" * (epochs == LAST),
    )
    share = accuracies["best_oracle"]["peers_mean"] / 100
    remark = "chosen by the test labels, so no honest result"
    yield Number(f"test accuracy, best epoch, {WHO['peers_mean']}", share, None, remark)


def _interval(one: Number) -> str:
    return "" if one.interval is None else f"{100 * one.interval[0]:.1f} to {100 * one.interval[1]:.1f}"
