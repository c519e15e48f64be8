"""Training speed: `make bench`, or ``python -m benchmarks.training_speed``.

Seven ways of training two networks with CLC's loss on the same rows, interleaved (`benchmarks.interleaved`):

* the stock `Trainer` with a twin model and a plain `datasets.Dataset`;
* a plain PyTorch loop over two networks, two backward passes and two fused optimisers;
* the same loop with the two networks stacked into batched products, one backward pass, one optimiser;
* that loop with its loss compiled, where there is a C++ compiler;
* `CLCTrainer` with everything a run records: dynamics on disk, test accuracy after every epoch, and a checkpoint in
  each slice, more often than recipes, which save every tenth epoch, or those of fine-tuning every epoch of 5,452 rows;
* `CLCTrainer` that records nothing;
* the step's matrix products alone, forward and backward: the bound.

For each bar it is said whether the interval of the ratio holds it, fails it, or cannot tell. With one thread the
processor's time decides, which a neighbour does not run up; threads that wait for each other run it up themselves, so
with several the time on the wall decides.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks.interleaved import Slice, interleave, ratio
from benchmarks.speed_rows import BARE, BOUND, COMPILED, OURS, PLAIN, ROWS, STACKED, STOCK, contestants

BARS = {PLAIN: 1.0, STACKED: 0.9}


def measure(name: str, rounds: int, compiled: bool, beside: Sequence[str] = ()) -> dict[str, Any]:
    """What one row of the table has, for JSON; `beside` names the contestants beside ours, all where it is empty."""
    row = ROWS[name]()
    with tempfile.TemporaryDirectory() as folder:
        trained = contestants(row, Path(folder), compiled)
        trained = {one: trains for one, trains in trained.items() if not beside or one in (OURS, *beside)}
        try:
            gc.collect()
            gc.freeze()  # what is there so far is nobody's garbage, and is not to be looked through in anyone's slice
            start, slices = interleave(trained, rounds)
        finally:
            gc.unfreeze()
            for one in trained.values():
                getattr(one, "close", lambda: None)()
    facts = {"row": name, "title": row.title, "steps": row.steps, "stacked": row.stacked is not None}
    return facts | compared(start, slices, row.steps)


def compared(start: dict[str, Slice], slices: dict[str, list[Slice]], steps: int) -> dict[str, Any]:
    """Of every contestant: its speed, and how many times as fast ours is; of every bar: whether it is held."""
    found: dict[str, Any] = {}
    for name, made in slices.items():
        of_clocks = {}
        for clock in ("cpu", "wall"):
            own, other = ([getattr(one, clock) for one in each] for each in (slices[OURS], made))
            of_clocks[clock] = {
                "start_seconds": getattr(start[name], clock),
                "steps_per_second": steps / statistics.median(other),
                "ours_is_times_as_fast": asdict(ratio(own, other)),
            }
        found[name] = of_clocks
    bars = []
    for name, bar in BARS.items():
        if name not in slices:
            continue
        clocks = {
            clock: ratio([getattr(one, clock) for one in slices[OURS]], [getattr(one, clock) for one in slices[name]])
            for clock in ("cpu", "wall")
        }
        bars.append({"than": name, "bar": bar} | {clock: one.verdict(bar) for clock, one in clocks.items()})
    return {"contestants": found, "bars": bars}


def in_words(found: dict[str, Any], clock: str) -> str:
    """One row of the table as text."""
    lines = [f"\n{found['title']}; slices of {found['steps']} steps, {clock} time"]
    for name, of_clocks in found["contestants"].items():
        one = of_clocks[clock]
        times = one["ours_is_times_as_fast"]
        beside = (
            ""
            if name == OURS
            else f"   CLCTrainer {times['median']:.2f} x ({times['low']:.2f} to {times['high']:.2f})"
        )
        lines.append(f"  {name:32s} {one['steps_per_second']:8.1f} steps/s{beside}")
    lines += [f"  at least {bar['bar']:.1f} x {bar['than']}: {bar[clock]}" for bar in found["bars"]]
    if STACKED not in found["contestants"] and not found.get("stacked"):
        lines.append("  there is no stacked form of this network, so no stacked loop")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Training speed of two networks with CLC.")
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS), help="what is trained")
    every = [BARE, STOCK, PLAIN, STACKED, COMPILED, BOUND]
    parser.add_argument(
        "--beside", nargs="+", choices=every, default=[], help="the contestants beside CLCTrainer; all"
    )
    parser.add_argument("--rounds", type=int, default=21, help="slices of each contestant; an interval needs 6")
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch")
    parser.add_argument("--no-compile", action="store_true", help="leave the compiled loop out, which takes a while")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args()
    from transformers.utils.logging import disable_progress_bar, set_verbosity_error

    disable_progress_bar()
    set_verbosity_error()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    compiler = any(shutil.which(os.environ.get("CXX", name)) for name in ("g++", "clang++"))
    compiled = compiler and not chosen.no_compile
    clock = "cpu" if chosen.threads == 1 else "wall"
    load = [os.getloadavg()[0]]
    machine: dict[str, Any] = {"threads": chosen.threads, "processors": os.cpu_count(), "torch": torch.__version__}
    rows = []
    for name in chosen.rows:
        rows.append(measure(name, chosen.rounds, compiled, chosen.beside))
        load.append(os.getloadavg()[0])
        if not chosen.json:
            sys.stdout.write(in_words(rows[-1], clock))
            sys.stdout.flush()
    machine |= {"compiler": compiler, "load": load, "decides": clock}
    if chosen.json:
        sys.stdout.write(json.dumps({"machine": machine, "rounds": chosen.rounds, "rows": rows}) + "\n")
        return
    if not compiler:
        sys.stdout.write("\nno C++ compiler was found, so nothing was compiled\n")
    busy = f"{min(load):.1f} to {max(load):.1f}"
    sys.stdout.write(
        f"\n{chosen.threads} thread(s), {os.cpu_count()} processors; load average {busy}, with this one\n"
    )
    if max(load) > chosen.threads + 0.5:
        sys.stdout.write("others computed beside: read the ratios and their intervals, not the steps a second\n")


if __name__ == "__main__":
    main()
