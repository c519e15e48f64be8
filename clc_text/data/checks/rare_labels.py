"""Labels that hardly anybody gives: a class of few rows, or a slip of the pen that has become a class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from clc_text.data.checks.label_variants import folded
from clc_text.data.task import Task
from clc_text.data.votes import Votes
from clc_text.errors import close_name, some_of

FEW = 5  # rows on which one source alone says a class, where there are several sources
FEWEST = 2  # rows of a class, where each row has one label
ALIKE = 0.8  # difflib's ratio from which a name may be another one, misspelt
MOST = 20  # that are told


class RareLabel(TypedDict):
    """Keys: ``label``; ``rows``, their numbers, as the file counts them, or from 0; ``noun``, what these count;
    ``source``, who says it, None with one label a row; ``like``, a class so called that more rows have, or None."""

    label: str
    rows: list[int]
    noun: str
    source: str | None
    like: str | None


def rare_labels(task: Task) -> list[RareLabel]:
    """The classes that only one of several sources ever says, on few rows; with one label a row, those of the fewest
    rows."""
    if task.asked or task.distribution is not None:
        return []
    if task.votes is not None:
        return rare_votes(task.votes, task.label_names, task.source_row, task.row_noun)
    given, names = task.given_labels, task.label_names
    counts = np.bincount(given, minlength=len(names))
    rare = np.flatnonzero((counts > 0) & (counts <= FEWEST))[:MOST]
    found = [(int(label), np.flatnonzero(given == label), None) for label in rare]
    return [_told(one, names, counts, task.source_row, task.row_noun) for one in found]


def rare_votes(
    votes: Votes, names: Sequence[str], source_row: np.ndarray | None = None, noun: str = "row"
) -> list[RareLabel]:
    """`rare_labels` of several labels a row.

    Args:
        names: [C], of the classes.
        source_row: int64 [N], what the file calls each row by, which `noun` counts; None: rows are counted from 0.
    """
    counts = np.bincount(votes.label, minlength=len(names))
    few = np.flatnonzero((counts > 0) & (counts <= FEW) & (len(votes.sources) > 1))
    found = []
    for label in few:
        entries = np.flatnonzero(votes.label == label)
        source = votes.source[entries]
        if (source == source[0]).all():
            found.append((int(label), votes.row[entries], votes.sources[source[0]]))
    return [_told(one, names, counts, source_row, noun) for one in found[:MOST]]


def _told(
    found: tuple[int, np.ndarray, str | None],
    names: Sequence[str],
    counts: np.ndarray,
    source_row: np.ndarray | None,
    noun: str,
) -> RareLabel:
    label, rows, source = found
    # What differs in case or blanks alone is told as one class written in several ways, with the same remedy.
    here = folded(names[label])
    others = [name for name, count in zip(names, counts, strict=True) if count > len(rows) and folded(name) != here]
    return {
        "label": names[label],
        "rows": (rows if source_row is None else source_row[rows]).tolist(),
        "noun": noun if source_row is not None else "row (from 0)",
        "source": source,
        "like": close_name(names[label], others, ALIKE),
    }


def in_words(rare: Sequence[RareLabel], of_recipe: bool = True) -> list[str]:
    """A sentence on each of the labels that are likely to be slips: those that one source alone says, or that are
    spelt like another class.

    Args:
        of_recipe: whether they are mended by keys of a recipe, and not where they come from.
    """
    names = "data.label_names" if of_recipe else "label_names"
    told = []
    for one in rare:
        if one["source"] is None and one["like"] is None:
            continue
        rows = some_of([str(row) for row in one["rows"]])
        place = f"{one['noun']} {rows}"
        who = "" if one["source"] is None else f" by {one['source']} alone"
        like = "" if one["like"] is None else f" and is spelt like '{one['like']}'"
        what = "correct it there"
        if one["like"] is not None and of_recipe:
            what = f"data.label_map={{{_in_yaml(one['label'])}: {_in_yaml(one['like'])}}} reads it so"
        told.append(
            f"the label '{one['label']}' is given{who} on {place}{like}: if it is no class of its own, {what}; "
            f"{names} lists the classes, and refuses any other"
        )
    return told


def _in_yaml(name: str) -> str:
    """A class in a map; YAML would take blanks around it away."""
    return name if name == name.strip() else f'"{name}"'
