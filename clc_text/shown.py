"""Foreign text on its way to a terminal: class names, rows, and sentences that quote them.

A terminal obeys what it is shown. An escape sequence in a class name moves the cursor, sets the clipboard or hides the
line before; a direction mark (U+202E) turns a sentence around; a line separator breaks a table. None of them is text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

# Control and format characters, line and paragraph separators, lone surrogates (which cannot be printed at all).
_NO_TEXT = ("Cc", "Cf", "Zl", "Zp", "Cs")


def without_controls(text: object) -> str:
    """The text on one line, a blank in place of every character that a terminal would obey; blanks stay as many."""
    written = str(text)
    if written.isascii() and written.isprintable():
        return written
    return "".join(" " if unicodedata.category(char) in _NO_TEXT else char for char in written)


def printable(text: str, at_most: int | None = None) -> str:
    """A user's text on one line, without control and direction characters; cut with an ellipsis."""
    kept = " ".join(without_controls(text).split())
    return kept if at_most is None or len(kept) <= at_most else kept[: at_most - 1].rstrip() + "…"


def for_rich(text: object) -> str:
    """`without_controls`, and no markup to rich: what a `Console` or a `Table` may be given of foreign text."""
    from rich.markup import escape

    return escape(without_controls(text))


def terminal(*, stderr: bool = False) -> Console:
    """A console that shows text as it is: no emoji for a class that is called ``:fire:``, no colours for numbers."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, emoji=False)


def say_next(console: Console, arguments: Sequence[object], why: str, then: str = "") -> None:
    """The one line on what to do next: `arguments` follow ``clc-text``, each quoted as a shell wants it."""
    import shlex

    command = for_rich(shlex.join(["clc-text", *map(str, arguments)]))
    console.print(f"next: {then}{command}  [dim]{for_rich(why)}[/dim]", soft_wrap=True)
