"""A self-contained HTML page: its style, script and data are in it, and its policy forbids every request."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from clc_text.report.markup import rendered


def page(title: str, body: Markup, style: str, script: str, data: Any = None, connects: bool = False) -> str:
    """The page's text.

    Args:
        title: plain text.
        body: HTML, as the templates made it.
        style: CSS.
        script: JavaScript; it finds `data` parsed as ``JSON.parse(document.getElementById("data").textContent)``.
        data: plain values; safe whatever its strings hold.
        connects: whether the script may send something to whoever served the page; else it can reach nobody.
    """
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'" + ("; connect-src 'self'" if connects else "")
    )
    return rendered(
        "page.html",
        policy=Markup(policy),
        title=title,
        style=Markup(style),
        body=body,
        data=Markup(json_in_html(data)),
        script=Markup(script),
    )


def json_in_html(value: Any) -> str:
    """JSON that no parser can take for the end of its element: <, > and & are written as escapes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def asset(name: str) -> str:
    """A file of `clc_text/report/pages`, with line ends as a browser normalises them."""
    text = (files("clc_text.report") / "pages" / name).read_text(encoding="utf-8")
    return text.replace("\r\n", "\n")


def script(*names: str) -> str:
    """Scripts of that folder as one, after what they have in common."""
    return "".join(asset(name) for name in ("shared.js", *names))


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
