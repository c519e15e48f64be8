"""Answers on their way into a run: on the disk one by one, and taken over together."""

from __future__ import annotations

import json

import pytest
from refusals import refused

from clc_text.corrections.asking.asked import Asked, read_asked
from clc_text.corrections.asking.journal import Journal
from clc_text.corrections.state import PERSON
from clc_text.corrections.store import Corrected

RANDOM, DOUBT = Asked("random", 0.25, 1), Asked("doubt", 1.0, 1)


def filled(corrected: Corrected) -> Journal:
    journal = Journal(corrected)
    journal.add(3, 2, RANDOM)
    journal.add(5, 1, DOUBT)
    journal.add(7, 0, RANDOM)
    journal.add(5, None, DOUBT)  # taken back
    journal.add(3, 4, RANDOM)  # another mind
    return journal


def test_a_killed_page_loses_no_answer(corrected: Corrected) -> None:
    assert filled(corrected).answers == Journal(corrected).answers == {3: 4, 7: 0}


def test_answers_are_taken_over_with_how_their_rows_were_chosen(corrected: Corrected) -> None:
    journal = filled(corrected)
    found = journal.take_over(corrected)
    assert found is not None and (found["answers"], found["new"]) == (2, 2)
    now = Corrected(corrected.run)
    state = now.state()
    assert (state.source[[3, 7]] == PERSON).all() and state.label[[3, 7]].tolist() == [4, 0]
    assert state.source[5] != PERSON
    asked = read_asked(corrected.run.path)
    assert asked.keys() == {3, 7}
    assert (asked[3].why, asked[3].inclusion, asked[3].asked, asked[3].answered) == ("random", 0.25, 1, 2)
    assert now.history()[-1]["arguments"]["file"] == journal.path.name
    assert not journal.path.exists() and Journal(now).answers == {} and Journal(now).take_over(now) is None
    assert Corrected(corrected.run).facts["step"] == now.facts["step"]


def test_a_line_that_was_cut_off_is_none_and_the_next_answer_has_its_own(corrected: Corrected) -> None:
    path = filled(corrected).path
    whole = path.read_bytes()
    for end in (1, 20):
        path.write_bytes(whole[:-end])
        journal = Journal(corrected)
        assert journal.answers == {3: 2, 7: 0}  # the last line, which changed row 3, is missing
        journal.add(9, 1, DOUBT)
        assert Journal(corrected).answers == {3: 2, 7: 0, 9: 1}


@pytest.mark.parametrize(
    "change",
    [{"row": 100_000}, {"label": 17}, {"label": "x"}, {"row": True}, {"run_id": "another"}, {"inclusion": 2.0}],
)
def test_damage_is_told_with_its_line(corrected: Corrected, change: dict[str, object]) -> None:
    path = filled(corrected).path
    lines = path.read_text().splitlines()
    lines[1] = json.dumps(json.loads(lines[1]) | change)
    path.write_text("\n".join(lines) + "\n")
    with refused(where=f"{path}, line 2"):
        Journal(corrected)
