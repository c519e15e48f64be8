"""Which scripts the texts are written in: Latin, Cyrillic, Han, ..., by the names that Unicode gives to letters."""

from __future__ import annotations

import unicodedata
from collections import Counter
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


# Of one language, which mixes them from text to text.
_WRITTEN_TOGETHER = {"Hiragana": "Han", "Katakana": "Han"}
RARE = 0.01  # of the rows with letters: a script that so few are of is another than the table's
LEAST_ROWS = 100  # with letters, below which no script is called rare


def scripts(texts: Sequence[str]) -> dict[str, int]:
    """Rows by the script of most of their letters, most frequent first; rows without a letter as `NO_LETTERS`.

    Letters that tell no script (mathematical ones, modifiers) do not count. Japanese mixes three scripts: a text
    counts for the one that most of its letters are of.
    """
    found = Counter(script_of_each(texts))
    return dict(sorted(found.items(), key=lambda entry: (entry[0] == NO_LETTERS, -entry[1], entry[0])))


def in_another_script(texts: Sequence[str]) -> np.ndarray:
    """int64, the rows whose script no more than `RARE` of the rows with letters are of; none of fewer than
    `LEAST_ROWS` such rows. Languages that share a script are not told apart."""
    each = [_WRITTEN_TOGETHER.get(name, name) for name in script_of_each(texts)]
    counts = Counter(name for name in each if name != NO_LETTERS)
    if (rows := counts.total()) < LEAST_ROWS:
        return np.zeros(0, np.int64)
    rare = {name for name, count in counts.items() if count <= RARE * rows}
    return np.array([row for row, name in enumerate(each) if name in rare], np.int64)


def script_of_each(texts: Sequence[str]) -> list[str]:
    """Of each text the script of most of its letters, or `NO_LETTERS`; see `scripts`."""
    found: list[str] = []
    start = 0
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    blocks = np.cumsum(lengths) // _BLOCK if len(lengths) else lengths
    for end in [*(np.flatnonzero(np.diff(blocks)) + 1).tolist(), len(texts)]:
        found += _block(texts[start:end], lengths[start:end])
        start = end
    return found


def _block(texts: Sequence[str], lengths: np.ndarray) -> list[str]:
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    different, places = np.unique(codes, return_inverse=True)
    names = [script_of(chr(code)) for code in different.tolist()]
    known = sorted(set(names) - {""})
    if not known:
        return [NO_LETTERS] * len(texts)
    number = np.array([known.index(name) if name else -1 for name in names])[places]
    row = np.repeat(np.arange(len(texts)), lengths)[number >= 0]
    counts = np.bincount(row * len(known) + number[number >= 0], minlength=len(texts) * len(known))
    counts = counts.reshape(len(texts), len(known))
    main = np.where(counts.any(1), counts.argmax(1), len(known))
    of_number = [*known, NO_LETTERS]
    return [of_number[place] for place in main.tolist()]


def script_of(char: str) -> str:
    """The script of a letter, with a capital; empty for what is no letter or tells none."""
    if not unicodedata.category(char).startswith("L"):
        return ""
    first = unicodedata.name(char, "").split(" ")[0]
    return _CALLED.get(first, first.capitalize())
