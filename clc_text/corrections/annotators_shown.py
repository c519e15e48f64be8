"""Who labelled, on a terminal, where rows have several labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from clc_text.artifacts.audit import SeveralLabels, SourceOfLabels
from clc_text.corrections.annotators import enough_in_words, worse_than_all
from clc_text.errors import some_of
from clc_text.utils.shown import for_rich, printable
from clc_text.utils.table import Table

MOST_SOURCES = 40  # that are listed one by one
MOST_LETTERS = 40  # of a source's name, which else takes the room of all figures


def show_annotators(several: SeveralLabels, console: Console, most: int = MOST_SOURCES, ask: bool = True) -> None:
    """Who labelled, how often each is right, and where another label would help (`corrections.annotators`).

    Args:
        most: sources that are listed.
        ask: whether the rows where a label would help are named, too.
    """
    console.print(sources_table(several, most).on_screen())
    for sentence in (worse_in_words(several), unheard_in_words(several), enough_in_words(several["alone"])):
        if sentence:
            console.print(for_rich(sentence))
    if not ask or not several["unsure"]:
        return
    key, called = row_key(several["unsure"])
    rows = ", ".join(printable(str(one[key]), 30) for one in several["unsure"][:10])
    console.print(for_rich(f"another label would help most where {called} is {rows}"))


def worse_in_words(several: SeveralLabels) -> str:
    """Who is right less often than the others; nothing where nobody clearly is."""
    worst = worse_than_all(several["sources"])
    named = [f"{printable(name, MOST_LETTERS)} {right['value']:.0%}" for name, right in worst]
    return f"clearly less often right than all together: {some_of(named, 10)}" if named else ""


def unheard_in_words(several: SeveralLabels) -> str:
    """Who does not count as a source more, and why; nothing where everybody does."""
    told = (
        ("counted as one source, since they say much the same", several.get("repeat", [])),
        ("not heard, since one class alone is said", several.get("constant", [])),
    )
    shown = [(why, [printable(name, MOST_LETTERS) for name in names]) for why, names in told if names]
    return "; ".join(f"{why}: {some_of(names, 10)}" for why, names in shown)  # a name keeps its first letter so


def in_order(several: SeveralLabels) -> list[SourceOfLabels]:
    """The sources, those that are clearly right less often first, then those with most labels."""
    worse = {name for name, _ in worse_than_all(several["sources"])}
    return sorted(several["sources"], key=lambda source: (source["name"] not in worse, -source["votes"]))


def sources_table(several: SeveralLabels, most: int) -> Table:
    """How much each source said and how often it is right, `in_order`."""
    listed = in_order(several)
    heads = ("source", "#labels", "#of the rows", "#right", "#95 %", "#agrees with others", "confuses most")
    rows = [_line(source) for source in listed[:most]]
    if len(listed) > most:
        rows.append([f"… {len(listed) - most:,} more in audit.json …", *[""] * (len(heads) - 1)])
    return Table(heads, rows, "labels by source: the share of right ones is expected, by what all say together")


def _line(source: SourceOfLabels) -> list[str]:
    right, agrees = source["accuracy"], source["agreement"]
    mistaken = "; ".join(f"{one['true']} for {one['said']} {one['share']:.0%}" for one in source["confused"][:1])
    return [
        printable(source["name"], MOST_LETTERS),
        f"{source['votes']:,}",
        f"{100 * source['share']:.1f} %",
        "" if right is None else f"{100 * right['value']:.1f} %",
        "" if right is None else f"{100 * right['low']:.1f} to {100 * right['high']:.1f}",
        "" if agrees is None else f"{100 * agrees:.1f} %",
        printable(mistaken),
    ]


def row_key(rows: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """What names rows to people, and what that is called: a spreadsheet shows ids or its own numbers."""
    known = (("source_id", "id"), ("source_row", "row of the file"))
    return next((pair for pair in known if rows and pair[0] in rows[0]), ("row", "row, from 0"))
