"""A multi-label run, from the table to its audit: rows are pairs of a text and a class, each class by itself."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from refusals import refused

from clc_text.analysis.maps import make_maps
from clc_text.api.issues import find_issues
from clc_text.artifacts.cross_fit import CrossFit
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.config.recipe import Recipe, loads
from clc_text.corrections.answer_files import read_answers
from clc_text.corrections.answered_rows import with_numbers
from clc_text.corrections.answers import apply_answers
from clc_text.corrections.audit import audit, judge
from clc_text.corrections.correct import correct
from clc_text.corrections.diff import differences, write_changed_rows
from clc_text.corrections.existing import corrected_in
from clc_text.corrections.export import export
from clc_text.corrections.policy import policy_named
from clc_text.corrections.predictions import RowPredictions, out_of_sample
from clc_text.corrections.revert import Selection, revert
from clc_text.corrections.state import PERSON
from clc_text.corrections.table_export import write_whole_table
from clc_text.data.task import NO_YES
from clc_text.evidence.several_classes import mixtures_of_each
from clc_text.hub.card import Stated
from clc_text.hub.contents import dataset_bundle, model_bundle
from clc_text.inference.evaluation import evaluate_run, matrix_csv
from clc_text.inference.multi_label import holding
from clc_text.inference.prediction_file import write_predictions
from clc_text.inference.predictor import Predictor
from clc_text.noise.estimation.half_trust import ROOM
from clc_text.noise.estimation.noise_fit import posterior_labels
from clc_text.runs.evidence import judges_of_run, views_of_run
from clc_text.runs.frozen_features import features_and_words_of_run, features_of_run
from clc_text.runs.noise_estimate import as_dict, as_text, estimate_of_run
from clc_text.runs.reload import source_rows
from clc_text.runs.run import train
from clc_text.text.datasets.files import Files

WORDS = {"sport": "goal match team ball", "money": "bank stock price tax", "art": "paint stage film song"}
CLASSES = sorted(WORDS)
RECIPE = """
data: {{name: files, train: {path}, label: topics, test_share: 0.25}}
noise: {{name: missing_positives, rate: 0.3}}
encoder: {{name: tfidf, dimension: 20, word_vectors: 0}}
network: {{name: mlp, hidden: [16]}}
method: {{name: {method}}}
training: {{epochs: 6, batch_size: 16, learning_rate: 3.0e-2}}
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("multi") / "topics.jsonl"
    with open(path, "w", encoding="utf-8") as handle:
        for row in range(240):
            named = [name for name in CLASSES if random.random() < 0.45]
            words = [str(word) for name in named for word in random.choice(WORDS[name].split(), 2)]
            handle.write(json.dumps({"text": " ".join([*words, "and", f"w{row}"]), "topics": named}) + "\n")
    return path


def recipe(table: Path, method: str = "clc_auto", more: str = "") -> Recipe:
    return loads(RECIPE.format(path=table, method=method) + more)


@pytest.fixture(scope="module")
def run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    chosen = recipe(table, "clc_auto, fold_epochs: 4, fold_rounds: 2")
    return train(chosen, tmp_path_factory.mktemp("run") / "run")


def test_what_a_run_leaves_behind(run: RunDirectory) -> None:
    texts = 180
    assert run.asked == CLASSES
    assert run.label_names == ["no", "yes"]
    assert run.environment()["rows"] == {"train": 3 * texts, "test": 3 * 60}
    labels, result = run.labels(), run.result()
    assert len(labels.given) == 3 * texts and labels.true is not None
    assert not ((labels.true == 0) & (labels.given == 1)).any()
    assert set(result["multi_label"]) == {"f1_micro", "f1_macro", "average_precision", "subset_accuracy"}
    assert result["multi_label"]["average_precision"] > 80
    assert run.log_probs("train").shape == (2, 3 * texts, 2)
    manifest = run.noise_manifest()
    assert manifest["asked"] == CLASSES and manifest["matrices"]["art"] == [[1.0, 0.0], [0.3, 0.7]]
    assert run.dynamics().prediction.shape == (2, 3 * texts)


