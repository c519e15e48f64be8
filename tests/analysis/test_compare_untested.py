"""Runs without test rows are compared by held-out labels, canaries and what they would change."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import numpy as np
import pytest
from typer.testing import CliRunner

from clc_text.analysis.compare_untested import compare_untested, figures
from clc_text.analysis.tables.compare_untested_text import as_csv, as_markdown, as_table
from clc_text.artifacts.cross_fit import CrossFit
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.cli import app
from clc_text.data.labels import Labels

Make = Callable[..., RunDirectory]


def cross_fitted(run: RunDirectory, log_likelihood: float, gain: float = 0.5) -> RunDirectory:
    labels, classes = run.labels(), len(run.label_names)
    probs = np.full((len(labels.given), classes), 0.05 / (classes - 1))
    probs[np.arange(len(labels.given)), labels.given] = 0.95
    one = {"epochs": 1, "best_epoch": 1, "log_likelihood": -1.0, "sharpness": 1.0, "used": True}
    facts = {
        "rate": 0.1, "log_likelihood": log_likelihood, "gain": gain, "gain_error": 0.01, "folds": 5, "sharpness": 1.0,
        "rounds": [one, one],
    }  # fmt: skip
    folds = np.zeros((1, len(labels.given)), np.int64)
    CrossFit(folds, probs, np.eye(classes) * 0.9 + 0.1 / classes, probs, facts).save(run.path)
    return run


def test_figures_by_hand(make_run: Make) -> None:
    run = make_run(test_rows=0, epochs=3)
    labels = run.labels()
    judged = np.exp(run.log_probs("train").astype(np.float64)).mean(0).argmax(-1)
    canary = np.arange(len(judged)) % 7 == 0
    flipped = np.where(canary, (labels.given + 1) % len(run.label_names), labels.given)
    Labels(labels.given, flipped, labels.true, canary).write(run.file("noise/labels.parquet"))
    found = figures(run)
    assert found["changed"] == pytest.approx(np.mean(judged[~canary] != labels.given[~canary]))
    caught = canary & (judged != flipped)
    assert found["found"] == pytest.approx(caught.sum() / canary.sum())
    assert found["repaired"] == pytest.approx((judged == labels.given)[caught].mean())
    assert "log_likelihood" not in found and "rate" not in found, "the method does not cross-fit"
    assert figures(cross_fitted(run, -0.7))["log_likelihood"] == -0.7
    assert "rate" not in figures(cross_fitted(run, -0.7, gain=0.0)), "networks that learnt nothing tell no rate"


def test_the_likeliest_is_first_and_groups_have_means(make_run: Make) -> None:
    runs = [cross_fitted(make_run(method="clc", seed=seed, test_rows=0), -1.0 - seed / 10) for seed in (0, 1)]
    runs.append(make_run(method="standard", test_rows=0))
    runs.append(cross_fitted(make_run(method="clc_auto", test_rows=0), -0.5))
    found = compare_untested(runs)
    assert [line.title for line in found.lines] == ["CLC auto", "CLC", "Standard"]
    assert found.lines[1].mean("log_likelihood") == pytest.approx(-1.05) and found.lines[1].n == 2
    assert found.lines[2].mean("log_likelihood") is None
    assert "| CLC | 2 | -1.050 ± 0.071 |" in as_markdown(found)
    (first, *_, last) = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert float(first["log_likelihood"]) == -0.5 and last["log_likelihood"] == ""
    assert as_table(found).row_count == 3


def test_the_command(make_run: Make) -> None:
    untested, tested = cross_fitted(make_run(test_rows=0), -0.8), make_run(method="standard")
    result = CliRunner().invoke(app, ["compare", str(untested.path), str(tested.path), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [one["log_likelihood"]["mean"] for one in found["groups"]] == [-0.8, None]
    assert f"no test rows in {untested.path}: all are compared by what needs none" in result.stderr
    shown = CliRunner().invoke(app, ["compare", str(untested.path)], env={"COLUMNS": "200"}).stdout
    assert "likelihood" in shown and "-0.800" in shown
