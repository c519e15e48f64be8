"""The one exception that a user's mistake raises.

The command line prints its message as one sentence and exits with code 2; nothing else is caught there, so a
traceback always means a defect of this package.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from operator import index
from os import PathLike, fspath
from typing import SupportsIndex


class InputError(ValueError):
    """Something the user gave is wrong.

    The message is one sentence: what is wrong, where (file, row, key), and what to do about it. It may quote what
    stands in a file, which may be of any length: of a message beyond `LONGEST` the middle is left out.

    Attributes:
        where: the file or folder, or the file and line, or what the command line sets; None where the message alone
            says it.
        key: what is wrong there, such as ``"training.epochs"``, an option, a column, or a name that nothing has.
        row: the number that the message calls the first wrong row, or line, by.
    """

    def __init__(
        self,
        *arguments: object,
        where: str | PathLike[str] | None = None,
        key: str | None = None,
        row: SupportsIndex | None = None,
    ) -> None:
        super().__init__(*(bounded(_sentence(text)) if isinstance(text, str) else text for text in arguments))
        self.where = None if where is None else fspath(where)
        self.key = key
        self.row = None if row is None else index(row)

    def in_words(self, sentence: str) -> InputError:
        """The same mistake, told in another sentence."""
        return InputError(sentence, where=self.where, key=self.key, row=self.row)


# What torch makes of an error in a process that loads batches: its sentence, below that process's traceback.
_OF_A_WORKER = re.compile(
    r"\ACaught InputError in DataLoader worker.*^[\w.]*InputError: (.+)", re.DOTALL | re.MULTILINE
)


def _sentence(text: str) -> str:
    told = _OF_A_WORKER.match(text)
    return text if told is None else told[1].strip()


LONGEST = 2_000  # characters; the longest of our own sentences have some 600
_AT_THE_END = 500  # what to do about it


def bounded(text: str) -> str:
    """The text, without its middle where it is longer than `LONGEST`."""
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST - _AT_THE_END - 3]} … {text[-_AT_THE_END:]}"


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint such as ``; did you mean 'alpha'?``, or the known words (of many the first) when none comes near."""
    known = sorted(known)
    if close := close_name(word, known):
        return f"; did you mean '{close}'?"
    return f"; known: {some_of([name[:60] for name in known], 20)}" if known else ""


def close_name(word: str, known: Sequence[str], least: float = 0.5) -> str | None:
    """The name that is most like the word, by difflib's ratio without regard to case, from `least` on; None where none
    is, or there are too many."""
    if len(word) > 200 or len(known) > 5_000:  # comparing takes the square of the length
        return None
    folded: dict[str, str] = {}
    for name in known:
        if len(name) <= 200:
            folded.setdefault(name.casefold(), name)
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=least)
    return folded[close[0]] if close else None


def some_of(names: Sequence[str], at_most: int = 3) -> str:
    """Such as ``a, b, c and 4 more``."""
    return ", ".join(names[:at_most]) + (f" and {len(names) - at_most} more" if len(names) > at_most else "")