def test_cross_fitting_finds_a_matrix_for_each_class(run: RunDirectory) -> None:
    found, labels = CrossFit.load(run.path), run.labels()
    assert found is not None and found.each is not None and found.each.shape == (3, 2, 2)
    assert (found.folds.reshape(2, -1, 3) == found.folds.reshape(2, -1, 3)[..., :1]).all()  # a text has one fold
    for one in range(3):
        alone = found.of_problem(one)
        expected = posterior_labels(alone.probs, labels.trained[one::3], found.each[one])
        np.testing.assert_allclose(found.posterior[one::3], expected, atol=1e-6)


def test_every_class_is_judged_as_if_it_were_alone(run: RunDirectory) -> None:
    """The evidence of all pairs against views that know of one class only."""
    features, words = features_and_words_of_run(run)
    labels, crossfit = run.labels(), CrossFit.load(run.path)
    assert crossfit is not None and crossfit.each is not None
    found = views_of_run(run)
    assert found is not None and found.asked == 3
    seed = int(run.environment()["seeds"]["network"])
    made = mixtures_of_each(
        features, words, crossfit.probs[:, 1].reshape(-1, 3), labels.given.reshape(-1, 3), crossfit.each, seed
    )
    assert made is not None
    for one, alone in enumerate(made):
        mine = labels.of_class(one, 3)
        assert mine.given.tolist() == [labels.given[row * 3 + one] for row in range(180)]
        part = found.problem(one)
        assert part.views == alone.views == ("networks", "linear", "neighbours", "words", "linear_words")
        np.testing.assert_allclose(part.of(np.arange(180)), alone.log_probs, atol=1e-6)
        assert part.transition is not None and part.bias is not None and alone.bias is not None
        np.testing.assert_allclose(part.transition, alone.noise.transition)
        np.testing.assert_allclose(part.weights, alone.weights)
        np.testing.assert_allclose(part.bias, alone.bias)
        assert part.sharpness == pytest.approx(alone.noise.sharpness)


@pytest.fixture(scope="module")
def corrected(run: RunDirectory) -> Any:
    judges = judges_of_run(run, policy_named("doubt"))
    return correct(run, judges.policy, judges.predictions, source_rows(run), nothing_learnt=judges.nothing_learnt)


def test_corrections_and_their_ranking(run: RunDirectory, corrected: Any) -> None:
    state, labels = corrected.state(), run.labels()
    assert labels.true is not None
    found = views_of_run(run)
    assert found is not None
    for one in range(3):
        part: RowPredictions = found.problem(one)
        log_probs = part.of(np.arange(180))
        assert part.transition is not None
        for row in range(180):
            given, odds = labels.given[row * 3 + one], part.biases[0]
            for weight, (no, yes) in zip(part.weights, log_probs[:, row], strict=True):
                odds += part.sharpness * weight * (yes - no)
            holds = 1 / (1 + math.exp(-odds))
            trust = [part.transition[true, given] for true in (0, 1)]
            trust = [share if share < ROOM else math.sqrt(share) for share in trust]
            no, yes = (1 - holds) * trust[0], holds * trust[1]
            assert state.doubt[row * 3 + one] == pytest.approx((no if given else yes) / (no + yes), abs=1e-4)
    wrong = labels.given != labels.true
    from sklearn.metrics import average_precision_score

    assert average_precision_score(wrong, state.doubt) > 3 * wrong.mean()
    right = (state.label == labels.true).mean()
    assert right > 1 - wrong.mean()
    rows = corrected_in(run.path).state()
    assert rows.label.tolist() == state.label.tolist()


