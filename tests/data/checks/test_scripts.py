"""Texts by the script of most of their letters."""

from __future__ import annotations

from clc_text.data.checks import scripts as module
from clc_text.data.checks.scripts import scripts

TEXTS = [
    "hello",
    "привет мир",
    "日本語",
    "かなかな",
    "12 + 3",
    "",
    "สวัสดี",
    "hé 日本 abc",
    "Ωmega α β γ δ ε ζ",
    "𝒜𝒷",
    "\ud800",
]
EXPECTED = {"Latin": 2, "Cyrillic": 1, "Greek": 1, "Han": 1, "Hiragana": 1, "Thai": 1, "no letters": 4}


def test_scripts() -> None:
    assert scripts(TEXTS) == EXPECTED
    assert scripts([]) == {} and scripts(["", "1"]) == {"no letters": 2}


def test_blocks_do_not_matter(monkeypatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 7)
    assert scripts(TEXTS) == EXPECTED
