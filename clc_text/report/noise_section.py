"""The noise: how many labels are wrong, and which class is taken for which, in numbers."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from clc_text.analysis.confusion import Matrix, matrices
from clc_text.analysis.short_names import short_names
from clc_text.artifacts.audit import Audit
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.corrections.rate import rate_in_words, rates
from clc_text.report.markup import folded, paragraph, table

MOST_CELLS_OF = 30  # classes up to which the whole matrix is written out
MOST_CONFUSED = 40


def rate_html(audit: Audit | None) -> Markup:
    """The share of wrong labels: the range of all readings of the evidence, and what each of them says."""
    if audit is None or audit["noise"].get("nothing_learnt"):
        return Markup("")
    noise = audit["noise"]
    said = paragraph(f"{rate_in_words(noise)} of the given labels are wrong, as estimated")
    if noise["known_rate"] is not None:
        said += paragraph(f"by the true labels {noise['known_rate']:.1%} are wrong")
    elif noise["predictions"] == "in sample":
        said += paragraph("the networks judged labels that they were trained on, so more may be wrong", "remark")
    lines = [[source, f"{100 * rate:.1f} %"] for source, rate in rates(noise)]
    caption = "What each estimate says; a table of data cannot tell which is right"
    return said + (table(caption, ["by", "#share"], lines) if lines else Markup(""))


def matrices_html(run: RunDirectory) -> Markup:
    """Each matrix as a table: whole, or of many classes its largest cells."""
    names = short_names(run.label_names)
    panels, _ = matrices(run)
    return Markup("").join(folded(f"In numbers: {panel.title}", _matrix(panel, names)) for panel in panels)


def _matrix(matrix: Matrix, names: list[str]) -> Markup:
    percent = 100 * matrix.shares
    if len(names) > MOST_CELLS_OF:
        return _largest(matrix, percent, names)
    lines = [
        [name, *("–" if np.isnan(value) else f"{value:.1f}" for value in percent[index])]
        for index, name in enumerate(names)
    ]
    caption = f"{matrix.title}; rows: {matrix.row}, columns: {matrix.column}; in percent of the row"
    return table(caption, [matrix.row, *(f"#{name}" for name in names)], lines, "matrix")


def _largest(matrix: Matrix, percent: np.ndarray, names: list[str]) -> Markup:
    off = np.where(np.eye(len(names), dtype=bool) | np.isnan(percent), -1.0, percent)
    order = np.argsort(-off, axis=None, kind="stable")[:MOST_CONFUSED]
    lines = []
    for row, column in zip(*np.unravel_index(order, off.shape), strict=True):
        if off[row, column] > 0:
            lines.append([names[row], names[column], f"{percent[row, column]:.1f}"])
    return table(f"{matrix.title}: the most frequent confusions", [matrix.row, matrix.column, "#% of the row"], lines)
