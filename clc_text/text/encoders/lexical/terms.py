"""The terms of a text: its words, words that stand side by side, and pieces of scripts that have no blanks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from clc_text.text.encoders.vectors.tokens import Tokenizer, tokenizer

PIECES = 3  # characters of a piece, at most
# Han, kana, Thai, Lao, Tibetan, Burmese, Khmer: a word does not end at a blank, so that pieces stand for words.
_WITHOUT_BLANKS = (
    "぀-ヿㇰ-ㇿｦ-ﾝ㐀-䶿一-鿿豈-﫿\U00020000-\U0003134f\u0e00-\u0e7f\u0e80-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"
)
_RUNS = re.compile(f"[{_WITHOUT_BLANKS}]+|[^{_WITHOUT_BLANKS}]+")
_IS_RUN = re.compile(f"[{_WITHOUT_BLANKS}]")
_MARKS = re.compile(r"[!-/:-@\[-`{-~‐-⁞]+")  # punctuation, which stands in every other text


def analyser(ngrams: int) -> Callable[[str], list[str]]:
    """A function from a text to its terms, each as often as it occurs, which can be pickled.

    Words are cut as for GloVe (`vectors.tokens`) and lower-cased; a term is up to `ngrams` of them in a row, joined by
    a blank. What is written without blanks gives its pieces of up to `PIECES` characters instead.
    """
    return partial(_terms, tokenizer("glove", lowercase=True), ngrams)


def _terms(tokenize: Tokenizer, ngrams: int, text: str) -> list[str]:
    made: list[str] = []
    for run in _RUNS.findall(text):
        if _IS_RUN.match(run):
            made += _pieces(run)
        else:
            words = [token for token in tokenize(run) if not _MARKS.fullmatch(token)]
            made += _in_a_row(words, ngrams)
    return made


def _in_a_row(words: list[str], most: int) -> Iterator[str]:
    for length in range(1, most + 1):
        for start in range(len(words) - length + 1):
            yield " ".join(words[start : start + length])


def _pieces(run: str) -> Iterator[str]:
    for length in range(1, PIECES + 1):
        for start in range(len(run) - length + 1):
            yield run[start : start + length]