def test_one_call_finds_what_a_run_without_cross_fitting_finds(table: Path, tmp_path: Path) -> None:
    run = train(recipe(table, "standard"), tmp_path / "run")
    judges = judges_of_run(run, policy_named("default"))
    state = correct(run, judges.policy, judges.predictions, source_rows(run)).state()
    features, _ = features_and_words_of_run(run)
    given = run.labels().given.reshape(-1, 3)
    texts = [text for part in source_rows(run).batches() for text in part["text"].to_pylist()][::3]
    seed = int(run.environment()["seeds"]["network"])
    found = find_issues(given, features=features, texts=texts, label_names=CLASSES, seed=seed, task="multi_label")
    np.testing.assert_allclose(found.doubt.reshape(-1), state.doubt, atol=1e-5)
    assert found.corrected().reshape(-1).tolist() == state.label.tolist()
    assert judges.predictions.rates is not None
    np.testing.assert_allclose(found.rates, judges.predictions.rates)


def test_the_audit_tells_of_every_class(run: RunDirectory, corrected: Any) -> None:
    found, state, labels = judge(corrected, 0), corrected.state(), run.labels()
    assert found["asked"] == CLASSES and found["second_opinion"] is None
    assert [entry["label"] for entry in found["noise"]["by_class"]] == CLASSES
    assert found["noise"]["readings"] == []  # the noise is known before there are views
    low, high = found["noise"]["interval"]
    assert f"between {low:.1%} and {high:.1%} (about {found['noise']['rate']:.1%})" in str(found["verdict"])
    assert found["noise"]["rate"] == pytest.approx(np.mean([one["rate"] for one in found["noise"]["by_class"]]))
    assert labels.true is not None
    for one, entry in enumerate(found["corrections"]["by_asked"]):
        given, label, true = (values[one::3] for values in (labels.given, state.label, labels.true))
        assert entry["added"] == int(((given == 0) & (label == 1)).sum())
        assert entry["taken_away"] == int(((given == 1) & (label == 0)).sum())
        changed, wrong = given != label, given != true
        assert entry["recall"]["count"] == int((changed & wrong).sum())
        assert entry["recall"]["of"] == int(wrong.sum())


def test_people_are_asked_of_one_class_and_the_table_has_a_row_a_text(run: RunDirectory, corrected: Any) -> None:
    rows = np.array([7, 5, 6])
    texts = [row.split("] ", 1) for row in corrected.inputs(rows)]
    assert [one[0] for one in texts] == [f"[{CLASSES[row % 3]}?" for row in rows]
    assert texts[0][1] == texts[2][1] and texts[0][1] == run.data("train")["text"][7]

    lines = [json.loads(line) for line in corrected.table.read_text().splitlines()]
    state = corrected.state()
    assert len(lines) == 180 and list(lines[0]) == ["text", "topics", "topics_given"]
    for row, line in enumerate(lines):
        for key, labels in (("topics", state.label), ("topics_given", state.given)):
            assert line[key] == [name for one, name in enumerate(CLASSES) if labels[row * 3 + one]]


def test_what_was_changed_is_told_of_every_class(corrected: Any) -> None:
    found, state = differences(corrected), corrected.state()
    assert sum(pair["rows"] for pair in found["pairs"]) == int(state.changed.sum()) > 0
    for pair in found["pairs"]:
        one, before, after = CLASSES.index(pair["class"]), *(NO_YES.index(pair[key]) for key in ("from", "to"))
        given, label = state.given[one::3], state.label[one::3]
        assert pair["rows"] == int(((given == before) & (label == after)).sum())
        assert pair["share_of_from"] == pytest.approx(pair["rows"] / (given == before).sum())
        assert all(example["row"] % 3 == one for example in pair["examples"])
    out = io.StringIO()
    write_changed_rows(corrected, out)
    lines = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [line["class"] for line in lines] == [CLASSES[row % 3] for row in np.flatnonzero(state.changed)]


