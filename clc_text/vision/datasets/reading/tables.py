"""Arrow tables of images and labels as `datasets.Dataset`, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from clc_text.errors import InputError

if TYPE_CHECKING:
    import datasets

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def read_shards(paths: Sequence[Path]) -> pa.Table:
    """The rows of Parquet files, one after the other.

    Raises:
        InputError: a file is no readable Parquet.
    """
    import pyarrow.parquet as pq

    tables = []
    for path in paths:
        try:
            tables.append(pq.read_table(path).replace_schema_metadata(None))
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path} is not readable Parquet ({error}); fetch it again", where=path) from None
    return pa.concat_tables(tables)


def encode_png(pixels: np.ndarray) -> bytes:
    """One image, uint8 [H, W, 3], as PNG: what `datasets` keeps of an image."""
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png", compress_level=1)
    return buffer.getvalue()


def image_column(encoded: Sequence[bytes | None], paths: Sequence[str | None]) -> pa.Array:
    """An `Image` column: the encoded images themselves, or the paths of their files."""
    # A million paths of 60 bytes and pictures of gigabytes are both too much for one 32-bit array of offsets.
    return pa.StructArray.from_arrays(
        [pa.array(encoded, pa.binary()), pa.array(paths, pa.string())], names=["bytes", "path"]
    )


def to_dataset(table: pa.Table, image: str, classes: dict[str, list[str]], identity: object) -> datasets.Dataset:
    """A `Dataset` whose column `image` holds images and whose columns `classes` hold labels with these names.

    Args:
        identity: what the rows depend on; its hash is the dataset's fingerprint, instead of one of all the data.
    """
    import datasets
    from datasets.table import InMemoryTable

    features = datasets.Features.from_arrow_schema(table.schema.remove_metadata())
    features[image] = datasets.Image()
    for name, names in classes.items():
        features[name] = datasets.ClassLabel(names=names)
    fingerprint = hashlib.sha256(repr(identity).encode()).hexdigest()[:16]
    table = table.replace_schema_metadata(None).cast(features.arrow_schema.remove_metadata())
    return datasets.Dataset(
        InMemoryTable(table), info=datasets.DatasetInfo(features=features), fingerprint=fingerprint
    )


def labels_of(table: pa.Table, column: str, classes: int, where: str) -> np.ndarray:
    """int64 [N], a column of class numbers, checked."""
    if column not in table.column_names:
        raise InputError(
            f"{where} has no column '{column}'; it has {', '.join(table.column_names)}", where=where, key=column
        )
    values = table[column]
    if values.null_count or not pa.types.is_integer(values.type):
        raise InputError(
            f"{where}: the column '{column}' must hold whole numbers, one in every row", where=where, key=column
        )
    labels: Any = values.to_numpy().astype(np.int64)
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        raise InputError(
            f"{where}, row {wrong[0] + 1}: the label {labels[wrong[0]]} is no class; classes are 0 to {classes - 1}",
            where=where,
            row=wrong[0] + 1,
        )
    return labels
