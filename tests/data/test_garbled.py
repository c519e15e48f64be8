"""Texts that were garbled on their way are found, and texts of any language are not taken for such."""

from __future__ import annotations

import pyarrow as pa
import pytest

from clc_text.data.checks.garbled import KINDS, garbled

SENTENCES = [
    "Le café était fermé à midi – déjà vu, «naïve»…", "Ελλάδα και Κύπρος", "Привет, мир", "emoji 🙂",
    "日本語のテキスト",
    "ação e coração", "Straße “quoted” it’s 5 < 6 & 7 > 3", "a\tb\nc\r\n", "Œuvre à Âge",
]  # fmt: skip


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_utf8_read_in_another_encoding_is_found(encoding: str) -> None:
    for text in ("déjà vu", "it’s “here”", "Über", "ação"):
        wrong = text.encode("utf-8").decode(encoding, errors="replace")
        found = garbled(pa.chunked_array([["fine", wrong]]))
        assert found and all(rows.tolist() == [1] for rows in found.values()), wrong


def test_sound_texts_of_many_languages_are_left_alone() -> None:
    assert garbled(pa.chunked_array([SENTENCES])) == {}


@pytest.mark.parametrize(
    ("kind", "text"),
    zip(KINDS, ["lost \ufffd", "cafÃ©", "bell \x07", "a &amp; b <br/>"], strict=True),
)
def test_each_kind(kind: str, text: str) -> None:
    found = garbled(pa.chunked_array([["fine", None, text]]))
    assert list(found) == [kind] and found[kind].tolist() == [2]
