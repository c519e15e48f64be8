"""What the audit says of several labels a row."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from refusals import refused

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.votes import FACTS, TENSORS, KeptVotes
from clc_text.corrections.annotators import (
    LEAST_ROWS,
    enough,
    enough_in_words,
    in_words,
    joined,
    several_labels,
    worse_than_all,
)
from clc_text.corrections.annotators_shown import unheard_in_words
from clc_text.corrections.state import PERSON, State
from clc_text.corrections.store import Corrected
from clc_text.data.votes import Votes


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
    with refused(where=tmp_path / "noise/votes.safetensors"):
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
    numbers = np.arange(60) + 2
    run.labels = lambda: SimpleNamespace(source_row=numbers)  # type: ignore[method-assign,assignment,return-value]
    given = SimpleNamespace(source=np.zeros(60), label=votes.belief.argmax(1))
    found = several_labels(cast(Corrected, SimpleNamespace(run=run)), cast(State, given))
    assert found is not None
    ann = found["sources"][0]
    assert (ann["name"], ann["votes"], ann["share"]) == ("ann", 60, 1.0)
    assert ann["accuracy"]["value"] == pytest.approx(votes.belief[np.arange(60), np.arange(60) % 2].mean())
    assert ann["accuracy"]["low"] < ann["accuracy"]["value"] < ann["accuracy"]["high"]
    assert [(one["true"], one["said"]) for one in ann["confused"]] == [("yes", "no"), ("no", "yes")]
    assert found["joined"]["labels"] == votes.votes.per_source.sum()
    least = found["unsure"][0]
    assert least["source_row"] == least["row"] + 2
    assert least["belief"] == pytest.approx(votes.belief.max(1).min())
    assert least["row"] == votes.belief.max(1).argmin()
    given.source[least["row"]], given.label[least["row"]] = PERSON, 1  # who has been asked need not be asked again
    after = several_labels(cast(Corrected, SimpleNamespace(run=run)), cast(State, given))
    assert after is not None and least["row"] not in [one["row"] for one in after["unsure"]]
    moved = float((least["row"] % 2 == 1) - votes.belief[least["row"], least["row"] % 2])
    assert after["sources"][0]["accuracy"]["value"] == pytest.approx(ann["accuracy"]["value"] + moved / 60)


def test_how_many_are_enough() -> None:
    random = np.random.default_rng(1)
    true = random.integers(0, 2, 2000)
    said = np.where(random.random((2000, 5)) < 0.7, true[:, None], 1 - true[:, None])
    found = enough(Votes.of_table(said, 2), true)
    assert [one["votes"] for one in found] == [1, 2, 3, 4, 5]
    expected = [0.7, 0.7, 0.784, 0.784, 0.837]  # of two and four, ties count for half
    assert [one["right"] for one in found] == pytest.approx(expected, abs=0.03)
    assert enough_in_words(found).endswith("each further label still tells something") and enough_in_words([]) == ""
    alike = [{"votes": votes, "right": right} for votes, right in enumerate((0.9, 0.97, 0.975), 1)]
    assert enough_in_words(alike).endswith("; 2 a row are nearly as good as 3")  # type: ignore[arg-type]
    few = said.copy()
    few[LEAST_ROWS - 1 :, 3:] = -1
    assert [one["votes"] for one in enough(Votes.of_table(few, 2), true)] == [1, 2, 3]


def test_where_the_majority_is_overruled() -> None:
    votes = Votes.of_table(np.array([[0, 0, 1], [0, 1, -1], [1, 1, 1], [0, -1, -1]]), 2)
    assert joined(votes, np.array([1, 1, 1, 0])) == {"labels": 9, "overruled": 1, "tied": 1}
    said = in_words({"joined": joined(votes, np.array([1, 1, 1, 0])), "sources": [{}] * 3}, 4)
    assert said == (
        "9 labels by 3 sources are joined to 4, 1 of them against most labels of their row; "
        "on 1 row as many spoke for another class"
    )


def test_sources_that_are_clearly_worse() -> None:
    def source(name: str, votes: int, value: float, high: float) -> dict[str, object]:
        return {"name": name, "votes": votes, "accuracy": {"value": value, "low": 0.0, "high": high}}

    never_wrong = [source(name, 2, 1.0, 0.998) for name in "ab"]  # Jeffreys' interval ends below 1
    assert worse_than_all(never_wrong) == []  # type: ignore[arg-type]
    sources = [source("a", 100, 0.9, 0.95), source("b", 10, 0.5, 0.8), source("c", 2, 0.5, 0.99)]
    assert [name for name, _ in worse_than_all([*sources, {"name": "d", "votes": 0, "accuracy": None}])] == ["b"]


@pytest.mark.parametrize("join", ["cross_fit", "majority"])
def test_who_repeats_another_and_who_says_one_class_alone_is_named(tmp_path: Path, join: str) -> None:
    random = np.random.default_rng(0)
    said = random.integers(0, 2, (200, 3))
    table = np.concatenate([said, said[:, :1], np.ones((200, 1), int)], 1)
    votes = Votes.of_table(table, 2, ["ann", "bob", "cid", "ann again", "always"])
    KeptVotes(votes, votes.majority, np.array([np.eye(2)] * 5), {"join": join}).save(tmp_path)
    run = a_run(tmp_path)
    run.environment = lambda: {"label_names": ["no", "yes"]}  # type: ignore[method-assign,return-value]
    run.labels = lambda: SimpleNamespace(source_row=np.arange(200))  # type: ignore[method-assign,assignment,return-value]
    state = cast(State, SimpleNamespace(source=np.zeros(200), label=np.zeros(200, int)))
    found = several_labels(cast(Corrected, SimpleNamespace(run=run)), state)
    assert found is not None
    expected = (["ann", "ann again"], ["always"]) if join == "cross_fit" else ([], [])
    assert (found["repeat"], found["constant"]) == expected
    told = unheard_in_words(found)
    assert ("ann again" in told, "always" in told) == ((True, True) if join == "cross_fit" else (False, False))
