"""What people said of texts, as it lies in CLC_TEXT_DATA: one table a file."""

from __future__ import annotations

import csv
import os
from pathlib import Path


def rows_of(name: str) -> list[dict[str, str]]:
    """The rows of a table of the folder ``crowd``, such as ``isbook_votes.csv``."""
    with open(Path(os.environ["CLC_TEXT_DATA"]) / "crowd" / name, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))
