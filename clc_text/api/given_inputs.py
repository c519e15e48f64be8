"""What callers of `find_issues` give to judge labels by, read once for all kinds of labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from clc_text.data.tabular.values import table_of, texts_of
from clc_text.text.encoders.lexical.weighting import terms_of


@dataclass(frozen=True)
class GivenInputs:
    """
    Attributes:
        features: float32 [N, D]; None: there are none.
        texts: N texts; None likewise.
        words: sparse float32 [N, M], TF-IDF of their terms; None: there are no texts, or no word in them.
    """

    features: np.ndarray | None
    texts: tuple[str, ...] | None
    words: Any | None

    @classmethod
    def of(cls, features: Any, texts: Iterable[str] | None, rows: int) -> GivenInputs:
        """Raises: InputError: they are not of so many rows, or no features or texts."""
        dense = None if features is None else table_of("features", features, rows, np.float32)
        if texts is None:
            return cls(dense, None, None)
        written = texts_of(texts, rows)
        return cls(dense, tuple(written), terms_of(written))
