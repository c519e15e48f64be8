"""Whether the range that is told of wrong joined labels holds the truth: ``python -m benchmarks.votes_range``.

Drawn crowds: 1,200 rows, sources of 20 labels each that are right on 90 to 98 % of their rows, and a share of rows on
which all err more often, the wrong class being the same for all: what votes alone can hardly show, or not at all. And
the sets of `benchmarks.votes`, with ``--out`` as there (needs CLC_TEXT_DATA). Results: recipes/results/votes.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.votes import CELLS, drawn, table
from clc_text.data.votes import Votes
from clc_text.evidence.voted import joined_by

ROWS, EACH = 1200, 20
# Shares of the rows that are hard, and how often a source is right there.
HARD = [(0.0, 0.5), (0.05, 0.5), (0.02, 0.05), (0.03, 0.3)]
CROWDS = [(2, 2, False), (5, 2, False), (3, 4, True)]  # labels a row, classes, whether there are features


class Crowd(NamedTuple):
    votes: Votes
    true: np.ndarray
    features: np.ndarray | None
    words: Any = None


def crowd(seed: int, labels: int, classes: int, features: bool, hard: float, right: float) -> Crowd:
    """Votes, true classes [N], and features [N, 10] around a mean of each class where asked for."""
    random = np.random.default_rng(1000 + seed)
    sources = ROWS * labels // EACH
    true = random.integers(0, classes, ROWS)
    accuracy = random.uniform(0.9, 0.98, sources)
    source = _dealt(np.repeat(np.arange(sources), EACH), labels, random)
    is_hard = random.random(ROWS) < hard
    common = (true + random.integers(1, classes, ROWS)) % classes
    is_right = random.random((ROWS, labels)) < np.where(is_hard[:, None], right, accuracy[source])
    other = (true[:, None] + random.integers(1, classes, (ROWS, labels))) % classes
    said = np.where(is_right, true[:, None], np.where(is_hard[:, None], common[:, None], other))
    names = [str(one) for one in range(sources)]
    votes = Votes.of(np.repeat(np.arange(ROWS), labels), source.ravel(), said.ravel(), ROWS, names, classes)
    if not features:
        return Crowd(votes, true, None)
    means = np.random.default_rng(7).normal(size=(classes, 10))
    return Crowd(votes, true, (means[true] + random.normal(size=(ROWS, 10))).astype(np.float32))


def _dealt(slots: np.ndarray, labels: int, random: np.random.Generator) -> np.ndarray:
    """int [N, labels], which source labels each row: none twice."""
    random.shuffle(slots)
    dealt = slots.reshape(ROWS, labels)
    while True:
        ordered = np.sort(dealt, 1)
        twice = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(1))
        if not len(twice):
            return dealt
        place, row, other = random.integers(labels), random.integers(ROWS), random.integers(labels)
        dealt[twice[0], place], dealt[row, other] = dealt[row, other], dealt[twice[0], place]


def line(name: str, crowds: Iterable[tuple[int, Crowd]]) -> str:
    """A row of a Markdown table: how often the range held, the truth, and what is told, in percent of the rows."""
    told, wrong = [], []
    for seed, one in crowds:
        found = joined_by(one.votes, one.features, one.words, seed=seed)
        told.append(found.facts["wrong"])
        wrong.append(float((found.posterior.argmax(1) != one.true).mean()))
    low, middle, high = 100 * np.mean(told, 0)
    held = sum(least <= share <= most for (least, _, most), share in zip(told, wrong, strict=True))
    return f"| {name} | {held} of {len(wrong)} | {100 * np.mean(wrong):.1f} | {middle:.1f} ({low:.1f} to {high:.1f}) |"


def main() -> None:
    parser = argparse.ArgumentParser(description="Whether the range told of wrong joined labels holds the truth.")
    parser.add_argument("--seeds", type=int, nargs=2, default=(5, 30), help="of drawn crowds, from and to")
    parser.add_argument("--draws", type=int, nargs="+", default=list(range(5)), help="of the sets")
    parser.add_argument("--sets", nargs="*", default=[], help="of benchmarks.votes")
    parser.add_argument("--out", type=Path, default=Path("runs/votes"))
    chosen = parser.parse_args()
    sys.stdout.write("| | range holds | true | told |\n|---|---:|---:|---:|\n")
    for labels, classes, features in CROWDS if not chosen.sets else ():
        for hard, right in HARD:
            name = f"{labels} a row, {classes} classes{', features' * features}"
            name += f"; {hard:.0%} of the rows hard, right on {right:.0%} there" if hard else ""
            seeds = range(*chosen.seeds)
            found = ((seed, crowd(seed, labels, classes, features, hard, right)) for seed in seeds)
            sys.stdout.write(line(name, found) + "\n")
    for name, labels in CELLS:
        if name in chosen.sets:
            rows = table(name, chosen.out / "features")
            of_draws = (
                (draw, Crowd(drawn(rows.votes, labels, draw), rows.true, rows.features, rows.words))
                for draw in chosen.draws
            )
            sys.stdout.write(line(f"{name}, {labels} a row", of_draws) + "\n")


if __name__ == "__main__":
    main()
