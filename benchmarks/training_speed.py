"""Training speed: `make bench`, or ``python -m benchmarks.training_speed``.

Four ways of training two 300-300-300-C perceptrons with CLC's loss on the same rows, in one run, their rounds
interleaved so that a busy machine slows all of them alike:

* the stock `Trainer` with a twin model and a plain `datasets.Dataset`;
* a plain PyTorch loop over two networks, two backward passes and two fused optimisers;
* the same loop with the two networks stacked into batched products, one backward pass, one optimiser;
* `CLCTrainer` with everything a run records: dynamics on disk, test accuracy after every epoch, checkpoints.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clc_text.data.rows import Rows
from clc_text.methods.base import TrainingState
from clc_text.methods.clc import CLC
from clc_text.models.peers import PeersOutput
from clc_text.text.networks.stacked_mlp import StackedMLP, StackedMLPConfig

ROWS, TEST_ROWS, FEATURES, CLASSES, BATCH = 5452, 500, 300, 6, 128
STEPS = -(-ROWS // BATCH)
METHOD = CLC()


def _rows(count: int, seed: int) -> Rows:
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(CLASSES, FEATURES, generator=torch.Generator().manual_seed(0))
    labels = torch.randint(CLASSES, (count,), generator=generator)
    return Rows({"features": 0.3 * centres[labels] + torch.randn(count, FEATURES, generator=generator)}, labels)


def _perceptron() -> nn.Sequential:
    return nn.Sequential(nn.Linear(FEATURES, 300), nn.ReLU(), nn.Linear(300, 300), nn.ReLU(), nn.Linear(300, CLASSES))


def _stacked(seed: int) -> StackedMLP:
    return StackedMLP(StackedMLPConfig(input_size=FEATURES, num_labels=CLASSES, peers=2, seed=seed))


def _batches(rows: Rows, epochs: int) -> list[dict[str, Tensor]]:
    return [rows.__getitems__(ids.tolist()) for _ in range(epochs) for ids in torch.randperm(ROWS).split(BATCH)]


class _Twin(nn.Module):
    """Two perceptrons in one module, as one would write it for the stock `Trainer`."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = _perceptron(), _perceptron()

    def forward(self, features: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        logits = torch.stack([self.first(features), self.second(features)])
        loss = _clc_loss(logits, labels)
        return {"loss": loss, "logits": logits.mean(0)}


def _clc_loss(logits: Tensor, labels: Tensor | None) -> Tensor:
    state = TrainingState(num_classes=CLASSES, memory={"threshold": torch.tensor([0.5, 0.5])})
    return METHOD.supervise(logits.log_softmax(-1), labels, state).loss  # type: ignore[arg-type]


def _own_loss(own: Tensor, peer: Tensor, labels: Tensor, threshold: float = 0.5) -> Tensor:
    """CLC's loss of one network, as a reader of the paper would write it."""
    log_p, q = own.log_softmax(-1), peer.detach().softmax(-1)
    p = log_p.exp()
    own_entropy, peer_entropy = -(p * log_p).sum(-1), -(q * q.clamp_min(1e-12).log()).sum(-1)
    low_own, low_peer = own_entropy.detach() <= threshold, peer_entropy <= threshold
    taught = -(q * log_p).sum(-1)[low_peer].sum()
    given = F.cross_entropy(own[~low_peer], labels[~low_peer], reduction="sum")
    return (taught + 0.1 * own_entropy[low_own].sum() + 0.5 * given) / len(labels)


def _plain(epochs: int) -> Callable[[], None]:
    rows = _rows(ROWS, 1)
    nets = [_perceptron(), _perceptron()]
    optimizers = [torch.optim.AdamW(net.parameters(), lr=3e-4, weight_decay=0.0, fused=True) for net in nets]

    def train() -> None:
        for batch in _batches(rows, epochs):
            outputs = [net(batch["features"]) for net in nets]
            for k, optimizer in enumerate(optimizers):
                optimizer.zero_grad()
                _own_loss(outputs[k], outputs[1 - k], batch["labels"]).backward()
                optimizer.step()

    return train


def _stacked_loop(epochs: int) -> Callable[[], None]:
    rows, model = _rows(ROWS, 1), _stacked(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, weight_decay=0.0, fused=True)

    def train() -> None:
        for batch in _batches(rows, epochs):
            optimizer.zero_grad()
            outputs: PeersOutput = model(batch["features"])
            assert outputs.peer_logits is not None
            _clc_loss(outputs.peer_logits, batch["labels"]).backward()
            optimizer.step()

    return train


def _stock(epochs: int, folder: Path) -> Callable[[], None]:
    from datasets import Dataset
    from transformers import Trainer, TrainingArguments

    rows = _rows(ROWS, 1)
    data = Dataset.from_dict({"features": rows.inputs["features"].numpy(), "labels": rows.labels.numpy()})
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=epochs,
        per_device_train_batch_size=BATCH,
        learning_rate=3e-4,
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
        report_to="none",
    )

    def train() -> None:
        Trainer(_Twin(), arguments, train_dataset=data.with_format("torch")).train()

    return train


