"""Rows that nobody labelled: nothing is learnt of them, and the run tells what it makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.utils.damage import undamaged

if TYPE_CHECKING:
    import pyarrow as pa

FILE = "data/unlabelled.parquet"
TENSOR, NUMBERS = "unlabelled", "unlabelled_row"  # of predictions.safetensors


@dataclass(frozen=True)
class Unlabelled:
    """Attributes:
    rows: U of them, all columns of the source.
    number: int64 [U], rising: what the file calls each by, as `Labels.source_row`.
    probs: float64 [U, C], of their classes by all peers together.
    """

    rows: pa.Table
    number: np.ndarray
    probs: np.ndarray

    @property
    def classes(self) -> np.ndarray:
        """int64 [U], the likeliest ones."""
        return self.probs.argmax(1)

    @classmethod
    def of(cls, run: RunDirectory) -> Unlabelled | None:
        """Those of a run; None where it has none, keeps no rows, or has not ended.

        Raises:
            InputError: the files are damaged.
        """
        import pyarrow.parquet as pq
        from safetensors import safe_open

        path, predictions = run.file(FILE), run.file("predictions.safetensors")
        if not (path.is_file() and predictions.is_file()):
            return None
        with undamaged(path):
            rows = pq.read_table(path)
        with undamaged(predictions), safe_open(predictions, "np") as opened:
            if TENSOR not in opened.keys():  # noqa: SIM118 - safe_open is no mapping
                return None
            log_probs, number = opened.get_tensor(TENSOR), opened.get_tensor(NUMBERS)
            if log_probs.shape[1:] != (len(rows), len(run.label_names)) or len(number) != len(rows):
                raise ValueError(f"`{TENSOR}` is of the shape {log_probs.shape}, and there are {len(rows)} such rows")
        return cls(rows, number, np.exp(log_probs.astype(np.float64)).mean(0))
