"""Pieces of the page, made by the templates beside this file, which escape whatever they print.

What users wrote comes as plain text and is shown on one line, without control and direction characters; only `Markup`
is HTML already.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from clc_text.utils.shown import printable
from clc_text.utils.table import Table


def rendered(template: str, **values: Any) -> Markup:
    """A template of its own file."""
    return Markup(_environment().get_template(template).render(values))


def piece(macro: str, *values: Any, **named: Any) -> Markup:
    """A macro of ``pieces.html``."""
    made: Markup = getattr(_environment().get_template("pieces.html").module, macro)(*values, **named)
    return made


def paragraph(sentence: str, kind: str = "") -> Markup:
    return piece("paragraph", sentence, kind)


def bullets(sentences: Iterable[str]) -> Markup:
    return piece("bullets", list(sentences))


def table(caption: str, heads: Sequence[str], lines: Iterable[Sequence[str]], kind: str = "") -> Markup:
    """A table that scrolls by itself where it is too wide; the first cell of each line names it.

    Args:
        heads: of all columns; those after the first are numbers if they begin with "#", which is not shown.
        lines: the cells, as text or `Markup`.
    """
    return piece("table", caption, heads, list(lines), kind)


def table_of(shown: Table, kind: str = "") -> Markup:
    """A table that others show, too, its title as the caption."""
    return table(shown.title[:1].upper() + shown.title[1:], shown.heads, shown.rows, kind)


def facts_table(caption: str, facts: Iterable[tuple[str, str]]) -> Markup:
    """Names and values side by side; nothing without any."""
    return piece("facts", caption, list(facts))


def folded(title: str, inner: Markup) -> Markup:
    return piece("folded", title, inner)


def joined(pieces: Iterable[Markup]) -> Markup:
    return Markup("").join(pieces)


def prose(sentence: str) -> Markup:
    """A sentence with a full stop and, unless it begins with a name such as clc_auto, a capital letter; what stands in
    `backticks` is set as code."""
    sentence = printable(sentence)
    if sentence and sentence[-1] not in ".!?…":
        sentence += "."
    named = "_" in sentence.partition(" ")[0]
    return with_code(sentence if named else sentence[:1].upper() + sentence[1:])


def with_code(words: str) -> Markup:
    """What stands in `backticks` is set as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(printable(words)))))


@functools.cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_on_one_line,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"prose": prose, "code": with_code, "verbatim": lambda lines: Markup(escape(lines))}
    return made


def _on_one_line(value: Any) -> Any:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
