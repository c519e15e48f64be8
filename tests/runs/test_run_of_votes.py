"""A run on several labels a row, from the table to its audit."""

from __future__ import annotations

import csv
import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset
from refusals import refused
from torch import Tensor

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.artifacts.unlabelled import FILE, Unlabelled
from clc_text.artifacts.votes import KeptVotes
from clc_text.config.recipe import Recipe, loads
from clc_text.corrections.answers import apply_answers
from clc_text.corrections.audit import judge
from clc_text.corrections.correct import correct
from clc_text.corrections.existing import corrected_in
from clc_text.corrections.export import look_first
from clc_text.corrections.policy import policy_named
from clc_text.corrections.table_export import write_whole_table
from clc_text.corrections.who_said import in_words
from clc_text.data.trusted import TrustedLabels
from clc_text.inference.predictor import Predictor
from clc_text.methods.base import Supervision
from clc_text.noise.estimation.noise_fit import posterior_labels
from clc_text.report.annotators import annotators_html
from clc_text.report.review import questions
from clc_text.runs.build import build_trainer
from clc_text.runs.evidence import judges_of_run
from clc_text.runs.prepare import prepare, with_answers
from clc_text.runs.reload import source_rows
from clc_text.runs.run import train
from clc_text.runs.votes import as_cross_fit
from clc_text.training.supervisor import Supervisor

WORDS = {"sport": "goal match team ball win", "money": "bank stock price tax loan"}
RECIPE = """
data: {{name: files, train: {path}, label: [ann, bob, cid], join: {join}}}
encoder: {{name: tfidf, dimension: 20, word_vectors: 0}}
network: {{name: mlp, hidden: [16]}}
method: {{name: {method}}}
training: {{epochs: 2, batch_size: 16, learning_rate: 1.0e-3}}
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 rows of two classes that the texts tell; three people who are right on 95, 80 and 65 % of them."""
    random = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("several") / "several.csv"
    names = list(WORDS)
    with open(path, "w", newline="", encoding="utf-8") as handle:
        out = csv.writer(handle)
        out.writerow(["text", "ann", "bob", "cid"])
        for row in range(120):
            true = row % 2
            said = [true if random.random() < right else 1 - true for right in (0.95, 0.8, 0.65)]
            votes = [names[one] if random.random() < 0.9 or not place else "" for place, one in enumerate(said)]
            out.writerow([f"{' '.join(random.choice(WORDS[names[true]].split(), 4))} {row}", *votes])
    return path


def recipe(table: Path, method: str = "standard", join: str = "cross_fit", more: str = "") -> Recipe:
    return loads(RECIPE.format(path=table, method=method, join=join) + more)


def test_every_join_gives_a_belief_and_labels(table: Path) -> None:
    true = np.arange(120) % 2
    right = {}
    for join in ("majority", "dawid_skene", "crowdlab", "cross_fit"):
        found = prepare(recipe(table, join=join))
        assert found.joined is not None
        assert (found.labels.given == found.joined.kept.belief.argmax(1)).all()
        assert found.joined.kept.belief.sum(1) == pytest.approx(np.ones(120))
        assert (found.joined.targets is None) == (join == "majority")
        names = found.task.label_names
        right[join] = float((np.array(names)[found.labels.given] == np.array(list(WORDS))[true]).mean())
    assert right["cross_fit"] >= right["majority"]


