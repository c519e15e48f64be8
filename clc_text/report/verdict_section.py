"""The first thing on the page: whether the corrections may be trusted, why, and what the run noticed of itself."""

from __future__ import annotations

from typing import Any

from clc_text.analysis.judged import Judged
from clc_text.analysis.state import not_ended
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.report.markup import bullets, paragraph, prose

# trust -> (sign, class of the box); the words tell it without sign and colour.
SIGNS = {"trust": ("✓", "good"), "look first": ("!", "care"), "do not use": ("✗", "bad")}
BASIS = {
    "true labels": "Measured against the true labels.",
    "canaries": "Measured by canaries: labels that were flipped on purpose before training.",
    "estimates": "Estimated only: neither true labels nor enough canaries are known.",
}


def verdict_html(run: RunDirectory, judged: Judged) -> str:
    audit, ending = judged.audit, not_ended(run, "the run")
    parts = [_box(audit)]
    if ending:
        parts.append(paragraph(ending, "remark"))
    if judged.remark:
        parts.append(paragraph(judged.remark, "remark"))
    if audit is not None:
        parts.append(bullets(audit["verdict"]["reasons"]))
    said = set(audit["verdict"]["reasons"]) if audit is not None else set()
    parts.append(_notices([notice for notice in run.guards() if notice["message"] not in said]))
    return "".join(parts)


def _box(audit: dict[str, Any] | None) -> str:
    if audit is None:
        return (
            '<div class="verdict none"><p class="trust"><span aria-hidden="true">…</span> Not judged yet</p>'
            "<p>There is no corrected dataset that could be trusted or not.</p></div>"
        )
    verdict = audit["verdict"]
    sign, kind = SIGNS[verdict["trust"]]
    trust = verdict["trust"].capitalize()
    return (
        f'<div class="verdict {kind}"><p class="trust"><span aria-hidden="true">{sign}</span> {trust}</p>'
        f'<p>{prose(verdict["summary"])}</p><p class="soft">{BASIS[verdict["basis"]]}</p></div>'
    )


def _notices(notices: list[dict[str, Any]]) -> str:
    if not notices:
        return ""
    items = "".join(
        f'<li class="{"warning" if notice["severity"] == "warning" else "note"}"><strong>'
        f"{'Warning' if notice['severity'] == 'warning' else 'Note'}</strong> (epoch {int(notice['epoch'])}): "
        f"{prose(notice['message'])}</li>"
        for notice in notices
    )
    return f'<h3>What the run noticed</h3><ul class="notices">{items}</ul>'
