"""Rows by how far their labels are doubted, for notebooks."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from clc_text.corrections.kinds import LIKELY
from clc_text.evidence.evidence import NETWORKS

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
        class is more probable, "outlier" where the row is like no other, "garbled" where its text is, "copy" where it
        is nearly that of a row with another label, "empty" where there is none, "script" where it is in another
        script than nearly all, or several of them. Doubtful labels come first."""
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


def named(views: Sequence[str]) -> tuple[str, ...]:
    """Views as callers know them: probabilities that they brought are no networks of ours."""
    return tuple("pred_probs" if view == NETWORKS else view for view in views)


def reasons(finds: np.ndarray, views: Sequence[str]) -> list[str]:
    """Which views find the suggested class most probable, a sentence a row.

    Args:
        finds: bool [n, V].
        views: V names.
    """
    kinds, kind = np.unique(finds, axis=0, return_inverse=True)
    sentences = [_sentence([view for view, one in zip(views, found, strict=True) if one], views) for found in kinds]
    return [sentences[number] for number in kind.ravel().tolist()]


def _sentence(finding: list[str], views: Sequence[str]) -> str:
    if len(finding) == len(views):
        return "all views find it" if len(views) > 1 else f"{finding[0]} finds it"
    return f"{len(finding)} of {len(views)} views find it" + (f": {', '.join(finding)}" if finding else "")
