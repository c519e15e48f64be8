"""Which scripts the texts are written in: Latin, Cyrillic, Han, ..., by the names that Unicode gives to letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np

NO_LETTERS = "no letters"
_BLOCK = 4_000_000  # characters in memory at once
# Names begin with the script, apart from these.
_CALLED = {"CJK": "Han", "KANGXI": "Han", "FULLWIDTH": "Latin", "MODIFIER": "", "FEMININE": "Latin",
           "MASCULINE": "Latin", "MICRO": "Greek", "OHM": "Greek", "KELVIN": "Latin", "ANGSTROM": "Latin",
           "HALFWIDTH": "Katakana", "DOUBLE-STRUCK": "", "SCRIPT": "", "BLACK-LETTER": "",
           "MATHEMATICAL": ""}  # fmt: skip
# Written without blanks between words, so that counts of words say nothing.
UNSPACED = {"Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan"}


def scripts(texts: Sequence[str]) -> dict[str, int]:
    """Rows by the script of most of their letters, most frequent first; rows without a letter as `NO_LETTERS`.

    Letters that tell no script (mathematical ones, modifiers) do not count. Japanese mixes three scripts: a text
    counts for the one that most of its letters are of.
    """
    found: dict[str, int] = {}
    start = 0
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    blocks = np.cumsum(lengths) // _BLOCK if len(lengths) else lengths
    for end in [*(np.flatnonzero(np.diff(blocks)) + 1).tolist(), len(texts)]:
        for name, rows in _block(texts[start:end], lengths[start:end]).items():
            found[name] = found.get(name, 0) + rows
        start = end
    return dict(sorted(found.items(), key=lambda entry: (entry[0] == NO_LETTERS, -entry[1], entry[0])))


def _block(texts: Sequence[str], lengths: np.ndarray) -> dict[str, int]:
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    different, places = np.unique(codes, return_inverse=True)
    names = [script_of(chr(code)) for code in different.tolist()]
    known = sorted(set(names) - {""})
    if not known:
        return {NO_LETTERS: len(texts)} if len(texts) else {}
    number = np.array([known.index(name) if name else -1 for name in names])[places]
    row = np.repeat(np.arange(len(texts)), lengths)[number >= 0]
    counts = np.bincount(row * len(known) + number[number >= 0], minlength=len(texts) * len(known))
    counts = counts.reshape(len(texts), len(known))
    main = np.where(counts.any(1), counts.argmax(1), len(known))
    rows = np.bincount(main, minlength=len(known) + 1).tolist()
    return {name: count for name, count in zip([*known, NO_LETTERS], rows, strict=True) if count}


def script_of(char: str) -> str:
    """The script of a letter, with a capital; empty for what is no letter or tells none."""
    if not unicodedata.category(char).startswith("L"):
        return ""
    first = unicodedata.name(char, "").split(" ")[0]
    return _CALLED.get(first, first.capitalize())
