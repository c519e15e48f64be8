"""Who labelled, where rows have several labels: how often each is right, and what each confuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from clc_text.artifacts.audit import Audit
from clc_text.corrections.annotators_shown import sources_table
from clc_text.data.agreement import alpha_in_words
from clc_text.report.markup import folded, paragraph, table, table_of

MOST_SOURCES = 60


def annotators_html(audit: Audit | None) -> Markup:
    """The audit's ``several_labels`` as tables; nothing with one label a row."""
    several = None if audit is None else audit.get("several_labels")
    if audit is None or several is None:
        return Markup("")
    listed = sorted(several["sources"], key=lambda source: -source["votes"])
    found = table_of(sources_table(several, MOST_SOURCES))
    if several["alpha"] is not None:
        found += paragraph(alpha_in_words(several["alpha"], several.get("soft", 0)))
    if several["alone"]:
        lines = [[str(one["votes"]), f"{100 * one['right']:.1f} %"] for one in several["alone"]]
        found += table("How many labels are enough: agreement with all of them", ["labels a row", "#majority"], lines)
    lines = [[str(one["row"]), str(one["votes"]), f"{100 * one['belief']:.0f} %"] for one in several["unsure"]]
    found += folded(
        "Rows where another label would help most", table("By belief", ["row", "#labels", "#believed"], lines)
    )
    wrong = [line for source in listed[:MOST_SOURCES] for line in _confused(source)]
    if wrong:
        shown = table("Most frequent errors, in percent of the class", ["source", "is", "is called", "#share"], wrong)
        found += folded("Who confuses what", shown)
    return found


def _confused(source: Mapping[str, Any]) -> list[list[str]]:
    return [
        [source["name"], one["true"], one["said"], f"{100 * one['share']:.1f} %"]
        for one in source["confused"]
        if one["share"] >= 0.005
    ]
