"""What training saw of every row, epoch by epoch.

Each row passes through the networks once an epoch anyway; its training dynamics are what they said of it then, so
recording costs no further forward pass. Corrections, monitors and every picture are made from them. The term is that
of Swayamdipta et al., "Dataset Cartography", EMNLP 2020.

On disk: one Parquet file an epoch, `epoch-0001.parquet`, one line a row in the order of the training set, with the
columns `row`, `seen` and, for each peer k, `prediction_k` (class), `confidence_k` (its probability), `entropy_k`
(nats), `target_k` (the class it was taught) and `selected_k` (see `Supervision.selected`). Probabilities and entropies
are rounded to three decimals there; counts are made before rounding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from clc_text.artifacts.names import EARLIER
from clc_text.methods.base import Supervision
from clc_text.utils.files import sha256_of_file, write_with

_FLUSH_ROWS = 8192
_FLUSH_CELLS = 41_000_000  # rows times peers times classes: five folds of 1,000 classes have fewer


@dataclass(frozen=True)
class EpochRecord:
    """One epoch of the training dynamics: tensors [P, N] on the CPU, and which rows were seen at all, [N].

    Attributes:
        prediction: int64, first class of the peer's prediction when the row was trained on.
        confidence: float32, the probability of that class.
        entropy: float32, nats.
        target: int64, the class the peer was taught (first class of a soft target).
        selected: bool, see `Supervision.selected`.
    """

    seen: Tensor
    prediction: Tensor
    confidence: Tensor
    entropy: Tensor
    target: Tensor
    selected: Tensor


class TrainingDynamics:
    """Collects one epoch at a time.

    Args:
        rows: N.
        peers: P.
        directory: where the epochs' files go; None keeps nothing on disk.
    """

    def __init__(self, rows: int, peers: int, directory: Path | None = None) -> None:
        self.rows, self.peers, self.directory = rows, peers, directory
        self.written: dict[str, str] = {}  # sha256 of the epochs' files, by name
        self._pending: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
        self._pending_rows = 0
        self._buffers = self._empty()

    def _empty(self) -> dict[str, Tensor]:
        shape = (self.peers, self.rows)
        return {
            "seen": torch.zeros(self.rows, dtype=torch.bool),
            "prediction": torch.zeros(shape, dtype=torch.int64),
            "confidence": torch.zeros(shape),
            "entropy": torch.zeros(shape),
            "target": torch.zeros(shape, dtype=torch.int64),
            "selected": torch.zeros(shape, dtype=torch.bool),
        }

    def observe(self, rows: Tensor, log_probs: Tensor, supervision: Supervision) -> None:
        """Notes one batch: rows [B], log_probs [P, B, C] detached. The tensors are kept until the next flush."""
        self._pending.append((rows, log_probs, supervision.targets, supervision.selected))
        self._pending_rows += len(rows)
        if self._pending_rows >= _FLUSH_ROWS or self._pending_rows * log_probs[:, 0].numel() >= _FLUSH_CELLS:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        rows = torch.cat([batch[0] for batch in self._pending]).cpu()
        log_probs, targets = (torch.cat([batch[i] for batch in self._pending], -2).float() for i in (1, 2))
        selected = torch.cat([batch[3] for batch in self._pending], -1)
        self._pending, self._pending_rows = [], 0

        probs = log_probs.exp()
        confidence, prediction = probs.max(-1)
        seen = {
            "prediction": prediction,
            "confidence": confidence,
            "entropy": -torch.special.xlogy(probs, probs).sum(-1),
            "target": targets.argmax(-1),
            "selected": selected,
        }
        self._buffers["seen"][rows] = True
        for name, values in seen.items():
            self._buffers[name][:, rows] = values.cpu()

    def close_epoch(self, epoch: int, write: bool = True) -> EpochRecord:
        """Ends epoch number `epoch` (the first is 1): gives its record and, unless told not to, writes its file."""
        self._flush()
        record = EpochRecord(**self._buffers)
        self._buffers = self._empty()
        if write:
            self.write(epoch, record)
        return record

    def write(self, epoch: int, record: EpochRecord) -> None:
        """Writes the file of an epoch, if there is a directory."""
        if self.directory is not None:
            path = epoch_file(self.directory, epoch)
            write_epoch(record, path)
            self.written[path.name] = sha256_of_file(path)

    def state_dict(self) -> dict[str, Tensor]:
        """The epoch under way, for a checkpoint taken in the middle of it."""
        self._flush()
        return {f"dynamics.{name}": values.clone() for name, values in self._buffers.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self._pending, self._pending_rows = [], 0
        prefix = "dynamics" if "dynamics.seen" in state else EARLIER["dynamics"]
        self._buffers = {name: state[f"{prefix}.{name}"].clone() for name in self._buffers}


def epoch_file(directory: Path, epoch: int) -> Path:
    return directory / f"epoch-{epoch:04d}.parquet"


def epochs_in(directory: Path) -> list[int]:
    """The epochs that have a file, in order."""
    found = [re.fullmatch(r"epoch-(\d{4,})\.parquet", path.name) for path in directory.glob("epoch-*.parquet")]
    return sorted(int(name[1]) for name in found if name)


def forget_after(directory: Path, epoch: int) -> None:
    """Removes the files of epochs after `epoch`, which a resumed run is about to repeat."""
    for later in epochs_in(directory):
        if later > epoch:
            epoch_file(directory, later).unlink()


def write_epoch(record: EpochRecord, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {
        "row": np.arange(len(record.seen), dtype=np.int32),
        "seen": record.seen.numpy(),
    }
    for peer in range(len(record.prediction)):
        columns[f"prediction_{peer}"] = record.prediction[peer].numpy().astype(np.int32)
        columns[f"confidence_{peer}"] = record.confidence[peer].numpy().round(3)
        columns[f"entropy_{peer}"] = record.entropy[peer].numpy().round(3)
        columns[f"target_{peer}"] = record.target[peer].numpy().astype(np.int32)
        columns[f"selected_{peer}"] = record.selected[peer].numpy()
    table = pa.table(columns)
    write_with(path, lambda aside: pq.write_table(table, aside, compression="zstd"))


def read_epoch(path: Path) -> EpochRecord:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    peers = sum(name.startswith("prediction_") for name in table.column_names)

    def stacked(name: str, dtype: torch.dtype) -> Tensor:
        values = np.stack([table[f"{name}_{peer}"].to_numpy() for peer in range(peers)])
        return torch.from_numpy(values).to(dtype)

    return EpochRecord(
        seen=torch.from_numpy(table["seen"].to_numpy()),
        prediction=stacked("prediction", torch.int64),
        confidence=stacked("confidence", torch.float32),
        entropy=stacked("entropy", torch.float32),
        target=stacked("target", torch.int64),
        selected=stacked("selected", torch.bool),
    )
