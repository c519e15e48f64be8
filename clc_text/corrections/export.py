"""The rows whose given labels are most probably wrong, for people to answer in a table, Argilla or Label Studio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clc_text.corrections.asking.draw import DOUBT, RANDOM, Drawn, Purpose
from clc_text.corrections.asking.to_ask import rows_to_ask
from clc_text.corrections.copies import first_alike, is_blank
from clc_text.corrections.export_files import check_ending, check_not_another
from clc_text.corrections.export_formats import FORMATS, Row
from clc_text.corrections.exported_images import Draw, are_images, written_beside
from clc_text.corrections.identity import names_of
from clc_text.corrections.state import PERSON, State
from clc_text.corrections.store import Corrected
from clc_text.corrections.who_said import in_words, who_said
from clc_text.errors import InputError, nearest


@dataclass(frozen=True)
class Exported:
    """What an export has written.

    Attributes:
        rows: how many.
        random: of them, drawn at random.
        folded: further rows of the dataset that are copies of one of these.
        empty: rows without a text that nobody has answered, all of them after the others; of them `empty_shown` here.
    """

    rows: int
    random: int
    folded: int
    empty: int
    empty_shown: int


@dataclass(frozen=True)
class Chosen:
    """Which rows to look at, in this order.

    Attributes:
        row: int64 [n].
        copies: int64 [n], how many further rows have the same text, or nearly so.
        random: bool [n], drawn at random.
        inclusion: float64 [n], the probability with which a row was drawn; 1 for those that were not left to chance.
        empty: of the open rows, how many have no text; the last `empty_shown` chosen ones are such.
    """

    row: np.ndarray
    copies: np.ndarray
    random: np.ndarray
    inclusion: np.ndarray
    empty: int = 0
    empty_shown: int = 0

    @classmethod
    def first(cls, row: np.ndarray, copies: np.ndarray, empty: int = 0, empty_shown: int = 0) -> Chosen:
        """The rows of the greatest doubt: none of them is left to chance."""
        return cls(row, copies, np.zeros(len(row), bool), np.ones(len(row)), empty, empty_shown)

    @classmethod
    def drawn(cls, drawn: Drawn, copies: np.ndarray) -> Chosen:
        return cls(drawn.row, copies, drawn.random, drawn.inclusion)


def export(
    corrected: Corrected,
    out: Path,
    k: int,
    format: str,
    draw: Draw,
    purpose: Purpose | None = None,
    features: Callable[[], np.ndarray | None] = lambda: None,
) -> Exported:
    """Writes the k rows to look at first, or those that serve a purpose.

    Args:
        draw: writes an image, where the rows are images.
        purpose: see `clc_text.corrections.asking.draw`; None: the rows whose given label is most probably wrong.
        features: gives float32 [N, D] of the rows, by which they are alike; asked only where that matters.

    Raises:
        InputError: the format is not known, `k` is not positive, the rows are no texts, or `out` holds another export.
    """
    if format not in FORMATS:
        raise InputError(f"there is no export format '{format}'{nearest(format, FORMATS)}", key=format)
    check_not_another(out, format, corrected.facts["run_id"])
    check_ending(out, format)
    state = corrected.state()
    images = are_images(corrected.inputs(first_to_look_at(state, 1)))
    if images and format != "csv":
        raise InputError(
            f"the format {format} shows texts only, and {corrected.path} has images; use --format csv",
            where=corrected.path,
            key="--format",
        )
    chosen, inputs = chosen_rows(corrected, state, k, purpose, features)
    if images:
        rows = described(corrected, state, chosen, "image", written_beside(inputs, chosen.row, out, draw))
    else:
        rows = described(corrected, state, chosen, "text", inputs)
    FORMATS[format](rows, corrected.facts["label_names"], out)
    folded = int(chosen.copies.sum()) if purpose is None else 0
    return Exported(len(rows), int(chosen.random.sum()), folded, chosen.empty, chosen.empty_shown)


def chosen_rows(
    corrected: Corrected,
    state: State,
    k: int,
    purpose: Purpose | None,
    features: Callable[[], np.ndarray | None] = lambda: None,
) -> tuple[Chosen, list[Any]]:
    """Which k rows to look at, as of `export`, and what each of them holds.

    Raises:
        InputError: `k` is not positive, or the rows are neither texts nor images.
    """
    if k < 1:
        raise InputError(f"--k is {k}; give at least 1", key="--k")
    first = first_to_look_at(state, k)
    vectors = features() if purpose not in (None, "estimate") else None
    if are_images(inputs := corrected.inputs(first)):
        if purpose is None:
            return Chosen.first(first, np.zeros(len(first), np.int64)), inputs
        chosen = Chosen.drawn(*rows_to_ask(corrected, state, purpose, k, None, vectors))
        return chosen, corrected.inputs(chosen.row)
    texts = _checked(corrected.inputs(np.arange(len(state))), corrected)
    if purpose is None:
        chosen = without_copies(state, texts, k, corrected.run.questions)
    else:
        chosen = Chosen.drawn(*rows_to_ask(corrected, state, purpose, k, texts, vectors))
    return chosen, [texts[row] for row in chosen.row.tolist()]


def _checked(texts: list[Any], corrected: Corrected) -> list[str]:
    strange = next((row for row, text in enumerate(texts) if not isinstance(text, str)), None)
    if strange is not None:
        raise InputError(
            f"row {strange} of {corrected.path} is neither text nor image; sort the dataset by its column `rank` "
            "instead",
            where=corrected.path,
            row=strange,
        )
    return texts


def described(corrected: Corrected, state: State, chosen: Chosen, kind: str, shown: Sequence[str]) -> list[Row]:
    """The chosen rows; `shown` are their texts, or whatever `kind` says."""
    names, step = corrected.facts["label_names"], corrected.facts["step"]
    known = names_of(corrected, chosen.row)
    said = who_said(corrected.run)
    drawn = zip(chosen.random.tolist(), chosen.inclusion.tolist(), strict=True)
    return [
        {
            "row": row,
            **called,
            kind: value,
            **({} if said is None else {"votes": in_words(said(row))}),
            "given": names[state.given[row]],
            "suggested": names[state.suggested[row]],
            "doubt": round(float(state.doubt[row]), 4),
            "confidence": round(float(state.confidence[row]), 4),
            "changed": bool(state.changed[row]),
            "current": names[state.label[row]],
            "copies": copies,
            "why": RANDOM if random else DOUBT,
            "inclusion": inclusion,
            "asked": step,
            "run_id": corrected.facts["run_id"],
        }
        for row, called, copies, (random, inclusion), value in zip(
            chosen.row.tolist(), known, chosen.copies.tolist(), drawn, shown, strict=True
        )
    ]


def look_first(corrected: Corrected, k: int) -> list[Row]:
    """The k texts to look at first, as `export` writes them."""
    state = corrected.state()
    texts = _checked(corrected.inputs(np.arange(len(state))), corrected)
    chosen = without_copies(state, texts, k, corrected.run.questions)
    return described(corrected, state, chosen, "text", [texts[row] for row in chosen.row.tolist()])


def first_to_look_at(state: State, k: int | None = None) -> np.ndarray:
    """int64 [<= k], the rows whose given label is most probably wrong, changed ones among them, and that no person has
    answered; all such rows without `k`."""
    open_rows = np.flatnonzero(state.source != PERSON)
    return open_rows[np.argsort(state.rank[open_rows], kind="stable")[:k]]


def without_copies(state: State, texts: list[str], k: int, questions: int = 1) -> Chosen:
    """The rows to look at first, of copies the one that comes first, and rows without a text after all others.

    Args:
        questions: so many rows in turn are of one text, each another question.
    """
    order = first_to_look_at(state)
    blank = np.array([is_blank(texts[row]) for row in order.tolist()], bool)
    full, empty = order[~blank], order[blank]
    first = first_alike(texts, full[: max(20 * k, 10_000)], questions)
    # Of each group of copies the row that comes first in the order.
    _, places = np.unique(first[full], return_index=True)
    kept = full[np.sort(places)][:k]
    copies = np.bincount(first, minlength=len(texts))[first[kept]] - 1
    shown = empty[: k - len(kept)]
    return Chosen.first(
        np.concatenate([kept, shown]), np.concatenate([copies, np.zeros(len(shown), np.int64)]), len(empty), len(shown)
    )