@pytest.mark.parametrize(("kind", "no", "yes"), [("csv", "No", "Yes"), ("csv", "0", "1"), ("parquet", False, True)])
def test_columns_of_classes_stay_written_as_they_were(
    table: Path, tmp_path: Path, kind: str, no: Any, yes: Any
) -> None:
    rows = [json.loads(line) for line in table.read_text(encoding="utf-8").splitlines()]
    frame = pd.DataFrame(
        {"text": row["text"]} | {name: yes if name in row["topics"] else no for name in CLASSES} for row in rows
    )
    path = tmp_path / f"classes.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path, index=False)
    chosen = RECIPE.replace("topics", "[art, money, sport], task: multi_label").format(path=path, method="standard")
    run = train(loads(chosen), tmp_path / "run")
    judges = judges_of_run(run, policy_named("doubt"))
    corrected = correct(run, judges.policy, judges.predictions, source_rows(run))
    back = pd.read_csv(corrected.table, dtype=str) if kind == "csv" else pd.read_parquet(corrected.table)
    state = corrected.state()
    assert state.changed.any() and list(back) == ["text", *CLASSES, *(f"{name}_given" for name in CLASSES)]
    for one, name in enumerate(CLASSES):
        for column, labels in ((name, state.label), (f"{name}_given", state.given)):
            assert back[column].tolist() == [yes if label else no for label in labels[one::3]]


def test_the_exported_table_is_said_to_have_the_columns_that_it_has(corrected: Any, tmp_path: Path) -> None:
    said = " ".join(write_whole_table(corrected, tmp_path / "table.csv"))
    assert "'topics' holds the corrected classes of a text, 'topics_given' the given ones" in said
    assert "holds_given" not in said


