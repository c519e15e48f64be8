"""Foreign text and figures in Markdown.

Label names, recipe names and the sentences about them come from other people's files, so in a card they must be text:
no table, link, image or HTML that a label name carries may come to life on the Hub. `environment` escapes whatever a
template prints, unless one of its filters has made it Markdown on purpose.
"""

from __future__ import annotations

import re
from pathlib import Path

import jinja2

# Backslashes before what means something in Markdown; entities where a backslash would not help: HTML, and the bare
# addresses that GitHub's dialect turns into links.
_ESCAPES = {ord(c): f"\\{c}" for c in "\\`*_{}[]#|~$!"}
_ESCAPES |= {ord("<"): "&lt;", ord(">"): "&gt;", ord("&"): "&amp;", ord("@"): "&#64;"}


class Markdown(str):
    """Text that is Markdown already."""


def line(text: str) -> str:
    """One line, without control characters or those that turn the reading direction around."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def plain(text: str) -> Markdown:
    """Text that shows as it is written."""
    escaped = line(text).translate(_ESCAPES).replace("://", ":&#47;/")
    return Markdown(re.sub(r"(?i)\bwww\.", lambda found: f"{found[0][:-1]}&#46;", escaped))


def code(text: object) -> Markdown:
    """A code span, with as many backticks around as the text needs."""
    shown = line(str(text)) or " "
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return Markdown(f"{fence}{pad}{shown}{pad}{fence}")


def cell(text: object) -> Markdown:
    """A code span in a table, where a bar would end it."""
    return Markdown(code(text).replace("|", "\\|"))


def link(address: str) -> Markdown:
    """An address to follow, where it is made of nothing else."""
    return Markdown(f"<{address}>") if re.fullmatch(r"https?://[\w.~/%-]+", address, re.ASCII) else plain(address)


def count(number: float) -> Markdown:
    """A number of rows, ``5,452``."""
    return Markdown(f"{number:,.0f}")


def percent(share: float, digits: int = 1) -> Markdown:
    """A share 0 … 1 as ``12.3 %``."""
    return Markdown(f"{100 * share:.{digits}f} %")


def environment() -> jinja2.Environment:
    """Renders the templates beside this file."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"code": code, "cell": cell, "link": link, "count": count, "percent": percent}
    return made


def _finalize(value: object) -> str:
    return value if isinstance(value, Markdown) else plain(str(value))
