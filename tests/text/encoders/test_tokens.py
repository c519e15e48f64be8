from __future__ import annotations

import numpy as np
import pytest
from refusals import refused

from clc_text.text.encoders.vectors import tokens as module
from clc_text.text.encoders.vectors.tokens import KnownWords, Numbering, number_tokens, tokenizer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is the U.S. capital?", "what is the u.s. capital ?"),
        ("I don't know; it's Mr. Smith's.", "i do n't know ; it 's mr. smith 's ."),
        ("They'll pay $1,000.50 at 10:30", "they 'll pay $ 1,000.50 at 10:30"),
        ("a well-known 19th-century painter", "a well-known 19th-century painter"),
        ("(AT&T ... really?!)", "( at&t ... really ? ! )"),
        ("``quoted'' -- \"twice\"", "`` quoted '' -- \" twice \""),
        ("naïve Übung 東京", "naïve übung 東 京"),
        ("发票，退款iPhone15手机2023年", "发 票 ， 退 款 iphone15 手 机 2023 年"),
        ("ที่นี่ราคา 10บาท", "ที่ นี่ ร า ค า 10 บ า ท"),
        ("コーヒーを飲む。ﾃｽﾄ", "コ ー ヒ ー を 飲 む 。 ﾃ ｽ ﾄ"),
        ("한국어 문장 བོད་ཡིག", "한국어 문장 བོད ་ ཡིག"),
        ("🙂🙂 👍", "🙂 🙂 👍"),
        ("nai\u0308ve cafe\u0301!", "na\u00efve caf\u00e9 !"),
        ("हिन्दी में लिखा। 5वीं", "हिन्दी में लिखा । 5वीं"),
        ("I don’t; it’s ‘so’", "i do n't ; it 's ‘ so '"),
        ("❤\ufe0fgreat 1\ufe0f\u20e3", "❤ \ufe0f great 1 \ufe0f \u20e3"),
        (" \t\n ", ""),
        ("", ""),
    ],
)
def test_glove_tokens(text: str, expected: str) -> None:
    cut = tokenizer("glove", lowercase=True)
    assert cut(text) == expected.split()
    assert cut(" ".join(cut(text))) == cut(text), "tokenised text stays as it is"


def test_case_is_kept_on_request_and_does_not_move_the_cuts() -> None:
    text = "DON'T ask Mr. O'Neill of the U.S.A."
    kept = tokenizer("glove", lowercase=False)(text)
    assert [token.lower() for token in kept] == tokenizer("glove", lowercase=True)(text)
    assert kept[:3] == ["DO", "N'T", "ask"]


def test_spaces_cut_nowhere_else() -> None:
    assert tokenizer("spaces", lowercase=True)("What 's  a\u00a0U.S. cat?\n") == ["what", "'s", "a", "u.s.", "cat?"]


def test_runs_of_before_read_scripts_without_blanks_as_they_did() -> None:
    before = tokenizer("glove", lowercase=True, characters=False)
    assert before("naïve Übung 東京, 発") == ["naïve", "übung", "東京", ",", "発"]


def test_the_memory_of_pieces_is_bounded_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"it's word{n}-x, {n}." for n in range(50)] * 2
    expected = [tokenizer("glove", True)(text) for text in texts]
    monkeypatch.setattr(module, "_MOST_REMEMBERED", 3)
    cut = tokenizer("glove", True)
    assert [cut(text) for text in texts] == expected


def test_a_long_run_without_blanks_takes_linear_time() -> None:
    cut = tokenizer("glove", True)
    assert cut("x" * 200_000) == ["x" * 200_000]
    assert len(cut("a." * 100_000 + "'")) == 2
    assert len(cut("don't" * 20_000)) >= 1
    assert cut("क्" * 100_000) == ["क्" * 100_000]
    assert cut("东" + "x" * 100_000) == ["东", "x" * 100_000]
    assert cut("东" + "\u0301" * 100_000) == ["东" + "\u0301" * 100_000]


def test_tokens_are_numbered_in_order_of_appearance() -> None:
    numbers = Numbering()
    found = number_tokens(["b a b", "", "c a"], str.split, numbers)
    assert dict(numbers) == {"b": 0, "a": 1, "c": 2}
    assert found.ids.tolist() == [0, 1, 0, 2, 1]
    assert found.offsets.tolist() == [0, 3, 3, 5]
    assert found.lengths.tolist() == [3, 0, 2]


def test_unknown_words_are_minus_one_and_leave_the_vocabulary_alone() -> None:
    words = KnownWords({"a": 0})
    found = number_tokens(["a x", "x", ""], str.split, words)
    assert found.ids.tolist() == [0, -1, -1]
    assert found.known.tolist() == [1, 0, 0]
    assert words == {"a": 0}
    assert found.renumbered(np.array([7, -5])).ids.dtype == np.int32


def test_a_row_that_is_no_text_is_named() -> None:
    with refused(row=11):
        number_tokens(["a", None], str.split, Numbering(), first_row=10)  # type: ignore[list-item]
