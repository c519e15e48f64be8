"""The dataset in `RUN/corrected`, as files: Parquet for `datasets`, and a table like the one that it came from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.run_files import CorrectedFacts
from clc_text.corrections.columns import Layout
from clc_text.corrections.source import SourceRows
from clc_text.corrections.source_table import form_of, source_name, write_source_table
from clc_text.corrections.state import State, to_arrow
from clc_text.corrections.stored import shards_in
from clc_text.utils.files import sha256_of_file, write_text

if TYPE_CHECKING:
    import pyarrow as pa

TABLE = "table"
SHARD_BYTES = 500 << 20
Progress = Callable[[str, int, int], None]
"""Called as progress(what, done, total) while rows are written."""
_README = """---
configs:
- config_name: default
  description: sha256 SHA256
  data_files:
  - split: train
    path: data/train-*.parquet
---

Corrections of a run's labels, by `clc-text`. `data/` is the dataset with the labels as they are. After an answer was
applied or a correction taken back it is not there until `clc-text` reads it next, or
`clc-text export RUN --format dataset` writes it.
"""


def silent(what: str, done: int, total: int) -> None:
    """No progress is shown."""


def write_dataset(
    folder: Path,
    run: RunDirectory,
    state: State,
    source: SourceRows,
    plan: Layout,
    facts: CorrectedFacts,
    progress: Progress = silent,
) -> None:
    """Writes data/, table/ where the rows came from one file, and what has `datasets` load data/ alone.

    Args:
        facts: of the corrected dataset, see `clc_text.corrections.store.Corrected`.
    """
    _write_shards(folder / "data", state, run.run_id, source, plan, progress)
    _write_table(folder, run, facts)
    digest = hashlib.sha256("".join(map(sha256_of_file, sorted((folder / "data").iterdir()))).encode()).hexdigest()
    write_readme(folder, digest)


def write_readme(folder: Path, digest: str = "unknown") -> None:
    """Without it, `datasets` would load any Parquet file in the folder where data/ is not there.

    Args:
        digest: of data/. `datasets` keeps what it has loaded under a hash of this page, and of no more: with the same
            page it would give the labels of another step, or of another run's folder of the same name.
    """
    if not (folder / "README.md").exists():
        write_text(folder / "README.md", _README.replace("SHA256", digest))


def _write_shards(
    folder: Path, state: State, run_id: str, source: SourceRows, plan: Layout, progress: Progress
) -> None:
    import pyarrow.parquet as pq

    folder.mkdir()
    count = max(1, -(-source.bytes // SHARD_BYTES))
    limit = -(-len(state) // count)
    added = to_arrow(state, run_id)
    written = 0
    pieces = _cut(source.batches(), limit)
    for shard in range(count):
        path = folder / f"train-{shard:05d}-of-{count:05d}.parquet"
        with pq.ParquetWriter(path, plan.features.arrow_schema, compression="zstd") as writer:
            while written < min(len(state), limit * (shard + 1)):
                batch = next(pieces)
                part = {name: column.slice(written, len(batch)) for name, column in added.items()}
                writer.write_table(plan.table(batch, part))
                written += len(batch)
                progress("writing rows", written, len(state))


def _write_table(folder: Path, run: RunDirectory, facts: CorrectedFacts) -> None:
    """Writes table/ where the rows came from one file."""
    recipe = run.recipe()
    name = source_name(recipe)
    if name is None or recipe.get("modality") == "vision":
        return
    (folder / TABLE).mkdir()
    path = folder / TABLE / name
    write_source_table(
        run, shards_in(folder / "data", facts["rows"]), facts, path, form_of(path, recipe, facts["label_names"])
    )


def _cut(batches: Iterator[pa.Table], limit: int) -> Iterator[pa.Table]:
    """The same rows in tables that never cross a multiple of `limit`."""
    start = 0
    for batch in batches:
        offset = 0
        while offset < len(batch):
            size = min(len(batch) - offset, limit - start % limit)
            yield batch.slice(offset, size)
            offset, start = offset + size, start + size
