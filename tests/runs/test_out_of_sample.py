"""`clc-text correct --out-of-sample`: on what a run has, and on what is made for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from clc_text.artifacts.cross_fit import CrossFit
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.cli import app
from clc_text.corrections.predictions import out_of_sample
from clc_text.corrections.store import Corrected
from clc_text.errors import InputError
from clc_text.runs.out_of_sample import predict_out_of_sample


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


def own_run(folder: Path, keep_data: bool = True) -> Path:
    words = ["left", "right"]
    rows = [f"row n{number % 15} {words[number % 2]} {words[number % 2]},{number % 2}\n" for number in range(60)]
    (folder / "rows.csv").write_text("text,label\n" + "".join(rows))
    (folder / "own.yaml").write_text(
        "data: {name: files, train: rows.csv}\nencoder: {vectors: train}\nnetwork: {hidden: [8]}\n"
        "method: {name: standard}\ntraining: {epochs: 1, batch_size: 20, device: cpu}\ncanaries: 0.1\n"
        f"keep_data: {str(keep_data).lower()}\n"
    )
    trained = CliRunner().invoke(app, ["train", "own.yaml", "--out", "run", "--quiet"])
    assert trained.exit_code == 0, trained.output
    return folder / "run"


def test_a_run_that_keeps_its_rows_needs_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = own_run(tmp_path)
    without = tmp_path / "without"
    shutil.copytree(run, without)
    shutil.rmtree(without / "data")
    predict_out_of_sample(RunDirectory(without))  # from the file of the recipe
    (tmp_path / "rows.csv").unlink()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    predict_out_of_sample(RunDirectory(run))
    for name in ("crossfit.json", "crossfit.safetensors"):
        assert (run / name).read_bytes() == (without / name).read_bytes()


@pytest.mark.parametrize("change", ["other texts", "fewer rows", "another folder"])
def test_cross_fitting_later_needs_the_rows_that_the_run_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.chdir(tmp_path)
    run = own_run(tmp_path, keep_data=False)
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    if change == "other texts":
        texts = [line.rsplit(",", 1)[0] for line in lines[1:]]
        labels = [line.rsplit(",", 1)[1] for line in lines[1:]]
        turned = [f"{text},{label}" for text, label in zip(texts[20:] + texts[:20], labels, strict=True)]
        (tmp_path / "rows.csv").write_text("\n".join([lines[0], *turned]) + "\n")
    elif change == "fewer rows":
        (tmp_path / "rows.csv").write_text("\n".join(lines[:40]) + "\n")
    else:
        (tmp_path / "below").mkdir()
        monkeypatch.chdir(tmp_path / "below")
    with pytest.raises(InputError) as refused:
        predict_out_of_sample(RunDirectory(run))
    said = "in the folder in which the run was trained" if change == "another folder" else "rows.csv has changed since"
    assert said in str(refused.value)
    assert not (run / "crossfit.json").exists()
