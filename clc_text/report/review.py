"""Rows to answer on a page: one at a time, with what is thought right and why, by keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np
from markupsafe import Markup

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.corrections.asking.draw import RANDOM, Purpose
from clc_text.corrections.asking.neighbours import nearest_rows
from clc_text.corrections.export import chosen_rows, described
from clc_text.corrections.store import Corrected
from clc_text.errors import InputError
from clc_text.report.contents import Contents, contents_of
from clc_text.report.markup import rendered
from clc_text.report.page import asset, page, script
from clc_text.text.encoders.lexical.weighting import terms_of
from clc_text.utils.shown import printable, without_controls
from clc_text.utils.spreadsheet import harmless

NEIGHBOURS = 3  # a row
NEIGHBOUR_LETTERS = 160
SAID_LETTERS = 400  # of several labels of a row, with who gives each
IMAGE = 384  # pixels of the longer side, at most
IN_REPORT = 100  # rows
REPORT_BYTES = 400_000  # of their texts, at most
MOST_ROWS = 200_000  # of a run whose report asks: copies are looked for among all texts, some seconds
MOST_WORDS = 20_000  # rows whose words are counted for a report: a second or two
PAGE_BYTES = 60_000_000  # likewise, of a page that is served


@dataclass(frozen=True)
class Questions:
    """Rows to ask about.

    Attributes:
        row: their numbers, in the order in which to ask.
        classes: how many classes there are.
        data: what the page's script reads.
    """

    row: list[int]
    classes: int
    data: dict[str, Any]

    def __len__(self) -> int:
        return len(self.row)


def questions(
    corrected: Corrected,
    k: int,
    purpose: Purpose | None,
    budget: int,
    features: Callable[[], np.ndarray | None] = lambda: None,
    vectors: Callable[[list[str]], Any | None] = lambda _: None,
) -> Questions:
    """The k rows to ask about for a purpose, each with how it was drawn (see `clc_text.corrections.export`).

    Args:
        budget: bytes that their texts or images may take.
        features: float32 [N, D] of the rows, or None.
        vectors: of all texts, [N, D], dense or sparse, what rows lie near each other by where there are no features;
            or None.
    """
    state, names = corrected.state(), corrected.facts["label_names"]
    seen: list[np.ndarray | None] = []

    def once() -> np.ndarray | None:
        if not seen:
            seen.append(features())
        return seen[0]

    chosen, inputs = chosen_rows(corrected, state, k, purpose, once)
    rows = described(corrected, state, chosen, "shown", [""] * len(chosen.row))
    contents = contents_of(inputs, budget, IMAGE) if len(chosen.row) else Contents()
    near: list[list[list[Any]]] = []
    if contents.texts is not None:
        texts = corrected.inputs(np.arange(len(state)))
        space = once()
        space = vectors(texts) if space is None else space
        if space is not None:
            near = [
                [[_begin(texts[row]), int(state.label[row]), round(likeness, 2)] for row, likeness in others]
                for others in nearest_rows(space, chosen.row, NEIGHBOURS, corrected.run.questions)
            ]
    called = "source_id" if rows and all("source_id" in row for row in rows) else "source_row"
    data = {
        "run": printable(corrected.run.name),
        "path": without_controls(corrected.run.path.name),
        "runId": corrected.facts["run_id"],
        "step": corrected.facts["step"],
        "names": [without_controls(name).strip() or "(no name)" for name in names],
        "csvNames": [quote(harmless(name), errors="replace") for name in names],  # for the file; nothing shows them
        "row": chosen.row.tolist(),
        "called": [without_controls(row[called]) if called in row else None for row in rows],
        "given": state.given[chosen.row].tolist(),
        "suggested": state.suggested[chosen.row].tolist(),
        "current": state.label[chosen.row].tolist(),
        "belief": _rounded(state.confidence[chosen.row]),
        "said": [printable(row["votes"], SAID_LETTERS) for row in rows] if "votes" in (*rows, {})[0] else None,
        "why": [row["why"] for row in rows],
        "random": RANDOM,
        "inclusion": chosen.inclusion.tolist(),
        "copies": chosen.copies.tolist(),
        "texts": contents.texts,
        "images": contents.images,
        "remark": contents.remark,
        "near": near,
    }
    return Questions(chosen.row.tolist(), len(names), data)


def report_questions(run: RunDirectory) -> Questions | None:
    """Those of a report: as many as fit, near rows by their words; None where nothing is left to ask, where the rows
    are neither texts nor images, or where there are so many that choosing among them would keep a report waiting."""
    corrected = Corrected(run)
    if corrected.rows > MOST_ROWS:
        return None
    try:
        asked = questions(corrected, IN_REPORT, "both", REPORT_BYTES, vectors=_words)
    except InputError:
        return None
    return asked if len(asked) else None


def _words(texts: list[str]) -> Any | None:
    return terms_of(texts) if len(texts) <= MOST_WORDS else None


def review_html(questions: Questions, dialog: bool) -> Markup:
    """The place where rows are answered: a dialog over a page, or a page's main part."""
    return rendered("review.html", rows=len(questions), dialog=dialog)


def review_page(questions: Questions, path: str, token: str, answers: Mapping[int, int]) -> str:
    """A page of its own, which sends every answer to whoever served it.

    Args:
        path: of the run, as a command takes it.
        token: goes with every answer, so that no other page can send one.
        answers: class by row, what was answered before.
    """
    title = f"{questions.data['run']} – review"
    body = review_html(questions, dialog=False)
    style = asset("tokens.css") + asset("review.css")
    review = questions.data | {
        "path": path,
        "token": token,
        "answers": {str(row): one for row, one in answers.items()},
    }
    return page(title, body, style, script("review.js"), {"review": review}, connects=True)


def _begin(text: str) -> str:
    text = text[: 4 * NEIGHBOUR_LETTERS]
    return printable(text, NEIGHBOUR_LETTERS)


def _rounded(values: np.ndarray) -> list[float]:
    rounded: list[float] = np.nan_to_num(values.astype(float)).round(3).tolist()
    return rounded
