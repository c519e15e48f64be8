"""Methods that divide and mix rows: what they are given of a batch and an epoch, and inputs that cannot be mixed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from refusals import refused
from small_training import CLASSES, FEATURES, arguments, peers_model, rows
from torch import Tensor

from clc_text.crossfit.trainer import NoisyLabelTrainer
from clc_text.data.rows import Rows
from clc_text.methods.base import Supervision, TrainingState
from clc_text.methods.dividemix import DivideMix
from clc_text.methods.selfmix import SelfMix
from clc_text.training.mixing import looks_at


def features(count: int = 20) -> dict[str, Tensor]:
    return {"features": torch.randn(count, FEATURES, generator=torch.Generator().manual_seed(3))}


def test_mixed_rows_are_what_the_networks_make_of_mixed_inputs() -> None:
    model, inputs = peers_model().train(), features()
    logits = model(**inputs).peer_logits
    shares = []
    for seed in range(20):
        torch.manual_seed(seed)
        looks = looks_at(model, inputs, logits, 0.75)
        assert sorted(looks.partners.tolist()) == list(range(20)) and 0.5 <= looks.share <= 1
        x = inputs["features"]
        mixed = looks.share * x + (1 - looks.share) * x[looks.partners]
        torch.testing.assert_close(looks.mixed, model(features=mixed).peer_logits.log_softmax(-1))
        torch.testing.assert_close(looks.again, logits.log_softmax(-1))
        shares.append(looks.share)
    assert len(set(shares)) == 20
    targets = torch.eye(20)
    assert torch.equal(looks.mix(targets), looks.share * targets + (1 - looks.share) * targets[looks.partners])


def test_another_look_is_another_draw_of_dropout() -> None:
    model, inputs = peers_model(dropout=0.4).train(), features()
    looks = looks_at(model, inputs, model(**inputs).peer_logits, 4.0)
    assert looks.again.shape == looks.mixed.shape == (2, 20, CLASSES)
    torch.manual_seed(0)
    means = torch.stack([looks_at(model, inputs, looks.again, 4.0).again.exp() for _ in range(300)])
    assert (means[0] - means[1]).abs().max() > 0.05
    expected = torch.stack([model(**inputs).peer_logits.softmax(-1) for _ in range(300)]).mean(0)
    torch.testing.assert_close(means.mean(0), expected, atol=0.05, rtol=0)


class Watched(DivideMix):
    """Notes when it divides the rows, and what it is given of each batch."""

    name = "watched"

    def prepare(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> None:
        super().prepare(log_probs, labels, state)
        divided.append((state.epoch, log_probs, state.memory["clean"].clone()))

    def supervise(self, log_probs: Tensor, labels: Tensor, state: TrainingState) -> Supervision:
        assert state.looks is not None and state.looks.mixed.requires_grad
        batches.append(state.epoch)
        return super().supervise(log_probs, labels, state)


divided: list[tuple[int, Tensor, Tensor]] = []
batches: list[int] = []


@pytest.mark.parametrize("warmup_epochs", [0, 2])
def test_rows_are_divided_before_every_epoch_by_what_the_networks_then_say(tmp_path: Path, warmup_epochs: int) -> None:
    divided.clear()
    batches.clear()
    trainer = NoisyLabelTrainer(
        peers_model(), arguments(tmp_path), train_dataset=rows(), method=Watched(warmup_epochs=warmup_epochs)
    )
    trainer.train()
    assert [epoch for epoch, *_ in divided] == list(range(warmup_epochs, 4))
    assert batches == [epoch for epoch in range(warmup_epochs, 4) for _ in range(4)]
    assert not torch.equal(divided[0][2], divided[-1][2])
    assert torch.equal(trainer.supervisor.state.memory["clean"], divided[-1][2])
    assert trainer.supervisor.state.looks is None and not trainer.supervisor.notices


@pytest.mark.parametrize("method", [SelfMix(warmup_epochs=1), DivideMix(warmup_epochs=1)])
def test_inputs_that_cannot_be_mixed_are_refused_before_the_first_step(tmp_path: Path, method: Any) -> None:
    tokens = Rows({"input_ids": torch.ones(50, FEATURES, dtype=torch.int64)}, torch.zeros(50, dtype=torch.int64))
    trainer = NoisyLabelTrainer(peers_model(), arguments(tmp_path), train_dataset=tokens, method=method)
    with refused(key="input_ids", says=method.name):
        trainer.check()
    with refused(key="input_ids", says=method.name):
        trainer.train()
    assert trainer.state.global_step == 0


@pytest.mark.parametrize("method", [SelfMix(warmup_epochs=1), DivideMix(warmup_epochs=1)])
def test_noisy_rows_are_told_from_the_others(tmp_path: Path, method: Any) -> None:
    clean, noisy = rows(400, noise=0.0), rows(400, noise=0.0)
    wrong = torch.rand(400, generator=torch.Generator().manual_seed(5)) < 0.3
    noisy.labels = torch.where(wrong, (clean.labels + 1) % CLASSES, clean.labels)
    trainer = NoisyLabelTrainer(
        peers_model(), arguments(tmp_path, num_train_epochs=8), train_dataset=noisy, method=method
    )
    trainer.train()
    kept = trainer.supervisor.state.memory["clean"][0] >= 0.5
    assert kept[~wrong].float().mean() > 0.8 and kept[wrong].float().mean() < 0.2
    told = trainer.predict_logits(clean).argmax(-1)
    assert (told == clean.labels).float().mean() > 0.85
