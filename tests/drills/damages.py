"""Damages one file of a corrected run and gives every command that reads it: `python tests/drills/damages.py`.

A file is cut, emptied, removed, or, where it is JSON, YAML or JSON lines, one key at any depth is removed or given a
value of another type. Whatever was done, a command ends with 0 or 2, and with 2 it says one sentence and no traceback.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kills import Drill, Ended, run, warm

READERS = (
    ("correct", "run", "--policy", "entropy"),
    ("audit", "run"),
    ("diff", "run"),
    ("diff", "run", "--history"),
    ("export", "run", "--out", "out.csv"),
    ("revert", "run", "--last"),
    ("report", "run", "--out", "report.html"),
    ("evaluate", "run"),
    ("predict", "run", "--text", "what is it"),
    ("push", "run", "--repo", "me/data", "--dry-run"),
    ("inspect", "run", "--row", "3"),
    ("train", "drill.yaml", "--out", "run", "-q", "--set", "method.name=clc", "--set", "method.warmup_epochs=1",
     "--resume"),
)  # fmt: skip
OTHERS: list[Any] = [None, "x", 7, -1.5, [], {}, True, [1], {"a": 1}]


def keys_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all keys and of the first items of lists."""
    items = value.items() if isinstance(value, dict) else list(enumerate(value))[:2] if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from keys_of(inner, (*path, key))


def with_another(value: Any, path: tuple[Any, ...], draw: random.Random) -> tuple[Any, str]:
    """The value with one key removed or given another value, and that in words."""
    changed = copy.deepcopy(value)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    if draw.random() < 0.4:
        del parent[path[-1]]
        return changed, f"{path} removed"
    parent[path[-1]] = draw.choice([other for other in OTHERS if type(other) is not type(parent[path[-1]])])
    return changed, f"{path} = {parent[path[-1]]!r}"


def damage(path: Path, draw: random.Random) -> str:
    """Does one thing to a file; says what."""
    content = path.read_bytes()
    if path.suffix in (".json", ".jsonl") and draw.random() < 0.8:
        lines = content.decode("utf-8").splitlines() if path.suffix == ".jsonl" else [content.decode("utf-8")]
        number = draw.randrange(len(lines))
        value = json.loads(lines[number])
        if paths := list(keys_of(value)):
            value, told = with_another(value, draw.choice(paths), draw)
            lines[number] = json.dumps(value)
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            return told
    kind = draw.choice(["cut", "emptied", "removed", "other bytes"])
    if kind == "removed":
        path.unlink()
    else:
        half = content[: len(content) // 2]
        path.write_bytes({"cut": half, "emptied": b"", "other bytes": b"\xff\xfe\x00{]" + content[5:]}[kind])
    return kind


def fault_in(ended: Ended) -> str | None:
    """What is wrong with how a command ended."""
    if ended.code not in (0, 2):
        return f"exit code {ended.code}"
    if "Traceback" in ended.said:
        return "a traceback"
    told = [line for line in ended.said.splitlines() if line.startswith("clc-text: ")]
    if ended.code == 2 and len(told) != 1:
        return f"{len(told)} sentences"
    return None


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=100, help="damages, each read by one command")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="no new one after so long")
    parser.add_argument("--only", default="", help="files whose name holds this")
    chosen = parser.parse_args(arguments)
    warm()
    draw = random.Random(chosen.seed)
    failed = done = 0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="damage-") as folder:
        drill = Drill(Path(folder).resolve())
        base = drill.base("corrected")
        run(("audit", "run"), base)
        here = drill.folder / "here"
        for _ in range(chosen.count):
            if time.monotonic() - begun > chosen.seconds:
                break
            shutil.rmtree(here, ignore_errors=True)
            shutil.copytree(base, here)
            files = [path for path in sorted((here / "run").rglob("*")) if path.is_file() and path.stat().st_size]
            path = draw.choice([path for path in files if chosen.only in str(path) and ".cache" not in path.parts])
            told = damage(path, draw)
            command = draw.choice(READERS)
            if command[0] == "train":
                (here / "run" / "result.json").unlink(missing_ok=True)
            ended = run(command, here)
            done += 1
            fault = fault_in(ended)
            failed += fault is not None
            name = path.relative_to(here)
            how = f"FAILED, {fault}" if fault else str(ended.code)
            print(f"{' '.join(command[:3])}: {name}, {told}: {how}", flush=True)
            if fault:
                print(ended.said, flush=True)
    print(json.dumps({"seed": chosen.seed, "damages": done, "failed": failed}), flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
