"""A row's life as a table on the screen."""

from __future__ import annotations

from typing import Literal

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from clc_text.analysis.life import Life, Stretch, stretches
from clc_text.analysis.style import printable, short_name


def as_table(found: Life, every_epoch: bool = False) -> Group:
    """Head and table; epochs in which no class changed share one line unless every epoch is asked for."""
    peers = found.prediction.shape[1]
    table = Table(caption="entropy in nats; a dot: selected; a target in bold is not the label trained on")
    table.caption_justify = "left"
    table.add_column("epochs", justify="right")
    for peer in range(peers):
        for column in ("predicts", "p", "entropy", "taught"):
            justify: Literal["left", "right"] = "right" if column in ("p", "entropy") else "left"
            table.add_column(f"peer {peer}\n{column}", justify=justify)
    places = [Stretch(place, place) for place in range(len(found.epochs))] if every_epoch else list(stretches(found))
    for stretch in places:
        cells = [_span(found, stretch)]
        for peer in range(peers):
            cells += _peer(found, stretch, peer)
        table.add_row(*cells)
    return Group(head(found), table)


def head(found: Life) -> Text:
    """The row's number, text and labels."""
    names = found.label_names
    true = "not known" if found.true is None else names[found.true]
    lines = [f"row {found.row}: {printable(found.text) if found.text is not None else '(no text kept)'}"]
    lines.append(f"given label: {names[found.given]}   true label: {true}")
    if found.canary:
        lines.append(f"a canary: trained as {names[found.trained]} on purpose")
    return Text("\n".join(lines))


def _span(found: Life, stretch: Stretch) -> str:
    first, last = found.epochs[stretch.first], found.epochs[stretch.last]
    return str(first) if first == last else f"{first}–{last}"


def _peer(found: Life, stretch: Stretch, peer: int) -> list[str]:
    if not found.seen[stretch.first]:
        return ["(not seen)", "", "", ""]
    names, part = found.label_names, slice(stretch.first, stretch.last + 1)
    target = int(found.target[stretch.first, peer])
    taught = escape(short_name(names[target]))
    if target != found.trained:
        taught = f"[bold]{taught}[/bold]"
    return [
        escape(short_name(names[int(found.prediction[stretch.first, peer])])),
        _range(found.confidence[part, peer].min(), found.confidence[part, peer].max()),
        _range(found.entropy[part, peer].min(), found.entropy[part, peer].max()),
        f"{taught} {'●' if found.selected[stretch.first, peer] else ''}".rstrip(),
    ]


def _range(low: float, high: float) -> str:
    return f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f}–{high:.2f}"
