"""Foreign text in a card stays text, as a Markdown reader sees it."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from clc_text.hub.markdown import cell, code, environment, line, link, percent, plain

HOSTILE = [
    "a|b",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "`tick` ``two``",
    "`",
    "**bold** _under_ ~~gone~~",
    "line\nbreak\n\n# heading",
    "a\\|b \\",
    "&lt; &amp; &#x41;",
    "$$x^2$$",
    "{{ 7 * 7 }} {% raw %}",
    "user@example.com",
    "www.evil.example https://evil.example",
    "  blanks  inside  ",
    "\u202egnp.exe",
    "comp.sys.ibm.pc.hardware",
]


def as_read(text: str) -> tuple[str, set[str]]:
    """What a reader of the Markdown sees as text, and the names of the HTML tags around it."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
    shown, kinds = [], set()
    for token in tokens:
        kinds.add(token.type)
        for child in token.children or []:
            kinds.add(child.type)
            shown.append(child.content)
    return "".join(shown), kinds


@pytest.mark.parametrize("text", HOSTILE)
def test_plain_text_shows_as_it_was_written(text: str) -> None:
    shown, kinds = as_read(f"Before {plain(text)} after.")
    assert shown == f"Before {line(text)} after."
    assert kinds <= {"paragraph_open", "inline", "paragraph_close", "text", "text_special"}


@pytest.mark.parametrize("text", HOSTILE)
def test_code_shows_as_it_was_written(text: str) -> None:
    shown, kinds = as_read(f"Before {code(text)} after.")
    assert shown == f"Before {line(text)} after."
    assert kinds <= {"paragraph_open", "inline", "paragraph_close", "text", "code_inline"}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_is_one_cell(text: str) -> None:
    shown, kinds = as_read(f"| one | two |\n|---|---|\n| {cell(text)} | 2 |\n")
    assert shown == f"onetwo{line(text)}2"
    assert not kinds & {"html_inline", "html_block", "link_open", "image"}


def test_bare_addresses_are_no_links_in_githubs_dialect() -> None:
    text = plain("see https://evil.example, www.evil.example or a@evil.example")
    assert "://" not in text
    assert "www." not in text
    assert "@" not in text


def test_a_template_escapes_whatever_has_no_filter() -> None:
    text = environment().from_string("{{ name }} {{ name | code }} {{ 1234 | count }}").render(name="<b>*x*")
    assert text == "&lt;b&gt;\\*x\\* `<b>*x*` 1,234"


def test_shares() -> None:
    assert percent(0.1234) == "12.3 %"


def test_links_are_addresses_and_nothing_else() -> None:
    assert link("https://example.com/a/b-c_d.html") == "<https://example.com/a/b-c_d.html>"
    for text in ("javascript:alert(1)", "https://x> <img src=y>", "https://x y", "https://x\n# y"):
        shown, kinds = as_read(f"See {link(text)}.")
        assert shown == f"See {line(text)}."
        assert "link_open" not in kinds
