"""Taking corrections back, against a loop over the rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from synthetic_run import NAMES, Made

from clc_text.corrections.log import Step
from clc_text.corrections.revert import Selection, parse_rows, restore, revert
from clc_text.corrections.state import GIVEN, METHOD, PERSON, State
from clc_text.corrections.store import Corrected
from clc_text.errors import InputError

Command = Callable[..., str]

SELECTIONS = [
    Selection(everything=True),
    Selection(label=("ABBR", "NUM")),
    Selection(given=("HUM",)),
    Selection(rows=[range(100)]),
    Selection(below=0.9),
    Selection(above=0.9),
    Selection(label=("LOC",), given=("NUM", "ABBR"), rows=[range(50, 60), range(70, 400)], below=0.99, above=0.2),
    Selection(everything=True, include_person=True),
    Selection(rows=[range(4)], include_person=True),
]


def reverted(state: State, selection: Selection) -> list[tuple[int, int]]:
    """Label and source of every row afterwards, row by row."""
    after = []
    for row in range(len(state)):
        taken = state.source[row] == METHOD or (selection.include_person and state.source[row] == PERSON)
        if selection.label and NAMES[state.label[row]] not in selection.label:
            taken = False
        if selection.given and NAMES[state.given[row]] not in selection.given:
            taken = False
        if selection.rows is not None and not any(row in part for part in selection.rows):
            taken = False
        if selection.below is not None and not state.confidence[row] < selection.below:
            taken = False
        if selection.above is not None and not state.confidence[row] > selection.above:
            taken = False
        if taken:
            after.append((int(state.given[row]), GIVEN))
        else:
            after.append((int(state.label[row]), int(state.source[row])))
    return after


def with_people(corrected: Corrected) -> Corrected:
    """Rows 0 to 9 answered by a person, half of them otherwise than given."""
    state = corrected.state()
    rows = np.arange(10)
    labels = (state.given[rows] + rows % 2) % len(NAMES)
    corrected.write(state.with_labels(rows, labels.astype(np.int32), PERSON), Step("apply", {"file": "people.csv"}))
    return Corrected(corrected.run)


@pytest.mark.parametrize("selection", SELECTIONS, ids=lambda selection: str(selection.arguments()))
def test_exactly_the_rows_that_meet_every_condition(corrected: Corrected, selection: Selection) -> None:
    corrected = with_people(corrected)
    before = corrected.state()
    expected = reverted(before, selection)
    count = revert(corrected, selection)
    corrected = Corrected(corrected.run)
    after = corrected.state()
    assert list(zip(after.label.tolist(), after.source.tolist(), strict=True)) == expected
    assert count == sum(
        then != (int(label), int(source))
        for then, label, source in zip(expected, before.label, before.source, strict=True)
    )
    assert count > 0
    last = corrected.history()[-1]
    assert (last["action"], last["changed"], last["labels"]) == ("revert", count, after.counts)
    for name in ("given", "suggested", "confidence", "probability_given", "entropy", "since", "true"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_nothing_to_take_back_is_no_step(corrected: Corrected) -> None:
    before = [entry["step"] for entry in corrected.history()]
    assert revert(corrected, Selection(below=0.0)) == 0
    assert [entry["step"] for entry in Corrected(corrected.run).history()] == before


def test_every_step_can_be_gone_back_to(corrected: Corrected) -> None:
    """Also through several partial steps, of which only the changes are kept on disk."""
    states = {0: corrected.state().with_given(np.ones(400, bool)), 1: corrected.state()}
    for step, selection in enumerate((Selection(label=("ABBR",)), Selection(below=0.8), Selection(given=("LOC",))), 2):
        assert revert(Corrected(corrected.run), selection) > 0
        states[step] = Corrected(corrected.run).state()
    for step in (2, 0, 4, 1, 3):
        restore(Corrected(corrected.run), step)
        now = Corrected(corrected.run).state()
        np.testing.assert_array_equal(now.label, states[step].label)
        np.testing.assert_array_equal(now.source, states[step].source)
    found = Corrected(corrected.run)
    for step in range(1, 5):  # history is never rewritten
        np.testing.assert_array_equal(found.state(step).label, states[step].label)


def test_a_person_stays_unless_it_is_said_otherwise(corrected: Corrected) -> None:
    before = corrected.state()
    corrected = with_people(corrected)
    answered = corrected.state()
    changed, kept = restore(corrected, 1)
    now = Corrected(corrected.run).state()
    assert changed == 0
    assert kept == 10
    np.testing.assert_array_equal(now.label, answered.label)
    changed, kept = restore(Corrected(corrected.run), 1, include_person=True)
    assert (changed, kept) == (10, 0)
    now = Corrected(corrected.run).state()
    np.testing.assert_array_equal(now.label, before.label)
    np.testing.assert_array_equal(now.source, before.source)


def test_going_back_brings_back_how_it_was_made(made: Made, clc_text: Command) -> None:
    """The rule, the canaries' figures and the predictions' sha256 belong to the labels."""
    run = made.run.path
    clc_text("correct", run, "--policy", "agree")
    first = Corrected(made.run)
    clc_text("correct", run, "--policy", "strict", "--max-entropy", "0.01")
    second = Corrected(made.run)
    assert first.facts["policy"] != second.facts["policy"]
    assert first.facts["canaries"] != second.facts["canaries"]
    clc_text("revert", run, "--class", "NUM")
    assert Corrected(made.run).facts["policy"] == second.facts["policy"]
    clc_text("revert", run, "--to", 1)
    back = Corrected(made.run)
    for key in ("policy", "predictions", "noise_matrix", "canaries", "sha256"):
        assert back.facts[key] == first.facts[key]
    clc_text("audit", run, "--bootstrap", 0)
    clc_text("revert", run, "--last")
    assert Corrected(made.run).facts["policy"] == second.facts["policy"]


def test_the_command(made: Made, corrected: Corrected, clc_text: Command) -> None:
    run = made.run.path
    changed = np.flatnonzero(corrected.state().changed)
    row = int(changed[0])
    said, then = clc_text("revert", run, "--rows", row).splitlines()
    assert said == "1 row has its given label back"
    assert then.startswith(f"next: clc-text audit {run}  ")
    assert clc_text("revert", run, "--rows", row).splitlines()[0] == "no row meets this; nothing changed"
    assert clc_text("revert", run, "--all").splitlines()[0] == f"{len(changed) - 1:,} rows have their given label back"
    assert not Corrected(made.run).state().changed.any()
    assert clc_text("revert", run, "--last").startswith(f"{len(changed) - 1:,} rows are as after step 2 again")
    assert clc_text("revert", run, "--to", 0).startswith(f"{len(changed) - 1:,} rows are as given again")
    listed = clc_text("diff", run, "--history")
    for action in ("correct", "revert", "restore"):
        assert action in listed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            [],
            "say what to take back: --all, --class, --given, --rows, --below-confidence, --above-confidence, --to",
        ),
        (["--class", "NUMB"], "there is no class 'NUMB'; did you mean 'NUM'?"),
        (["--given", "x"], "there is no class 'x'"),
        (["--rows", "400"], "there is no row 400; rows are 0 to 399"),
        (["--rows", "5-2"], "--rows has '5-2', a range that runs backwards"),
        (["--rows", "1,x"], "--rows has 'x'; give numbers and ranges such as 3,8,10-12"),
        (["--rows", "1,²"], "--rows has '²'; give numbers"),
        (["--rows", "0-999999999999"], "there is no row 999999999999; rows are 0 to 399"),
        (["--below-confidence", "2"], "--below-confidence is 2.0; give a probability from 0 to 1"),
        (["--above-confidence", "nan"], "--above-confidence is nan; give a probability from 0 to 1"),
        (["--to", "9"], "has no step 9; it has 1 to 1"),
        (["--to", "-1"], "has no step -1"),
        (["--last", "--all"], "--last and --to go back to a whole state"),
        (["--last", "--to", "1"], "--last and --to go back to a whole state"),
    ],
)
def test_what_cannot_be_taken_back(corrected: Corrected, refused: Command, options: list[str], said: str) -> None:
    before = corrected.state()
    assert said in refused("revert", corrected.run.path, *options)
    now = Corrected(corrected.run)
    assert now.facts["step"] == 1
    np.testing.assert_array_equal(now.state().label, before.label)


def test_ranges_of_rows() -> None:
    assert parse_rows("3, 8,10-12") == [range(3, 4), range(8, 9), range(10, 13)]
    with pytest.raises(InputError):
        parse_rows("")


def test_where_nothing_differs_there_is_no_empty_table(
    corrected: Corrected, clc_text: Command, tmp_path: Path
) -> None:
    run = corrected.run.path
    clc_text("revert", run, "--all")
    assert clc_text("diff", run) == "no label differs: each of 400 is as it was given\n"
    given = corrected.facts["label_names"][corrected.state().given[3]]
    (tmp_path / "answers.csv").write_text(f"row,answer\n3,{given}\n", encoding="utf-8")
    clc_text("apply", run, tmp_path / "answers.csv")
    assert (
        clc_text("diff", run) == "no label differs: each of 400 is as it was given, of which people have confirmed 1\n"
    )
    assert clc_text("diff", run, "--step", "3") == "step 3 changed no label of 400\n"
    assert "┃" in clc_text("diff", run, "--step", "2") and json.loads(clc_text("diff", run, "--json"))["pairs"] == []
