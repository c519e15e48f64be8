"""A row's history as a table on the screen."""

from __future__ import annotations

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from clc_text.analysis.row_history import RowHistory, Stretch, stretches
from clc_text.analysis.short_names import short_names
from clc_text.utils.shown import printable, without_controls


def as_table(history: RowHistory, every_epoch: bool = False) -> Group:
    """Head and table; epochs in which no class changed share one line unless every epoch is asked for."""
    table = Table(
        caption="p: probability of the predicted class; entropy in nats; ● selected; bold: not the label trained on"
    )
    table.caption_justify = "left"
    for title in ("epochs", "peer", "predicts", "p", "entropy", "target"):
        table.add_column(title, justify="left" if title in ("predicts", "target") else "right")
    places = (
        [Stretch(place, place) for place in range(len(history.epochs))] if every_epoch else list(stretches(history))
    )
    peers, short = range(history.prediction.shape[1]), short_names(history.label_names)
    for stretch in places:
        for peer in peers:
            span = _span(history, stretch) if peer == 0 else ""
            table.add_row(span, str(peer), *_peer(history, short, stretch, peer), end_section=peer == peers[-1])
    return Group(head(history), table)


def head(history: RowHistory) -> Text:
    """The row's number, text and labels."""
    names = [without_controls(name) for name in history.label_names]
    true = "not known" if history.true is None else names[history.true]
    lines = [f"row {history.row}: {printable(history.text) if history.text is not None else '(no text kept)'}"]
    lines.append(f"given label: {names[history.given]}   true label: {true}")
    if history.canary:
        lines.append(f"a canary: trained as {names[history.trained]} on purpose")
    return Text("\n".join(lines))


def _span(history: RowHistory, stretch: Stretch) -> str:
    first, last = history.epochs[stretch.first], history.epochs[stretch.last]
    return str(first) if first == last else f"{first}–{last}"


def _peer(history: RowHistory, names: list[str], stretch: Stretch, peer: int) -> list[str]:
    if not history.seen[stretch.first]:
        return ["(not seen)", "", "", ""]
    part = slice(stretch.first, stretch.last + 1)
    target = int(history.target[stretch.first, peer])
    taught = escape(names[target])
    if target != history.trained:
        taught = f"[bold]{taught}[/bold]"
    return [
        escape(names[int(history.prediction[stretch.first, peer])]),
        _range(history.confidence[part, peer].min(), history.confidence[part, peer].max()),
        _range(history.entropy[part, peer].min(), history.entropy[part, peer].max()),
        f"{taught} {'●' if history.selected[stretch.first, peer] else ''}".rstrip(),
    ]


def _range(low: float, high: float) -> str:
    return f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f}–{high:.2f}"
