"""`find_issues(labels, features=...)` beside what one writes with cleanlab: ``python -m benchmarks.features_alone``.

The rival is a logistic regression, cross-validated on the same features, ranked by either of cleanlab's scores. Told
are the average precision of both and of ours, the shares of wrong rows among the first, what our corrections make of
the labels, which share of them we say is wrong, and the processor time of one thread. Calls take turns within one
process (`benchmarks.interleaved`), so that a busy machine slows both. The sets are those of `benchmarks.ranking` and
images as people labelled them (`benchmarks.cifar10n`). Needs CLC_TEXT_DATA.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks import cifar10n
from benchmarks.interleaved import Ratio, interleave, ratio
from benchmarks.ranking import SETTINGS, Table, linear_folds, made, ranked, right
from clc_text.api.issues import Issues, find_issues
from clc_text.api.ranked import Ranked

SCORES = ("self_confidence", "normalized_margin")


def tables(seed: int, kept: Path, only: Sequence[str]) -> Iterator[tuple[str, Table]]:
    """The sets whose name holds one of some words, by name; features are kept in a folder."""

    def wanted(name: str) -> bool:
        return any(word in name for word in only)

    for setting in SETTINGS:
        if setting.noise != "clean" and wanted(setting.name):
            yield setting.name, made(setting, seed, kept)
    names = {f"images, {name}": column for name, column in cifar10n.COLUMNS.items() if wanted(f"images, {name}")}
    if names:
        drawn = cifar10n.images(10 + seed, kept)
        for name, column in names.items():
            yield name, Table([], drawn.features, drawn.said[column], drawn.true, 10)


def ours(table: Table, seed: int) -> Issues:
    found: Ranked = find_issues(table.given, features=table.features, label_names=range(table.classes), seed=seed)
    assert isinstance(found, Issues) and found.judged is not None
    return found


def told(found: Issues, table: Table) -> dict[str, float]:
    """How well our ranking, labels and share of wrong labels do."""
    assert found.judged is not None
    wrong = 1 - right(table.given, table)
    return ranked(found.judged.wrong, table) | {
        "given": 1 - wrong,
        "default": right(found.corrected().astype(np.int64), table),
        "doubt": right(found.corrected("doubt").astype(np.int64), table),
        "rate": found.noise_rate,
        "held": float(found.interval[0] <= wrong <= found.interval[1]),
        "low": found.interval[0],
        "high": found.interval[1],
    }


def theirs(table: Table, seed: int) -> dict[str, np.ndarray]:
    """The same by cleanlab, by the name of the score."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    probs = linear_folds(table.features, table.given, seed)
    find_label_issues(table.given, probs, n_jobs=1)
    return {score: -get_label_quality_scores(table.given, probs, method=score) for score in SCORES}


def times(table: Table, seed: int, rounds: int) -> Ratio:
    """How many times as long as cleanlab's ours takes."""

    def again(call: Callable[[Table, int], object]) -> Iterator[None]:
        while True:
            call(table, seed)
            yield

    _, found = interleave({"ours": again(ours), "cleanlab": again(theirs)}, rounds)
    return ratio([one.cpu for one in found["cleanlab"]], [one.cpu for one in found["ours"]])


def main() -> None:
    parser = argparse.ArgumentParser(description="find_issues with features alone, beside cleanlab.")
    parser.add_argument("--out", type=Path, default=Path("runs/ranking"), help="where features are kept")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--only", nargs="+", default=[""], help="sets whose name holds one of these")
    parser.add_argument("--rounds", type=int, default=7, help="calls of each that are timed, on the first seed's sets")
    chosen = parser.parse_args()
    found: dict[str, dict[str, list[dict[str, float]]]] = {}
    ratios: dict[str, Ratio] = {}
    for seed in chosen.seeds:
        for name, table in tables(seed, chosen.out / "features", chosen.only):
            if seed == chosen.seeds[0] and chosen.rounds:
                ratios[name] = times(table, seed, chosen.rounds)
            by_whom = {who: ranked(scores, table) for who, scores in theirs(table, seed).items()}
            for who, figures in (by_whom | {"ours": told(ours(table, seed), table)}).items():
                found.setdefault(name, {}).setdefault(who, []).append(figures)
            sys.stderr.write(f"{name}, seed {seed}\n")
    sys.stdout.write(as_table(found, ratios))


def as_table(found: dict[str, dict[str, list[dict[str, float]]]], ratios: dict[str, Ratio]) -> str:
    """Markdown: a line a set, means over its seeds, ± the deviation between them; time as a multiple of cleanlab's."""
    lines = ["| set | self-confidence | normalised margin | `find_issues` | first, as many as wrong: cleanlab | "
             "`find_issues` | right: given | `default` | `doubt` | share told | range | held | time |",
             "|---|---:|---:|---:|---|---|---:|---:|---:|---:|---:|---:|---:|"]  # fmt: skip
    for name, by_whom in found.items():
        mean = {
            who: {figure: statistics.mean(one[figure] for one in seeds) for figure in seeds[0]}
            for who, seeds in by_whom.items()
        }
        precision = [f"{mean[who]['average precision']:.3f}" for who in (*SCORES, "ours")]
        precision[-1] += f" ± {statistics.pstdev(one['average precision'] for one in by_whom['ours']):.3f}"
        firsts = [figure for figure in mean["ours"] if figure.startswith(("first", "as many"))]
        best = " ".join(f"{max(mean[who][figure] for who in SCORES):.2f}" for figure in firsts)
        own = mean["ours"]
        first = " ".join(f"{own[figure]:.2f}" for figure in firsts)
        labels = [f"{100 * own[figure]:.1f}" for figure in ("given", "default", "doubt", "rate")]
        reach = f"{100 * own['low']:.0f} to {100 * own['high']:.0f}"
        held = f"{sum(one['held'] for one in by_whom['ours']):.0f}/{len(by_whom['ours'])}"
        taken = f"{ratios[name].median:.1f}" if name in ratios else ""
        lines.append(f"| {' | '.join((name, *precision, best, first, *labels, reach, held, taken))} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
