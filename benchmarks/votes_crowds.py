"""Crowds that nothing was chosen by, without texts: ``python -m benchmarks.votes_crowds``.

1,000 drawn rows, ten or thirty people of differing skill and zeal, and a row's labels by one to five of them. Every
cell of the grid is a crowd, drawn twice; `--cells` of them, in an order that is drawn. How many of the joined labels
are right beside the majority's and Dawid and Skene's, and whether the range that is told of the wrong ones holds the
truth. Results: recipes/results/votes.md.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.votes import right
from clc_text.data.votes import Votes
from clc_text.noise.votes.cross_fit import cross_fit_votes
from clc_text.noise.votes.dawid_skene import dawid_skene

ROWS = 1000
SEEDS = (10, 11)


class Cell(NamedTuple):
    """`shares` of the classes, `errors` (see `matrices`), and the least and most that people are right by `skill`."""

    classes: int
    per_row: int
    shares: str
    errors: str
    skill: tuple[float, float]
    people: int


GRID = [
    Cell(*cell)
    for cell in itertools.product(
        (2, 4, 8),
        (1, 2, 3, 5),
        ("even", "uneven", "rare"),
        ("alike", "skewed", "common", "spam"),
        ((0.5, 0.95), (0.7, 0.95)),
        (10, 30),
    )
]


def matrices(cell: Cell, random: np.random.Generator) -> np.ndarray:
    """float64 [J, C, C]: errors alike to all classes; everybody's own (skewed); common to all, to the next class,
    every other class being harder; or alike, but of three in ten people who guess (spam)."""
    classes = cell.classes
    skills = random.uniform(*cell.skill, cell.people)
    found = np.zeros((cell.people, classes, classes))
    for person, true in itertools.product(range(cell.people), range(classes)):
        errs, skill = np.ones(classes), skills[person]
        if cell.errors == "skewed":
            errs = random.dirichlet(np.full(classes, 0.5)) + 1e-3
            skill = np.clip(skill + random.normal(0, 0.12), 0.05, 0.99)
        elif cell.errors == "common":
            errs = np.full(classes, 0.1)
            errs[(true + 1) % classes] = 1
            skill = np.clip(skill + (0.1 if true % 2 == 0 else -0.2), 0.05, 0.99)
        elif cell.errors == "spam" and person < 0.3 * cell.people:
            skill = 1 / classes
        errs[true] = 0
        found[person, true] = (1 - skill) * errs / errs.sum()
        found[person, true, true] = skill
    return found


def crowd(cell: Cell, seed: int) -> tuple[Votes, np.ndarray]:
    """The labels, and the true classes [N]."""
    classes, people = cell.classes, cell.people
    random = np.random.default_rng([seed, classes, cell.per_row, people])
    shares = {"even": np.ones(classes), "uneven": 0.5 ** np.arange(classes)}.get(cell.shares)
    if shares is None:
        shares = np.r_[0.9, np.full(classes - 1, 0.1 / (classes - 1))]
    true = random.choice(classes, ROWS, p=shares / shares.sum())
    said = matrices(cell, random)
    zeal = random.gamma(1.0, 1, people) + 0.05
    table = np.full((ROWS, people), -1)
    for row in range(ROWS):
        for person in random.choice(people, cell.per_row, replace=False, p=zeal / zeal.sum()):
            table[row, person] = random.choice(classes, p=said[person, true[row]])
    return Votes.of_table(table, classes), true


def measured(votes: Votes, true: np.ndarray) -> list[float]:
    """Right labels by the majority, Dawid and Skene, and joined, in percent; and whether the range holds."""
    found = cross_fit_votes(votes, None)
    wrong = float((found.posterior.argmax(1) != true).mean())
    low, _, high = found.facts["wrong"]
    beliefs = (votes.majority, dawid_skene(votes).posterior, found.posterior)
    return [*(right(belief, true) for belief in beliefs), float(low <= wrong <= high)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Crowds that nothing was chosen by.")
    parser.add_argument("--cells", type=int, default=255, help=f"of {len(GRID)}")
    order = np.random.default_rng(1).permutation(len(GRID))[: parser.parse_args().cells]
    cells = [GRID[place] for place in order]
    figures = {cell: [measured(*crowd(cell, seed)) for seed in SEEDS] for cell in cells}
    of: dict[str, Callable[[Cell], bool]] = {"all": lambda cell: True}
    for number in (1, 2, 3, 5):
        of[f"{number} a row"] = lambda cell, number=number: cell.per_row == number  # type: ignore[misc]
    for name in ("alike", "skewed", "common", "spam"):
        of[f"2 to 5 a row, errors {name}"] = lambda cell, name=name: (  # type: ignore[misc]
            cell.errors == name and cell.per_row > 1
        )
    echo = sys.stdout.write
    echo("| | crowds | majority | Dawid–Skene | joined | below the better by 2 | range holds |\n")
    echo("|---|---:|---:|---:|---:|---:|---:|\n")
    for title, within in of.items():
        found = np.array([one for cell in cells if within(cell) for one in figures[cell]])
        below = int((found[:, 2] < found[:, :2].max(1) - 2).sum())
        means = " | ".join(f"{mean:.1f}" for mean in found[:, :3].mean(0))
        echo(f"| {title} | {len(found)} | {means} | {below} | {100 * found[:, 3].mean():.0f} % |\n")


if __name__ == "__main__":
    main()
