"""A drill: do two checkouts train, correct and judge bit for bit alike?

    python tests/drills/same_numbers.py record before.json              # of the checkout that this file lies in
    python tests/drills/same_numbers.py record after.json --checkout ../other
    python tests/drills/same_numbers.py compare before.json after.json --renamed ledger/=dynamics/

A cell of the paper's Table IV for each method, a run that is corrected, audited, exported and taken back, and one of
images: with real data where `CLC_TEXT_DATA` is, else with the embedded corpus and no images, a few epochs each. What
is recorded is every tensor, every column of a table and every value of a JSON file that a run leaves. Exact figures
hang on the processor and its libraries, so nothing is recorded in the project: record both sides on one machine.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
# Of the time, the machine or the moment, and the sums of files that name one of these.
CHANGING = {"seconds", "processor_seconds", "products_seconds", "run_id", "time"}
FILE_SUMS = ".sha256.predictions"  # names the run's id in its header
UNREAD = {"environment.json", "training_args.bin", "trainer_state.json", "complete.json"}
# One process for all: importing the libraries takes longer than these runs.
CHILD = """
import contextlib, json, sys
from clc_text.cli import main
for arguments in json.load(open(sys.argv[1])):
    print("clc-text", *arguments, flush=True)
    kept = None
    if arguments[-2] == ">":
        kept, arguments = arguments[-1], arguments[:-2]
    sys.argv = ["clc-text", *arguments]
    with contextlib.ExitStack() as stack:
        if kept:
            stack.enter_context(contextlib.redirect_stdout(stack.enter_context(open(kept, "w"))))
        try:
            main()
        except SystemExit as end:
            if end.code:
                raise
