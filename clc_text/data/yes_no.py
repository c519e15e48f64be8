"""How a cell of a table says whether a class holds: 0 and 1, false and true, no and yes."""

from __future__ import annotations

from typing import Any

_WORDS = {"0": "1", "0.0": "1.0", "false": "true", "no": "yes"}
_SAID = dict.fromkeys(_WORDS, False) | dict.fromkeys(_WORDS.values(), True)
_OTHER = _WORDS | {yes: no for no, yes in _WORDS.items()}


def said(cell: Any) -> bool | None:
    """Whether the class holds, in capitals or not; None where the cell says something else."""
    if isinstance(cell, str):
        return _SAID.get(cell.strip().lower())
    return bool(cell) if isinstance(cell, (bool, int, float)) and cell in (0, 1) else None


def written(holds: bool, like: Any) -> Any:
    """What `said` reads as `holds`, in the manner of a cell that says either; a number where that says neither."""
    known = said(like)
    if known is None:
        return int(holds)
    if known == holds:
        return like
    if not isinstance(like, str):
        return type(like)(holds)
    word = like.strip()
    other = _OTHER[word.lower()]
    if word.isupper():
        return other.upper()
    return other.capitalize() if word[0].isupper() else other
