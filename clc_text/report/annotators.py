"""Who labelled, where rows have several labels: how often each is right, and what each confuses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from clc_text.artifacts.audit import Audit, SeveralLabels, SourceOfLabels
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.corrections.annotators import enough_in_words
from clc_text.corrections.annotators_shown import (
    MOST_LETTERS,
    in_order,
    row_key,
    sources_table,
    unheard_in_words,
    worse_in_words,
)
from clc_text.corrections.who_said import Said, in_words, who_said
from clc_text.data.agreement import alpha_in_words
from clc_text.report.contents import read_contents
from clc_text.report.markup import folded, paragraph, table, table_of
from clc_text.utils.shown import printable

MOST_SOURCES = 60
MATRICES = 20  # sources whose whole matrix is shown
MOST_CLASSES = 12  # of such a matrix
CONFUSIONS = 60
LEAST = 0.005  # share of a class
TEXTS = 12_000  # bytes of the texts to ask about
SHOWN = 240  # letters of what was said of one row, and of its text


def annotators_html(run: RunDirectory, audit: Audit | None) -> Markup:
    """The audit's ``several_labels`` as tables; nothing with one label a row."""
    several = None if audit is None else audit.get("several_labels")
    if audit is None or several is None:
        return Markup("")
    listed = in_order(several)
    section = table_of(sources_table(several, MOST_SOURCES))
    sentences = [worse_in_words(several), unheard_in_words(several), enough_in_words(several["alone"])]
    if several["alpha"] is not None:
        sentences.append(alpha_in_words(several["alpha"], several.get("soft", 0)))
    section += Markup("").join(paragraph(sentence) for sentence in sentences if sentence)
    if several["unsure"]:
        section += folded("Rows where another label would help most", _unsure(run, several))
    if wrong := _confusions(listed):
        shown = table("Most frequent errors, in percent of the class", ["source", "is", "is called", "#share"], wrong)
        section += folded("Who confuses what", shown)
    names = audit["label_names"]
    if len(names) <= MOST_CLASSES and (lines := _matrices(listed[:MATRICES], names)):
        heads = ["source", "is", *(f"#called {name}" for name in names)]
        shown = table("Of each class, what the source calls it, in percent", heads, lines)
        if len(listed) > MATRICES:
            shown += paragraph(f"those of {len(listed) - MATRICES:,} more are in audit.json")
        section += folded("The matrix of each source", shown)
    return section


def _unsure(run: RunDirectory, several: SeveralLabels) -> Markup:
    rows = several["unsure"]
    key, called = row_key(rows)
    texts = read_contents(run, np.array([one["row"] for one in rows]), TEXTS).texts or [""] * len(rows)
    said = who_said(run)
    lines = [
        [
            str(one[key]),
            f"{100 * one['belief']:.0f} %",
            "" if said is None else printable(in_words(_short(said(one["row"]))), SHOWN),
            printable(text, SHOWN),
        ]
        for one, text in zip(rows, texts, strict=True)
    ]
    return table("The least believed labels first", [called, "#believed", "said", "text"], lines)


def _short(said: Said) -> Said:
    """With names that leave room for the texts; two that are alike by then are numbered."""
    shortened: Said = {}
    for name, label in said.items():
        short = printable(name, MOST_LETTERS)
        shortened[short if short not in shortened else f"{short} {len(shortened) + 1}"] = label
    return shortened


def _confusions(listed: Sequence[SourceOfLabels]) -> list[list[str]]:
    lines = [
        (
            one["share"],
            [printable(source["name"], MOST_LETTERS), one["true"], one["said"], f"{100 * one['share']:.1f} %"],
        )
        for source in listed
        for one in source["confused"]
        if one["share"] >= LEAST
    ]
    return [line for _, line in sorted(lines, key=lambda one: -one[0])[:CONFUSIONS]]


def _matrices(listed: Sequence[SourceOfLabels], names: Sequence[str]) -> list[list[str]]:
    return [
        [printable(source["name"], MOST_LETTERS), name, *(f"{100 * share:.0f}" for share in row)]
        for source in listed
        if source["matrix"] is not None
        for name, row in zip(names, source["matrix"], strict=True)
    ]