"""


def commands(recipes: Path, work: Path, real: bool) -> Iterator[list[str]]:
    """The arguments of `clc-text`, in their order; every run is a folder of `work`."""
    small = ["training.epochs=4", "training.checkpoint_epochs=2"]
    if not real:
        small += ["data={name: quickstart, rows: 600, test_rows: 200}", "encoder.vectors=train"]
    method_recipes = sorted((recipes / "methods").glob("*.yaml"))
    for recipe in [recipes / "trec_sym05.yaml", *method_recipes]:
        name = "clc" if recipe.stem == "trec_sym05" else recipe.stem
        warmed = name in {"clc", "slc"}  # the others have a warm-up of their own length, or none
        yield _train(recipe, work / name, [*small, *(["method.warmup_epochs=2"] if warmed else [])])
    corrected = work / "corrected_run"
    yield _train(recipes / "methods" / "clc_auto.yaml", corrected, [*small, "canaries=0.02", "noise.rate=0.2"])
    yield ["correct", str(corrected)]
    yield ["audit", str(corrected), "--json", ">", str(corrected / "audited.json")]
    yield ["diff", str(corrected), "--csv", ">", str(corrected / "changes.csv")]
    yield ["evaluate", str(corrected), "--json", ">", str(corrected / "judged.json")]
    yield ["export", str(corrected), "--out", str(corrected / "asked.csv")]
    yield ["export", str(corrected), "--format", "table", "--out", str(corrected / "table.csv")]
    yield ["predict", str(corrected), str(work / "asked.txt"), "--out", str(corrected / "predicted.csv")]
    yield ["report", str(corrected)]
    yield ["noise", "estimate", str(corrected / "recipe.yaml"), "--json", ">", str(corrected / "estimated.json")]
    yield ["revert", str(corrected), "--all"]
    if real:
        cifar = ["data.rows=300", "data.test_rows=100", "training.epochs=2", "method.warmup_epochs=1"]
        yield _train(recipes / "vision" / "cifar10_smoke.yaml", work / "images", cifar)


def _train(recipe: Path, out: Path, changes: list[str]) -> list[str]:
    return ["train", str(recipe), "--out", str(out), "-q", *(part for change in changes for part in ("--set", change))]


def figures(run: Path) -> dict[str, Any]:
    """What a run directory holds, by file and by name in it."""
    found: dict[str, Any] = {}
    for path in sorted(run.rglob("*")):
        name = path.relative_to(run).as_posix()
        hidden = any(part.startswith(".") for part in path.relative_to(run).parts)
        if not path.is_file() or hidden or path.name in UNREAD:
            continue
        if path.suffix == ".safetensors":
            from safetensors.numpy import load_file

            for key, tensor in load_file(path).items():
                found[f"{name}:{key}"] = f"{tensor.shape} {tensor.dtype} {_sum(tensor.tobytes())}"
        elif path.suffix == ".parquet":
            import pyarrow.parquet as pq

            table = pq.read_table(path)
            for key in table.column_names:
                if key not in CHANGING:
                    found[f"{name}:{key}"] = _sum(repr(table[key].to_pylist()).encode())
        elif path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as lines:
                rows = list(csv.DictReader(lines))
            for key in rows[0] if rows else ():
                if key not in CHANGING:
                    found[f"{name}:{key}"] = _sum(repr([row[key] for row in rows]).encode())
        elif path.suffix in {".json", ".jsonl"}:
            lines = (
                path.read_text(encoding="utf-8").splitlines() if path.suffix == ".jsonl" else [path.read_text("utf-8")]
            )
            for number, line in enumerate(lines):
                for key, value in _flat(json.loads(line)):
                    found[f"{name}:{number}{key}"] = value
        elif path.suffix == ".yaml":
            found[name] = _sum(path.read_bytes())
    return found


def _flat(value: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in CHANGING:
                yield from _flat(inner, f"{above}.{key}")
    elif isinstance(value, list) and len(value) > 50:
        yield above, _sum(json.dumps(value).encode())
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{above}.{number}")
    elif not above.endswith(FILE_SUMS):
        yield above, value


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def record(checkout: Path, out: Path) -> None:
    real = Path(os.environ.get("CLC_TEXT_DATA") or "missing").is_dir()
    environment = os.environ | {
        "PYTHONPATH": str(checkout),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "MPLBACKEND": "Agg",
    }
    with tempfile.TemporaryDirectory(prefix="clc-same-") as named:
        work = Path(named)
        environment.setdefault("CLC_TEXT_CACHE", str(work / "cache"))
        (work / "asked.txt").write_text("Who wrote Hamlet ?\nHow far is the moon ?\nWhat does NASA stand for ?\n")
        todo = work / "commands.json"
        todo.write_text(json.dumps(list(commands(checkout / "recipes", work, real))), encoding="utf-8")
        ended = subprocess.run([sys.executable, "-c", CHILD, str(todo)], cwd=work, env=environment, check=False)
        if ended.returncode:
            sys.exit(f"exit code {ended.returncode}")
        runs = {run.name: figures(run) for run in sorted(work.iterdir()) if (run / "recipe.yaml").is_file()}
    facts = {"machine": platform.platform(), "real data": real, "runs": runs}
    out.write_text(json.dumps(facts, indent=0) + "\n", encoding="utf-8")
    print(f"{sum(map(len, runs.values())):,} figures of {len(runs)} runs in {out}")


def compare(before: dict[str, Any], after: dict[str, Any], renamed: list[tuple[str, str]]) -> list[str]:
    """The figures that are not alike, each in a line."""
    unlike = [
        f"{key}: {before[key]} and {after[key]}" for key in ("machine", "real data") if before[key] != after[key]
    ]
    for run in sorted(before["runs"].keys() | after["runs"].keys()):
        old, new = before["runs"].get(run, {}), after["runs"].get(run, {})
        for pattern, other in renamed:
            old = {re.sub(pattern, other, key): value for key, value in old.items()}
        for key in sorted(old.keys() | new.keys()):
            there = [side for side, figures in (("before", old), ("after", new)) if key in figures]
            if len(there) == 1:
                unlike.append(f"{run}/{key}: only {there[0]}")
            elif old[key] != new[key]:
                unlike.append(f"{run}/{key}: {old[key]} and {new[key]}")
    return unlike


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    recording = verbs.add_parser("record")
    recording.add_argument("out", type=Path)
    recording.add_argument("--checkout", type=Path, default=ROOT)
    comparing = verbs.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    comparing.add_argument(
        "--renamed", metavar="OLD=NEW", nargs="*", default=[], help="of files and keys; OLD: a regex"
    )
    chosen = parser.parse_args()
    if chosen.verb == "record":
        record(chosen.checkout.resolve(), chosen.out)
        return
    sides = [json.loads(path.read_text(encoding="utf-8")) for path in (chosen.before, chosen.after)]
    unlike = compare(*sides, [tuple(each.split("=", 1)) for each in chosen.renamed])
    print("\n".join(unlike[:100]))
    print(f"{len(unlike):,} figures differ of {sum(map(len, sides[0]['runs'].values())):,}")
    sys.exit(1 if unlike else 0)


if __name__ == "__main__":
    main()
