"""A self-contained HTML page: its style, script and data are in it, and its policy forbids every request."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib.resources import files
from typing import Any


def page(title: str, body: str, style: str, script: str, data: Any = None) -> str:
    """The page's text.

    Args:
        title: plain text.
        body: HTML; what users wrote must be escaped in it already.
        style: CSS.
        script: JavaScript; it finds `data` parsed as ``JSON.parse(document.getElementById("data").textContent)``.
        data: plain values; safe whatever its strings hold.
    """
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{html.escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n"
        f'<script type="application/json" id="data">{json_in_html(data)}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
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


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
