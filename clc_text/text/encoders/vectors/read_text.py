"""Word vectors as text: GloVe's format, and word2vec's and fastText's with a header line.

Only the wanted words are turned into numbers, so that 400,000 words of 300 dimensions are read in seconds and need
the memory of the words kept.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from clc_text.errors import InputError
from clc_text.text.encoders.vectors.hashed_file import open_hashed
from clc_text.text.encoders.vectors.table import VectorTable, Wanted, check_finite

# One word in a hundred may be broken bytes, as in files cut from web pages; more means another encoding.
_BROKEN_SHARE = 0.01


def read_text(path: Path, wanted: Wanted) -> VectorTable:
    """The wanted words of a text file, plain or gzip, with or without the header ``words dimension``.

    A word may hold spaces (GloVe 840B has some): the numbers are taken from the right. Of equal words the first
    counts. Words that are not UTF-8 are left out and counted.

    Raises:
        InputError: the file is empty or truncated, not such a file, not UTF-8, or a line (named) has too many or too
            few numbers, or a value that is not finite.
    """
    words: dict[str, int] = {}
    vectors: list[np.ndarray] = []
    lines: list[int] = []
    promised: int | None = None
    dimension = seen = broken = first_broken = 0
    with open_hashed(path) as (file, sha256):
        for number, raw in enumerate(file, 1):
            line = raw.rstrip()
            if not line:
                continue
            if not dimension:
                promised, dimension = _shape(line, path)
                if promised is not None:
                    continue
            seen += 1
            if line.count(b" ") == dimension:
                name, _, values = line.partition(b" ")
            else:
                name, values = _split_from_right(line, dimension, path, number)
            try:
                word = name.decode()
            except UnicodeDecodeError:
                broken += 1
                first_broken = first_broken or number
                continue
            if (seen <= wanted.first or word in wanted.words) and word not in words:
                words[word] = len(words)
                vectors.append(_numbers(values, dimension, path, number))
                lines.append(number)
        digest = sha256()
    if not seen:
        raise InputError(f"{path} holds no word vectors; a line has a word and its numbers")
    if promised is not None and promised != seen:
        raise InputError(
            f"{path} is truncated or damaged: line 1 promises {promised} words, but {seen} follow; get the file again"
        )
    if broken > max(1, _BROKEN_SHARE * seen):
        raise InputError(f"{path} is not UTF-8 ({broken} words, the first in line {first_broken}); save it as UTF-8")
    kept = list(words)
    matrix = np.stack(vectors) if vectors else np.zeros((0, dimension), np.float32)
    check_finite(matrix, kept, str(path), lines)
    source = {"vectors": path.name, "sha256": digest, "words_in_source": seen}
    return VectorTable(kept, matrix, source | ({"words_not_utf8": broken} if broken else {}))


def _shape(line: bytes, path: Path) -> tuple[int | None, int]:
    """(words, dimension) of a header line, or (None, dimension) of a first line of vectors."""
    fields = line.split()
    if len(fields) == 2 and all(field.isdigit() for field in fields) and int(fields[1]) > 0:
        return int(fields[0]), int(fields[1])
    numbers = 0
    while numbers < len(fields) - 1 and _is_number(fields[-1 - numbers]):
        numbers += 1
    if not numbers:
        raise InputError(f"{path} is not a text file of word vectors: line 1 is not a word followed by numbers")
    return None, numbers


def _split_from_right(line: bytes, dimension: int, path: Path, number: int) -> tuple[bytes, bytes]:
    fields = line.split()
    extra = len(fields) - 1 - dimension
    # A word with spaces has no numbers behind its first blank; a line with a number too many has nothing else.
    if extra < 0 or (extra and all(_is_number(field) for field in fields[1 : extra + 1])):
        raise InputError(
            f"{path}: line {number} has {len(fields) - 1} numbers where the first line has {dimension}; "
            "the file is truncated or damaged, get it again"
        )
    return b" ".join(fields[: extra + 1]), b" ".join(fields[extra + 1 :])


def _numbers(values: bytes, dimension: int, path: Path, number: int) -> np.ndarray:
    fields = values.split()
    try:
        with np.errstate(over="ignore"):  # too large becomes infinite, which is refused with its line
            vector = np.array(fields, dtype=np.float32)
    except ValueError:
        vector = np.zeros(0, np.float32)
    if len(vector) != dimension:
        bad = next((field for field in fields if not _is_number(field)), b"").decode(errors="replace")
        raise InputError(f"{path}: line {number} needs {dimension} numbers behind its word, but holds '{bad}'")
    return vector


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
