"""Texts by the script of most of their letters."""

from __future__ import annotations

from clc_text.data.checks import scripts as module
from clc_text.data.checks.scripts import LEAST_ROWS, in_another_script, scripts

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


def test_a_script_is_rare_where_one_row_of_a_hundred_is_in_it() -> None:
    latin = ["hello"] * 300
    japanese = ["日本", "かな", "カナ", "日本語"]  # 4 of 306 rows are more than one of 100
    assert in_another_script([*latin, "", "12", "привет", *japanese, "ความ"]).tolist() == [302, 307]
    assert in_another_script([*latin, *["привет"] * 4]).tolist() == []
    assert in_another_script([*["hello"] * (LEAST_ROWS - 2), "привет"]).tolist() == []
    assert in_another_script([*["hello"] * (LEAST_ROWS - 1), "привет"]).tolist() == [LEAST_ROWS - 1]
    assert in_another_script([]).tolist() == []
