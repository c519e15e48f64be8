"""Whether the text beside an answer is that of the row, after whatever a spreadsheet does to texts."""

from __future__ import annotations

import re
import unicodedata

from clc_text.utils.shown import printable
from clc_text.utils.spreadsheet import as_it_was

_LONGEST_CELL = 32_767  # characters, where Excel cuts off
_CODE_PAGES = ("cp1252", "mac_roman")  # which Excel takes a CSV in UTF-8 for
_WORD = re.compile(r"[^\W\d_]+")
# Of a number, a date or a truth value, which a spreadsheet may write otherwise.
_NO_WORD = re.compile(
    "e|[ap]m|true|false|jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sep(tember)?|oct(ober)?|"
    "nov(ember)?|dec(ember)?",
    re.IGNORECASE,
)


def is_same_text(ours: str, theirs: str) -> bool:
    """Whether a cell holds the text that was written there.

    Any run of blanks, line ends and controls counts as one blank, code points as normalised (NFC), an apostrophe
    before a formula as nothing, and beyond the longest cell nothing is compared. Letters that a code page has not may
    be question marks, and a text in UTF-8 may have been read by another code page. A number or a date is any cell.
    """
    if ours.strip() and all(map(_NO_WORD.fullmatch, _WORD.findall(ours))):
        return True
    wanted, cell = _seen(ours), _seen(as_it_was(theirs.strip()))
    if cell == wanted or _seen(theirs) == wanted:
        return True
    if wanted.isascii():
        return False
    return _has_lost(wanted, cell) or any(_seen(_misread(ours, page)) == cell for page in _CODE_PAGES)


def _seen(text: str) -> str:
    return printable(unicodedata.normalize("NFC", text[:_LONGEST_CELL]))


def _has_lost(wanted: str, cell: str) -> bool:
    """Whether the cell is the text but for question marks, one for each 16 bits of what stood there."""
    units = "".join(char if char <= "\uffff" else "\uffff\uffff" for char in wanted)
    return len(units) == len(cell) and all(
        one == other or (other == "?" and not one.isascii()) for one, other in zip(units, cell, strict=True)
    )


def _misread(text: str, page: str) -> str:
    """A text in UTF-8 as a program shows it that takes it for this code page; a byte that is none there stays."""
    content = text.encode("utf-8", errors="replace")
    return "".join(bytes([byte]).decode(page, errors="ignore") or chr(byte) for byte in content)
