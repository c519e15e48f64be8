"""Posts of 20 Newsgroups without headers, footers and quotes, as they lie in CLC_TEXT_DATA."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

QUEUES = (1, 3, 7, 8, 11, 12, 13, 14, 16, 17)  # groups that pose as support queues, by scikit-learn's numbers


def posts(part: Literal["train", "test"]) -> Any:
    """As scikit-learn has them: ``data``, ``target`` and ``target_names``."""
    from sklearn.datasets import fetch_20newsgroups

    return fetch_20newsgroups(
        data_home=Path(os.environ["CLC_TEXT_DATA"]) / "20newsgroups", download_if_missing=False, subset=part,
        remove=("headers", "footers", "quotes"),
    )  # fmt: skip
