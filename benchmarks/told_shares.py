"""What it is worth to tell how common the classes truly are: ``python -m benchmarks.told_shares --out FOLDER`` (needs
CLC_TEXT_DATA).

Sets of `benchmarks.real_noise` whose training rows have true labels. Each is cross-fitted once a seed, and what was
found is then told the shares in several ways: not at all; of the class that most rows are given, within .05 or .15;
of all classes within .05; of all exactly; as even; and of all as the given labels have them, which is wrong. Of each
way: the right first classes of what is taught, the rate of wrong labels, the test accuracy of `clc_auto`, and what
`find_issues` makes of features and texts: how well it ranks wrong rows, its range, and right labels after the default
policy.

A cell (set, seed, way) that is there is not measured again. ``--table`` writes what is there as Markdown. Results:
recipes/results/told_shares.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.real_noise import LAST, Table, prepared_of, recipe_of, table
from clc_text.data.class_shares import ClassShares
from clc_text.utils.files import write_json

SETS = ("minilm weak", "glove weak", "minilm instance 0.4", "minilm pairwise 0.2", "minilm symmetric 0.5")
WAYS = ("nothing", "one class", "one class, loosely", "all within .05", "all exactly", "even", "as given")
WITHIN = 0.05
LOOSELY = 0.15


def told(way: str, given: np.ndarray, true: np.ndarray, classes: int) -> ClassShares | None:
    """What is told of the true classes [N] of rows with given ones [N]."""
    shares, most = np.bincount(true, minlength=classes) / len(true), np.bincount(given).argmax()
    within = LOOSELY if way == "one class, loosely" else WITHIN
    low, high = np.clip(shares - within, 0, 1), np.clip(shares + within, 0, 1)
    if way.startswith("one class"):
        others = np.arange(classes) != most
        return ClassShares(np.where(others, 0.0, low), np.where(others, 1.0, high))
    if way == "all within .05":
        return ClassShares(low, high)
    exact = {"all exactly": shares, "even": np.full(classes, 1 / classes)}
    exact["as given"] = np.bincount(given, minlength=classes) / len(given)
    return ClassShares(exact[way], exact[way]) if way in exact else None


def measure(name: str, seed: int, ways: list[str], out: Path) -> dict[str, dict[str, Any]]:
    """The cells of a set and a seed, by how shares are told."""
    from clc_text.runs.build import build_trainer

    rows = table(name, seed, out / "features")
    recipe = recipe_of(name.split(" ")[0], "clc_auto", seed)
    prepared = prepared_of(rows, recipe)
    cells = {}
    with tempfile.TemporaryDirectory() as folder:
        found = build_trainer(recipe, Path(folder), prepared).make_cross_fit()
        for way in ways:
            shares = told(way, rows.given, rows.true, rows.classes)
            now = found if shares is None else found.with_shares(shares, prepared.labels)
            right: list[float] = []

            def listen(result: Any, right: list[float] = right) -> None:
                right.append(float((result.test_log_probs.argmax(-1).numpy() == rows.test).mean()))

            with tempfile.TemporaryDirectory() as run:
                trainer = build_trainer(recipe, Path(run), prepared, [listen])
                trainer.class_shares, trainer.cross_fit_dir = shares, None
                trainer.make_cross_fit = lambda now=now: now  # type: ignore[method-assign, misc]
                trainer.train()
            cells[way] = {
                "accuracy": 100 * float(np.mean(right[-LAST:])),
                "targets_right": 100 * float((now.row_targets.argmax(1) == rows.true).mean()),
                "given_right": 100 * float((rows.given == rows.true).mean()),
                "rate": 100 * now.rate,
                "issues": of_issues(rows, shares),
            }
    return cells


def of_issues(rows: Table, shares: ClassShares | None) -> dict[str, Any]:
    from sklearn.metrics import average_precision_score

    from clc_text import find_issues

    names = [str(one) for one in range(rows.classes)]
    found: Any = find_issues(
        rows.given, texts=rows.texts, features=rows.frozen, label_names=list(range(rows.classes)),
        class_shares=None if shares is None else shares.to_dict(names),
    )  # fmt: skip
    doubt = found.ranking.sort_values("row").doubt.to_numpy()
    return {
        "ap": float(average_precision_score(rows.given != rows.true, doubt)),
        "rate": 100 * found.noise_rate,
        "interval": [100 * end for end in found.interval],
        "right": 100 * float((found.labels == rows.true).mean()),
        "changed": int((found.labels != rows.given).sum()),
    }


def cell(out: Path, name: str, way: str, seed: int) -> Path:
    return out / f"{name}-{way}-{seed}.json".replace(" ", "_")


def as_text(out: Path, seeds: list[int]) -> str:
    head = (
        "| | told | seeds | test accuracy | targets right | labels right, given | after `default` | wrong, true "
        "| range | average precision |"
    )
    lines = [head, "|---|---|---:|" + "---:|" * 7]
    for name in SETS:
        for way in WAYS:
            paths = [cell(out, name, way, seed) for seed in seeds]
            there = [json.loads(path.read_text()) for path in paths if path.is_file()]
            if not there:
                continue

            def mean(*keys: Any, there: list[Any] = there) -> float:
                values = there
                for key in keys:
                    values = [one[key] for one in values]
                return float(np.mean(values))

            scattered = float(np.std([one["accuracy"] for one in there], ddof=1)) if len(there) > 1 else 0.0
            low, high = mean("issues", "interval", 0), mean("issues", "interval", 1)
            lines.append(
                f"| {name} | {way} | {len(there)} | {mean('accuracy'):.1f} ± {scattered:.1f} | "
                f"{mean('targets_right'):.1f} | {mean('given_right'):.1f} | {mean('issues', 'right'):.1f} | "
                f"{100 - mean('given_right'):.1f} | {low:.0f} to {high:.0f} | {mean('issues', 'ap'):.3f} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="What it is worth to tell how common the classes truly are.")
    parser.add_argument("--out", type=Path, default=Path("runs/told_shares"), help="where figures and features go")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--table", action="store_true", help="writes what is there, and measures nothing")
    chosen = parser.parse_args()
    if chosen.table:
        sys.stdout.write(as_text(chosen.out, chosen.seeds) + "\n")
        return
    chosen.out.mkdir(parents=True, exist_ok=True)
    for seed in chosen.seeds:
        for name in chosen.sets:
            missing = [way for way in WAYS if not cell(chosen.out, name, way, seed).is_file()]
            for way, figures in (measure(name, seed, missing, chosen.out) if missing else {}).items():
                write_json(cell(chosen.out, name, way, seed), figures)
            sys.stderr.write(f"{name} {seed}\n")


if __name__ == "__main__":
    main()
