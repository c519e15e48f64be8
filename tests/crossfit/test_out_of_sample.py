"""`clc-text correct --out-of-sample`: on what a run has, and on what is made for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from clc_text.cli import app
from clc_text.corrections.predictions import out_of_sample
from clc_text.corrections.store import Corrected
from clc_text.crossfit.result import CrossFit
from clc_text.run_directory import RunDirectory


def test_a_run_without_cross_fitting_gets_it(tiny_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(tiny_run, run)
    assert out_of_sample(RunDirectory(run)) is None
    for _ in range(2):  # the second time on what is there
        result = CliRunner().invoke(app, ["correct", str(run), "--out-of-sample"])
        assert result.exit_code == 0, result.output
    corrected = Corrected(RunDirectory(run))
    assert corrected.facts["predictions"]["kind"] == "out of sample"
    assert corrected.facts["predictions"]["folds"] == 5
    found = CrossFit.load(run)
    predictions = out_of_sample(RunDirectory(run))
    assert found is not None and predictions is not None
    [(start, block)] = list(predictions.blocks())
    assert start == 0 and block.shape == (1, *found.probs.shape)
    np.testing.assert_allclose(np.exp(block[0]), found.probs, atol=1e-6)
    audited = CliRunner().invoke(app, ["audit", str(run)])
    assert audited.exit_code == 0 and "out of sample" in audited.output
