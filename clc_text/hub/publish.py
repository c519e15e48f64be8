"""A run's files as they may be published: without folder names of this machine and without flipped labels."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clc_text.artifacts.folders import without_folders
from clc_text.artifacts.public_recipe import public_recipe
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.corrections.columns import ADDED
from clc_text.errors import InputError
from clc_text.hub.images import image_columns, published_image
from clc_text.utils.damage import undamaged
from clc_text.utils.files import write_json, write_text, write_with

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_BLOCK = 1024  # rows; one may hold an image


def write_recipe(run: RunDirectory, path: Path) -> None:
    write_text(path, public_recipe(run))


def write_manifest(run: RunDirectory, path: Path) -> None:
    """The noise manifest, with its options' paths treated as in the recipe."""
    manifest = run.noise_manifest()
    write_json(path, {**manifest, "options": without_folders(manifest["options"])})


def write_config(config: Path, path: Path) -> bool:
    """The configuration of networks without the folder that theirs was read from, which earlier versions kept.

    Returns:
        Whether it was written, because there was such a folder.
    """
    with undamaged(config):
        known = json.loads(config.read_text(encoding="utf-8"))
        inner = known.get("inner") or {}
        named = "_name_or_path" in inner
        inner.pop("_name_or_path", None)
    if named:
        write_json(path, known)
    return named


def write_labels(run: RunDirectory, path: Path) -> None:
    """noise/labels.parquet without the labels that were flipped on purpose: nobody should train on them unawares."""
    import pyarrow.parquet as pq

    run.labels()  # says in a sentence what is missing
    table = pq.read_table(run.file("noise") / "labels.parquet").drop_columns(["trained"])
    write_with(path, lambda aside: pq.write_table(table, aside, compression="zstd"))


def write_test(run: RunDirectory, renamed: Mapping[str, str], schema: pa.Schema, path: Path) -> None:
    """The test rows with the columns of the corrected training rows, null where only training knows a value.

    Args:
        renamed: source column -> its name in the corrected dataset, where it has another.
        schema: of the published training rows; both splits of a dataset must have the same columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Features

    label = run.environment()["label_column"]
    path_here = run.file("data") / "test.parquet"
    with undamaged(path_here):
        images = set(image_columns(Features.from_arrow_schema(pq.read_schema(path_here))))
    names_there = {here: there for there, here in renamed.items()}

    def column(batch: pa.RecordBatch, field: pa.Field) -> pa.Array:
        if field.name in ("label", "label_given", "label_true"):  # test labels are trusted, and nothing changes them
            return batch.column(label).cast(field.type)
        if field.name == "label_source":
            return pa.array(["given"] * len(batch)).cast(field.type)
        there = names_there.get(field.name, field.name)
        if field.name not in ADDED and there in batch.schema.names:
            values = batch.column(there)
            return published_image(values, field.type) if there in images else values.cast(field.type)
        return pa.nulls(len(batch), field.type)

    def batches() -> Iterator[pa.RecordBatch]:
        with undamaged(path_here), pq.ParquetFile(path_here) as source:
            yield from source.iter_batches(_BLOCK)

    def write(aside: Path) -> None:
        with pq.ParquetWriter(aside, schema, compression="zstd") as writer:
            for batch in batches():
                writer.write_batch(pa.record_batch([column(batch, field) for field in schema], schema=schema))

    write_with(path, write)


def check_given(shards: Sequence[Path], given: np.ndarray) -> None:
    """That no label flipped on purpose is about to be published as the given one.

    Args:
        shards: the Parquet files of the corrected training rows, in order.
        given: int64 [N], the run's given labels.

    Raises:
        InputError: a row's `label_given` is not the run's.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    there = pa.concat_tables([pq.read_table(shard, columns=["label_given"]) for shard in shards])["label_given"]
    again = "; make it again with `clc-text correct`"
    if len(there) != len(given):
        raise InputError(f"the corrected dataset has {len(there)} rows and the run {len(given)}{again}", key="rows")
    differing = np.flatnonzero(there.to_numpy() != given)
    if len(differing):
        raise InputError(
            f"row {differing[0]} of the corrected dataset has another given label than the run{again}",
            key="rows",
            row=differing[0],
        )
