"""What is known of rows' labels belongs together, is kept, and is found again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import refused
from synthetic_run import make_run

from clc_text.data.labels import Labels, sha256_of_labels
from clc_text.data.trusted import TrustedLabels
from clc_text.data.votes import Votes
from clc_text.errors import InputError

GIVEN = np.array([0, 2, 1, 1, 0])
SOFT = np.array([[0.7, 0.2, 0.1], [0, 0, 1], [0.3, 0.4, 0.3], [0, 1, 0], [0.5, 0.25, 0.25]])
VOTES = Votes.of_table(np.array([[0, -1], [2, 2], [-1, 1], [1, 0], [0, 0]]), 3)


def test_one_class_a_row_is_all_that_must_be_known() -> None:
    labels = Labels.of(GIVEN)
    assert len(labels) == 5 and labels.trained is labels.given and labels.learnt is GIVEN
    assert labels.sound.all() and not labels.known.any()
    assert (labels.as_distribution(3) == np.eye(3)[GIVEN]).all()


def test_a_distribution_has_its_likeliest_class() -> None:
    labels = Labels.of(SOFT)
    assert labels.given.tolist() == GIVEN.tolist() and labels.learnt.shape == (5, 3)
    assert labels.as_distribution(3) is labels.distribution
    plain = Labels.of(np.eye(3)[GIVEN])
    assert plain.distribution is None and plain.learnt.tolist() == GIVEN.tolist()


def flipped(*rows: int) -> dict[str, Any]:
    canary = np.isin(np.arange(5), rows)
    return {"trained": np.where(canary, (GIVEN + 1) % 3, GIVEN), "canary": canary}


@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        ("trained", {"trained": (GIVEN + 1) % 3}),
        ("trained", {"trained": GIVEN[:4]}),
        ("true", {"true": GIVEN.astype(float)}),
        ("canary", {"canary": GIVEN}),
        ("given", {"given": GIVEN - 1}),
        ("distribution", {"distribution": SOFT[:4]}),
        ("distribution", {"distribution": SOFT * 2}),
        ("distribution", {"distribution": SOFT[:, ::-1]}),
        ("belief", {"belief": SOFT[:, ::-1], "votes": VOTES}),
        ("votes", {"votes": VOTES.of_rows(np.arange(4))}),
        ("canaries", {"distribution": SOFT, **flipped(3)}),
        ("canaries", {"votes": VOTES, **flipped(3)}),
        ("canary", {"trusted": TrustedLabels(np.array([3]), np.array([0])), **flipped(3)}),
    ],
)
def test_what_does_not_belong_together_is_refused(what: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=what):
        Labels(**{"given": GIVEN} | wrong)


def test_an_answered_row_is_no_canary() -> None:
    labels = Labels(GIVEN, **flipped(1, 3))
    answered = labels.answered(TrustedLabels(np.array([3, 4]), np.array([0, 1])), 3)
    assert answered.canary.nonzero()[0].tolist() == [1]
    assert answered.trained.tolist() == [0, 0, 1, 1, 0] and answered.trusted is not None
    with pytest.raises(InputError):
        labels.answered(TrustedLabels(np.array([5]), np.array([0])), 3)


def test_some_of_the_rows() -> None:
    trusted = TrustedLabels(np.array([1, 4]), np.array([2, 1]), np.array([0.5, 1.0]))
    labels = Labels(GIVEN, true=np.array([0, 2, -1, 1, 1]), distribution=SOFT, votes=VOTES, trusted=trusted)
    some = labels.rows(np.array([2, 4]))
    assert some.given.tolist() == [1, 0] and some.true is not None and some.true.tolist() == [-1, 1]
    assert some.known.tolist() == [False, True]
    assert some.distribution is not None and (some.distribution == SOFT[[2, 4]]).all()
    assert some.votes is not None and some.votes.rows == 2 and some.votes.per_row.tolist() == [1, 2]
    assert some.trusted is not None
    assert (some.trusted.rows, some.trusted.labels, some.trusted.inclusion) == ([1], [1], [1.0])
    assert labels.rows(np.arange(5) < 1).trusted is None


@pytest.mark.parametrize(
    "labels",
    [
        Labels(GIVEN, true=np.array([0, 2, -1, 1, 1]), source_row=np.arange(5) + 2, **flipped(1, 3)),
        Labels.of(SOFT),
        Labels.of(GIVEN),
    ],
)
def test_they_are_found_again(labels: Labels, tmp_path: Path) -> None:
    labels.write(tmp_path / "labels.parquet")
    again = Labels.read(tmp_path / "labels.parquet")
    for name, values in vars(labels).items():
        np.testing.assert_array_equal(getattr(again, name), values)
    assert sha256_of_labels(again.learnt) == sha256_of_labels(labels.learnt)


def test_a_run_s_labels_have_the_answers_that_it_was_trained_with(tmp_path: Path) -> None:
    made_run = make_run(tmp_path / "run", rows=60, canaries=5).run
    assert made_run.labels().trusted is None
    sound = np.flatnonzero(made_run.labels().sound)[:3]
    told = TrustedLabels(sound, np.array([0, 1, 2]), np.array([0.5, np.nan, 1]))
    told.write(made_run.file("answers.parquet"))
    found = made_run.labels().trusted
    assert found is not None and found.digest == told.digest
    made_run.file("answers.parquet").write_bytes(b"no table")
    with refused(where=tmp_path / "run/answers.parquet"):
        made_run.labels()
