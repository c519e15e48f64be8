"""Texts as tokens, and tokens as numbers.

Two tokenisers, both deterministic and without a vocabulary:

``"glove"`` cuts as the Penn Treebank does, which is how GloVe's own corpora were cut: punctuation marks are tokens of
their own, contractions fall in two (``do n't``, ``it 's``), abbreviations keep their dots (``u.s.``, ``mr.``), numbers
and hyphenated words stay whole (``1,000.50``, ``well-known``). A text that is already cut so comes out nearly
unchanged. Beyond ASCII, letters are composed first (NFC), a mark on a letter belongs to the word (``हिन्दी``), and the
typographic apostrophe counts as the plain one. Scripts without blanks between words are cut into characters
(`clc_text.data.scripts`).

``"spaces"`` cuts at white space only, for texts that are tokenised already (TREC's original files).
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from clc_text.data.scripts import has_spaceless, in_characters
from clc_text.errors import InputError

Tokenizer = Callable[[str], list[str]]

_ABBREVIATIONS = (
    "mr|mrs|ms|dr|st|jr|sr|vs|inc|co|corp|ltd|etc|prof|gen|lt|col|sgt|rev|gov|sen|rep|bros"
    "|jan|feb|mar|apr|aug|sept|oct|nov|dec"
)
_PENN_TREEBANK = re.compile(
    rf"""
      (?:[^\W\d_]\.){{2,}}                            # u.s.
    | (?:{_ABBREVIATIONS})\.$
    | [^\W\d_]+(?=n't\b)                              # do | n't
    | n't\b
    | '(?:s|m|d|ll|re|ve)\b
    | ''|``|"|\.\.\.|--
    | [.,]?\d+(?:[.,:/]\d+)*[^\W_]*(?:-[^\W_]+)*      # 1,000.50  10:30  19th-century
    | [^\W_]+(?:[-&][^\W_]+)*                         # well-known  at&t
    | [^\w\s]|_
    """,
    re.VERBOSE | re.IGNORECASE,
)
# A letter that stands for a mark on a letter, which is no part of a word to `re`.
_MARK = "ª"
_LONGEST_REMEMBERED = 64
_MOST_REMEMBERED = 1 << 18


def tokenizer(kind: str, lowercase: bool, characters: bool = True) -> Tokenizer:
    """A function from a text to its tokens, which can be pickled.

    Args:
        kind: ``"glove"`` or ``"spaces"``.
        characters: ``"glove"`` cuts scripts without blanks into characters; runs of before that did not.
    """
    if kind == "glove":
        return partial(_as_glove, _Pieces(characters), lowercase)
    return partial(_at_spaces, lowercase)


def _at_spaces(lowercase: bool, text: str) -> list[str]:
    return (text.lower() if lowercase else text).split()


def _as_glove(pieces: _Pieces, lowercase: bool, text: str) -> list[str]:
    return list(itertools.chain.from_iterable(map(pieces.__getitem__, _at_spaces(lowercase, text))))


class _Pieces(dict[str, tuple[str, ...]]):
    """The tokens of what stands between two blanks; the same few strings come again and again, so they are kept."""

    def __init__(self, characters: bool) -> None:
        super().__init__()
        self.characters = characters

    def __reduce__(self) -> tuple[type[_Pieces], tuple[bool]]:
        return _Pieces, (self.characters,)  # what was kept is made again

    def __missing__(self, piece: str) -> tuple[str, ...]:
        tokens = tuple(_PENN_TREEBANK.findall(piece)) if piece.isascii() else _beyond_ascii(piece)
        if self.characters and not piece.isascii() and has_spaceless(piece):
            tokens = tuple(itertools.chain.from_iterable(map(in_characters, tokens)))
        if len(piece) <= _LONGEST_REMEMBERED:
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[piece] = tokens
        return tokens


def _beyond_ascii(piece: str) -> tuple[str, ...]:
    piece = unicodedata.normalize("NFC", piece).replace("’", "'")
    shown, on_letter = [], False
    for character in piece:
        # Elsewhere a mark is a token of its own: the one in "❤️" or "1️⃣" chooses how a sign looks.
        mark = unicodedata.category(character) in ("Mn", "Mc")
        on_letter = on_letter if mark else character.isalpha()
        shown.append(_MARK if mark and on_letter else character)
    return tuple(piece[match.start() : match.end()] for match in _PENN_TREEBANK.finditer("".join(shown)))


class Numbering(dict[str, int]):
    """Words in the order of their first appearance; looking up a new word gives it the next number."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number


class KnownWords(dict[str, int]):
    """Words with their rows; looking up any other word gives -1."""

    def __missing__(self, word: str) -> int:
        return -1


@dataclass(frozen=True)
class Tokens:
    """The tokens of N texts, one after the other.

    Attributes:
        ids: int32 [T], the token's number; -1 where it has none.
        offsets: int64 [N + 1]; text n has the tokens ``offsets[n]`` to ``offsets[n + 1]``.
    """

    ids: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """int64 [N], tokens of each text."""
        return np.diff(self.offsets)

    @property
    def known(self) -> np.ndarray:
        """int64 [N], tokens of each text that have a number."""
        return np.diff(np.concatenate([[0], np.cumsum(self.ids >= 0)])[self.offsets])

    def renumbered(self, numbers: np.ndarray) -> Tokens:
        """The same tokens with ``numbers[id]`` in place of every id (all of which must be at least 0)."""
        return Tokens(numbers[self.ids].astype(np.int32, copy=False), self.offsets)


def number_tokens(texts: Iterable[str], tokenize: Tokenizer, numbers: Mapping[str, int], first_row: int = 0) -> Tokens:
    """Cuts the texts and looks every token up in `numbers`; four bytes a token are kept.

    Args:
        first_row: the number of the first text, for messages.

    Raises:
        InputError: a row is not a text.
    """
    ids, ends = array("i"), array("q", [0])
    look_up = numbers.__getitem__
    for text in texts:
        if not isinstance(text, str):
            row = first_row + len(ends) - 1
            raise InputError(
                f"row {row} (from 0) is {type(text).__name__}, not a text; fill or drop such rows first", row=row
            )
        ids.extend(map(look_up, tokenize(text)))
        ends.append(len(ids))
    return Tokens(np.array(ids, dtype=np.int32), np.array(ends, dtype=np.int64))
