"""Rows by how far their labels are doubted, for notebooks."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

LIKELY = 0.5  # doubt above which another class is more probable than the given one
SHOWN = 10  # rows of a notebook's table


class Ranked:
    """Rows by how far their labels are doubted, as data frames and on a notebook's page."""

    @property
    def ranking(self) -> pd.DataFrame:
        """All rows, the most doubted first; the column ``doubt`` is 0 … 1."""
        raise NotImplementedError

    @property
    def issues(self) -> pd.DataFrame:
        """`ranking`, of the rows whose label is more probably wrong than right."""
        ranking = self.ranking
        return ranking[ranking["doubt"] > LIKELY] if len(ranking) else ranking

    def _repr_html_(self) -> str:
        table = self.ranking.head(SHOWN).to_html(index=False, escape=True, float_format="{:.2f}".format)
        return f"<p>{html.escape(repr(self))}</p>{table}"
