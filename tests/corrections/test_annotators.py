"""What the audit says of several labels a row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.votes import FACTS, TENSORS, KeptVotes
from clc_text.corrections.annotators import LEAST_ROWS, enough, several_labels
from clc_text.data.votes import Votes
from clc_text.errors import InputError


def kept(rows: int = 60, seed: int = 0) -> KeptVotes:
    random = np.random.default_rng(seed)
    table = np.where(random.random((rows, 3)) < 0.8, random.integers(0, 2, (rows, 3)), -1)
    table[:, 0] = np.arange(rows) % 2
    belief = random.dirichlet(np.ones(2), rows)
    matrices = np.array([[[0.9, 0.1], [0.2, 0.8]]] * 3)
    return KeptVotes(Votes.of_table(table, 2, ["ann", "bob", "cid"]), belief, matrices, {"join": "cross_fit"})


def a_run(folder: Path) -> RunDirectory:
    (folder / "recipe.yaml").write_text("name: x\n")
    (folder / "environment.json").write_text('{"label_names": ["no", "yes"], "rows": {"train": 60, "test": 0}}')
    return RunDirectory(folder)


def test_votes_are_kept_as_they_are(tmp_path: Path) -> None:
    votes = kept()
    votes.save(tmp_path)
    found = KeptVotes.load(tmp_path)
    assert found is not None and found.facts == votes.facts
    for name in ("row", "source", "label", "weight"):
        assert (getattr(found.votes, name) == getattr(votes.votes, name)).all()
    assert found.votes.sources == votes.votes.sources
    assert (found.belief == votes.belief).all() and (found.matrices == votes.matrices).all()
    (tmp_path / TENSORS).write_bytes(b"cut")
    with pytest.raises(InputError, match=r"votes\.safetensors"):
        KeptVotes.load(tmp_path)


def test_a_run_with_one_label_has_none(tmp_path: Path) -> None:
    assert KeptVotes.load(tmp_path) is None
    assert not (tmp_path / FACTS).exists()


def test_what_is_said_of_each_source(tmp_path: Path) -> None:
    votes = kept()
    votes.save(tmp_path)
    (tmp_path / "recipe.yaml").write_text("name: x\n")
    run = a_run(tmp_path)
    run.environment = lambda: {"label_names": ["no", "yes"]}  # type: ignore[method-assign,return-value]
    found = several_labels(run)
    assert found is not None
    ann = found["sources"][0]
    assert (ann["name"], ann["votes"], ann["share"]) == ("ann", 60, 1.0)
    assert ann["accuracy"]["value"] == pytest.approx(votes.belief[np.arange(60), np.arange(60) % 2].mean())
    assert ann["accuracy"]["low"] < ann["accuracy"]["value"] < ann["accuracy"]["high"]
    assert [(one["true"], one["said"]) for one in ann["confused"]] == [("yes", "no"), ("no", "yes")]
    least = found["unsure"][0]
    assert least["belief"] == pytest.approx(votes.belief.max(1).min())
    assert least["row"] == votes.belief.max(1).argmin()


def test_how_many_are_enough() -> None:
    random = np.random.default_rng(1)
    true = random.integers(0, 2, 2000)
    said = np.where(random.random((2000, 5)) < 0.7, true[:, None], 1 - true[:, None])
    found = enough(Votes.of_table(said, 2), true)
    assert [one["votes"] for one in found] == [1, 2, 3, 4, 5]
    expected = [0.7, 0.7, 0.784, 0.784, 0.837]  # of two and four, ties count for half
    assert [one["right"] for one in found] == pytest.approx(expected, abs=0.03)
    few = said.copy()
    few[LEAST_ROWS - 1 :, 3:] = -1
    assert [one["votes"] for one in enough(Votes.of_table(few, 2), true)] == [1, 2, 3]
