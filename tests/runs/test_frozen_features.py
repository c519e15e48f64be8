"""Features that no label has shaped: of any encoder, the same from a run as from its recipe."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch
from refusals import refused
from tiny_bert import POSITIONS, write_tiny_bert

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.config.recipe import load, loads
from clc_text.runs.frozen_features import features_of, features_of_run
from clc_text.runs.prepare import prepare
from clc_text.runs.run import train
from clc_text.text.encoders.sentence import Sentence
from clc_text.text.encoders.tokens import Tokens
from clc_text.text.encoders.vectors.tokens import tokenizer
from clc_text.text.encoders.word_vectors import WordVectors

TEXTS = ["Who wrote the novel ?", "where is the river", "the the the city ?", "", "Who wrote it ? " + "city " * 30]


def test_a_run_gives_those_of_its_recipe(tiny_run: Path) -> None:
    run = RunDirectory(tiny_run)
    found = features_of_run(run)
    assert found.dtype == np.float32 and found.shape == (400, 50) and np.isfinite(found).all()
    np.testing.assert_array_equal(found, features_of(prepare(load(tiny_run / "recipe.yaml"))))


def test_concatenated_words_are_pooled_over_the_whole_text_by_their_rarity() -> None:
    encoder = WordVectors(vectors="train", train_dimension=7, length=3, train_min_count=1).fit(TEXTS, [], 0)
    found = encoder.frozen(TEXTS).double().numpy()
    rows = {word: row for row, word in enumerate(encoder.table.words)}
    cut = [tokenizer("glove", True)(text) for text in TEXTS]
    for row, words in enumerate(cut):
        total, weights = np.zeros(7), 0.0
        for word in words:
            weight = np.log((1 + len(TEXTS)) / (1 + sum(word in other for other in cut))) + 1
            total += weight * encoder.table.matrix[rows[word]]
            weights += weight
        np.testing.assert_allclose(found[row], total / max(weights, 1e-30), rtol=1e-4, atol=1e-5)
    assert not np.allclose(found[0], found[4]), "words beyond `length` count"


def test_other_poolings_are_taken_as_they_are() -> None:
    encoder = WordVectors(vectors="train", pooling=["idf_mean", "max"], standardize=True).fit(TEXTS, [], 0)
    assert torch.equal(encoder.frozen(TEXTS), encoder.encode(TEXTS)["features"])


def test_a_model_gives_its_vectors_as_they_were_before_training(tmp_path: Path) -> None:
    model = str(write_tiny_bert(tmp_path))
    scaled, plain = (Sentence(model, "mean", POSITIONS, scale).fit(TEXTS, [], 0) for scale in (True, False))
    expected = plain.encode(TEXTS)["features"]
    assert torch.equal(scaled.frozen(TEXTS), expected)
    assert not torch.allclose(scaled.encode(TEXTS)["features"], expected)
    assert torch.equal(Tokens(model, POSITIONS).fit(TEXTS, [], 0).frozen(TEXTS), expected)


def test_a_model_that_is_not_there_any_more_is_named(tmp_path: Path) -> None:
    model = write_tiny_bert(tmp_path / "model")
    recipe = f"""
data: {{name: quickstart, rows: 60, test_rows: 20}}
encoder: {{name: sentence, model: "{model}", max_length: {POSITIONS}}}
network: {{name: mlp, hidden: [4]}}
method: standard
training: {{epochs: 1, device: cpu, batch_size: 30}}
"""
    train(loads(recipe), tmp_path / "run")
    assert features_of_run(RunDirectory(tmp_path / "run")).shape == (60, 16)
    shutil.rmtree(model)
    with refused(where=model, key="encoder.model"):
        features_of_run(RunDirectory(tmp_path / "run"))


def test_images_are_the_colours_of_a_coarse_grid() -> None:
    from clc_text.vision.encoders.pixels import Pixels

    images = [np.full((16, 16, 3), value, np.uint8) for value in (0, 51, 255)]
    images[1][:2, :2] = 255
    for in_memory in (True, False):
        found = Pixels(size=16, in_memory=in_memory).fit(images, [], 0).frozen(images)
        assert found.shape == (3, 192)
        assert torch.equal(found[0], torch.full((192,), -1.0)) and torch.equal(found[2], torch.ones(192))
        corners = found[1].reshape(3, 8, 8)
        assert torch.allclose(corners[:, 0, 0], torch.ones(3)) and torch.allclose(corners[:, 1:], torch.tensor(-0.6))
