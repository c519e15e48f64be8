"""Listed images into the rows of a `Task`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.vision.datasets.reading.lists import Listed, find_images, keep_found
from clc_text.vision.datasets.reading.subset import balanced

if TYPE_CHECKING:
    import datasets


def listed_rows(
    listed: Listed,
    roots: Sequence[tuple[Path, str]],
    label_names: list[str],
    *,
    drop_missing: bool,
    rows: int | None,
    seed: int,
    key: str,
    columns: dict[str, Sequence[Any]] | None = None,
) -> tuple[datasets.Dataset, dict[str, int]]:
    """The rows of a list, with the columns ``image`` (a path), ``label`` and ``key``, and what was noticed.

    Args:
        roots: where the images may lie, see `find_images`.
        drop_missing: leave out rows whose image is not there, instead of refusing them.
        rows: how many to draw, None for all; `key` is the option that says so.
        columns: more columns, one value for each listed row.

    Raises:
        InputError: images are missing.
    """
    import pyarrow as pa

    from clc_text.vision.datasets.reading.tables import image_column, to_dataset

    found = find_images(roots, listed.keys, listed.where)
    paths, there = keep_found(listed, found, roots, drop_missing)
    index = np.flatnonzero(there)
    chosen = balanced(listed.labels[index], rows, seed, str(listed.where), key)
    if chosen is not None:
        index, paths = index[chosen], [paths[row] for row in chosen]
    table = pa.table(
        {
            "image": image_column([None] * len(paths), paths),
            "label": listed.labels[index],
            "key": pa.array([listed.keys[row] for row in index], pa.string()),
            **{name: pa.array([values[row] for row in index.tolist()]) for name, values in (columns or {}).items()},
        }
    )
    part = key.removesuffix("_rows") if key != "rows" else "train"
    facts = {f"missing_{part}_images": len(found.missing)} if found.missing else {}
    places = [str(place.resolve()) for place in (listed.where, *(root for root, _ in roots))]
    identity = (places, len(index), rows, seed, key)
    return to_dataset(table, "image", {"label": label_names}, identity), facts
