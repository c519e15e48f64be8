"""Foreign text on its way to a terminal: class names, rows, and sentences that quote them.

A terminal obeys what it is shown. An escape sequence in a class name moves the cursor, sets the clipboard or hides the
line before; a direction mark (U+202E) turns a sentence around; a line separator breaks a table. None of them is text.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

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


def echo_next(console: Console, arguments: Sequence[object], why: str, then: str = "") -> None:
    """The one line on what to do next: `arguments` follow ``clc-text``, each quoted as a shell wants it."""
    import shlex

    command = for_rich(shlex.join(["clc-text", *map(str, arguments)]))
    console.print(f"next: {then}{command}  [dim]{for_rich(why)}[/dim]", soft_wrap=True)


def clean_lines(text: object) -> str:
    """`without_controls` of each line."""
    return "\n".join(map(without_controls, str(text).split("\n")))


def echo(text: object = "", *, err: bool = False, end: str = "\n") -> None:
    """Prints sentences, which may quote what stands in somebody's file; the one way in which commands print."""
    out = sys.stderr if err else sys.stdout
    out.write(clean_lines(text) + end)
    out.flush()


def echo_json(value: Any, indent: int | None = None) -> None:
    """Prints a value as JSON that reads back exactly, what a terminal would obey as escapes."""
    sys.stdout.write(printable_json(value, indent) + "\n")
    sys.stdout.flush()


def printable_json(value: Any, indent: int | None = None) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if text.isascii():
        return text
    return "".join(
        json.dumps(char)[1:-1] if char > "~" and unicodedata.category(char) in _NO_TEXT else char for char in text
    )


def echo_table(text: str) -> None:
    """Prints what a program reads, CSV or Markdown: as it is into a file or a pipe, clean on a terminal."""
    table_output().write(text.rstrip("\n") + "\n")
    sys.stdout.flush()


def table_output() -> IO[str]:
    """Standard output, for a table that a program reads; what goes to a terminal is cleaned."""
    return _Screen() if sys.stdout.isatty() else sys.stdout  # type: ignore[return-value]


class _Screen:
    def write(self, text: str) -> int:
        return sys.stdout.write(clean_lines(text))


def printable_lines(text: str) -> str:
    """A user's text with its lines, and without the characters that `printable` leaves out."""
    return "\n".join(without_controls(line) for line in text.replace("\r\n", "\n").split("\n"))
