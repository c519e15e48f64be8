"""How often the interval of `clc-text noise estimate` holds the true share of wrong labels.

    python -m benchmarks.noise_interval runs/sweeps/table4 runs/sweeps/table4_news

Reads what runs of `clc_auto` with injected noise have cross-fitted (RUN/crossfit.safetensors) and prints a line a
recipe, as `recipes/results/noise_estimate.md` has them. Nothing is trained.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.runs.noise_estimate import estimate_of_run


def main(folders: list[Path]) -> None:
    found: dict[str, list[tuple[float, float, bool, float]]] = defaultdict(list)
    for facts in sorted(path for folder in folders for path in folder.glob("**/crossfit.json")):
        run = RunDirectory(facts.parent)
        told = estimate_of_run(run.path)
        if told.true_rate is None or not told.estimates or told.estimates[0].interval is None:
            continue
        rate, (low, high) = told.estimates[0].rate, told.estimates[0].interval
        found[run.path.parts[-3]].append((rate, told.true_rate, low <= told.true_rate <= high, (high - low) / 2))
    lines = ["| | runs | off by, mean; largest | half the interval | holds the truth |", "|---|---:|---:|---:|---:|"]
    for recipe, runs in found.items():
        off = 100 * np.abs([rate - true for rate, true, _, _ in runs])
        half, held = 100 * np.mean([one[3] for one in runs]), sum(one[2] for one in runs)
        lines.append(f"| {recipe} | {len(runs)} | {off.mean():.1f}; {off.max():.1f} | {half:.1f} | {held} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
