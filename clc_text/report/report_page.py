"""The report: a run directory as one page that people read. It reads the run directory only, and never trains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup

from clc_text.analysis.corrected import CorrectedLabels, corrected_labels, has_corrections
from clc_text.analysis.groups import method_title, subject
from clc_text.analysis.judged import Judged, judged
from clc_text.analysis.maps import Maps
from clc_text.analysis.short_names import short_names
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.corrections.store import has_corrected
from clc_text.data.labels import Labels
from clc_text.errors import InputError
from clc_text.plots.tsne_figure import draw
from clc_text.report.annotators import annotators_html
from clc_text.report.changes import by_asked_html, by_class_html, pairs_html, summary_sentence
from clc_text.report.contents import Contents, read_contents
from clc_text.report.facts import background_html, hashes_html, recipe_html
from clc_text.report.markup import paragraph, piece, rendered
from clc_text.report.noise_section import matrices_html, rate_html
from clc_text.report.numbers import numbers_html
from clc_text.report.odd_texts import odd_texts_html
from clc_text.report.page import asset, json_in_html, page, script
from clc_text.report.pictures import epochs_html, figure_html, picture_html, pictures_html
from clc_text.report.review import Questions, report_questions, review_html
from clc_text.report.rows import listed_rows, page_rows
from clc_text.report.verdict_section import verdict_html
from clc_text.utils.shown import printable, without_controls

MOST_BYTES = 4_800_000
CONTENT_BYTES = 3_000_000  # of these, for texts and thumbnails at most
IN_TABLE = 40  # letters of a class's name at most


def report_page(run: RunDirectory, maps: Maps | None = None) -> str:
    """The page's text.

    Args:
        maps: t-SNE maps to show among the pictures.

    Raises:
        InputError: the run stopped before its labels were made, or a file of it is damaged.
    """
    labels, names = run.labels(), run.label_names
    judgement = judged(run)
    now = corrected_labels(run, labels) if has_corrections(run) else None
    asked = None if now is None or not has_corrected(run) else report_questions(run)
    sections = {
        "Verdict": verdict_html(run, judgement),
        "Changes": _corrections_html(judgement, labels, now, names, asked),
        "Classes": _classes_html(run, labels, now),
        "Who labelled": annotators_html(run, judgement.audit),
        "Odd texts": odd_texts_html(run),
        "Noise": rate_html(judgement.audit) + (picture_html(run, "confusion") if now else Markup("")),
    }
    curious = {
        "Numbers": numbers_html(run, judgement.audit, labels, now),
        "The noise in numbers": _or_nothing(matrices_html, run) if now else Markup(""),
        "Pictures": (pictures_html(run) if now else Markup("")) + _maps_html(maps) + epochs_html(run),
        "Recipe and hashes": recipe_html(run) + hashes_html(run) + background_html(run),
    }
    title = printable(f"{run.name}: {method_title(run.recipe()['method']['name'])}")
    kept, more = ({name: inner for name, inner in part.items() if inner} for part in (sections, curious))
    body = _body(title, subject([run]), kept, more)
    if asked is not None:
        body += review_html(asked, dialog=True)
    style = "".join(asset(name) for name in ("tokens.css", "report.css", "review.css"))
    scripts = script("report.js", "review.js")
    data: dict[str, Any] = {
        # A browser obeys a direction mark in a class's name as a terminal does.
        "classes": [without_controls(name) for name in names],
        "short": short_names(names, IN_TABLE),
        "rows": None,
        "review": None if asked is None else asked.data,
    }
    if (now is not None and now.changed.any()) or judgement.audit is not None:
        data |= _table(run, labels, now, MOST_BYTES - len((body + style + scripts).encode()) - len(json_in_html(data)))
    return page(f"{title} – report", body, style, scripts, data)


def _classes_html(run: RunDirectory, labels: Labels, now: CorrectedLabels | None) -> Markup:
    if now is None:
        return Markup("")
    return by_asked_html(labels, now, run.asked) if run.asked else by_class_html(labels, now, run.label_names)


def _table(run: RunDirectory, labels: Labels, now: CorrectedLabels | None, room: int) -> dict[str, Any]:
    assert now is not None
    rows = listed_rows(run, labels, now)
    plain = page_rows(rows)
    room -= len(json_in_html(plain))
    contents = read_contents(run, rows.row, max(0, min(room, CONTENT_BYTES))) if len(rows) else Contents()
    return {"rows": plain, "texts": contents.texts, "images": contents.images, "remark": contents.remark}


def _corrections_html(
    judged: Judged, labels: Labels, now: CorrectedLabels | None, names: Sequence[str], asked: Questions | None
) -> Markup:
    if now is None:
        return paragraph("no epoch has ended yet, so no label could change")
    summary = paragraph(summary_sentence(labels, now, judged.audit))
    if asked is not None:
        summary += piece("start_review", len(asked))
    known = list(names)
    return summary + pairs_html(labels, now, known) + rendered("table_of_rows.html")


def _or_nothing(make: Callable[[RunDirectory], Markup], run: RunDirectory) -> Markup:
    try:
        return make(run)
    except InputError:
        return Markup("")  # the picture beside it says why


def _maps_html(maps: Maps | None) -> Markup:
    if maps is None:
        return Markup("")
    wide, narrow = (draw(maps, maps.labellings, narrow) for narrow in (False, True))
    return figure_html(wide, narrow, "t-SNE of the last hidden layer: rows that a network sees as alike lie together.")


def _body(title: str, about: str, sections: dict[str, Markup], curious: dict[str, Markup]) -> Markup:
    """What whoever owns the data reads, and folded below it what explains how it came about."""
    return piece("body", title, about, _parts(sections), _parts(curious))


def _parts(contents: dict[str, Markup]) -> list[dict[str, Any]]:
    anchors = {name: name.lower().replace(" ", "-").removeprefix("the-") for name in contents}
    return [{"name": name, "anchor": anchors[name], "content": content} for name, content in contents.items()]
