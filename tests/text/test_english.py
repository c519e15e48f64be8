"""Sentences of several languages, and lists that tell nothing."""

from __future__ import annotations

import pytest

from clc_text.text.english import looks_english

ENGLISH = [
    ["Who wrote the novel about the river?", "What is the name of the city where they met"],
    ["my screen's black since the update, you've got to help!!", "where do I find the invoices of last year"],
    ["USB-C cable 2m black", "HDMI adapter 4K", "Laptop stand aluminium"],
    ["", "12345", "!!!"],
    [],
    ["Le Monde was cited by the newspaper", "the Los Angeles office has not called and I've waited"],
]
OTHERS = [
    ["Der Bildschirm ist seit dem Update schwarz", "Wo finde ich die Rechnungen von letztem Jahr"],
    ["L'écran est noir depuis la mise à jour", "Où sont les factures de l'année dernière"],
    ["La pantalla está negra desde la actualización", "dónde están las facturas del año pasado"],
    ["屏幕在更新后变黑了", "我在哪里可以找到去年的发票"],
    ["Экран чёрный после обновления", "Где найти счета за прошлый год"],
    ["स्क्रीन काली हो गई है", "पिछले साल के बिल कहाँ हैं"],
    ["Ekran güncellemeden sonra siyah ve bir daha açılmadı bu", "bu için bir fatura"],
]


@pytest.mark.parametrize("texts", ENGLISH)
def test_english(texts: list[str]) -> None:
    assert looks_english(texts)


@pytest.mark.parametrize("texts", OTHERS)
def test_other_languages(texts: list[str]) -> None:
    assert not looks_english(texts)
    assert looks_english(texts + ENGLISH[0] * 20), "most of them decide"
