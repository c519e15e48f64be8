"""The first thing on the page: whether the corrections may be trusted, why, and what the run noticed of itself."""

from __future__ import annotations

from markupsafe import Markup

from clc_text.analysis.judged import Judged
from clc_text.analysis.unfinished import not_ended
from clc_text.artifacts.audit import Audit
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.report.markup import bullets, joined, paragraph, piece

# trust -> (sign, class of the box); the words tell it without sign and colour.
SIGNS = {"trust": ("✓", "good"), "look first": ("!", "care"), "do not use": ("✗", "bad")}
BASIS = {
    "true labels": "Measured against the true labels.",
    "answers": "Measured by people's answers to rows that were drawn at random.",
    "canaries": "Measured by canaries: labels that were flipped on purpose before training.",
    "estimates": "Estimated only: neither true labels nor enough answers or canaries are known.",
}


def verdict_html(run: RunDirectory, judged: Judged) -> Markup:
    audit, ending = judged.audit, not_ended(run, "the run")
    parts = [_box(audit)]
    if ending:
        parts.append(paragraph(ending, "remark"))
    if judged.remark:
        parts.append(paragraph(judged.remark, "remark"))
    if audit is not None:
        parts.append(bullets(audit["verdict"]["reasons"]))
    said = set(audit["verdict"]["reasons"]) if audit is not None else set()
    parts.append(piece("notices", [notice for notice in run.notices() if notice["message"] not in said]))
    return joined(parts)


def _box(audit: Audit | None) -> Markup:
    if audit is None:
        nothing = "There is no corrected dataset that could be trusted or not."
        return piece("verdict", "…", "none", "Not judged yet", nothing, "")
    verdict = audit["verdict"]
    sign, kind = SIGNS[verdict["trust"]]
    return piece("verdict", sign, kind, verdict["trust"].capitalize(), verdict["summary"], BASIS[verdict["basis"]])
