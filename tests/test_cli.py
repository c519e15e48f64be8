"""The command line: it answers at once, and a mistake is one sentence and exit code 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest


def clc_text(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "clc_text.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "160", **environment},
    )


def refusal(*arguments: str, cwd: Path | None = None, **environment: str) -> str:
    found = clc_text(*arguments, cwd=cwd, **environment)
    assert found.returncode == 2, found.stderr + found.stdout
    assert "Traceback" not in found.stderr
    last = found.stderr.strip().splitlines()[-1]
    assert last.startswith("clc-text: ")
    return last


def test_help_answers_at_once() -> None:
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        found = clc_text("--help")
        best = min(best, time.perf_counter() - begun)
        assert found.returncode == 0
    assert "train" in found.stdout
    assert best < 0.5


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, clc_text.cli; heavy = {'torch', 'transformers', 'datasets', 'numpy', 'matplotlib', 'sklearn'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_version() -> None:
    from clc_text import __version__

    assert clc_text("--version").stdout.strip() == f"clc-text {__version__}"


def test_train_evaluate_and_predict(tiny_recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    trained = clc_text("train", str(tiny_recipe), "--out", str(out))
    assert trained.returncode == 0, trained.stderr
    assert "last 10 epochs" in trained.stdout
    assert f"run directory: {out}" in trained.stdout
    assert "epoch    5/5" in trained.stderr

    evaluated = json.loads(clc_text("evaluate", str(out), "--json").stdout)
    result = json.loads((out / "result.json").read_text())
    assert evaluated["accuracy"]["ensemble"] == pytest.approx(result["accuracy"]["last"]["ensemble"])
    assert sum(map(sum, evaluated["confusion"])) == evaluated["rows"] == 100

    predicted = clc_text("predict", str(out), "--text", "Who wrote Hamlet ?")
    entry = json.loads(predicted.stdout)
    assert entry["text"] == "Who wrote Hamlet ?"
    assert 0 < entry["confidence"] <= 1

    again = refusal("train", str(tiny_recipe), "--out", str(out))
    assert "exists" in again
    assert "--resume" in again
    finished = clc_text("train", str(tiny_recipe), "--out", str(out), "--resume", "--quiet")
    assert finished.returncode == 0
    assert json.loads((out / "result.json").read_text()) == result


def test_predictions_into_files_from_files(tiny_run: Path, tmp_path: Path) -> None:
    import csv

    source = tmp_path / "texts.csv"
    source.write_text('id,question\n1,"Where is Rome ?"\n2,"How many, then ?"\n')
    for name in ("out.csv", "out.jsonl", "out.parquet"):
        found = clc_text("predict", str(tiny_run), str(source), "--column", "question", "--out", str(tmp_path / name))
        assert found.returncode == 0, found.stderr
    with open(tmp_path / "out.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [row["text"] for row in rows] == ["Where is Rome ?", "How many, then ?"]
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["label"] for line in lines] == [row["label"] for row in rows]


def test_evaluate_on_a_labelled_file(tiny_run: Path, tmp_path: Path) -> None:
    names = json.loads((tiny_run / "environment.json").read_text())["label_names"]
    source = tmp_path / "rows.csv"
    source.write_text(f"text,label\nWhere is Rome ?,{names[0]}\nWho was it ?,{names[1]}\n")
    assert json.loads(clc_text("evaluate", str(tiny_run), str(source), "--json").stdout)["rows"] == 2
    source.write_text("text,label\nWhere is Rome ?,nonsense\n")
    assert "row 1: the label 'nonsense' is none of" in refusal("evaluate", str(tiny_run), str(source))


def test_a_wrong_recipe_leaves_nothing_behind(tmp_path: Path) -> None:
    recipe = tmp_path / "wrong.yaml"
    recipe.write_text("data: {name: quickstart, rows: 50}\ntraining: {batch_size: 51}\n")
    sentence = refusal("train", str(recipe), "--out", str(tmp_path / "run"))
    assert "training.batch_size is 51" in sentence
    assert "50 training rows" in sentence
    assert not (tmp_path / "run").exists()


def test_no_data_is_one_sentence(recipes: Path, tmp_path: Path) -> None:
    empty = tmp_path / "nothing"
    empty.mkdir()
    sentence = refusal(
        "train", str(recipes / "trec_sym05.yaml"), "--out", str(tmp_path / "run"), CLC_TEXT_DATA=str(empty)
    )
    assert "train_5500.label" in sentence
    assert str(empty) in sentence
    assert "quickstart" in sentence


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_what_is_no_run_directory_is_said(command: str, tmp_path: Path) -> None:
    more = ["--text", "x"] if command == "predict" else []
    assert "there is no run directory" in refusal(command, str(tmp_path / "no"), *more)
    assert "it has no recipe.yaml" in refusal(command, str(tmp_path), *more)


def test_recipe_show_gives_a_recipe(tiny_recipe: Path) -> None:
    from clc_text.recipe import load, loads

    shown = clc_text("recipe", "show", str(tiny_recipe))
    assert loads(shown.stdout) == load(tiny_recipe)
    assert "# step size of the optimizer" in shown.stdout


def test_lists(recipes: Path) -> None:
    assert "quickstart" in clc_text("data", "list").stdout
    assert "trec_sym05" in clc_text("recipe", "list", str(recipes)).stdout
    assert "warmup_epochs" in clc_text("recipe", "parts", "methods", "clc").stdout


def test_noise_inject_and_replay(tiny_recipe: Path, tmp_path: Path) -> None:
    import numpy as np

    from clc_text.run_directory import Labels

    first, second = tmp_path / "first", tmp_path / "second"
    assert clc_text("noise", "inject", str(tiny_recipe), "--out", str(first)).returncode == 0
    passport = first / "noise" / "passport.json"
    assert clc_text("noise", "replay", str(passport), str(tiny_recipe), "--out", str(second)).returncode == 0
    one, other = (Labels.read(folder / "noise" / "labels.parquet") for folder in (first, second))
    assert np.array_equal(one.given, other.given)
    assert (one.given != one.true).mean() == pytest.approx(json.loads(passport.read_text())["realised_rate"])
    other_rows = ["--set", "data.rows=401"]
    assert "400 rows" in refusal(
        "noise", "replay", str(passport), str(tiny_recipe), "--out", str(tmp_path / "third"), *other_rows
    )
