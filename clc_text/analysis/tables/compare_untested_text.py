"""A comparison of runs without test rows as a table on the screen, Markdown, CSV or JSON."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, Any

from clc_text.analysis.compare_untested import Line, Untested
from clc_text.utils.shown import printable
from clc_text.utils.table import Table, csv_of

if TYPE_CHECKING:
    from rich.table import Table as RichTable

HEADS = {
    "log_likelihood": "log-likelihood",
    "rate": "wrong labels",
    "changed": "would change",
    "found": "canaries found",
    "repaired": "put right",
}
CAPTION = (
    "No test rows, so no accuracy. Log-likelihood of the given labels by networks that never saw them, in nats a row: "
    "the higher, the more encoder and network know (of methods that cross-fit). Wrong labels: estimated share. Would "
    "change: share of labels that the networks at the end contradict. Canaries: labels flipped on purpose, share "
    "that the networks at the end contradict, and of these the share that got its label back. Mean ± standard "
    "deviation over n seeds."
)


def _cells(line: Line) -> list[str]:
    return [printable(line.title), str(line.n), *(_shown(line, measure) for measure in HEADS)]


def _shown(line: Line, measure: str) -> str:
    values, mean = line.values[measure], line.mean(measure)
    if mean is None:
        return "–"
    spread = f" ± {statistics.stdev(values):{_FORMATS[measure]}}" if len(values) > 1 else ""
    return f"{mean:{_FORMATS[measure]}}{spread}"


_FORMATS = {"log_likelihood": ".3f"} | dict.fromkeys(("rate", "changed", "found", "repaired"), ".1%")


def _table(comparison: Untested) -> Table:
    heads = ["runs", "#n", *(f"#{head}" for head in HEADS.values())]
    return Table(heads, [_cells(line) for line in comparison.lines], caption=CAPTION)


def as_table(comparison: Untested) -> RichTable:
    return _table(comparison).on_screen(narrow=True, one_line=True)


def as_markdown(comparison: Untested) -> str:
    return _table(comparison).markdown() + "".join(f"Note: {sentence}.\n" for sentence in comparison.warnings)


def as_csv(comparison: Untested) -> str:
    lines = [[printable(line.title), line.n, *(line.mean(measure) for measure in HEADS)] for line in comparison.lines]
    return csv_of(["runs", "n", *HEADS], lines)


def as_json(comparison: Untested) -> str:
    groups: list[dict[str, Any]] = [
        {"title": line.title, "n": line.n, "seeds": line.seeds}
        | {measure: {"mean": line.mean(measure), "values": line.values[measure]} for measure in HEADS}
        for line in comparison.lines
    ]
    plain = {"groups": groups, "remarks": comparison.remarks, "warnings": comparison.warnings}
    return json.dumps(plain, ensure_ascii=False, indent=2)
