"""Texts that are flawed whatever their labels: like no other, garbled, empty, near copies, of another script."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from markupsafe import Markup

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.run_files import Flaws
from clc_text.corrections.kinds import COPY, EMPTY, SCRIPT, flawed_rows
from clc_text.data.checks.drift import apart_in_words
from clc_text.report.contents import read_contents
from clc_text.report.markup import joined, paragraph, table
from clc_text.utils.shown import printable

MOST = 20  # texts like no other that are listed
FEW = 5  # rows that are named of each way to be garbled
LETTERS = 160  # of a text
BYTES = 40_000


def odd_texts_html(run: RunDirectory) -> Markup:
    """Nothing where nobody has looked (`clc_text.runs.flaws`), or nothing was found."""
    flaws = run.flaws()
    return Markup("") if flaws is None else joined(_parts(run, flaws))


def _parts(run: RunDirectory, flaws: Flaws) -> Iterator[Markup]:
    head, called = _numbers(run)
    if flaws["outliers"] is not None and (rows := flaws["outliers"]["rows"]):
        by = " and ".join(flaws["outliers"]["by"])
        are = "text is" if len(rows) == 1 else "texts are"
        share = len(rows) / max(flaws["texts"], 1)
        yield paragraph(
            f"{len(rows):,} of {flaws['texts']:,} {are} like no other ({share:.1%}), told by {by}: ask whether they "
            "belong here at all, before what label they have"
        )
        yield table("Texts like no other, the oddest first", [head, "text"], _lines(run, rows[:MOST], called))
    if garbled := flaws["garbled"]:
        lines = [
            [kind, f"{len(rows):,}", ", ".join(map(called, rows[:FEW])) + (", …" if len(rows) > FEW else "")]
            for kind, rows in garbled.items()
        ]
        yield table("Garbled texts", ["what stands in them", "#texts", head], lines)
    rows_of = flawed_rows(flaws)
    if foreign := rows_of.get(SCRIPT):
        yield table(
            f"Texts in another script than nearly all, {len(foreign):,}",
            [head, "text"],
            _lines(run, foreign[:MOST], called),
        )
    if empty := rows_of.get(EMPTY):
        are = "text is" if len(empty) == 1 else "texts are"
        more = ", …" if len(empty) > MOST else ""
        yield paragraph(f"{len(empty):,} {are} empty ({head}): {', '.join(map(called, empty[:MOST]))}{more}")
    if copied := rows_of.get(COPY):
        yield table(
            f"Near copies with several labels, {len(copied):,} texts",
            [head, "text"],
            _lines(run, copied[:MOST], called),
        )
    if "copies" in flaws and (leaked := flaws["copies"]["leaked"]):
        are = "test text is" if leaked == 1 else "test texts are"
        yield paragraph(f"{leaked:,} {are} nearly a training text, so test accuracy may be told too high", "remark")
    if flaws["drift"] is not None and (sentence := apart_in_words(flaws["drift"])):
        yield paragraph(sentence, "remark")


def _numbers(run: RunDirectory) -> tuple[str, Callable[[int], str]]:
    """What texts are numbered by, and the number of each: as their file counts them, where that is known."""
    numbers = run.labels().source_row
    if numbers is None:
        return "row, from 0", str
    return "row of the file", lambda row: str(numbers[row * run.questions])


def _lines(run: RunDirectory, rows: list[int], called: Callable[[int], str]) -> list[list[str]]:
    texts = read_contents(run, np.array(rows, np.int64) * max(len(run.asked), 1), BYTES).texts
    return [[called(row), "" if texts is None else printable(texts[place], LETTERS)] for place, row in enumerate(rows)]
