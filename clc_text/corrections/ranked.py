"""Rows by how far their labels are doubted, for notebooks."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from clc_text.corrections.kinds import LIKELY

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 10  # rows of a notebook's table


class Ranked:
    """Rows by how far their labels are doubted, as data frames and on a notebook's page."""

    @property
    def ranking(self) -> pd.DataFrame:
        """All rows, the most doubted first; the column ``doubt`` is 0 … 1."""
        raise NotImplementedError

    @property
    def issues(self) -> pd.DataFrame:
        """`ranking`, of the rows with which something is wrong, as the column ``kind`` says: "label" where another
        class is more probable, "outlier" where the row is like no other, "garbled" where its text is, or several of
        them. Doubtful labels come first."""
        import pandas as pd

        ranking = self.ranking
        if not len(ranking):
            return ranking
        doubted = ranking["doubt"] > LIKELY
        if "kind" not in ranking:
            return ranking[doubted]
        return pd.concat([ranking[doubted], ranking[~doubted & (ranking["kind"] != "")]])

    def _repr_html_(self) -> str:
        table = self.ranking.head(SHOWN).to_html(index=False, escape=True, float_format="{:.2f}".format)
        return f"<p>{html.escape(repr(self))}</p>{table}"
