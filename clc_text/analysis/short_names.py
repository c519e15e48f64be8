"""Names of classes in the room that a legend or a button has, so that different names stay different."""

from __future__ import annotations

from collections.abc import Sequence

from clc_text.utils.shown import printable

LONGEST = 26
_CONTEXT = 12  # letters, at most, of the word around a difference: "11" beside "1", and not "1" beside nothing
_HEAD = 10  # of the name's beginning, where there is room for the word


def short_names(names: Sequence[str], at_most: int = LONGEST) -> list[str]:
    """Each name printable and, where it is longer, shortened; of different names no two come out the same.

    Long names lose their middle (see `short_name`). Where that makes some the same, those show what they differ in;
    what is the same even then (such as names that differ in invisible characters only) is numbered.
    """
    shown = [printable(name) for name in names]
    short = [short_name(name, at_most) for name in names]
    for alike in _alike(short):
        different = sorted({shown[place] for place in alike})
        if len(different) > 1:
            cut = dict(zip(different, _differing(different, at_most), strict=True))
            for place in alike:
                short[place] = cut[shown[place]]
    return _numbered(names, short, at_most)


def _alike(found: Sequence[str]) -> list[list[int]]:
    """The places of each text that stands more than once."""
    places: dict[str, list[int]] = {}
    for place, text in enumerate(found):
        places.setdefault(text, []).append(place)
    return [those for those in places.values() if len(those) > 1]


def _differing(names: list[str], at_most: int) -> list[str]:
    """Each name's beginning and what none of the others has there: ``head…difference…``."""
    start = _common(names)
    end = _common([name[start:][::-1] for name in names])
    longest = max(map(len, names)) - start - end
    context = min(_CONTEXT, max(0, (at_most - _HEAD - longest) // 2))
    start -= _of_a_word(names[0][:start][::-1][:context])
    end -= _of_a_word(names[0][len(names[0]) - end :][:context])
    parts = [name[start : len(name) - end] for name in names]
    after = "…" if end else ""
    room = at_most - max(map(len, parts)) - len(after)
    if room >= start:
        return [f"{names[0][:start]}{part}{after}" for part in parts]
    if room >= 1:
        return [f"{names[0][: room - 1]}…{part}{after}" for part in parts]
    half = (at_most - 2 - len(after)) // 2  # the differences themselves are too long
    return [f"…{part if len(part) <= 2 * half else f'{part[:half]}…{part[-half:]}'}{after}" for part in parts]


def _common(texts: list[str]) -> int:
    """How many characters all texts begin with."""
    first, last = min(texts), max(texts)  # in the order of the alphabet, so the others lie between
    return next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))


def _of_a_word(text: str) -> int:
    """How many letters and digits the text begins with."""
    return next((place for place, char in enumerate(text) if not char.isalnum()), len(text))


def _numbered(names: Sequence[str], found: Sequence[str], at_most: int) -> list[str]:
    """The texts, with a number after all but the first of those that stand for different names all the same."""
    given: dict[str, str] = {}
    taken: set[str] = set()
    last: dict[str, int] = {}
    for name, plain in zip(names, found, strict=True):
        if name in given:
            continue
        text = plain
        while text in taken:
            last[plain] = last.get(plain, 1) + 1
            mark = f" ({last[plain]})"
            text = plain[: max(0, at_most - len(mark))] + mark
        taken.add(text)
        given[name] = text
    return [given[name] for name in names]


def short_name(name: str, at_most: int = 26) -> str:
    """A class's name, printable; a longer one loses its middle, since names often differ at their ends."""
    name = printable(name)
    if len(name) <= at_most:
        return name or "(no name)"
    head = (at_most - 1) // 2
    return f"{name[:head]}…{name[len(name) - (at_most - 1 - head) :]}"
