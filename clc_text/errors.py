"""The one exception that a user's mistake raises.

The command line prints its message as one sentence and exits with code 2; nothing else is caught there, so a
traceback always means a defect of this package.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class InputError(ValueError):
    """Something the user gave is wrong.

    The message is one sentence: what is wrong, where (file, row, key), and what to do about it.
    """


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint such as ``; did you mean 'alpha'?``, or all the known words when none comes near."""
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(known)}" if known else ""


def some_of(names: Sequence[str], at_most: int = 3) -> str:
    """Such as ``a, b, c and 4 more``."""
    return ", ".join(names[:at_most]) + (f" and {len(names) - at_most} more" if len(names) > at_most else "")
