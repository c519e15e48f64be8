"""Images in a published dataset.

Images that a row holds (CIFAR) are published with it. Of one that lies in a file of its own a run keeps the path, and
only the file's name is published: such sets (Clothing1M, Food-101, Food-101N) are given out by their authors, and not
to be passed on. In neither case is a folder of this machine named.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Features

_BLOCK = 1024  # rows; an image may be large


def published_features(features: Features, shards: Sequence[Path]) -> Features:
    """The features of the published rows: an image column whose files are elsewhere becomes one of their names."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
    from datasets import Features, Value

    published = dict(features)
    for name in image_columns(features):
        with pq.ParquetFile(shards[0]) as file:
            first = next(file.iter_batches(_BLOCK, columns=[name]), None)
        if first is not None and pc.struct_field(first.column(0), "bytes").null_count:
            published[name] = Value("string")
    return Features(published)


def image_columns(features: Features) -> list[str]:
    from datasets import Image

    return [name for name, feature in features.items() if isinstance(feature, Image)]


def published_image(images: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Structs of bytes and path, as the wanted type: the same without folders, or the files' names."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = pc.replace_substring_regex(pc.struct_field(images, "path"), r"^.*[\\/]", "")
    if not pa.types.is_struct(wanted):
        return names.cast(wanted)
    parts = {"bytes": pc.struct_field(images, "bytes"), "path": names}
    return pa.StructArray.from_arrays([parts[field.name] for field in wanted], fields=list(wanted))


def write_shard(shard: Path, features: Features, path: Path) -> None:
    """A shard of the corrected rows with its images as they are published."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = features.arrow_schema
    with pq.ParquetFile(shard) as file, pq.ParquetWriter(path, schema, compression="zstd") as writer:
        images = set(image_columns(_features(file.schema_arrow)))
        for batch in file.iter_batches(_BLOCK):
            columns = [
                published_image(batch.column(field.name), field.type)
                if field.name in images
                else batch.column(field.name)
                for field in schema
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))


def _features(schema: pa.Schema) -> Features:
    from datasets import Features

    return Features.from_arrow_schema(schema)
