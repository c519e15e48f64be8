"""What is said of texts that an encoder does not read to their end."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.cli import app
from clc_text.config.recipe import loads
from clc_text.runs import prepare
from clc_text.runs.load import load_task
from clc_text.runs.prepare import reading
from clc_text.runs.run import train
from clc_text.text.cut_off import cut_off
from clc_text.text.encoders.word_vectors import WordVectors


def test_shares_and_the_sentence() -> None:
    found = cut_off(np.array([1, 4, 10, 20, 0]), 4, "words", "encoder.length", "raise it")
    assert (found["texts_cut_off"], found["share_cut_off"], found["share_read"]) == (2, 0.4, round(13 / 35, 4))
    assert found["cut_off"] == (
        "2 of 5 texts (40%) are longer than the first 4 words that the encoder reads (encoder.length), so that 37% of "
        "all words are read; raise it"
    )
    assert "cut_off" not in cut_off(np.array([3] * 200 + [5]), 4, "words", "encoder.length", "raise it")
    nothing = cut_off(np.zeros(3, int), 4, "words", "encoder.length", "raise it")
    assert nothing == {"texts_cut_off": 0, "share_cut_off": 0.0, "share_read": 1.0}


def test_word_vectors_tell_it_where_they_take_the_first_words_alone() -> None:
    texts = ["one two three four five", "one two", "", "one two three"]
    concat = WordVectors(vectors="train", length=3)
    facts = concat.fit(texts, ["one " * 50], 0).facts
    assert facts == facts | concat.reading(texts)
    assert (facts["texts_cut_off"], facts["share_read"]) == (1, 0.8)
    assert "encoder: auto" in facts["cut_off"]
    for pooling in (["concat", "mean"], ["idf_mean"]):
        assert WordVectors(vectors="train", length=3, pooling=pooling).reading(texts) == {}


RECIPE = """
data: {{name: files, train: "{path}"}}
encoder: {{name: word_vectors, vectors: train, length: 2}}
network: {{name: mlp, hidden: [4]}}
method: standard
training: {{epochs: 1, batch_size: 8, device: cpu}}
"""


def test_it_is_said_by_data_check_while_training_and_after_it(tmp_path: Path) -> None:
    rows = [f"where is the river {number} in the city,a" for number in range(10)] + ["who wrote,b"] * 10
    (tmp_path / "rows.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(path=tmp_path / "rows.csv"))
    said = "10 of 20 texts (50%) are longer than the first 2 words"

    run = CliRunner()
    assert said in run.invoke(app, ["data", "check", str(tmp_path / "recipe.yaml")]).output
    found = json.loads(run.invoke(app, ["data", "check", "--json", str(tmp_path / "recipe.yaml")]).output)
    assert found["encoder"]["name"] == "word_vectors" and found["encoder"]["texts_cut_off"] == 10
    shown = run.invoke(app, ["train", str(tmp_path / "recipe.yaml"), "--out", str(tmp_path / "run")]).output
    assert shown.replace("\n", "").count(said) == 2, "before training and at its end"
    (notice,) = [one for one in RunDirectory(tmp_path / "run").notices() if one["name"] == "texts cut off"]
    assert said in notice["message"] and notice["severity"] == "warning"

    quiet = loads((tmp_path / "recipe.yaml").read_text(), overrides=["encoder.length=40"])
    assert "texts cut off" not in [one["name"] for one in train(quiet, tmp_path / "whole").notices()]


def test_of_many_texts_a_part_tells_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"{'long ' * (1 + row % 4)}{row},{'ab'[row % 2]}" for row in range(400)]
    (tmp_path / "rows.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    recipe = loads(RECIPE.format(path=tmp_path / "rows.csv"))
    task = load_task(recipe)
    whole = reading(recipe, task)
    assert whole["texts_cut_off"] == 300 and "measured_on" not in whole
    monkeypatch.setattr(prepare, "READ", 150)  # every third row
    part = reading(recipe, task)
    assert part["measured_on"] == "134 of 400 texts"
    assert abs(part["texts_cut_off"] - 300) <= 3 and part["name"] == "word_vectors"
