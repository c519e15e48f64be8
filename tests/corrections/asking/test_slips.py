"""What is said of the share of right labels holds where people slip, as often as is assumed or as they differ."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_run import corrected_of, make_run

from clc_text.corrections.answers import apply_answers
from clc_text.corrections.asking.asked import Asked, read_asked
from clc_text.corrections.asking.draw import DOUBT, RANDOM, draw
from clc_text.corrections.asking.of_run import answers_in
from clc_text.corrections.asking.shares import share_right
from clc_text.corrections.asking.slips import ENOUGH, answered_again, reach, slip_rate, slips
from clc_text.corrections.audit import audit
from clc_text.corrections.store import Corrected
from clc_text.data.trusted import ERR

ROWS, DRAWS, CLASSES = 4_000, 100, 6
EVERYWHERE = np.ones(ROWS, bool)

Erring = Callable[[np.ndarray, np.ndarray, float, np.random.Generator], np.ndarray]


def to_any_other(true: np.ndarray, given: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    other = (true + random.integers(1, CLASSES, len(true))) % CLASSES
    return np.where(random.random(len(true)) < share, other, true)


def to_the_given(true: np.ndarray, given: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """The wrong label that stands there is let stand; else any other class."""
    return np.where(given == true, to_any_other(true, given, share, random), let_stand(true, given, share, random))


def let_stand(true: np.ndarray, given: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """Nobody errs but by leaving a wrong label as it is."""
    return np.where(random.random(len(true)) < share, given, true)


def labels(right: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """True and given classes, so many of them right."""
    true = random.integers(0, CLASSES, ROWS)
    return true, to_any_other(true, true, 1 - right, random)


def drawn(k: int, given: np.ndarray, seed: int) -> tuple[np.ndarray, dict[int, Asked]]:
    found = draw("estimate", k, np.arange(ROWS), given[:, None], np.zeros(ROWS), f"{seed}")
    return found.row, {row: Asked(RANDOM, float(found.inclusion[0]), 1, 2) for row in found.row.tolist()}


@pytest.mark.parametrize("erring", [to_any_other, to_the_given, let_stand])
@pytest.mark.parametrize("right", [0.3, 0.85, 0.99, 1.0])
def test_the_truth_lies_in_what_one_slip_in_twenty_allows(erring: Erring, right: float) -> None:
    covered = as_certain = 0
    for seed in range(DRAWS):
        random = np.random.default_rng(seed)
        true, given = labels(right, random)
        rows, asked = drawn(400, given, seed)
        told = erring(true[rows], given[rows], ERR, random)
        share = share_right(given[rows] == told, rows, asked, EVERYWHERE)
        assert share is not None
        allowed = slips(share, None, {}, CLASSES)
        assert allowed["most"] == ERR and allowed["rate"] is None and allowed["right_after"] is None
        low, high = allowed["right_before"]
        truth = (given == true).mean()
        covered += low <= truth <= high
        as_certain += share["low"] <= truth <= share["high"]
    assert covered / DRAWS >= 0.9
    if erring is to_any_other and right >= 0.85:
        assert as_certain / DRAWS < 0.75  # each answer counted as right, 400 of them are sure of what is not so


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.1, 0.2])
@pytest.mark.parametrize("people", [2, 3])
def test_as_they_differ_people_tell_how_often_they_slip(rate: float, people: int) -> None:
    """Two or three answer each of 100 random rows, what most of them say is taken, and ties are left out."""
    rates, known, covered = [], 0, 0
    for seed in range(DRAWS):
        random = np.random.default_rng(seed)
        true, given = labels(0.85, random)
        rows, asked = drawn(100, given, seed)
        answers = np.stack([to_any_other(true[rows], given[rows], rate, random) for _ in range(people)])
        counts = (answers[:, :, None] == np.arange(CLASSES)).sum(0)
        again = {row: sorted(of[of > 0].tolist(), reverse=True) for row, of in zip(rows.tolist(), counts, strict=True)}
        taken = (counts == counts.max(1, keepdims=True)).sum(1) == 1
        share = share_right((counts.argmax(1) == given[rows])[taken], rows[taken], asked, EVERYWHERE)
        assert share is not None
        allowed = slips(share, share, again, CLASSES)
        assert allowed["rate"] is not None and allowed["most"] == allowed["rate"]["high"]
        assert allowed["differ"] == sum(len(of) > 1 for of in again.values())
        rates.append(allowed["rate"]["value"])
        known += allowed["rate"]["low"] - 1e-9 <= rate <= allowed["rate"]["high"]
        low, high = allowed["right_before"]
        covered += low <= (given == true).mean() <= high
    assert np.mean(rates) == pytest.approx(rate, abs=0.01)
    assert known / DRAWS >= 0.9 and covered / DRAWS >= 0.9


def test_few_rows_answered_twice_tell_no_rate() -> None:
    assert slip_rate({row: [2] for row in range(ENOUGH - 1)}, CLASSES) is None
    none_differ = slip_rate({row: [2] for row in range(ENOUGH)}, CLASSES)
    assert none_differ is not None and none_differ["value"] == 0 and 0.04 < none_differ["high"] < 0.07
    # Two who guess agree on one row in C, and as many slip as guesses are wrong.
    guesses = {row: [1, 1] if row % CLASSES else [2] for row in range(20 * CLASSES)}
    by_chance = slip_rate(guesses, CLASSES)
    assert by_chance is not None and by_chance["value"] == pytest.approx(1 - 1 / CLASSES)


def test_slips_without_bound_leave_nothing_known() -> None:
    share: Any = {"value": 0.5, "low": 0.4, "high": 0.6, "random": 100, "answers": 100}
    assert reach(share, 1.0) == [0.0, 1.0] == reach(share, 0.6)
    assert reach(share, 0.0) == [0.4, 0.6]


@pytest.fixture
def corrected(tmp_path: Path) -> Corrected:
    return corrected_of(make_run(tmp_path / "run", rows=1_000, noise_rate=0.3, accuracy=0.95))


def answered_by_two(corrected: Corrected, path: Path) -> Path:
    """Forty random rows and twenty chosen ones, each answered by two people; they differ on rows 0 to 2 and on all of
    the chosen; one of them could not choose on row 3."""
    names = corrected.facts["label_names"]
    with open(path, "w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["row", "answer", "why", "inclusion", "asked"])
        for row in range(60):
            why = (RANDOM, 0.04, 1) if row < 40 else (DOUBT, 1, 1)
            for person in range(2):
                slipped = person == 1 and (row < 3 or row >= 40)
                writer.writerow([row, names[slipped], *why])
    return path


def test_how_people_differ_is_kept_and_read_by_the_audit(corrected: Corrected, tmp_path: Path) -> None:
    path = answered_by_two(corrected, tmp_path / "answers.csv")
    apply_answers(corrected, path, "skip")
    for _ in range(2):  # a file that is applied again tells nothing new
        again = answered_again(read_asked(corrected.run.path))
        assert again == {row: (1, 1) if row < 3 else (2,) for row in range(40)}
        apply_answers(Corrected(corrected.run), path, "majority")
    found = audit(Corrected(corrected.run), bootstrap=0)
    allowed = found["answers"]["slips"]
    assert (allowed["rows"], allowed["differ"]) == (40, 3)
    assert allowed["rate"]["value"] < 0.05 < allowed["most"] == allowed["rate"]["high"]
    low, high = allowed["right_before"]
    before = found["answers"]["right_before"]
    assert low < before["low"] and high > before["high"]
    assert any("people differ on 3 of 40 rows" in reason for reason in found["verdict"]["reasons"])
    # A run that learns from the answers knows it as well, of rows that were left out, too.
    manifest = corrected.run.file("noise/manifest.json")
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"sha256": {"noisy_labels": "0"}}))
    answers_in(corrected.run.path).write(tmp_path)
    assert answered_again(read_asked(tmp_path)) == again


def test_a_file_of_each_person_counts_as_one_of_both(
    corrected: Corrected, refused: Callable[..., str], tmp_path: Path
) -> None:
    head, *lines = answered_by_two(corrected, tmp_path / "both.csv").read_text().splitlines()
    ann, bob = tmp_path / "ann.csv", tmp_path / "bob.csv"
    for path, mine in ((ann, lines[::2]), (bob, lines[1::2])):
        path.write_text("\n".join([head, *mine]) + "\n")
    said = refused("apply", corrected.run.path, ann, bob)
    assert str(ann) in said and str(bob) in said and "--on-disagreement" in said
    said = refused("apply", corrected.run.path, ann, tmp_path / "." / ".." / tmp_path.name / "ann.csv")
    assert "given twice" in said  # nobody differs from himself
    done = apply_answers(corrected, [ann, bob], "majority")
    assert (done["answers"], len(done["disagreed"]), done["left_out"]) == (37, 23, 23)
    again = answered_again(read_asked(corrected.run.path))
    assert again == {row: (1, 1) if row < 3 else (2,) for row in range(40)}


def test_a_file_without_differences_tells_nothing_where_others_are_refused(
    corrected: Corrected, tmp_path: Path
) -> None:
    """Somebody may have mended it until it was taken."""
    lines = answered_by_two(corrected, tmp_path / "answers.csv").read_text().splitlines()
    alike = [lines[0], *(line for line in lines[7:] if line.split(",")[0] and int(line.split(",")[0]) in range(3, 40))]
    path = tmp_path / "alike.csv"
    path.write_text("\n".join(alike) + "\n")
    apply_answers(corrected, path)
    assert answered_again(read_asked(corrected.run.path)) == {}
    allowed = audit(Corrected(corrected.run), bootstrap=0)["answers"]["slips"]
    assert (allowed["most"], allowed["rate"], allowed["rows"]) == (ERR, None, 0)


def test_of_several_classes_chosen_at_once_none_is_a_slip(corrected: Corrected, tmp_path: Path) -> None:
    first, second = corrected.facts["label_names"][:2]
    chosen = [[first], [first, second], [second], [second]]
    how = '"why": "random", "inclusion": 0.04, "asked": 1'
    written = (f'{{"row": 7, "label": {list_of(one)}, {how}}}' for one in chosen)
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(written) + f'\n{{"row": 8, "label": "{first}", {how}}}\n')
    apply_answers(corrected, path, "majority")
    assert answered_again(read_asked(corrected.run.path)) == {7: (2, 1)}


def list_of(names: list[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"
