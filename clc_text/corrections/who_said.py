"""Who said what of a row, where rows have several labels, for people and for tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.votes import KeptVotes
from clc_text.data.votes import Votes

Said = dict[str, "str | dict[str, float]"]
"""Of each source that speaks of a row the class that it names, or how probable it finds each."""

_MOST = 20  # sources that are told of one row


def who_said(run: RunDirectory) -> Callable[[int], Said] | None:
    """Gives what is said of a row, by its number in the run; None where rows have one label.

    Raises:
        InputError: the files of the votes are damaged.
    """
    kept = KeptVotes.load(run.path)
    return None if kept is None else said_of(kept.votes, run.label_names)


def said_of(votes: Votes, names: Sequence[str]) -> Callable[[int], Said]:
    """Gives what is said of a row by votes on classes of these names."""
    ends = np.searchsorted(votes.row, np.arange(votes.rows + 1))

    def said(row: int) -> Said:
        by_source: dict[str, dict[str, float]] = {}
        for entry in range(int(ends[row]), int(ends[row + 1])):
            shares = by_source.setdefault(votes.sources[votes.source[entry]], {})
            shares[names[votes.label[entry]]] = round(float(votes.weight[entry]), 4)
        return {source: next(iter(one)) if one == {next(iter(one)): 1.0} else one for source, one in by_source.items()}

    return said


def in_words(said: Mapping[str, str | dict[str, float]]) -> str:
    """Such as ``ann: spam; llm: spam 80 %, ham 20 %``."""
    told = [f"{source}: {_of_one(one)}" for source, one in list(said.items())[:_MOST]]
    return "; ".join(told) + (f"; and {len(said) - _MOST} more" if len(said) > _MOST else "")


def _of_one(said: str | dict[str, float]) -> str:
    if isinstance(said, str):
        return said
    return ", ".join(f"{name} {share:.0%}" for name, share in sorted(said.items(), key=lambda one: -one[1]))
