"""CIFAR-10N and CIFAR-100N: labels that people gave (Wei et al. 2022), in the order of CIFAR's training rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from clc_text.errors import InputError

COLUMNS = {
    "aggre": "aggre_label",
    "worse": "worse_label",
    "random1": "random_label1",
    "random2": "random_label2",
    "random3": "random_label3",
    "noisy": "noisy_label",
}


def read_human_labels(path: Path, which: str, clean: np.ndarray) -> np.ndarray:
    """int64 [N], one set of human labels of all training rows.

    Args:
        path: Parquet, or the published .pt file.
        which: a key of `COLUMNS`.
        clean: int64 [N], the dataset's own labels, against which the file's order is checked.

    Raises:
        InputError: the file has no such labels, or its rows are not those of the dataset.
    """
    column = COLUMNS[which]
    if path.suffix == ".parquet":
        from clc_text.vision.datasets.reading.tables import read_shards

        table = read_shards([path])
        columns = {name: table[name].to_numpy() for name in table.column_names}
    else:
        from clc_text.vision.datasets.reading.pickles import read_pickle

        columns = {name: np.asarray(values) for name, values in read_pickle(path).items()}
    for needed in (column, "clean_label"):
        if needed not in columns:
            raise InputError(
                f"{path} has no labels '{needed}'; it has {', '.join(sorted(columns))}", where=path, key=needed
            )
    if len(columns["clean_label"]) != len(clean) or (columns["clean_label"] != clean).any():
        raise InputError(
            f"{path} belongs to other rows: its clean_label is not the label of CIFAR's {len(clean):,} training rows "
            "in their official order; use the original order of CIFAR",
            where=path,
        )
    labels = columns[column].astype(np.int64)
    if len(labels) != len(clean) or labels.min() < 0 or labels.max() > clean.max():
        raise InputError(
            f"{path}: '{column}' does not hold one class number for each of {len(clean):,} rows",
            where=path,
            key=column,
        )
    return labels