def _ours(epochs: int, folder: Path) -> Callable[[], None]:
    from clc_text.crossfit.trainer import CLCTrainer, NoisyLabelArguments

    rows, test = _rows(ROWS, 1), _rows(TEST_ROWS, 2)
    arguments = NoisyLabelArguments(
        output_dir=str(folder / "checkpoints"),
        num_train_epochs=epochs,
        per_device_train_batch_size=BATCH,
        per_device_eval_batch_size=4096,
        learning_rate=3e-4,
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
        report_to="none",
        checkpoint_epochs=10,
        save_total_limit=2,
    )

    def train() -> None:
        CLCTrainer(
            _stacked(0),
            arguments,
            method=CLC(warmup_epochs=1),
            train_dataset=rows,
            eval_dataset=test,
            dynamics_dir=folder / "dynamics",
        ).train()

    return train


def measure(epochs: int = 10, rounds: int = 5) -> dict[str, float]:
    """Median steps per second of each way, over `rounds` interleaved rounds of `epochs` epochs each."""
    from transformers.utils.logging import disable_progress_bar, set_verbosity_error

    disable_progress_bar()
    set_verbosity_error()
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        ways = {
            "stock Trainer, twin model": _stock(epochs, Path(folder) / "stock"),
            "plain loop, two networks": _plain(epochs),
            "plain loop, stacked": _stacked_loop(epochs),
            "CLCTrainer, all recording on": _ours(epochs, Path(folder) / "ours"),
        }
        for _ in range(rounds):
            for name, train in ways.items():
                torch.manual_seed(0)
                started = time.perf_counter()
                train()
                found.setdefault(name, []).append(epochs * STEPS / (time.perf_counter() - started))
    return {name: statistics.median(values) for name, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Training speed of two stacked perceptrons with CLC.")
    parser.add_argument("--epochs", type=int, default=10, help="epochs of each round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; the median is shown")
    parser.add_argument("--threads", type=int, default=None, help="threads of PyTorch (default: its own choice)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    chosen = parser.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    speeds = measure(chosen.epochs, chosen.rounds)
    plain = speeds["plain loop, two networks"]
    if chosen.json:
        sys.stdout.write(json.dumps({"threads": torch.get_num_threads(), "steps_per_second": speeds}) + "\n")
        return
    sys.stdout.write(f"two perceptrons 300-300-300-{CLASSES}, batch {BATCH}, {torch.get_num_threads()} thread(s)\n")
    for name, speed in speeds.items():
        sys.stdout.write(f"{name:32s} {speed:7.0f} steps/s   {speed / plain:5.2f} x plain\n")


if __name__ == "__main__":
    main()
