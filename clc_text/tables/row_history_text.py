"""A row's history as a table on the screen."""

from __future__ import annotations

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from clc_text.analysis.row_history import RowHistory, Stretch, stretches
from clc_text.analysis.short_names import short_names
from clc_text.utils.shown import printable, without_controls


def as_table(found: RowHistory, every_epoch: bool = False) -> Group:
    """Head and table; epochs in which no class changed share one line unless every epoch is asked for."""
    table = Table(
        caption="p: probability of the predicted class; entropy in nats; ● selected; bold: not the label trained on"
    )
    table.caption_justify = "left"
    for title in ("epochs", "peer", "predicts", "p", "entropy", "target"):
        table.add_column(title, justify="left" if title in ("predicts", "target") else "right")
    places = [Stretch(place, place) for place in range(len(found.epochs))] if every_epoch else list(stretches(found))
    peers, short = range(found.prediction.shape[1]), short_names(found.label_names)
    for stretch in places:
        for peer in peers:
            span = _span(found, stretch) if peer == 0 else ""
            table.add_row(span, str(peer), *_peer(found, short, stretch, peer), end_section=peer == peers[-1])
    return Group(head(found), table)


def head(found: RowHistory) -> Text:
    """The row's number, text and labels."""
    names = [without_controls(name) for name in found.label_names]
    true = "not known" if found.true is None else names[found.true]
    lines = [f"row {found.row}: {printable(found.text) if found.text is not None else '(no text kept)'}"]
    lines.append(f"given label: {names[found.given]}   true label: {true}")
    if found.canary:
        lines.append(f"a canary: trained as {names[found.trained]} on purpose")
    return Text("\n".join(lines))


def _span(found: RowHistory, stretch: Stretch) -> str:
    first, last = found.epochs[stretch.first], found.epochs[stretch.last]
    return str(first) if first == last else f"{first}–{last}"


def _peer(found: RowHistory, names: list[str], stretch: Stretch, peer: int) -> list[str]:
    if not found.seen[stretch.first]:
        return ["(not seen)", "", "", ""]
    part = slice(stretch.first, stretch.last + 1)
    target = int(found.target[stretch.first, peer])
    taught = escape(names[target])
    if target != found.trained:
        taught = f"[bold]{taught}[/bold]"
    return [
        escape(names[int(found.prediction[stretch.first, peer])]),
        _range(found.confidence[part, peer].min(), found.confidence[part, peer].max()),
        _range(found.entropy[part, peer].min(), found.entropy[part, peer].max()),
        f"{taught} {'●' if found.selected[stretch.first, peer] else ''}".rstrip(),
    ]


def _range(low: float, high: float) -> str:
    return f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f}–{high:.2f}"
