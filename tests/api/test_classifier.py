"""`NoisyLabelClassifier` keeps scikit-learn's contract, and learns from labels that are partly wrong."""

from __future__ import annotations

import pickle
import random
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from refusals import refused
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from clc_text import NoisyLabelClassifier
from clc_text.methods.clc_auto import CLCAuto
from clc_text.methods.co_teaching import CoTeaching
from clc_text.noise.estimation.gain import NOTHING


def blobs(rows: int = 400, noise: float = 0.3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, given and true classes, of which a share is flipped."""
    features, true = make_blobs(rows, n_features=6, centers=3, cluster_std=1.5, random_state=1)
    generator = np.random.default_rng(0)
    flipped = generator.random(rows) < noise
    given = np.where(flipped, (true + generator.integers(1, 3, rows)) % 3, true)
    return StandardScaler().fit_transform(features).astype(np.float32), np.array(["a", "b", "c"])[given], true


@pytest.mark.slow
@pytest.mark.timeout(1800)  # some fifty trainings
@pytest.mark.parametrize("method", ["standard", "clc_auto"])
def test_all_checks_of_scikit_learn(method: str) -> None:
    found = check_estimator(NoisyLabelClassifier(method=method, random_state=0), on_fail=None)
    assert len(found) > 40
    assert [check["check_name"] for check in found if check["status"] == "failed"] == []


@pytest.fixture(scope="module")
def learnt() -> tuple[NoisyLabelClassifier, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    rows = blobs()
    return NoisyLabelClassifier(hidden=(32,), random_state=0).fit(rows[0], rows[1]), rows


def test_it_learns_the_true_classes_and_says_how_many_labels_were_wrong(learnt: Any) -> None:
    model, (features, given, true) = learnt
    names = np.array(["a", "b", "c"])
    assert (model.predict(features) == names[true]).mean() > 0.9
    assert (model.labels_ == names[true]).mean() > 0.9 > (given == names[true]).mean()
    assert abs(model.noise_rate_ - (given != names[true]).mean()) < 0.1
    assert model.transition_.shape == (3, 3) and list(model.classes_) == list(names)
    assert model.n_features_in_ == 6
    probabilities = model.predict_proba(features)
    assert probabilities.shape == (400, 3) and np.allclose(probabilities.sum(1), 1)


def test_of_features_that_tell_nothing_no_noise_is_told() -> None:
    generator = np.random.default_rng(0)
    features, given = generator.normal(size=(120, 4)), generator.integers(0, 3, 120)
    model = NoisyLabelClassifier(CLCAuto(folds=2, fold_rounds=2, fold_epochs=3), hidden=(8,), epochs=2, random_state=0)
    with pytest.warns(UserWarning, match=f"{NOTHING}, .* labels_ are the given ones"):
        model.fit(features, given)
    assert model.noise_rate_ is None and model.transition_ is None
    np.testing.assert_array_equal(model.labels_, given)


def test_it_is_pickled_and_repeated_exactly() -> None:
    features, given, _ = blobs(60)
    method = CLCAuto(folds=2, fold_rounds=2, fold_epochs=3)
    model = NoisyLabelClassifier(method, hidden=(8,), epochs=8, random_state=0).fit(features, given)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(features), model.predict_proba(features))
    np.testing.assert_array_equal(
        clone(model).fit(features, given).predict_proba(features), model.predict_proba(features)
    )


def test_nobody_elses_random_numbers_are_touched() -> None:
    features, given, _ = blobs(60)
    random.seed(3), np.random.seed(3), torch.manual_seed(3)
    expected = random.random(), np.random.rand(), float(torch.rand(1))
    random.seed(3), np.random.seed(3), torch.manual_seed(3)
    NoisyLabelClassifier("standard", hidden=(4,), epochs=1, random_state=0).fit(features, given)
    assert (random.random(), np.random.rand(), float(torch.rand(1))) == expected


def test_in_a_pipeline_under_cross_validation_and_a_grid() -> None:
    features, given, _ = blobs(120, noise=0.1)
    network = NoisyLabelClassifier("standard", hidden=(16,), epochs=15, learning_rate=0.02, random_state=0)
    model = make_pipeline(StandardScaler(), network)
    assert cross_val_score(model, features, given, cv=2).mean() > 0.6
    options = {"noisylabelclassifier__method": ["standard", CoTeaching(ramp_epochs=2)]}
    model.set_params(noisylabelclassifier__noise_rate=0.1, noisylabelclassifier__epochs=3)
    found = GridSearchCV(model, options, cv=2).fit(features, given)
    assert set(found.best_params_) == set(options) and len(found.cv_results_["mean_test_score"]) == 2


def test_texts() -> None:
    words = {"sport": ["goal", "match", "team"], "money": ["bank", "loan", "rate"]}
    generator = np.random.default_rng(0)
    labels = np.array(["sport", "money"] * 40)
    texts = [" ".join(generator.choice(words[label], 4)) + f" n{row}" for row, label in enumerate(labels)]
    model = NoisyLabelClassifier("standard", hidden=(16,), epochs=30, encoder="tfidf", random_state=0).fit(
        texts, labels
    )
    assert list(model.predict(["goal team match", "loan rate bank"])) == ["sport", "money"]
    assert model.noise_rate_ is None and model.transition_ is None and (model.labels_ == labels).all()
    with pytest.raises(ValueError, match="texts are wanted"):
        model.predict(np.zeros((2, 3)))
    with refused(key="X", says="no text"):
        model.predict([])
    again = pickle.loads(pickle.dumps(model))  # with all that turns texts into numbers
    np.testing.assert_array_equal(again.predict_proba(texts), model.predict_proba(texts))


@pytest.mark.parametrize(
    ("rows", "labels", "sentence"),
    [
        ("one text", ["a"], "X is one text"),
        (["a", "b"], ["x", "y", "z"], "2 texts"),
        (["a", 3], ["x", "y"], "row 1 of X"),
        (["a", "b"], ["x", "x"], "one class only"),
        (["a", "b"], ["x", None], "row 1 of y"),
        (["a", "b"], pd.Series(["x", pd.NA], dtype="string"), "row 1 of y"),
        ([[0.0], [1.0]], ["x", float("nan")], "row 1 of y"),
        (pd.DataFrame({"mail": ["a", "b"]}), ["x", "y"], r"X\['mail'\]"),
        ([[0.0], [np.inf]], ["x", "y"], "infinity"),
    ],
)
def test_bad_input(rows: Any, labels: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        NoisyLabelClassifier("standard", epochs=1, encoder="tfidf").fit(rows, labels)


@pytest.mark.parametrize("option", [{"epochs": "3"}, {"batch_size": None}, {"hidden": 30}])
def test_options_of_another_kind(option: dict[str, Any]) -> None:
    with refused(key=next(iter(option))):
        NoisyLabelClassifier("standard", encoder="tfidf", **option).fit(["a", "b"], ["x", "y"])


def test_too_few_rows_to_cross_fit_are_told() -> None:
    with pytest.raises(ValueError, match="rows"):
        NoisyLabelClassifier().fit(np.eye(3), ["a", "b", "a"])
