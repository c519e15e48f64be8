"""Who labelled, on a terminal, where rows have several labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from clc_text.corrections.annotators import worse_than_all
from clc_text.errors import some_of
from clc_text.utils.shown import for_rich, printable

MOST_SOURCES = 40  # that are listed one by one


def show_annotators(several: Mapping[str, Any], console: Console, most: int = MOST_SOURCES, ask: bool = True) -> None:
    """Who labelled, how often each is right, and where another label would help (`corrections.annotators`).

    Args:
        most: sources that are listed.
        ask: whether the rows where a label would help are named, too.
    """
    table = Table("source", title="labels by source", title_justify="left")
    for name in ("labels", "right", "95 %", "agrees"):
        table.add_column(name, justify="right")
    table.add_column("confuses most")
    listed = sorted(several["sources"], key=lambda source: -source["votes"])
    for source in listed[:most]:
        right, agrees = source["accuracy"], source["agreement"]
        cells = ("", "") if right is None else (f"{right['value']:.1%}", f"{right['low']:.1%} to {right['high']:.1%}")
        mistaken = "; ".join(f"{one['true']} for {one['said']} {one['share']:.0%}" for one in source["confused"][:1])
        table.add_row(
            for_rich(printable(source["name"])), f"{source['votes']:,}", *cells,
            "" if agrees is None else f"{agrees:.1%}", for_rich(printable(mistaken)),
        )  # fmt: skip
    if len(listed) > most:
        table.add_row(f"… {len(listed) - most:,} more in audit.json …", *[""] * 5)
    console.print(table)
    if worst := worse_than_all(listed):
        named = [f"{printable(one['name'])} {one['accuracy']['value']:.0%}" for one in worst]
        console.print(for_rich(f"clearly less often right than all together: {some_of(named, 10)}"))
    told = [f"{one['votes']} of them {one['right']:.1%}" for one in several["alone"]]
    if told:
        console.print(for_rich(f"a majority of a row's labels agrees with what all of them say: {', '.join(told)}"))
    if not ask:
        return
    key, called = row_key(several["unsure"])
    rows = ", ".join(printable(str(one[key]), 30) for one in several["unsure"][:10])
    console.print(for_rich(f"another label would help most where {called} is {rows}"))


def row_key(rows: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """What names rows to people, and what that is called: a spreadsheet shows ids or its own numbers."""
    known = (("source_id", "id"), ("source_row", "row of the file"))
    return next((pair for pair in known if rows and pair[0] in rows[0]), ("row", "row, from 0"))
