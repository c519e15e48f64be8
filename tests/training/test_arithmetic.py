"""Products of training steps, beside sums by hand: of perceptrons, of attention, and of networks that cross-fit."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from clc_text.crossfit.trainer import NoisyLabelTrainer
from clc_text.methods.clc_auto import CLCAuto
from clc_text.training.arithmetic import Arithmetic
from tests.small_training import CLASSES, FEATURES, ROWS, arguments, peers_model, rows

SIZES = [FEATURES, 12, 10, CLASSES]


def of_a_row() -> int:
    """What one perceptron multiplies and adds for a row: forwards, for its weights, and for all inputs but the row."""
    layers = [2 * before * after for before, after in itertools.pairwise(SIZES)]
    return 3 * sum(layers) - layers[0]


def test_perceptrons_by_hand(tmp_path: Path) -> None:
    trainer = NoisyLabelTrainer(
        peers_model(),
        arguments(tmp_path, num_train_epochs=3),
        method="clc",
        train_dataset=rows(),
        eval_dataset=rows(9),
    )
    trainer.train()
    assert trainer.arithmetic.flops == 2 * 3 * ROWS * of_a_row(), "predictions do not count"
    assert trainer.arithmetic.seconds is not None and trainer.arithmetic.seconds > 0
    trainer.train()
    assert trainer.arithmetic.flops == 2 * 2 * 3 * ROWS * of_a_row(), "of both trainings"


def test_networks_that_cross_fit_count(tmp_path: Path) -> None:
    method = CLCAuto(folds=3, fold_epochs=4)
    trainer = NoisyLabelTrainer(
        peers_model(),
        arguments(tmp_path, num_train_epochs=2),
        method=method,
        train_dataset=rows(),
        peers_init=lambda peers, seed: peers_model(peers, seed),
    )
    trainer.train()
    assert trainer.cross_fit is not None and trainer.cross_fit.facts.get("names_tried", 1) == 1
    epochs = sum(one["epochs"] for one in trainer.cross_fit.facts["rounds"])
    assert trainer.arithmetic.flops == (2 * 2 + 3 * epochs) * ROWS * of_a_row()


def test_attention_by_hand() -> None:
    batch, heads, tokens, width = 2, 3, 5, 8
    given = [torch.randn(batch, heads, tokens, width, requires_grad=True) for _ in range(3)]
    counted = Arithmetic()
    with counted.of_step("attention", 0):
        scaled_dot_product_attention(*given).sum().backward()
    product = 2 * batch * heads * tokens * tokens * width
    assert counted.flops == (2 + 5) * product, "backwards the scores are made once more"


def test_a_convolution_by_hand() -> None:
    images, convolve = torch.randn(2, 3, 6, 6), torch.nn.Conv2d(3, 4, 3)
    counted = Arithmetic()
    for _ in range(2):
        with counted.of_step("convolution", tuple(images.shape)):
            convolve(images).sum().backward()
    assert counted.flops == 2 * (2 * 2 * 4 * 4 * 4 * 3 * 9) * 2, "forwards and for the weights, in each of two steps"


def test_a_step_that_is_looked_at_is_the_same_to_the_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def trained(folder: str) -> dict[str, torch.Tensor]:
        trainer = NoisyLabelTrainer(
            peers_model(dropout=0.2), arguments(tmp_path / folder), method="clc", train_dataset=rows()
        )
        trainer.train()
        assert (trainer.arithmetic.flops > 0) == (folder == "looked at")
        return trainer.model.state_dict()

    ours = trained("looked at")
    monkeypatch.setattr("clc_text.training.trainer.PeersTrainer._counted", lambda *_: torch.enable_grad())
    plain = trained("plain")
    assert all(torch.equal(ours[name], plain[name]) for name in ours)
