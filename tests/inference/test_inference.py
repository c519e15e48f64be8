"""A trained run applied to rows is the run."""

from __future__ import annotations

import csv
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from refusals import refused

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.cli import app
from clc_text.data.class_shares import ClassShares
from clc_text.inference.prediction_file import _write_table
from clc_text.inference.predictor import Predictions, Predictor


@pytest.mark.parametrize("split", ["train", "test"])
def test_its_predictions_are_the_runs_to_the_bit(tiny_run: Path, split: str) -> None:
    run = RunDirectory(tiny_run)
    texts = run.data(split)[run.environment()["input_column"]]
    assert np.array_equal(Predictor(run).predict(texts).log_probs, run.log_probs(split))


def test_blocks_cover_the_rows_in_order(tiny_run: Path) -> None:
    run = RunDirectory(tiny_run)
    texts = run.data("test")["text"]
    blocks = list(Predictor(run, block=32).blocks(texts, hidden=True))
    assert [block.log_probs.shape for block in blocks] == [(2, 32, 6)] * 3 + [(2, 4, 6)]
    found = np.concatenate([block.log_probs for block in blocks], 1)
    np.testing.assert_allclose(found, run.log_probs("test"), atol=1e-5)
    assert blocks[0].hidden is not None and blocks[0].hidden.shape == (2, 32, 16)
    assert Predictor(run).predict(texts).hidden is None


def test_an_empty_text_is_predicted_and_no_text_at_all_refused(tiny_run: Path) -> None:
    predictor = Predictor(RunDirectory(tiny_run))
    assert np.isfinite(predictor.predict([""]).log_probs).all()
    with refused(key="rows"):
        predictor.predict([])


def test_what_predictions_tell_of_the_ensemble() -> None:
    """Mean of (0.8, 0.2) and (0.4, 0.6) is (0.6, 0.4); of (0.1, 0.9) and (0.3, 0.7) it is (0.2, 0.8)."""
    probs = np.array([[[0.8, 0.2], [0.1, 0.9]], [[0.4, 0.6], [0.3, 0.7]]], dtype=np.float32)
    found = Predictions(np.log(probs))
    np.testing.assert_allclose(found.probs, [[0.6, 0.4], [0.2, 0.8]], atol=1e-6)
    assert found.classes.tolist() == [0, 1]
    np.testing.assert_allclose(found.confidence, [0.6, 0.8], atol=1e-6)
    literal = [-(0.6 * math.log(0.6) + 0.4 * math.log(0.4)), -(0.2 * math.log(0.2) + 0.8 * math.log(0.8))]
    np.testing.assert_allclose(found.entropy, literal, atol=1e-6)
    assert found.peers_agree.tolist() == [False, True]


def test_a_run_that_has_not_ended_says_so(tiny_run: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_run, tmp_path / "run", ignore=shutil.ignore_patterns("model"))
    with refused(where=tmp_path / "run", key="model"):
        Predictor(RunDirectory(tmp_path / "run"))


def test_no_class_that_is_written_is_a_formula(tmp_path: Path) -> None:
    out = tmp_path / "x.csv"
    rows = [{"row": 0, "text": "-1", "label": "=HYPERLINK(1)"}, {"row": 1, "text": "@x", "label": "plain"}]
    assert _write_table(iter(rows), out) == 2
    with open(out, newline="") as handle:
        assert [tuple(row) for row in csv.reader(handle)][1:] == [("0", "-1", "'=HYPERLINK(1)"), ("1", "'@x", "plain")]


def test_told_how_common_classes_are_among_the_rows() -> None:
    random = np.random.default_rng(0)
    probs = random.dirichlet([4.0, 2.0, 0.5], (2, 300))
    moved = Predictions(np.log(probs).astype(np.float32)).with_shares(ClassShares.of("even", "abc"))
    np.testing.assert_allclose(np.exp(moved.log_probs).mean(1), 1 / 3, atol=1e-4)
    np.testing.assert_allclose(moved.probs.mean(0), 1 / 3, atol=1e-4)
    for peer in range(2):  # one weight a class, of every row alike
        raised = moved.log_probs[peer] - np.log(probs[peer])
        raised -= raised[:, :1]
        np.testing.assert_allclose(raised, np.broadcast_to(raised[:1], raised.shape), atol=1e-3)


def test_the_commands_are_told_it(tiny_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = RunDirectory(tiny_run)
    name, texts = run.label_names[2], run.data("test")["text"]
    (tmp_path / "new.txt").write_text("\n".join(texts))

    def labels(*share: str) -> list[str]:
        out = tmp_path / "out.jsonl"
        app(["predict", str(tiny_run), str(tmp_path / "new.txt"), "--out", str(out), "--force", *share],
            standalone_mode=False)  # fmt: skip
        return [json.loads(line)["label"] for line in out.read_text().splitlines()]

    assert labels().count(name) < 60 <= labels("--share", f"{name}=0.8").count(name)
    app(["evaluate", str(tiny_run), "--json", "--share", f"{name}=0.8"], standalone_mode=False)
    assert np.array(json.loads(capsys.readouterr().out)["confusion"])[:, 2].sum() >= 60
    with refused(key="class_shares.nobody"):
        labels("--share", "nobody=0.2")


@pytest.mark.parametrize(
    ("command", "name", "option"),
    [
        ("predict", "new.txt", ["--separator", ";"]),
        ("predict", "new.jsonl", ["--separator", ";"]),
        ("predict", "new.csv", ["--sheet", "one"]),
        ("evaluate", "new.csv", ["--sheet", "one"]),
        ("evaluate", "new.jsonl.gz", ["--separator", ","]),
    ],
)
def test_an_option_that_is_not_for_such_a_file_is_refused(
    command: str, name: str, option: list[str], tiny_run: Path, tmp_path: Path
) -> None:
    with refused(key=option[0], says=name):
        app([command, str(tiny_run), str(tmp_path / name), *option], standalone_mode=False)


def test_how_a_file_is_read_is_not_said_of_a_text(tiny_run: Path) -> None:
    with refused(key="--text"):
        app(["predict", str(tiny_run), "--text", "who", "--separator", ";"], standalone_mode=False)


def test_a_matrix_is_a_csv_file(tiny_run: Path, tmp_path: Path) -> None:
    with refused(where=tmp_path / "matrix.xlsx", says=".csv"):
        app(["evaluate", str(tiny_run), "--matrix", str(tmp_path / "matrix.xlsx")], standalone_mode=False)
    assert not list(tmp_path.iterdir())
