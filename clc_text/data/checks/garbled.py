"""Texts that something went wrong with on their way: bytes read in another encoding, control characters, markup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

# By what is looked for: a regular expression (RE2). UTF-8 that was read as Windows-1252 or Latin-1 leaves a letter of
# the first set before one of the second, which no language writes.
KINDS = {
    "a character was lost (�)": "\ufffd",
    "UTF-8 was read in another encoding (Ã©, â€™)": (
        "[ÂÃÎÏÐÑ][\u0080-\u00bf]|â[\u0080-\u009f€][\u0080-\u00bf™œžŸ“”‘’•–—˜š›¢¦]|Ã[‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ€]"
    ),
    "control characters": "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u0080-\u009f]",
    "HTML entities or tags": (
        r"&(?:#\d{2,6}|#x[0-9a-fA-F]{2,5}|amp|lt|gt|quot|nbsp|apos);"
        r"|</?(?:p|br|div|span|a|b|i|li|ul|td|tr)\b[^<>]{0,200}>"
    ),
}


def garbled(texts: pa.ChunkedArray) -> dict[str, np.ndarray]:
    """int64, the rows of the texts [N] in which each of `KINDS` stands; kinds that stand nowhere are left out."""
    import pyarrow.compute as pc

    filled, found = pc.fill_null(texts, ""), {}
    for kind, wanted in KINDS.items():
        rows = np.flatnonzero(np.asarray(pc.match_substring_regex(filled, wanted)))
        if len(rows):
            found[kind] = rows
    return found


def empty_rows(texts: Sequence[str]) -> np.ndarray:
    """int64, the rows of the texts [N] in which nothing but blanks stands."""
    return np.flatnonzero([not text.strip() for text in texts])
