"""What an audit makes of answers: the right shares, no more than is known, and a verdict that rests on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_run import Made, corrected_of, make_run

from clc_text.corrections.asking.asked import Asked, remember
from clc_text.corrections.asking.draw import DOUBT, RANDOM, Purpose
from clc_text.corrections.asking.metrics import OF_A_CLASS, answer_metrics
from clc_text.corrections.asking.to_ask import rows_to_ask
from clc_text.corrections.audit import audit
from clc_text.corrections.log import Step
from clc_text.corrections.state import PERSON
from clc_text.corrections.store import Corrected
from clc_text.corrections.verdict import verdict


def answer(corrected: Corrected, true: np.ndarray, purpose: Purpose, k: int) -> None:
    """As `next` and `apply`, with the truth."""
    state = corrected.state()
    drawn, _ = rows_to_ask(corrected, state, purpose, k)
    step = corrected.facts["step"]
    remember(
        corrected.run.path,
        {
            row: Asked(RANDOM if random else DOUBT, float(inclusion), step, step + 1)
            for row, random, inclusion in zip(drawn.row.tolist(), drawn.random, drawn.inclusion, strict=True)
        },
    )
    told = state.with_labels(drawn.row, true[drawn.row].astype(np.int32), PERSON)
    corrected.write(told, Step("apply", {"file": "x"}))


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return make_run(tmp_path / "run", rows=1_000, noise_rate=0.3, accuracy=0.95)


def test_the_shares_are_those_of_all_rows(made: Made) -> None:
    corrected = corrected_of(made)
    state, true = corrected.state(), made.labels.true
    assert true is not None
    answer(corrected, true, "both", 200)
    answers = audit(Corrected(made.run), bootstrap=0)["answers"]
    for name, labels in (("right_before", state.given), ("right_after", state.label)):
        share = answers[name]
        assert share["low"] <= (labels == true).mean() <= share["high"], name
        assert share["high"] - share["low"] < 0.2
    assert answers["gain"]["low"] > 0 and answers["random"] == 100 and answers["answers"] == 200
    # Drawn in equal steps, so each of six classes has some 17 of the 100.
    assert [entry["label"] for entry in answers["by_class"]] == list(corrected.facts["label_names"])


def test_what_the_policy_did_is_judged_and_not_what_people_have_made_of_it(made: Made) -> None:
    """Answered rows are right now, all of them; that says nothing of the labels that nobody has looked at."""
    corrected = corrected_of(made)
    assert made.labels.true is not None
    answer(corrected, made.labels.true, "estimate", 300)
    after = audit(Corrected(made.run), bootstrap=0)["answers"]["right_after"]
    assert after["value"] < 1


def test_where_changes_were_taken_back_the_policy_is_not_judged(made: Made) -> None:
    corrected = corrected_of(made)
    assert made.labels.true is not None
    answer(corrected, made.labels.true, "estimate", 60)
    corrected = Corrected(made.run)
    state = corrected.state()
    back = state.changed & (state.source != PERSON)
    corrected.write(state.with_given(back), Step("revert", {}))
    answers = audit(Corrected(made.run), bootstrap=0)["answers"]
    assert answers["right_before"] is not None
    assert answers["right_after"] is None and answers["gain"] is None


def test_without_random_answers_there_is_nothing_to_say(made: Made) -> None:
    corrected = corrected_of(made)
    assert made.labels.true is not None
    assert audit(corrected, bootstrap=0)["answers"] is None
    answer(corrected, made.labels.true, "fix", 60)
    assert audit(Corrected(made.run), bootstrap=0)["answers"] is None


def figures(fixed: int, broken: int, right: int, rows: int = 100) -> dict[str, Any]:
    """Of so many random answers: `right` labels right as given, of which `broken` are changed."""
    told = np.zeros(rows, np.int64)
    given = np.r_[np.zeros(right, np.int64), np.ones(rows - right, np.int64)]
    method = given.copy()
    method[:broken] = 1
    method[right : right + fixed] = 0
    asked = {row: Asked(RANDOM, 0.1, 1, 2) for row in range(rows)}
    everything = np.r_[given, np.zeros(900, np.int64)], np.r_[method, np.zeros(900, np.int64)]
    found = answer_metrics(np.arange(rows), told, *everything, asked, ["a", "b"])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("fixed", "broken", "right", "rows", "trust", "basis"),
    [
        (25, 0, 70, 100, "trust", "answers"),
        (2, 0, 70, 100, "look first", "answers"),  # may be chance
        (25, 10, 70, 100, "look first", "answers"),  # better, but too many right ones were changed
        (0, 20, 90, 100, "do not use", "answers"),
        (10, 0, 15, 29, "look first", "estimates"),  # too few
    ],
)
def test_the_verdict_rests_on_answers_first(
    fixed: int, broken: int, right: int, rows: int, trust: str, basis: str
) -> None:
    noise = {"rate": 0.3, "interval": [0.2, 0.4], "predictions": "views", "known_rate": None}
    found = verdict({"share": 0.2, "by_class": []}, noise, None, None, [], figures(fixed, broken, right, rows))
    assert (found["trust"], found["basis"]) == (trust, basis), found
    assert any(f"{rows} answers to rows drawn at random" in reason for reason in found["reasons"])


def test_what_was_estimated_without_answers_is_told_to_be_wrong() -> None:
    noise = {"rate": 0.05, "interval": [0.03, 0.07], "predictions": "views", "known_rate": None}
    found = verdict({"share": 0.001, "by_class": []}, noise, None, None, [], figures(0, 0, 60))
    assert any("answers contradict" in reason for reason in found["reasons"])
    assert not found["little_to_correct"]  # hardly a label changed, and 40 % are wrong


def test_what_slips_explain_is_not_said_to_be_so() -> None:
    """Of 100 labels that answers take for 94 right ones, 99 may be, if one answer in twenty is a slip."""
    noise = {"rate": 0.005, "interval": [0.0, 0.01], "predictions": "views", "known_rate": None}
    corrections = {"share": 0.001, "by_class": []}
    found = verdict(corrections, noise, None, None, [], figures(0, 0, 94))
    assert found["trust"] == "look first" and not found["little_to_correct"]
    assert "slips in 5% of the answers explain as well" in found["summary"]
    said = " ".join(found["reasons"])
    assert "each answer counts as right; where up to 5% are slips" in said
    assert "which the answers contradict, unless some of them are slips" in said
    far = verdict(corrections, noise, None, None, [], figures(0, 0, 60))
    assert "slips" not in far["summary"] and any(
        reason.endswith("the answers contradict") for reason in far["reasons"]
    )


def test_few_answers_say_nothing_of_a_class() -> None:
    found = figures(3, 0, 100 - OF_A_CLASS + 1)
    assert [entry["label"] for entry in found["by_class"]] == ["a"]