def test_methods_learn_the_belief(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepare(recipe(table))
    trainer = build_trainer(recipe(table), tmp_path, prepared)
    assert prepared.joined is not None and prepared.joined.targets is not None
    assert prepared.labels.votes is not None and prepared.labels.belief is prepared.joined.targets
    taught = np.zeros((120, 2))
    supervise = Supervisor.supervise

    def seen(supervisor: Supervisor, log_probs: Tensor, labels: Tensor) -> Supervision:
        found = supervise(supervisor, log_probs, labels)
        taught[supervisor.state.rows] = found.targets[0].numpy()
        return found

    monkeypatch.setattr(Supervisor, "supervise", seen)
    trainer.train()
    assert taught == pytest.approx(prepared.joined.targets, abs=1e-6)
    assert prepare(recipe(table, join="majority")).labels.belief is None


def test_the_belief_is_what_corrections_are_made_by() -> None:
    belief = np.random.default_rng(0).dirichlet(np.ones(3), 200)
    told = {"foretold": 0.3, "foretold_error": 0.01, "power": 1.0, "copies": 0, "votes": 600}
    found = as_cross_fit(belief, np.zeros((2, 200), np.int64), told)
    assert found.probs.sum(1) == pytest.approx(np.ones(200))
    assert posterior_labels(found.probs, belief.argmax(1), found.transition) == pytest.approx(belief)


@pytest.mark.parametrize("method", ["standard", "clc_auto"])
def test_a_run(method: str, table: Path, tmp_path: Path) -> None:
    run = train(recipe(table, method), tmp_path / "run")
    kept, cross_fit = KeptVotes.load(run.path), CrossFit.load(run.path)
    assert kept is not None and cross_fit is not None and run.complete
    assert cross_fit.posterior == pytest.approx(kept.belief)
    assert kept.votes.sources == ("ann", "bob", "cid")
    assert {"ann", "bob", "cid"} <= set(run.data().column_names)
    judges = judges_of_run(run, policy_named("default"))
    assert judges.predictions.kind == "votes"
    correct(run, judges.policy, judges.predictions, source_rows(run))
    corrected = corrected_in(run.path)
    rows = Dataset.from_parquet([str(path) for path in sorted((corrected.path / "data").glob("*.parquet"))])
    assert rows["joined_label"] == rows["label_given"]  # and not the majority, which the columns tell
    found = judge(corrected, 0)
    assert found["predictions"]["kind"] == "votes" and "all labels of a row" in found["policy"]
    assert found["second_opinion"] is None
    low, high = found["noise"]["interval"]
    assert low <= found["noise"]["rate"] <= high and found["noise"]["rate"] == found["several_labels"]["wrong"][1]
    assert "labels of all sources are joined" in found["verdict"]["summary"]
    assert not any("memorised" in notice["message"] for notice in found["notices"])
    accuracy = [source["accuracy"]["value"] for source in found["several_labels"]["sources"]]
    assert accuracy[0] > accuracy[1] > accuracy[2]
    shown = annotators_html(run, found)
    assert "bob" in shown and f"{100 * accuracy[1]:.1f} %" in shown
    least = found["several_labels"]["unsure"][0]
    assert str(run.data()["text"][least["row"]]) in shown and f'<th scope="row">{least["source_row"]}</th>' in shown
    assert f"{100 * found['several_labels']['sources'][1]['matrix'][0][0]:.0f}</td>" in shown
    asked = questions(corrected, 5, "both", 10_000).data
    assert [dict(pair.split(": ") for pair in one.split("; ")) for one in asked["said"]] == [
        {name: run.data()[name][row] for name in ("ann", "bob", "cid") if run.data()[name][row]}
        for row in asked["row"]
    ]
    assert annotators_html(run, {}) == annotators_html(run, None) == ""
    again = train(recipe(table, method), tmp_path / "run", resume=True)
    assert again.complete


@pytest.mark.parametrize("join", ["majority", "dawid_skene"])
def test_labels_joined_without_texts_are_judged_as_any_others(join: str, table: Path, tmp_path: Path) -> None:
    run = train(recipe(table, "standard", join=join), tmp_path / "run")
    judges = judges_of_run(run, policy_named("default"))
    assert judges.predictions.kind == "views" and judges.note is None
    correct(run, judges.policy, judges.predictions, source_rows(run))
    found = judge(corrected_in(run.path), 0)
    assert found["noise"]["predictions"] == "views" and "all labels of a row" not in found["policy"]
    assert [one["name"] for one in found["several_labels"]["sources"]] == ["ann", "bob", "cid"]
    low, high = found["noise"]["interval"]
    assert low <= found["noise"]["rate"] <= high


@pytest.mark.parametrize("join", ["cross_fit", "crowdlab", "dawid_skene", "majority"])
def test_canaries_are_votes_on_trial(join: str, table: Path) -> None:
    """A vote is swapped in some rows, and what the run learns has none of it."""
    plain, tried = (prepare(recipe(table, join=join, more=more)) for more in ("", "canaries: 0.1\n"))
    assert plain.joined is not None and tried.joined is not None
    assert (tried.joined.kept.belief == plain.joined.kept.belief).all()
    assert not tried.labels.canary.any() and (tried.labels.trained == plain.labels.trained).all()
    trial = tried.joined.kept.facts["planted"]
    assert trial["planted"] == 12 and 0 < trial["stood"] <= 12 and 0 < trial["doubted"] <= 12
    assert "planted" not in plain.joined.kept.facts


def test_what_needs_one_label_a_row_is_refused(table: Path) -> None:
    with refused(key="noise"):
        prepare(recipe(table, more="noise: {name: symmetric, rate: 0.2}\n"))


def test_answers_are_known_rows(table: Path, tmp_path: Path) -> None:
    """What people have told is believed, the sources are judged by it, and no networks are trained for folds."""
    prepared = prepare(recipe(table, "clc_auto"))
    assert prepared.joined is not None
    before = prepared.joined.kept.belief
    rows = np.arange(0, 60)
    told = TrustedLabels(rows, 1 - before[rows].argmax(1))
    found = with_answers(prepared, told)
    assert found.joined is not None and found.joined.cross_fit is not None and found.labels.belief is not None
    assert (found.joined.kept.belief[rows].argmax(1) == told.labels).all()
    assert (found.labels.belief == found.joined.kept.belief).all()
    assert (found.labels.given == prepared.labels.given).all()
    assert found.joined.cross_fit.posterior == pytest.approx(found.joined.kept.belief)
    assert found.joined.cross_fit.facts["trusted"] == told.digest
    accuracy = [float(np.einsum("cc->c", one).mean()) for one in found.joined.kept.matrices]
    assert accuracy[0] < float(np.einsum("cc->c", prepared.joined.kept.matrices[0]).mean())  # answers contradict ann


@pytest.mark.parametrize("method", ["standard", "clc_auto"])
def test_a_training_with_answers(method: str, table: Path, tmp_path: Path) -> None:
    run = train(recipe(table, method), tmp_path / "asked")
    judges = judges_of_run(run, policy_named("default"))
    correct(run, judges.policy, judges.predictions, source_rows(run))
    names, given = run.label_names, run.labels().given
    answers = tmp_path / "answers.csv"
    answers.write_text("row,answer\n" + "".join(f"{row},{names[1 - given[row]]}\n" for row in range(10)))
    apply_answers(corrected_in(run.path), answers)
    again = train(recipe(table, method), tmp_path / "again", answers=run.path)
    kept, cross_fit = KeptVotes.load(again.path), CrossFit.load(again.path)
    assert kept is not None and cross_fit is not None and again.complete
    assert (kept.belief[:10].argmax(1) == 1 - given[:10]).all()
    assert cross_fit.facts["votes"] == len(kept.votes) and cross_fit.posterior == pytest.approx(kept.belief)
    assert (again.labels().given == given).all()
    assert train(recipe(table, method), tmp_path / "again", resume=True).complete


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_rows_that_nobody_labels_are_predicted(ending: str, table: Path, tmp_path: Path) -> None:
    """They are no training rows, and stand at their places in the corrected table."""
    frame = pd.read_csv(table, keep_default_na=False)
    bare = [0, 1, 50, 119]
    frame.loc[bare, ["ann", "bob", "cid"]] = ""
    frame.to_csv(tmp_path / "bare.csv", index=False)
    run = train(recipe(tmp_path / "bare.csv"), tmp_path / "run")
    assert run.environment()["rows"]["train"] == 116
    found = Unlabelled.of(run)
    assert found is not None and found.number.tolist() == [row + 2 for row in bare]  # the header is row 1
    expected = Predictor(run).predict(frame["text"][bare].tolist())
    assert found.probs == pytest.approx(expected.probs, abs=1e-5)
    judges = judges_of_run(run, policy_named("default"))
    corrected = correct(run, judges.policy, judges.predictions, source_rows(run))
    out = tmp_path / f"out.{ending}"
    (said,) = [one for one in write_whole_table(corrected, out) if "nobody labelled" in one]
    assert "4 rows" in said and "joined_label_unlabelled" in said
    read = {"csv": pd.read_csv, "jsonl": partial(pd.read_json, lines=True), "parquet": pd.read_parquet}
    whole = read[ending](out)
    assert whole["text"].tolist() == frame["text"].tolist()
    assert np.flatnonzero(whole["joined_label_unlabelled"]).tolist() == bare
    assert np.flatnonzero(whole["joined_label_given"].isna()).tolist() == bare
    names = np.array(run.label_names)
    assert whole["joined_label"][bare].tolist() == names[found.classes].tolist()
    assert whole["joined_label"].drop(bare).tolist() == names[corrected.state().label].tolist()


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_who_said_what_stands_in_exports_and_tables(ending: str, table: Path, tmp_path: Path) -> None:
    """Also where the labels came in a file of their own, and a row has none."""
    frame = pd.read_csv(table, keep_default_na=False).rename_axis("id").reset_index()
    frame[["id", "text"]].to_csv(tmp_path / "texts.csv", index=False)
    lines = frame.melt("id", ["ann", "bob", "cid"], "annotator", "label")
    lines = lines[(lines["label"] != "") & (lines["id"] != 3)]
    lines.to_csv(tmp_path / "votes.csv", index=False)
    of_two = loads(
        RECIPE.format(path=tmp_path / "texts.csv", method="standard", join="cross_fit").replace(
            "label: [ann, bob, cid]", f"id: id, votes: {tmp_path / 'votes.csv'}"
        )
    )
    run = train(of_two, tmp_path / "run")
    judges = judges_of_run(run, policy_named("default"))
    corrected = correct(run, judges.policy, judges.predictions, source_rows(run))
    out = tmp_path / f"out.{ending}"
    write_whole_table(corrected, out)
    read = {"csv": pd.read_csv, "jsonl": partial(pd.read_json, lines=True), "parquet": pd.read_parquet}
    whole = read[ending](out).astype({"id": int}).set_index("id")
    assert whole.index.tolist() == list(range(120))
    for row, said in lines.groupby("id"):
        expected = dict(zip(said["annotator"], said["label"], strict=True))
        assert json.loads(whole["joined_label_votes"][row]) == expected
    assert pd.isna(whole["joined_label_votes"][3]) and whole["joined_label_unlabelled"][3]
    for one in look_first(corrected, 5):
        said = lines[lines["id"] == int(one["source_id"])].sort_values("annotator")
        assert one["votes"] == "; ".join(f"{a}: {b}" for a, b in zip(said["annotator"], said["label"], strict=True))


def test_probabilities_are_told_as_such() -> None:
    assert in_words({"ann": "spam", "llm": {"ham": 0.2, "spam": 0.8}}) == "ann: spam; llm: spam 80%, ham 20%"
    many = in_words({f"a{n}": "x" for n in range(30)})
    assert many.endswith("a19: x; and 10 more")


def test_a_run_whose_rows_are_all_labelled_has_none(table: Path, tmp_path: Path) -> None:
    run = train(recipe(table), tmp_path / "run")
    assert Unlabelled.of(run) is None and not run.file(FILE).exists()
