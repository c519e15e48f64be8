"""A comparison as a table on the screen, Markdown, CSV or JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from clc_text.analysis.compare import MEASURES, Comparison, Line
from clc_text.utils.shown import printable
from clc_text.utils.table import Table, csv_of

if TYPE_CHECKING:
    from rich.table import Table as RichTable

HEADS = {
    "last10": "last 10",
    "last": "last",
    "best_oracle": "oracle",
}
SIGNIFICANT = 0.05
TOLD = "†"
OVER_ROWS = ("over_rows_difference", "over_rows_low", "over_rows_high")


def caption(comparison: Comparison) -> str:
    """How the numbers are to be read."""
    kinds = {line.test.kind for line in comparison.lines if line.test is not None and line.test.p is not None}
    told = any(line.told for line in comparison.lines)
    tests = " and ".join(sorted(f"{kind} t-test" for kind in kinds)) or "no test: it needs two seeds a group"
    return (
        f"Test accuracy in percent, {'mean of the peers' if comparison.of == 'peers' else 'ensemble'}: mean of the "
        "last 10 epochs, last epoch, best epoch; mean ± standard deviation over n seeds; Δ: last 10, to the best. "
        f"p: of Δ over seeds, two-sided ({tests}), Holm-corrected over all pairs; * below {SIGNIFICANT}; it holds of "
        "these test rows. "
        + _over_rows(comparison)
        + "The oracle epoch is chosen by the test labels: it is no honest result."
        + (f" {TOLD} told the noise rate or matrix, which is not known outside a benchmark." if told else "")
    )


def _over_rows(comparison: Comparison) -> str:
    rows = next((line.over_rows.rows for line in comparison.lines if line.over_rows is not None), None)
    if rows is None:
        return ""
    return (
        f"Over rows: the last epoch's difference to the best, with the 95 % interval of a paired bootstrap over the "
        f"{rows:,} test rows. "
    )


def cells(line: Line, best: Line) -> list[str]:
    """A line of the table, as text."""
    figures = [_plus_minus(line, measure) for measure in MEASURES]
    away = "" if line is best else f"{line.mean('last10') - best.mean('last10'):+.2f}"
    return [_title(line), str(line.n), *figures, away, _p(line, best), _interval(line)]


def _interval(line: Line) -> str:
    rows = line.over_rows
    return "" if rows is None else f"{rows.difference:+.1f} ({rows.low:+.1f} to {rows.high:+.1f})"


def _title(line: Line) -> str:
    return printable(line.title) + (f" {TOLD}" if line.told else "")


def heads() -> list[str]:
    return ["runs", "#n", *(f"#{HEADS[measure]}" for measure in MEASURES), "#Δ", "#p", "#over rows"]


def _table(comparison: Comparison) -> Table:
    return Table(heads(), [cells(line, comparison.lines[0]) for line in comparison.lines], caption=caption(comparison))


def as_table(comparison: Comparison) -> RichTable:
    return _table(comparison).on_screen(one_line=True, best=0, dim=["oracle"])


def as_markdown(comparison: Comparison) -> str:
    return _table(comparison).markdown() + "".join(f"Note: {sentence}.\n" for sentence in comparison.warnings)


def as_csv(comparison: Comparison) -> str:
    figures = [f"{measure}_{kind}" for measure in MEASURES for kind in ("mean", "sd")]
    lines = []
    for line in comparison.lines:
        entry = as_dict(line, comparison.lines[0])
        values = [entry[measure][kind] for measure in MEASURES for kind in ("mean", "sd")]
        rows = [(entry["over_rows"] or {}).get(name) for name in ("difference", "low", "high")]
        told = [entry["difference"], entry["test"], entry["p"], *rows]
        lines.append([_title(line), line.n, *values, *told])
    return csv_of(["runs", "n", *figures, "difference", "test", "p", *OVER_ROWS], lines)


def as_json(comparison: Comparison) -> str:
    plain = {
        "of": comparison.of,
        "groups": [as_dict(line, comparison.lines[0]) for line in comparison.lines],
        "remarks": comparison.remarks,
        "warnings": comparison.warnings,
    }
    return json.dumps(plain, ensure_ascii=False, indent=2)


def as_dict(line: Line, best: Line) -> dict[str, Any]:
    measures: dict[str, Any] = {
        measure: {"mean": line.mean(measure), "sd": line.deviation(measure), "values": line.values[measure]}
        for measure in MEASURES
    }
    return {
        "title": line.title,
        "n": line.n,
        "seeds": line.seeds,
        "told_noise_rate": line.told,
        **measures,
        "difference": line.mean("last10") - best.mean("last10"),
        "test": None if line.test is None else line.test.kind,
        "p": line.p,
        "over_rows": None if line.over_rows is None else asdict(line.over_rows),
    }


def _plus_minus(line: Line, measure: str) -> str:
    deviation = line.deviation(measure)
    return f"{line.mean(measure):.2f}" + ("" if deviation is None else f" ± {deviation:.2f}")


def _p(line: Line, best: Line) -> str:
    if line is best:
        return "best"
    if line.p is None:
        return "–"
    shown = "< 0.001" if line.p < 0.001 else f"{line.p:.3f}"
    return shown + (" *" if line.p < SIGNIFICANT else "")
