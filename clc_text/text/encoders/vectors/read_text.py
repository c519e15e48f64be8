"""Word vectors as text: GloVe's format, and word2vec's and fastText's with a header line.

Only the wanted words are turned into numbers, so that 400,000 words of 300 dimensions are read in seconds and need
the memory of the words kept.
"""

from __future__ import annotations

import codecs
from pathlib import Path

import numpy as np

from clc_text.errors import InputError
from clc_text.text.encoders.vectors.gathered import Gathered
from clc_text.text.encoders.vectors.hashed_file import open_hashed
from clc_text.text.encoders.vectors.table import VectorTable, Wanted

_LINES_AT_ONCE = 256


def read_text(path: Path, wanted: Wanted) -> VectorTable:
    """The wanted words of a text file, plain or gzip, with or without the header ``words dimension``.

    A word may hold spaces (GloVe 840B has some): the numbers are taken from the right. Where a header says how many
    there are, it may also be blank, or hold numbers. Of equal words the first counts. Words that are not UTF-8 are
    left out and counted.

    Raises:
        InputError: the file is empty or truncated, not such a file, not UTF-8, or a line (named) has too many or too
            few numbers, or a value that is not finite.
    """
    promised: int | None = None
    gathered: Gathered | None = None
    words: list[str] = []
    values: list[bytes] = []
    lines: list[int] = []
    with open_hashed(path) as (file, sha256):
        for number, raw in enumerate(file, 1):
            line = (raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw).rstrip()
            if not line:
                continue
            if gathered is None:
                promised, dimension = _shape(line, path)
                gathered = Gathered(path, wanted, dimension)
                if promised is not None:
                    continue
            if line.count(b" ") == dimension:
                name, _, numbers = line.partition(b" ")
            else:
                name, numbers = _split_from_right(line, dimension, path, number, certain=promised is not None)
            if (word := gathered.claim(name, number)) is not None:
                words.append(word)
                values.append(numbers)
                lines.append(number)
                if len(lines) == _LINES_AT_ONCE:
                    gathered.add(_matrix(values, dimension, path, lines), words, lines, "line")
                    words, values, lines = [], [], []
        digest = sha256()
    if gathered is None or not gathered.seen:
        raise InputError(f"{path} holds no word vectors; a line has a word and its numbers", where=path)
    if promised is not None and promised != gathered.seen:
        raise InputError(
            f"{path} is truncated or damaged: line 1 promises {promised} words, but {gathered.seen} follow; "
            "get the file again",
            where=path,
        )
    if lines:
        gathered.add(_matrix(values, dimension, path, lines), words, lines, "line")
    return gathered.table(digest)


def _shape(line: bytes, path: Path) -> tuple[int | None, int]:
    """(words, dimension) of a header line, or (None, dimension) of a first line of vectors."""
    fields = line.split()
    if len(fields) == 2 and all(field.isdigit() for field in fields) and int(fields[1]) > 0:
        return int(fields[0]), int(fields[1])
    numbers = 0
    while numbers < len(fields) - 1 and _is_number(fields[-1 - numbers]):
        numbers += 1
    if not numbers:
        raise InputError(
            f"{path} is not a text file of word vectors: line 1 is not a word followed by numbers", where=path
        )
    return None, numbers


def _split_from_right(line: bytes, dimension: int, path: Path, number: int, certain: bool) -> tuple[bytes, bytes]:
    """A word and its numbers; `certain`: a header says how many numbers."""
    if certain:
        name, *numbers = line.rsplit(b" ", dimension)
        if len(numbers) == dimension and all(map(_is_number, numbers)):
            return name, b" ".join(numbers)
    fields = line.split()
    extra = len(fields) - 1 - dimension
    # A word with spaces has no numbers behind its first blank; a line with a number too many has nothing else.
    if extra < 0 or (extra and all(_is_number(field) for field in fields[1 : extra + 1])):
        raise InputError(
            f"{path}: line {number} has {len(fields) - 1} numbers where the first line has {dimension}; "
            "the file is truncated or damaged, get it again",
            where=str(path),
            row=number,
        )
    return b" ".join(fields[: extra + 1]), b" ".join(fields[extra + 1 :])


def _matrix(values: list[bytes], dimension: int, path: Path, lines: list[int]) -> np.ndarray:
    """float32 [lines, D]; Arrow turns text into numbers some four times faster than NumPy, a block at a time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        fields = pc.split_pattern(pa.array([b" ".join(values)], pa.large_string()), " ").flatten()
        matrix = pc.cast(fields, pa.float32()).to_numpy()
    except pa.ArrowInvalid:
        matrix = np.zeros(0, np.float32)
    if matrix.size == len(lines) * dimension:
        return matrix.reshape(len(lines), dimension)
    return np.stack([_numbers(line, dimension, path, number) for line, number in zip(values, lines, strict=True)])


def _numbers(values: bytes, dimension: int, path: Path, number: int) -> np.ndarray:
    fields = values.split()
    try:
        with np.errstate(over="ignore"):  # too large becomes infinite, which is refused with its line
            vector = np.array(fields, dtype=np.float32)
    except ValueError:
        vector = np.zeros(0, np.float32)
    if len(vector) != dimension:
        bad = next((field for field in fields if not _is_number(field)), b"").decode(errors="replace")
        raise InputError(
            f"{path}: line {number} needs {dimension} numbers behind its word, but holds '{bad}'",
            where=str(path),
            row=number,
        )
    return vector


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
