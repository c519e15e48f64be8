"""Encoders compared by what held-out networks make of the given labels."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import yaml
from refusals import refused
from typer.testing import CliRunner

from clc_text.cli import app
from clc_text.config.recipe import loads
from clc_text.errors import InputError
from clc_text.noise.canaries import CanaryCount, count_canaries
from clc_text.runs import encoder_choice
from clc_text.runs.encoder_choice import Candidate, alike, as_table, compare_encoders, conclusion
from clc_text.text.encoders.features import available
from clc_text.text.encoders.features.available import Known

SMALL = """
data: {name: quickstart, rows: 300, test_rows: 0}
noise: {name: symmetric, rate: 0.2}
encoder: {name: word_vectors, vectors: train, length: 2}
network: {name: mlp, hidden: [24]}
method: {name: clc_auto, folds: 2, fold_rounds: 2, fold_epochs: 4}
training: {epochs: 1, batch_size: 64, learning_rate: 2.0e-3, device: cpu}
"""


def test_canaries_are_counted() -> None:
    given, trained = np.array([0, 1, 2, 0, 1]), np.array([1, 2, 0, 0, 1])
    canary = np.array([True, True, True, False, False])
    assert count_canaries(given, trained, canary, np.array([0, 2, 1, 2, 2])) == CanaryCount(3, 2, 1)


def candidate(name: str, log_likelihood: list[float] | None, **more: object) -> Candidate:
    rows = None if log_likelihood is None else np.array(log_likelihood)
    encoder = None if rows is None else {"name": name, "dimension": 7}
    count = None if rows is None else CanaryCount(4, 3, 2)
    return Candidate(name, encoder, rows, canaries=count, **more)  # type: ignore[arg-type]


def test_small_differences_are_not_told_apart() -> None:
    best = candidate("tfidf", [-1.0, -2.0, -1.0, -2.0] * 100)
    near = candidate("near", [-2.0, -1.0, -2.0, -1.0] * 99 + [-1.1, -2.0, -1.0, -2.0])
    far = candidate("far", [-1.2, -2.3, -1.2, -2.3] * 100)
    missing = candidate("sentence", None, problem="it is not there")
    assert alike(best, near) and not alike(best, far) and not alike(best, missing)
    said = conclusion([best, near, far, missing])
    assert "near cannot be told from it" in said and "far" not in said and "sentence: it is not there" in said
    assert "In the recipe: encoder: {name: tfidf, dimension: 7}" in said
    assert conclusion([missing]) == "sentence: it is not there"
    assert as_table([best, missing]).row_count == 2


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(available, "KNOWN", [Known("package:not-installed-anywhere", english=True)])
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    arguments = ["noise", "estimate", str(path), "--encoders", "word_vectors, tfidf,sentence", "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [one["name"] for one in found] == ["tfidf", "word_vectors", "sentence"]
    tfidf, words, sentence = found
    assert tfidf["log_likelihood"] > words["log_likelihood"] and words["encoder"]["length"] == 2
    assert words["share_read"] < tfidf["share_read"] == 1
    for one in (tfidf, words):
        assert one["canaries"]["planted"] == 6 and one["seconds"] > 0 and one["problem"] is None
    assert sentence["log_likelihood"] is None and "pip install" in sentence["problem"]

    said = conclusion([Candidate("tfidf", tfidf["encoder"], np.zeros(3), canaries=CanaryCount(1, 1, 1))])
    assert yaml.safe_load(said.split("In the recipe: ")[1]) == {"encoder": {"name": "tfidf"}}
    assert math.isinf(Candidate("sentence").mean)


@pytest.mark.parametrize("names", [["tfdif"], ["tokens"]])
def test_encoders_that_cannot_be_compared(names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if names == ["tfdif"]:
        with refused(key="tfdif", says="'tfidf'"):
            compare_encoders(loads(SMALL), names)
    else:
        (one,) = compare_encoders(loads(SMALL), names)
        assert one.problem is not None and "word_vectors" not in encoder_choice.conclusion([one])


def test_a_run_directory_is_told_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(SMALL)
    result = CliRunner().invoke(app, ["noise", "estimate", str(tmp_path), "--encoders", "tfidf"])
    assert isinstance(result.exception, InputError) and "give the recipe" in str(result.exception)
