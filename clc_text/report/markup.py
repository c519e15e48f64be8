"""Pieces of HTML. Every function escapes what it is given, except where its name says `html`."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from clc_text.utils.shown import printable


def text(value: object) -> str:
    """A user's text on one line, escaped, without control and direction characters."""
    return html.escape(printable(str(value)))


def prose(sentence: str) -> str:
    """A sentence with a capital letter and a full stop, escaped; what stands in `backticks` is set as code."""
    sentence = printable(sentence)
    if sentence and sentence[-1] not in ".!?…":
        sentence += "."
    return with_code(sentence[:1].upper() + sentence[1:])


def with_code(words: str) -> str:
    """Escaped; what stands in `backticks` is set as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text(words))


def paragraph(sentence: str, kind: str = "") -> str:
    return f"<p{_class(kind)}>{prose(sentence)}</p>"


def bullets(sentences: Iterable[str]) -> str:
    items = "".join(f"<li>{prose(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def table(caption: str, heads: Sequence[str], lines: Iterable[Sequence[str]], kind: str = "") -> str:
    """A table that scrolls by itself where it is too wide; the first cell of each line names it.

    Args:
        heads: of all columns; those after the first are numbers if they begin with "#", which is not shown.
        lines: HTML of the cells.
    """
    numeric = [head.startswith("#") for head in heads]
    top = "".join(
        f'<th scope="col"{_class("number" if number else "")}>{text(head.removeprefix("#"))}</th>'
        for head, number in zip(heads, numeric, strict=True)
    )
    body = []
    for first, *rest in lines:
        cells = "".join(
            f"<td{_class('number' if number else '')}>{cell}</td>"
            for cell, number in zip(rest, numeric[1:], strict=True)
        )
        body.append(f'<tr><th scope="row">{first}</th>{cells}</tr>')
    # A region that can be reached by Tab, so that keys can scroll it.
    region = f'<div class="wide" role="region" tabindex="0" aria-label="{text(caption.replace("`", ""))}">'
    return (
        f"{region}<table{_class(kind)}><caption>{with_code(caption)}</caption><thead><tr>{top}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def facts_table(caption: str, facts: Iterable[tuple[str, str]]) -> str:
    """Names and values (both plain text) side by side."""
    lines = "".join(f'<tr><th scope="row">{text(name)}</th><td>{text(value)}</td></tr>' for name, value in facts)
    return f'<table class="facts"><caption>{text(caption)}</caption><tbody>{lines}</tbody></table>' if lines else ""


def folded(title: str, inner_html: str) -> str:
    return f"<details><summary>{text(title)}</summary>{inner_html}</details>"


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
