"""Near copies: against the overlap counted letter by letter, on texts whose distance is made."""

from __future__ import annotations

import random
import re

import numpy as np

from clc_text.data.checks.near_copies import ALIKE, first_near_copies

SENTENCE = "the printer on floor two stops every morning and prints blank pages until someone restarts the spooler"
WORDS = re.findall(r"\w+", SENTENCE)


def overlap(one: str, other: str) -> float:
    runs = [{text[place : place + 5] for place in range(max(1, len(text) - 4))} for text in (one, other)]
    return len(runs[0] & runs[1]) / len(runs[0] | runs[1])


def test_case_blanks_and_signs_do_not_count() -> None:
    texts = ["The printer stops.", "", "the  PRINTER\tstops!", "  ", "The printer stops", "A modem", "", "modem A"]
    assert first_near_copies(texts).tolist() == [0, 1, 0, 3, 0, 5, 6, 7]
    assert first_near_copies([]).tolist() == []
    assert first_near_copies(["", " "]).tolist() == [0, 1]


def test_scripts_without_blanks_and_texts_of_a_letter_or_of_signs() -> None:
    texts = [
        "打印机每天早上都停下来，没有人知道为什么",
        "打印机每天早上都停下来!没有人知道为什么",
        "a",
        "b",
        "A",
        "???",
        "???",
        "!",
    ]
    assert first_near_copies(texts).tolist() == [0, 0, 2, 3, 2, 5, 5, 7]


def test_what_is_found_is_what_overlaps() -> None:
    """Texts with ever more of their words exchanged; the estimate of 128 hashes may err by four deviations."""
    draw = random.Random(0)
    texts, margin = [" ".join(WORDS * 4)], 4 * (ALIKE * (1 - ALIKE) / 128) ** 0.5
    for exchanged in (1, 2, 4, 8, 16, 32):
        words = WORDS * 4
        for place in draw.sample(range(len(words)), exchanged):
            words[place] = f"word{draw.randrange(10**6)}"
        texts.append(" ".join(words))
    first = first_near_copies(texts)
    for row in range(1, len(texts)):
        share = overlap(texts[0], texts[row])
        if abs(share - ALIKE) > margin:
            assert (first[row] == 0) == (share >= ALIKE), (row, share)
    assert first[1] == 0 and first[-1] == len(texts) - 1


def test_blocks_do_not_matter(monkeypatch) -> None:
    draw = random.Random(1)
    texts = [" ".join(draw.choices(WORDS, k=12)) for _ in range(60)]
    texts += [text + " thanks" for text in texts[:20]]
    whole = first_near_copies(texts)
    monkeypatch.setattr("clc_text.data.checks.near_copies._BLOCK", 100)
    assert np.array_equal(whole, first_near_copies(texts))
    assert (whole[60:] == np.arange(20)).sum() > 10
