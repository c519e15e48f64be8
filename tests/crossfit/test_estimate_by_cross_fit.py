from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.cli import app
from clc_text.config.recipe import Recipe, loads
from clc_text.data.labels import Labels
from clc_text.errors import InputError
from clc_text.noise.estimation.gain import gain_over_shares, is_nothing
from clc_text.noise.estimation.probabilities import MOST_FITTED
from clc_text.runs.noise_estimate import Estimated, _estimated, as_dict, as_text, estimate_of_recipe
from clc_text.runs.observer import Observer
from clc_text.runs.prepare import prepare

RECIPE = """
data: {name: quickstart, rows: 800, test_rows: 50}
noise: {name: pairwise, rate: 0.3}
encoder: {name: word_vectors, vectors: train, pooling: [concat], length: 8}
network: {name: mlp, hidden: [64]}
method: {name: clc_auto, fold_rounds: 2}
training: {batch_size: 64, learning_rate: 2.0e-3}
"""


def test_the_command_on_a_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Estimated] = []

    def once(recipe: Recipe, observer: Observer) -> Estimated:
        if not kept:
            kept.append(estimate_of_recipe(recipe, observer))
        return kept[0]

    monkeypatch.setattr("clc_text.runs.noise_estimate.estimate_of_recipe", once)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    result = CliRunner().invoke(app, ["noise", "estimate", str(tmp_path / "recipe.yaml"), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout.strip().splitlines()[-1])
    assert [one["method"] for one in found["estimates"]] == ["em", "confident_joint", "anchor"]
    own = found["estimates"][0]
    assert abs(own["rate"] - found["true_rate"]) < 0.06
    assert -2 < found["log_likelihood"] < -0.5
    assert own["interval"][0] < own["rate"] < own["interval"][1]
    assert np.abs(np.array(own["matrix"]) - np.array(found["true_matrix"])).mean() < 0.04
    assert list(tmp_path.iterdir()) == [tmp_path / "recipe.yaml"]

    shown = CliRunner().invoke(app, ["noise", "estimate", str(tmp_path / "recipe.yaml")])
    assert "counted, since this recipe knows the true labels" in shown.output


def test_canaries_are_no_wrong_labels_of_the_user(tmp_path: Path) -> None:
    recipe = loads(RECIPE, overrides=["noise.rate=0.1", "canaries=0.2"])
    found = estimate_of_recipe(recipe)
    labels = prepare(recipe).labels
    assert found.rows == 640 == (~labels.canary).sum()
    assert found.true_rate == pytest.approx((labels.given != labels.true)[~labels.canary].mean())
    assert abs(found.estimates[0].rate - found.true_rate) < 0.05  # with the canaries 0.28 would be wrong
    low, high = found.estimates[0].interval or (1, 0)
    assert low < found.estimates[0].rate < high


def test_the_literature_is_given_what_it_is_made_for() -> None:
    """Anchors and the confident joint want predictions of the given labels; cross-fitting's are of the true ones."""
    random = np.random.default_rng(0)
    true = random.integers(0, 3, 3000)
    transition = 0.6 * np.eye(3) + 0.4 * np.roll(np.eye(3), 1, axis=1)
    given = np.where(random.random(3000) < 0.4, (true + 1) % 3, true)
    probs = 0.04 * random.dirichlet(np.ones(3), 3000)
    probs[np.arange(3000), true] += 0.96
    posterior = probs * transition[:, given].T
    found = CrossFit(
        np.zeros((1, 3000), np.int64), probs, transition, posterior / posterior.sum(1, keepdims=True),
        {"rate": 0.4, "log_likelihood": 0.0},
    )  # fmt: skip
    labels = Labels(given, true=true)
    for one in _estimated(found, labels, ["a", "b", "c"]).estimates:
        assert one.rate == pytest.approx(0.4, abs=0.03), one.method


def test_too_many_classes_are_told_before_anything_is_encoded(tmp_path: Path) -> None:
    rows = "".join(f"text {row},class {row // 2}\n" for row in range(2 * MOST_FITTED + 2))
    (tmp_path / "rows.csv").write_text(f"text,label\n{rows}")
    (tmp_path / "recipe.yaml").write_text(
        f"data: {{name: files, train: {tmp_path / 'rows.csv'}, text: text, label: label}}\nmethod: {{name: clc}}\n"
    )
    for more in ([], ["--encoders", "tfidf,word_vectors"]):
        result = CliRunner().invoke(app, ["noise", "estimate", str(tmp_path / "recipe.yaml"), *more])
        assert isinstance(result.exception, InputError) and f"{MOST_FITTED + 1:,} classes are too many" in str(
            result.exception
        )
        assert "encoding" not in result.output and "reading files" in result.output


def test_of_networks_that_have_learnt_nothing_there_is_no_estimate() -> None:
    probs = np.random.default_rng(0).dirichlet(np.ones(3), 300)
    given = np.random.default_rng(1).integers(0, 3, 300)
    gain, error = gain_over_shares(probs, given, np.arange(300) % 5)
    facts = {"rate": 0.4, "log_likelihood": -1.099, "gain": gain, "gain_error": error}
    found = CrossFit(np.zeros((1, 300), np.int64), probs, np.eye(3), probs, facts)
    told = _estimated(found, Labels(given, true=given), ["a", "b", "c"])
    assert as_dict(told)["estimates"] == [] and as_dict(told)["true_rate"] == 0
    text = as_text(told)
    assert "300 rows, 3 classes; the share of wrong labels cannot be estimated: networks that had not seen" in text
    assert "95 %" not in text and "-1.099 nats" in text


def test_the_gain_by_hand() -> None:
    """Two folds of two rows, even predictions but for the last: gains of log p T[y] over the other fold's shares."""
    probs = np.full((4, 2), 0.5)
    labels, fold = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    gain, error = gain_over_shares(probs, labels, fold)
    assert gain == pytest.approx(0, abs=1e-9) and error == pytest.approx(0, abs=1e-9)
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 1000)
    sure = np.where(labels[:, None] == np.arange(2), 0.9, 0.1)
    gain, error = gain_over_shares(sure, labels, np.arange(1000) % 5)
    assert gain > 0.5 and not is_nothing(gain, error)
    tripled = gain_over_shares(np.tile(sure, (3, 1)), np.tile(labels, 3), np.tile(np.arange(1000) % 5, 3))
    as_one = gain_over_shares(
        np.tile(sure, (3, 1)), np.tile(labels, 3), np.tile(np.arange(1000) % 5, 3), np.tile(np.arange(1000), 3)
    )
    assert tripled[0] == as_one[0] and as_one[1] == pytest.approx(3**0.5 * tripled[1])  # copies are one draw
    assert is_nothing(0.009, 0.0001) and is_nothing(0.05, 0.03) and not is_nothing(0.05, 0.02)


@pytest.mark.parametrize("classes", [2, 6, 20])
def test_predictions_of_nothing_gain_nothing_however_many_entries_the_matrix_has(classes: int) -> None:
    for seed in range(5):
        random = np.random.default_rng(seed)
        labels = random.integers(0, classes, 600)
        probs = random.dirichlet(np.ones(classes), 600)
        assert is_nothing(*gain_over_shares(probs, labels, np.arange(600) % 5))


def test_a_run_that_does_not_cross_fit(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    result = CliRunner().invoke(app, ["noise", "estimate", str(tmp_path)])
    assert isinstance(result.exception, InputError) and "its method does not cross-fit" in str(result.exception)
    assert "it has not come that far (`--resume` goes on with it), or" in str(result.exception)
    (tmp_path / "result.json").write_text("{}")
    result = CliRunner().invoke(app, ["noise", "estimate", str(tmp_path)])
    assert "out-of-sample predictions: its method does not cross-fit; give its recipe" in str(result.exception)
