"""Two or three people who label all rows, and nobody beside them: ``python -m benchmarks.votes_few``.

600 drawn rows, no texts. How many of the joined labels are right beside the majority (a tie counts for its share of a
row), how many of the last class are found, and whether the range that is told of the wrong ones holds the truth.
Seeds 0 to 51 chose what is in `clc_text.noise.votes`; the default ones did not. Results: recipes/results/votes.md.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from benchmarks.votes import right
from clc_text.data.votes import Votes
from clc_text.noise.votes.cross_fit import cross_fit_votes

ROWS = 600
# The classes' shares, and how often each person is right, on all classes alike: errors are to any other class.
ALIKE: list[tuple[list[float], list[float]]] = [
    ([0.5, 0.5], [0.8, 0.8]),
    ([0.5, 0.5], [0.9, 0.7]),
    ([0.5, 0.5], [0.8, 0.5]),
    ([0.7, 0.3], [0.8, 0.8]),
    ([0.96, 0.04], [0.9, 0.9]),
    ([0.25] * 4, [0.9, 0.6]),
    ([0.25] * 4, [0.8, 0.25]),
    ([0.5, 0.5], [0.8] * 3),
    ([0.5, 0.5], [0.9, 0.7, 0.7]),
    ([0.7, 0.3], [0.8] * 3),
    ([0.9, 0.1], [0.8] * 3),
    ([0.96, 0.04], [0.9] * 3),
    ([0.96, 0.04], [0.8] * 3),
    ([0.96, 0.04], [0.8] * 5),
    ([0.4, 0.3, 0.2, 0.06, 0.04], [0.75] * 3),
]
# Shares of two classes, how often each of them is taken for the other, and by how many people.
UNLIKE = [([0.5, 0.5], [0.02, 0.4], 2), ([0.7, 0.3], [0.05, 0.35], 2), ([0.5, 0.5], [0.02, 0.4], 3)]


def alike(shares: list[float], accuracies: list[float], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What each says of each row, int64 [N, J], and the true classes [N]."""
    random, classes = np.random.default_rng(seed), len(shares)
    true = random.choice(classes, ROWS, p=shares)
    other = (true + random.integers(1, classes, (len(accuracies), ROWS))) % classes
    return np.where(random.random(other.shape) < np.array(accuracies)[:, None], true, other).T, true


def unlike(shares: list[float], errs: list[float], people: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """As `alike`."""
    random = np.random.default_rng(seed)
    true = random.choice(2, ROWS, p=shares)
    wrong = random.random((ROWS, people)) < np.array(errs)[true][:, None]
    return np.where(wrong, 1 - true[:, None], true[:, None]), true


def line(name: str, crowds: list[tuple[np.ndarray, np.ndarray]], classes: int) -> str:
    """A row of a Markdown table, in percent of the rows."""
    figures = []
    for said, true in crowds:
        votes = Votes.of_table(said, classes)
        found = cross_fit_votes(votes, None)
        labels = found.posterior.argmax(1)
        low, middle, high = found.facts["wrong"]
        wrong, last = float((labels != true).mean()), true == classes - 1
        holds = low <= wrong <= high
        of_last = float((labels[last] == true[last]).mean())
        shares = [right(belief, true) / 100 for belief in (votes.majority, found.posterior)]
        figures.append([*shares, of_last, wrong, low, middle, high, float(holds)])
    mean = 100 * np.mean(figures, 0)
    held = f"{round(sum(one[-1] for one in figures))} of {len(figures)}"
    return (
        f"| {name} | {mean[0]:.1f} | {mean[1]:.1f} | {mean[2]:.0f} | {held} | {mean[3]:.1f} | "
        f"{mean[5]:.1f} ({mean[4]:.1f} to {mean[6]:.1f}) |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Two or three people's labels, joined.")
    parser.add_argument("--seeds", type=int, nargs=2, default=(60, 80), help="from and to")
    seeds = range(*parser.parse_args().seeds)
    echo = sys.stdout.write
    echo("| classes' shares; people right on | majority | joined | of the last class | range holds | wrong | told |\n")
    echo("|---|---:|---:|---:|---:|---:|---:|\n")
    for shares, accuracies in ALIKE:
        crowds = [alike(shares, accuracies, seed) for seed in seeds]
        echo(line(f"{_percents(shares)}; {_percents(accuracies)}", crowds, len(shares)) + "\n")
    for shares, errs, people in UNLIKE:
        crowds = [unlike(shares, errs, people, seed) for seed in seeds]
        of_class = _percents([1 - err for err in errs])
        echo(line(f"{_percents(shares)}; {people} people, of each class {of_class}", crowds, 2) + "\n")


def _percents(shares: list[float]) -> str:
    return ", ".join(f"{100 * share:.0f}" for share in shares)


if __name__ == "__main__":
    main()
