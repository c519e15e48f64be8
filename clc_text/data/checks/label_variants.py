"""Class names that are one name to a reader: 'Mac', 'Mac ', 'mac'."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping


def label_variants(rows: Mapping[str, int]) -> list[dict[str, int]]:
    """The groups of names that differ in case, blanks or code points only, the most frequent name first in each.

    ``é`` may be one code point or two, which nobody sees; neither does anybody see a zero-width blank.

    Args:
        rows: name -> how many rows have it.

    Returns:
        Of each group of two names or more: name -> rows; of equally frequent names the shortest is first.
    """
    groups: dict[str, list[str]] = {}
    for name in rows:
        groups.setdefault(folded(name), []).append(name)
    found = []
    for names in groups.values():
        if len(names) > 1:
            ordered = sorted(names, key=lambda name: (-rows[name], len(name), name))
            found.append({name: rows[name] for name in ordered})
    return found


def folded(name: str) -> str:
    """What is left of a name that is read aloud."""
    seen = "".join(char for char in unicodedata.normalize("NFKC", name) if unicodedata.category(char) != "Cf")
    return unicodedata.normalize("NFKC", "".join(seen.split()).casefold())


def label_map(variants: list[dict[str, int]]) -> str:
    """The lines of a recipe's `data:` section that join every group under its most frequent name.

    Names stand in double quotes, so that their blanks are seen; what a reader cannot tell from another sign is written
    as its number.
    """
    lines = ["label_map:"]
    for group in variants:
        keep, *others = group
        lines += [f"  {_quoted(name)}: {_quoted(keep)}" for name in others]
    return "\n".join(lines)


def _quoted(name: str) -> str:
    """As YAML reads it between double quotes."""
    return '"' + "".join(char if _is_plain(char) else f"\\U{ord(char):08x}" for char in name) + '"'


def _is_plain(char: str) -> bool:
    one_of_its_own = unicodedata.normalize("NFKC", char) == char and not unicodedata.combining(char)
    return one_of_its_own and char.isprintable() and char not in '"\\'
