"""The corrections in sums: from which class to which, and how many of each class."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from clc_text.analysis.corrected import CorrectedLabels
from clc_text.analysis.short_names import short_names
from clc_text.artifacts.audit import Audit
from clc_text.data.labels import Labels
from clc_text.report.markup import piece, table
from clc_text.utils.shown import printable

MOST_PAIRS = 15
MOST_LISTED = 200  # classes; of more the page shows those whose rows change most


def by_class_html(labels: Labels, now: CorrectedLabels, names: list[str]) -> Markup:
    classes = len(names)
    given = np.bincount(labels.given, minlength=classes)
    left = np.bincount(labels.given[now.changed], minlength=classes)
    gained = np.bincount(now.label[now.changed], minlength=classes)
    listed, caption = np.arange(classes), "Labels by class"
    if classes > MOST_LISTED:
        listed = np.sort(np.argsort(-(left + gained), kind="stable")[:MOST_LISTED])
        caption = f"Labels by class: the {MOST_LISTED} of {classes:,} that lose and gain most rows"
    lines = [
        [
            printable(names[index]) or "(no name)", f"{given[index]:,}", f"{left[index]:,}",
            f"{left[index] / max(given[index], 1):.1%}", f"{gained[index]:,}",
            f"{given[index] - left[index] + gained[index]:,}",
        ]
        for index in listed.tolist()
    ]  # fmt: skip
    heads = ["class", "#given", "#changed", "#share changed", "#gained", "#now"]
    return table(caption, heads, lines)


def by_asked_html(labels: Labels, now: CorrectedLabels, asked: list[str]) -> Markup:
    """Of the classes of a multi-label run, whose rows are pairs of a text and a class."""
    lines = []
    for number, name in enumerate(asked):
        part = slice(number, None, len(asked))
        given, label = labels.given[part] > 0, now.label[part] > 0
        counts = (given, label & ~given, given & ~label, label)
        lines.append([printable(name) or "(no name)", *(f"{int(one.sum()):,}" for one in counts)])
    return table("Texts by class that holds", ["class", "#given", "#added", "#taken away", "#now"], lines)


def frequent_pairs(labels: Labels, now: CorrectedLabels, classes: int) -> list[tuple[int, int, int]]:
    """(given, now, rows) of the most frequent changes."""
    pairs, rows = np.unique(labels.given[now.changed] * classes + now.label[now.changed], return_counts=True)
    order = np.argsort(-rows, kind="stable")[:MOST_PAIRS]
    return [(*divmod(int(pairs[place]), classes), int(rows[place])) for place in order]


def pairs_html(labels: Labels, now: CorrectedLabels, names: list[str]) -> Markup:
    """Buttons that set the table's filters; where no script runs they still tell the numbers."""
    pairs = [(given, label, f"{rows:,}") for given, label, rows in frequent_pairs(labels, now, len(names))]
    return piece("pairs", pairs, short_names(names)) if pairs else Markup("")


def summary_sentence(labels: Labels, now: CorrectedLabels, audit: Audit | None) -> str:
    """How many labels are changed, from which source, by which rule."""
    changed, rows = int(now.changed.sum()), len(labels.given)
    are = "are" if audit is not None else "would be"
    rule = f"; rule: {audit['policy']}" if audit is not None else ""
    return f"{changed:,} of {rows:,} labels {are} changed ({changed / max(rows, 1):.1%}; {now.source}){rule}"
