"""TREC's questions, as they lie in CLC_TEXT_DATA."""

from __future__ import annotations

import os
from pathlib import Path

from clc_text.text.datasets.trec import TRAIN_FILE


def questions(file: str = TRAIN_FILE) -> tuple[list[str], list[str]]:
    """The kind of each question's answer, such as ``ENTY:food``, and the questions, in the order of the file.

    Args:
        file: `TRAIN_FILE` or `TEST_FILE`.
    """
    lines = (Path(os.environ["CLC_TEXT_DATA"]) / "trec" / file).read_text(encoding="latin-1").splitlines()
    kinds, texts = zip(*(line.split(" ", 1) for line in lines if line.strip()), strict=True)
    return list(kinds), list(texts)
