"""What a run keeps of several labels a row: the votes, what they say together, and every source's noise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from clc_text.data.votes import Votes
from clc_text.errors import InputError
from clc_text.utils.damage import undamaged
from clc_text.utils.files import write_json, write_with
from clc_text.utils.tensors import save_tensors
from clc_text.utils.typed_json import read_json

TABLE, TENSORS, FACTS = "noise/votes.parquet", "noise/votes.safetensors", "noise/votes.json"


class _Facts(TypedDict):
    rows: int
    sources: list[str]
    classes: int
    join: str


def joined_with_texts(directory: Path) -> bool:
    """Whether the labels of a row were joined together with what its text says, so that this judges them; by another
    way to join, the joined label is as any given label.

    Raises:
        InputError: the file is damaged.
    """
    return (directory / FACTS).is_file() and read_json(directory / FACTS, _Facts)["join"] == "cross_fit"


@dataclass(frozen=True)
class KeptVotes:
    """Attributes:
    votes: of the training rows.
    belief: float64 [N, C], q.
    matrices: float64 [J, C, C], P(source says k | class c).
    facts: ``join``, and of a cross-fit those of `FittedVotes`.
    """

    votes: Votes
    belief: np.ndarray
    matrices: np.ndarray
    facts: dict[str, Any]

    def save(self, directory: Path) -> None:
        """Writes the three files, the facts last: their presence says that all are whole."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        votes = self.votes
        table = pa.table(
            {
                "row": votes.row,
                "source": pa.array(votes.source.astype(np.int32)),
                "label": pa.array(votes.label.astype(np.int32)),
                "weight": votes.weight,
            }
        )
        (directory / "noise").mkdir(parents=True, exist_ok=True)
        write_with(directory / TABLE, lambda aside: pq.write_table(table, aside, compression="zstd"))
        tensors = {"belief": self.belief, "matrices": self.matrices}
        write_with(directory / TENSORS, lambda aside: save_tensors(tensors, aside, {}))
        shape = {"rows": votes.rows, "sources": list(votes.sources), "classes": votes.classes}
        write_json(directory / FACTS, shape | self.facts)

    @classmethod
    def load(cls, directory: Path) -> KeptVotes | None:
        """What `save` wrote; None where there is nothing whole: a run with one label a row.

        Raises:
            InputError: the files are damaged.
        """
        import pyarrow.parquet as pq
        from safetensors.numpy import load_file

        if not (directory / FACTS).is_file():
            return None
        facts: dict[str, Any] = dict(read_json(directory / FACTS, _Facts))
        rows, sources, classes = facts.pop("rows"), facts.pop("sources"), facts.pop("classes")
        with undamaged(directory / TABLE):
            table = pq.read_table(directory / TABLE)
            row, source, label, weight = (table[name].to_numpy() for name in ("row", "source", "label", "weight"))
            try:
                votes = Votes.of(row, source, label, rows, sources, classes, weight)
            except InputError as error:
                raise ValueError(str(error)) from None
        with undamaged(directory / TENSORS):
            tensors = load_file(directory / TENSORS)
            if tensors["belief"].shape != (rows, classes):
                raise ValueError("its tensors belong to other rows")
            return cls(votes, tensors["belief"], tensors["matrices"], facts)
