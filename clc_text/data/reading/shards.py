"""Folders of Parquet files, laid out as `datasets.load_dataset` reads them and as `clc-text correct` writes them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from clc_text.errors import InputError

CORRECTED = "corrected.json"
_SPLITS = {
    "train": ("train", "training"),
    "test": ("test", "testing", "eval", "evaluation"),
    "validation": ("validation", "valid", "val", "dev"),
}


def shards_of(folder: Path, split: str) -> list[Path]:
    """The Parquet files of a folder, or of ``data/`` in it, in the order of their names.

    Where names begin with those of splits (``train-00000-of-00001.parquet``), they are only those of the one that is
    asked for, so that test rows are never trained on.

    Args:
        split: ``train`` or ``test``.

    Raises:
        InputError: all files are of other splits, or it is a corrected dataset without rows.
    """
    for place in (folder, folder / "data"):
        found = sorted(place.glob("*.parquet"))
        wanted = [path for path in found if _split_of(path) in (None, split)]
        if found and not wanted:
            names = ", ".join(path.name for path in found[:3])
            raise InputError(
                f"{place}: no .parquet file is of the split '{split}', only {names}; name a file itself to read it "
                "all the same",
                key=split,
            )
        if wanted:
            return wanted
    if (folder / CORRECTED).is_file():
        raise InputError(
            f"{folder} is a corrected dataset without rows, which are written in its run: `clc-text export RUN "
            "--format dataset`",
            where=folder,
        )
    return []


def _split_of(path: Path) -> str | None:
    first = re.split(r"[-_.]", path.name.lower(), maxsplit=1)[0]
    return next((split for split, names in _SPLITS.items() if first in names), None)


def title_of(path: Path) -> str:
    """What results call the rows of a file or folder: its name without endings; of a corrected dataset, its source."""
    if (path / CORRECTED).is_file():
        try:
            return f"{json.loads((path / CORRECTED).read_text(encoding='utf-8'))['dataset']} corrected"
        except (OSError, ValueError, KeyError, TypeError):
            return path.name
    if path.name == "data" and path.is_dir():
        return title_of(path.resolve().parent)
    return path.name.split(".")[0]
