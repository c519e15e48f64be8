"""How far off `clc-text noise estimate` is, and how often its interval holds the true share of wrong labels.

    python -m benchmarks.noise_interval runs/sweeps/table4 runs/sweeps/table4_news

Reads what runs of `clc_auto` with injected noise have cross-fitted and prints a line a recipe, as
`recipes/results/noise_estimate.md` has them. Nothing is trained, and nothing written.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from clc_text.artifacts.cross_fit import CrossFit, of_rounds
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.noise.estimation.estimate import estimate
from clc_text.noise.estimation.rate_interval import rate_interval, rate_of


class Found(NamedTuple):
    true: float
    rate: float
    low: float
    high: float
    confident_joint: float
    anchor: float


def measured(run: RunDirectory) -> Found | None:
    """None where nothing was cross-fitted, or the true labels are not known."""
    fitted, labels = CrossFit.load(run.path), run.labels()
    if fitted is None or fitted.learnt_nothing or labels.true is None:
        return None
    given, transition = labels.given, fitted.transition_of_given(labels)
    low, high = rate_interval(fitted.probs, given, transition, 200, of_rounds(fitted.facts))
    joint, anchor = (
        estimate(fitted.probs @ transition, given, method, 0).rate for method in ("confident_joint", "anchor")
    )
    rate = rate_of(fitted.probs, given, transition)
    return Found(float((given != labels.true).mean()), rate, low, high, joint, anchor)


def table(found: dict[str, list[Found]]) -> str:
    def told(rates: list[float], true: list[float]) -> str:
        off = 100 * np.abs(np.subtract(rates, true))
        return f"{100 * np.mean(rates):.1f} ({off.mean():.1f}; {off.max():.1f})"

    lines = [
        "| | true | cross-fitting | its interval | holds the truth | confident joint | anchors |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for recipe, runs in found.items():
        true = [one.true for one in runs]
        cells = [
            f"{100 * np.mean(true):.1f}",
            told([one.rate for one in runs], true),
            f"± {100 * np.mean([(one.high - one.low) / 2 for one in runs]):.1f}",
            f"{sum(one.low <= one.true <= one.high for one in runs)} of {len(runs)}",
            told([one.confident_joint for one in runs], true),
            told([one.anchor for one in runs], true),
        ]
        lines.append("| " + " | ".join([recipe, *cells]) + " |")
    return "\n".join(lines) + "\n"


def main(folders: list[Path]) -> None:
    found: dict[str, list[Found]] = defaultdict(list)
    for path in sorted(path for folder in folders for path in folder.glob("*/*/seed-*/crossfit.json")):
        one = measured(RunDirectory(path.parent))
        if one is not None:
            found[path.parts[-4]].append(one)
    sys.stdout.write(table(found))


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