def test_a_table_keeps_columns_that_are_called_as_ours(table: Path, tmp_path: Path) -> None:
    own = {"pair": "mine", "class": "c", "holds": "h", "label": "l", "topics_given": ["old"]}
    rows = [json.loads(line) | own for line in table.read_text(encoding="utf-8").splitlines()]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    run = train(recipe(tmp_path / "rows.jsonl", "standard"), tmp_path / "run")
    judges = judges_of_run(run, policy_named())
    corrected = correct(run, judges.policy, judges.predictions, source_rows(run))
    with refused(where=corrected.path, key="topics"):  # pairs, and beside each the classes as they were given
        Files(train=str(corrected.path), label="topics", task="multi_label").load(0)
    written = corrected.table
    lines = [json.loads(line) for line in written.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        assert {name: line[name] for name in ("pair", "class", "holds", "label")} == {
            name: own[name] for name in ("pair", "class", "holds", "label")
        }
        assert line["source_topics_given"] == ["old"] and line["topics_given"] != ["old"]
        assert set(line) == {"text", "topics", "source_topics_given", *own}


def test_an_answer_by_the_row_of_the_file_says_which_class_it_is_about(
    run: RunDirectory, corrected: Any, tmp_path: Path
) -> None:
    """A row of the file is a text, and stands for as many pairs as there are classes."""
    numbers = run.labels().source_row
    assert numbers is not None
    path = tmp_path / "answers.csv"
    for named in ("", "sprot"):
        path.write_text(f"source_row,class,answer\n{numbers[3]},{named},yes\n", encoding="utf-8")
        with refused(where=f"{path}, line 2", key=named or "class"):
            apply_answers(corrected, path)
    path.write_text(f"source_row,answer\n{numbers[3]},yes\n", encoding="utf-8")
    with refused(where=f"{path}, line 2", key="class"):
        apply_answers(corrected, path)
    assert not (corrected_in(run.path).state().source == PERSON).any()
    path.write_text(f"source_row,class,answer\n{numbers[3]},money,yes\n{numbers[6]},art,no\n", encoding="utf-8")
    found = with_numbers(corrected, read_answers(path), path)
    assert [answer.row for answer in found] == [3 + CLASSES.index("money"), 6 + CLASSES.index("art")]
    shown, other = corrected.inputs(np.array([3 + CLASSES.index("money"), 6]))
    bare = shown.removeprefix("[money?] ")
    assert bare != shown
    for text in (shown, bare):
        pd.DataFrame([[numbers[3], "money", text, "yes"]], columns=["source_row", "class", "text", "answer"]).to_csv(
            path, index=False
        )
        assert len(with_numbers(corrected, read_answers(path), path)) == 1
    pd.DataFrame([[3, other, "yes"]], columns=["row", "text", "answer"]).to_csv(path, index=False)
    with refused(where=f"{path}, line 2", key="text"):
        apply_answers(corrected, path)


def test_pairs_are_told_apart_by_their_text(run: RunDirectory, corrected: Any, tmp_path: Path) -> None:
    features, _ = features_and_words_of_run(run)
    assert (features_of_run(run) == features.repeat(3, axis=0)).all()
    found = export(
        corrected, tmp_path / "next.csv", 5, "csv", lambda *given: None, "both", lambda: features_of_run(run)
    )
    assert found.rows == 5


def test_the_noise_of_every_class_is_told(run: RunDirectory) -> None:
    found, labels = estimate_of_run(run.path), run.labels()
    assert list(found.each) == CLASSES and labels.true is not None
    for one, name in enumerate(CLASSES):
        wrong = (labels.given != labels.true)[one::3].mean()
        assert found.each[name].true_rate == pytest.approx(wrong)
        assert found.each[name].estimates[0].matrix[0, 1] < 0.1
    text = as_text(found)
    assert all(any(line.startswith(name) for line in text.splitlines()) for name in CLASSES)
    assert list(as_dict(found)["classes"]) == CLASSES


@pytest.mark.parametrize(
    ("case", "held_out"),
    [
        ("plain", None),
        ("plain", True),
        ("with canaries", None),
        ("with canaries", True),
        ("noise not known before", True),  # by views it is known whatever the networks were told
    ],
)
def test_an_audit_and_the_noise_estimate_say_the_same_of_every_class(
    run: RunDirectory, table: Path, tmp_path: Path, case: str, held_out: bool | None
) -> None:
    if case == "with canaries":
        chosen = recipe(table, "clc_auto, fold_epochs: 4, fold_rounds: 2", "canaries: 0.05\n")
        made = train(chosen, tmp_path / "run")
    else:
        shutil.copytree(run.path, tmp_path / "run", ignore=shutil.ignore_patterns("corrected"))
        made = RunDirectory(tmp_path / "run")
    if case == "noise not known before":
        facts = json.loads((made.path / "crossfit.json").read_text())
        del facts["rates_of_each"]
        (made.path / "crossfit.json").write_text(json.dumps(facts))
    judges = judges_of_run(made, policy_named(), held_out)
    correct(made, judges.policy, judges.predictions, source_rows(made))
    noise, told = judge(corrected_in(made.path))["noise"], as_dict(estimate_of_run(made.path))
    assert noise["predictions"] == ("out of sample" if held_out else "views")
    for mine, its in [(noise, told), *zip(noise["by_class"], told["classes"].values(), strict=True)]:
        assert mine["rate"] == pytest.approx(its["rate"], abs=1e-6)
        assert mine["interval"] == pytest.approx(list(its["interval"]), abs=1e-6)
        if held_out:
            np.testing.assert_allclose(mine["matrix"], its["estimates"][0]["matrix"], atol=1e-5)


def test_a_change_can_be_taken_back(run: RunDirectory, corrected: Any) -> None:
    changed = np.flatnonzero(corrected.state().changed)
    revert(corrected, Selection(rows=[range(changed[0], changed[0] + 1)]))
    after = corrected_in(run.path).state()
    assert after.label[changed[0]] == run.labels().given[changed[0]]
    assert (after.label[changed[1:]] != run.labels().given[changed[1:]]).all()


def test_predictions_name_all_classes_above_the_threshold(run: RunDirectory, tmp_path: Path) -> None:
    texts = ["goal match ball team and", "bank tax paint film and"]
    probs = holding(Predictor(run).predict(texts).log_probs, 3)
    for threshold in (None, 0.3):
        write_predictions(run, texts, tmp_path / "p.jsonl", threshold=threshold)
        lines = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
        for line, each in zip(lines, probs, strict=True):
            assert line["labels"] == [n for n, p in zip(CLASSES, each, strict=True) if p >= (threshold or 0.5)]
            assert line["probabilities"]["sport"] == pytest.approx(each[2], abs=1e-4)
    assert "sport" in lines[0]["labels"] and {"art", "money"} <= set(lines[1]["labels"])
    write_predictions(run, texts, tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text().splitlines()[0].endswith("probability of sport")
    with refused(key="--threshold"):
        write_predictions(run, texts, tmp_path / "p.csv", threshold=2)


def test_evaluation(run: RunDirectory, table: Path) -> None:
    found = evaluate_run(run, None)
    assert found["multi_label"] == pytest.approx(run.result()["multi_label"])
    assert [entry["name"] for entry in found["classes"]] == CLASSES
    of_file = evaluate_run(run, table)
    assert of_file["rows"] == 240 and of_file["multi_label"]["f1_micro"] > 70
    truth = [json.loads(line)["topics"] for line in table.read_text().splitlines()]
    assert [entry["rows"] for entry in of_file["classes"]] == [sum(c in one for one in truth) for c in CLASSES]
    lines = [line.split(",") for line in matrix_csv(of_file).splitlines()]
    assert [line[:2] for line in lines[1:]] == [[name, holds] for name in CLASSES for holds in ("no", "yes")]
    for one, entry in enumerate(of_file["classes"]):
        (sure, wrong), (missed, right) = ([int(cell) for cell in lines[1 + 2 * one + held][2:]] for held in (0, 1))
        assert sure + wrong + missed + right == 240 and missed + right == entry["rows"]
        assert entry["precision"] == pytest.approx(100 * right / (wrong + right))
        assert entry["recall"] == pytest.approx(100 * right / (missed + right))


@pytest.mark.parametrize(
    ("method", "more", "key"),
    [
        ("forward", "", "forward"),
        ("standard", "monitor: recover", "monitor: recover"),
        (
            "standard",
            "canaries: 0.05\nnoise: {name: symmetric, rate: 0.1}",
            "symmetric",
        ),
    ],
)
def test_what_is_of_rows_of_one_class_is_refused(
    table: Path, tmp_path: Path, method: str, more: str, key: str
) -> None:
    chosen = RECIPE.format(path=table, method=method)
    if "noise:" in more:
        chosen = "\n".join(line for line in chosen.splitlines() if not line.startswith("noise:"))
    with refused(key=key):
        train(loads(f"{chosen}\n{more}"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_canaries_are_pairs(table: Path, tmp_path: Path) -> None:
    chosen = replace(recipe(table, "standard"), canaries=0.05)
    found = train(chosen, tmp_path / "run")
    labels = found.labels()
    assert labels.canary.sum() == round(0.05 * len(labels.given))
    assert ((labels.trained != labels.given) == labels.canary).all()
    judges = judges_of_run(found, policy_named("doubt"))
    made = correct(found, judges.policy, judges.predictions, source_rows(found))
    assert judge(made, 0)["canaries"]["planted"] == labels.canary.sum()
    assert out_of_sample(found) is None


def test_canaries_are_no_noise_of_sound_labels(table: Path, tmp_path: Path) -> None:
    """They are found, and nothing else is changed, or said to be wrong: their flips are none of the given labels."""
    text = RECIPE.format(path=table, method="standard").replace("missing_positives, rate: 0.3", "none")
    found = train(replace(loads(text), canaries=0.05), tmp_path / "run")
    judges = judges_of_run(found, policy_named())
    made = correct(found, judges.policy, judges.predictions, source_rows(found))
    judged, state = judge(made, 0), made.state()
    assert judged["noise"]["rate"] == 0
    assert (state.label == state.given).all()
    assert judged["canaries"]["found"]["value"] > 0.5


def test_maps_are_of_texts_and_coloured_by_one_class(run: RunDirectory) -> None:
    found = make_maps([run], sample=100, iterations=300, of_class="sport")
    assert found.label_names == ["not sport", "sport"]
    rows, labels = found.panels[0].rows, run.labels()
    assert len(rows.rows) == 100 and rows.layers.shape[1] == len(rows.texts) == len(rows.entropy) == 100
    probs = holding(run.log_probs("train"), 3)[:, CLASSES.index("sport")]
    for place, row in enumerate(rows.rows.tolist()):
        pair = row * 3 + CLASSES.index("sport")
        assert rows.labels["given"][place] == labels.given[pair]
        assert rows.texts[place] == run.data()["text"][pair]
        assert rows.predicted[place] == (probs[row] > 0.5)
    for wrong in (None, "sprot"):
        with refused(where=run.path, key="--class"):
            make_maps([run], of_class=wrong)


def test_answers_of_pairs_are_learnt_and_kept(table: Path, tmp_path: Path) -> None:
    """A run, the doubtful pairs answered with the truth, and another run that is told of them."""
    chosen = recipe(table, "clc_auto, fold_epochs: 2, fold_rounds: 2")
    first = train(chosen, tmp_path / "first")
    judges = judges_of_run(first, policy_named())
    made, labels = correct(first, judges.policy, judges.predictions, source_rows(first)), first.labels()
    assert labels.true is not None
    pairs = np.argsort(-made.state().doubt, kind="stable")[:12]
    with open(tmp_path / "answers.csv", "w", encoding="utf-8") as handle:
        handle.write("row,answer\n")
        handle.writelines(f"{pair},{('no', 'yes')[labels.true[pair]]}\n" for pair in pairs)
    apply_answers(made, tmp_path / "answers.csv")
    again = train(chosen, tmp_path / "again", answers=first.path)
    told, found = again.answers(), CrossFit.load(again.path)
    assert told is not None and sorted(told.rows) == sorted(pairs) and found is not None
    assert (found.posterior[told.rows, told.labels] == 1).all()
    judges = judges_of_run(again, policy_named())
    state = correct(again, judges.policy, judges.predictions, source_rows(again)).state()
    assert (state.label[pairs] == labels.true[pairs]).all() and (state.source[pairs] == PERSON).all()


def test_what_is_pushed_says_that_rows_are_pairs(run: RunDirectory, corrected: Any, tmp_path: Path) -> None:
    """The dataset has the class that each row asks of, the cards tell of classes, and no accuracy that pairs make."""
    audit(corrected_in(run.path), 0)  # a test before may have taken a change back
    (tmp_path / "rows").mkdir()
    (tmp_path / "model").mkdir()
    rows = dataset_bundle(run, "user/topics", Stated(), tmp_path / "rows")
    assert {"text", "class", "label", "label_given"} <= set(rows.columns)
    assert "every row is a pair of a\ntext and one class (`class`)" in rows.card
    assert "| class | given | added | taken away | now |" in rows.card
    assert all(f"| `{name}` |" in rows.card for name in CLASSES)
    model = model_bundle(run, "user/classifier", Stated(), tmp_path / "model")
    assert all(f". `{name}`" in model.card for name in CLASSES)
    for card in (rows.card, model.card):
        assert f"| micro F1 | {run.result()['multi_label']['f1_micro']:.2f} % |" in card
        assert "accuracy" not in card.lower().replace("pair_accuracy", "")
    line = re.search(r"holds = (.*?)  #", model.card)
    assert line is not None
    holds = eval(line[1], {"found": Predictor(run).predict(["goal"]), "rows": ["goal"]})
    np.testing.assert_allclose(holds, holding(Predictor(run).predict(["goal"]).log_probs, 3))
