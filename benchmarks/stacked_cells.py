"""What stacking a sweep's cells into one model could gain: ``python -m benchmarks.stacked_cells``.

The stacked plain loop of `benchmarks.speed_rows` in the shapes of TREC's recipes (500-300-300-6, batch 128), with the
networks of one cell, which are two, and of four, eight and sixteen cells in one model with one optimiser. Cells either
read the same batches, as those of one seed may, or each its own. Interleaved with `CLCTrainer` as a cell of
`recipes/sweeps/table4.yaml` runs it. Told is how many times as many steps of a cell are made in a second as
`CLCTrainer` makes: the most that a trainer of stacked cells could gain, before it records and tests each of them.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.interleaved import interleave, ratio
from benchmarks.speed_rows import METHOD, fused_adamw, perceptrons, trained_by_ours
from clc_text.methods.base import TrainingState
from clc_text.text.networks.stacked_mlp import StackedMLP, StackedMLPConfig

CELLS, TRAINER = (1, 4, 8, 16), "CLCTrainer, one cell"
ROW = replace(perceptrons(500, epochs=3), checkpoints=False)
STEPS = ROW.steps // max(CELLS) * max(CELLS)  # of cells, in a slice of a stacked loop


def stacked(cells: int, own_batches: bool) -> Iterator[None]:
    """Slices of `STEPS` steps of a cell."""
    features, labels = ROW.train.inputs["features"], ROW.train.labels
    model = StackedMLP(StackedMLPConfig(input_size=500, num_labels=ROW.classes, peers=2 * cells, seed=0)).train()
    optimizer = fused_adamw(model)
    state = TrainingState(num_classes=ROW.classes, memory={"threshold": torch.full((cells, 2), 0.5)})
    yield
    while True:
        for _ in range(STEPS // cells):
            ids = torch.randint(len(labels), (cells if own_batches else 1, ROW.batch))
            inputs = features[ids].repeat_interleave(2, 0) if own_batches else features[ids[0]]
            optimizer.zero_grad()
            log_probs = model(features=inputs).peer_logits.log_softmax(-1).unflatten(0, (cells, 2))
            METHOD.supervise(log_probs, labels[ids].expand(cells, -1), state).loss.backward()
            optimizer.step()
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description="What stacking the cells of a sweep could gain.")
    parser.add_argument("--rounds", type=int, default=21, help="slices of each contestant; an interval needs 6")
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    clock = "cpu" if chosen.threads == 1 else "wall"
    loops = {f"{cells} stacked, the same batches": (cells, False) for cells in CELLS}
    loops |= {f"{cells} stacked, each its own batches": (cells, True) for cells in CELLS if cells > 1}
    with tempfile.TemporaryDirectory() as folder:
        trained = {TRAINER: trained_by_ours(ROW, Path(folder), True)}
        trained |= {name: stacked(*one) for name, one in loops.items()}
        gc.collect()
        gc.freeze()
        try:
            _, slices = interleave(trained, chosen.rounds)
        finally:
            gc.unfreeze()
            trained[TRAINER].close()  # type: ignore[attr-defined]
    times = {name: [getattr(one, clock) for one in made] for name, made in slices.items()}
    for name, own in times.items():
        steps = ROW.steps if name == TRAINER else STEPS
        of_trainer = [seconds * steps / ROW.steps for seconds in times[TRAINER]]
        found = ratio(own, of_trainer)
        sys.stdout.write(
            f"{name:36s} {steps / sorted(own)[len(own) // 2]:8.1f} steps of a cell a second   "
            f"{found.median:.2f} x CLCTrainer ({found.low:.2f} to {found.high:.2f})\n"
        )
    load = os.getloadavg()[0]
    sys.stdout.write(
        f"{chosen.threads} thread(s), {os.cpu_count()} processors, {clock} time; load average {load:.1f}\n"
    )


if __name__ == "__main__":
    main()
