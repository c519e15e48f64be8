"""Classes that are one class, perhaps, written in two ways."""

from __future__ import annotations

import unicodedata


def alike(names: list[str]) -> list[str]:
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
