"""Rows whose classes are more or less common than among the training rows: ``python -m benchmarks.told_of_test --out
FOLDER`` (needs CLC_TEXT_DATA).

The crowds of `benchmarks.real_noise`, whose test rows have even classes and whose training rows have not. The test
accuracy of networks as they are; of the same ones, told that classes are even among the test rows (`predict --share
even`); and of networks trained with balanced class weights. A cell that is there is not measured again; ``--table``
writes what is there as Markdown. Results: recipes/results/told_shares.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.real_noise import CROWD, LAST, prepared_of, recipe_of, table
from clc_text.data.class_shares import ClassShares
from clc_text.inference.predictor import Predictions
from clc_text.utils.files import write_json

METHODS = ("standard", "clc_auto", "elr")


def measure(name: str, method: str, seed: int, balanced: bool, out: Path) -> dict[str, float]:
    """Last-10 accuracy, as the networks are and told the shares among the test rows."""
    from clc_text.config.recipe import from_dict
    from clc_text.runs.build import build_trainer

    rows = table(f"minilm {name}", seed, out / "features")
    recipe = recipe_of("minilm", method, seed)
    if balanced:
        recipe = from_dict(recipe.to_dict(), overrides=["training.class_weights=balanced"])
    prepared = prepared_of(rows, recipe)
    shares = ClassShares.of("even", range(rows.classes))
    right: list[list[float]] = []

    def listen(result: Any) -> None:
        plain = Predictions(result.test_log_probs.numpy())
        told = plain.with_shares(shares)
        right.append([float((one.log_probs.argmax(-1) == rows.test).mean()) for one in (plain, told)])

    with tempfile.TemporaryDirectory() as folder:
        build_trainer(recipe, Path(folder), prepared, [listen]).train()
    as_is, told = 100 * np.mean(right[-LAST:], axis=0)
    return {"as_is": float(as_is), "told": float(told)}


def cell(out: Path, name: str, method: str, seed: int, balanced: bool) -> Path:
    return out / f"{name}-{method}{'-balanced' if balanced else ''}-{seed}.json"


def as_text(out: Path, seeds: list[int]) -> str:
    lines = [
        "| | | seeds | as it is | told | balanced weights | balanced, told |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for name in CROWD:
        for method in METHODS:
            shown, count = [], 0
            for balanced in (False, True):
                paths = [cell(out, name, method, seed, balanced) for seed in seeds]
                there = [json.loads(path.read_text()) for path in paths if path.is_file()]
                count = len(there) or count
                shown += [f"{np.mean([one[key] for one in there]):.1f}" if there else "" for key in ("as_is", "told")]
            if count:
                lines.append(f"| {name} | {method} | {count} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="What it is worth to tell how common classes are among new rows.")
    parser.add_argument("--out", type=Path, default=Path("runs/told_of_test"), help="where figures and features go")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--table", action="store_true", help="writes what is there, and measures nothing")
    chosen = parser.parse_args()
    if chosen.table:
        sys.stdout.write(as_text(chosen.out, chosen.seeds) + "\n")
        return
    chosen.out.mkdir(parents=True, exist_ok=True)
    for seed in chosen.seeds:
        for name in CROWD:
            for method in METHODS:
                for balanced in (False, True):
                    path = cell(chosen.out, name, method, seed, balanced)
                    if not path.is_file():
                        write_json(path, measure(name, method, seed, balanced, chosen.out))
            sys.stderr.write(f"{name} {seed}\n")


if __name__ == "__main__":
    main()
