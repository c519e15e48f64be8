"""Classes that are one class, perhaps, written in two ways."""

from __future__ import annotations

import unicodedata

PAIRS = 5  # named in a sentence
# What goes on from `alike_in_words`, and is followed by how to join them.
EACH_COUNTS = (
    ", and each counts as a class of its own, so that labels look wrong which are only written in another way; where "
    "they are one class, "
)


def alike_in_words(names: list[str]) -> str:
    """ "the classes 'HUM' and 'hum ' differ only in case or blanks"; "" where none do."""
    pairs = _alike(names)
    more = f"; and {len(pairs) - PAIRS} more pairs" if len(pairs) > PAIRS else ""
    return f"the classes {'; '.join(pairs[:PAIRS])}{more} differ only in case or blanks" if pairs else ""


def _alike(names: list[str]) -> list[str]:
    """Pairs of class names that differ only in case, blanks or code points, as ``'HUM' and 'hum '``.

    ``é`` may be one code point or two, which nobody sees.
    """
    seen: dict[str, str] = {}
    pairs = []
    for name in names:
        folded = "".join(unicodedata.normalize("NFKC", name).split()).casefold()
        if folded in seen:
            pairs.append(f"'{seen[folded]}' and '{name}'")
        seen.setdefault(folded, name)
    return pairs
