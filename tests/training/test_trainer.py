"""The trainer against two plain networks with two optimizers, its resume, its epochs, and what it refuses."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from refusals import refused
from small_training import (
    CLASSES,
    ROWS,
    Collected,
    arguments,
    peers_model,
    rows,
    same_results,
    same_tensors,
    whole_and_resumed,
)
from torch import Tensor, nn

from clc_text.crossfit.trainer import CLCTrainer, NoisyLabelTrainer
from clc_text.data.rows import Rows
from clc_text.methods.base import Method
from clc_text.methods.clc import CLC
from clc_text.methods.co_teaching import CoTeaching
from clc_text.methods.decouple import Decouple
from clc_text.methods.dividemix import DivideMix
from clc_text.methods.elr import ELR
from clc_text.methods.selfmix import SelfMix
from clc_text.methods.standard import Standard
from clc_text.models.peers import PeersModel
from clc_text.training.checkpoints import last_complete_checkpoint

# A fused optimizer rounds the tail of a tensor otherwise than its middle, so stacked peers differ in their last bits.
OPTIMIZERS: dict[str, tuple[type[torch.optim.Optimizer], dict[str, Any]]] = {
    "adam": (torch.optim.Adam, {"lr": 5e-3}),
    "adamw with weight decay": (torch.optim.AdamW, {"lr": 5e-3, "weight_decay": 0.01, "foreach": False}),
    "sgd with momentum and weight decay": (torch.optim.SGD, {"lr": 0.05, "momentum": 0.9, "weight_decay": 1e-3}),
}


def single_peers(model: PeersModel) -> list[PeersModel]:
    """Every peer of a two-peer model as a network of its own, with the same weights."""
    singles = []
    for peer in range(model.peers):
        single = peers_model(peers=1).to(model.dtype)
        single.load_state_dict({name: value[peer : peer + 1].clone() for name, value in model.state_dict().items()})
        singles.append(single)
    return singles


def two_separate_networks(
    model: PeersModel, batches: list[dict[str, Tensor]], optimizer: str, max_norm: float, warm_up: int, data: Rows
) -> list[PeersModel]:
    """CLC with two networks, two losses, two backward passes and two optimizers, as a reader would write it."""
    kind, options = OPTIMIZERS[optimizer]
    nets = single_peers(model)
    optimizers = [kind(_groups(net), **options) for net in nets]
    thresholds: list[Tensor] = []
    for step, batch in enumerate(batches):
        if step == warm_up:
            thresholds = [
                -(p.exp() * p).sum(-1).mean()
                for p in (net(data.inputs["features"]).peer_logits.detach()[0].log_softmax(-1) for net in nets)
            ]
        log_probs = [net(batch["features"]).peer_logits[0].log_softmax(-1) for net in nets]
        one_hot = F.one_hot(batch["labels"], CLASSES).float()
        losses = []
        for own, peer in ((0, 1), (1, 0)):
            log_p, log_q = log_probs[own], log_probs[peer].detach()
            if step < warm_up:
                losses.append(F.cross_entropy(log_p, batch["labels"]))
                continue
            own_entropy, peer_entropy = -(log_p.exp() * log_p).sum(-1), -(log_q.exp() * log_q).sum(-1)
            low_own, low_peer = own_entropy.detach() <= thresholds[own], peer_entropy <= thresholds[peer]
            taught = -(log_q.exp() * log_p).sum(-1)
            given = -(one_hot * log_p).sum(-1)
            loss = torch.where(low_peer, taught, 0.5 * given) + torch.where(low_own, 0.1 * own_entropy, 0.0)
            losses.append(loss.sum() / len(batch["labels"]))
        for net, optimizer_, loss in zip(nets, optimizers, losses, strict=True):
            optimizer_.zero_grad()
            loss.backward()
            if max_norm:
                nn.utils.clip_grad_norm_(net.parameters(), max_norm)
            optimizer_.step()
    return nets


def _groups(net: nn.Module) -> list[dict[str, Any]]:
    """`Trainer` never decays a bias."""
    named = list(net.named_parameters())
    return [
        {"params": [value for name, value in named if not name.endswith("bias")]},
        {"params": [value for name, value in named if name.endswith("bias")], "weight_decay": 0.0},
    ]


class Batches(NoisyLabelTrainer):
    """Keeps the batches that it trains on."""

    def __init__(self, *positional: Any, **more: Any) -> None:
        self.seen: list[dict[str, Tensor]] = []
        super().__init__(*positional, **more)

    def compute_loss(self, model: nn.Module, inputs: dict[str, Tensor], *more: Any, **named: Any) -> Any:
        if model.training:
            self.seen.append(dict(inputs))
        return super().compute_loss(model, inputs, *more, **named)


@pytest.mark.parametrize("max_norm", [0.0, 0.1], ids=["unclipped", "clipped"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_one_summed_loss_is_two_networks_with_two_optimizers(tmp_path: Path, optimizer: str, max_norm: float) -> None:
    data = rows()
    data = Rows({"features": data.inputs["features"].double()}, data.labels)
    model, before = peers_model().double(), peers_model().double()
    trainer = Batches(
        model,
        arguments(tmp_path, max_grad_norm=max_norm, weight_decay=OPTIMIZERS[optimizer][1].get("weight_decay", 0.0)),
        method=CLC(warmup_epochs=2),
        train_dataset=data,
        optimizer_cls_and_kwargs=OPTIMIZERS[optimizer],
    )
    trainer.train()
    assert len(trainer.seen) == 16
    nets = two_separate_networks(before, trainer.seen, optimizer, max_norm, warm_up=8, data=data)
    for peer, net in enumerate(nets):
        for name, value in net.state_dict().items():
            torch.testing.assert_close(model.state_dict()[name][peer], value[0], rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_peer_trains_as_it_would_alone_bit_for_bit(tmp_path: Path, optimizer: str) -> None:
    """No method here that exchanges anything: one backward pass and one optimizer change no bit of either peer."""
    pair, found = peers_model(), []
    for peer, single in enumerate(single_peers(pair)):
        alone = NoisyLabelTrainer(
            single,
            arguments(tmp_path / str(peer), max_grad_norm=0.1),
            train_dataset=rows(),
            optimizer_cls_and_kwargs=OPTIMIZERS[optimizer],
        )
        alone.train()
        found.append(single.state_dict())
    together = NoisyLabelTrainer(
        pair,
        arguments(tmp_path / "pair", max_grad_norm=0.1),
        train_dataset=rows(),
        optimizer_cls_and_kwargs=OPTIMIZERS[optimizer],
    )
    together.train()
    for name, value in pair.state_dict().items():
        for peer in (0, 1):
            assert torch.equal(value[peer], found[peer][name][0]), f"peer {peer}: {name}"


@pytest.mark.parametrize(
    ("step", "method"),
    [(3, CLC(warmup_epochs=1)), (4, CLC(warmup_epochs=1)), (7, CLC(warmup_epochs=1)), (12, CLC(warmup_epochs=1)),
     (6, ELR(warmup_epochs=1)), (4, SelfMix(warmup_epochs=1)), (6, SelfMix(warmup_epochs=1)),
     (8, DivideMix(warmup_epochs=1)), (10, DivideMix(warmup_epochs=1))],
    ids=lambda value: str(getattr(value, "name", value)),
)  # fmt: skip
def test_resume_in_the_middle_of_an_epoch_is_the_uninterrupted_training(
    tmp_path: Path, step: int, method: Method
) -> None:
    """50 rows in batches of 16 are 4 steps an epoch, the last of 2 rows; 4 and 12 are last steps of an epoch."""

    told = {"whole": Collected(), "cut": Collected()}

    def build(name: str, **more: Any) -> NoisyLabelTrainer:
        return NoisyLabelTrainer(
            peers_model(dropout=0.3),
            arguments(tmp_path / name, num_train_epochs=3, save_strategy="steps", save_steps=1),
            method=method,
            train_dataset=rows(),
            eval_dataset=rows(20, seed=2),
            dynamics_dir=tmp_path / name / "dynamics",
            epoch_listeners=[told[name]],
            **more,
        )

    whole, resumed = whole_and_resumed(build, step)

    same_tensors(whole.model.state_dict(), resumed.model.state_dict())
    same_tensors(whole.supervisor.state.memory, resumed.supervisor.state.memory)
    same_results(told["whole"], told["cut"])


def test_only_a_complete_checkpoint_is_resumed_from(tmp_path: Path) -> None:
    def build() -> NoisyLabelTrainer:
        return NoisyLabelTrainer(
            peers_model(), arguments(tmp_path, num_train_epochs=2, checkpoint_epochs=1), train_dataset=rows()
        )

    with refused(where=tmp_path, key="checkpoint"):
        build().train(resume_from_checkpoint=True)
    build().train()
    assert last_complete_checkpoint(tmp_path) == tmp_path / "checkpoint-8"
    (tmp_path / "checkpoint-8" / "complete.json").unlink()
    assert last_complete_checkpoint(tmp_path) == tmp_path / "checkpoint-4"
    (tmp_path / "checkpoint-8" / "model.safetensors").write_bytes(b"half")
    resumed = build()
    resumed.train(resume_from_checkpoint=True)
    assert resumed.state.global_step == 8


def test_a_checkpoint_of_the_model_alone_is_not_resumed_from(tmp_path: Path) -> None:
    def build() -> NoisyLabelTrainer:
        chosen = arguments(tmp_path, num_train_epochs=2, checkpoint_epochs=1, save_only_model=True)
        return NoisyLabelTrainer(peers_model(), chosen, train_dataset=rows())

    build().train()
    with refused(where=tmp_path / "checkpoint-4", key="complete.json"):
        build().train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))


@pytest.mark.parametrize("count", [48, 40, 33])
@pytest.mark.parametrize("built", [Standard(), CLC(warmup_epochs=2)], ids=["standard", "clc"])
def test_gradient_accumulation_is_the_mean_over_its_rows(tmp_path: Path, count: int, built: Method) -> None:
    """3 batches accumulated are one step on all their rows, the last of which may be short: 48, 40 or 33 in one."""
    whole, parts = peers_model(), peers_model()
    data = rows(count)
    sgd = (torch.optim.SGD, {"lr": 0.05})
    NoisyLabelTrainer(
        whole, arguments(tmp_path / "whole", per_device_train_batch_size=count), train_dataset=data,
        optimizer_cls_and_kwargs=sgd, method=built,
    ).train()  # fmt: skip
    told = Collected()
    trainer = NoisyLabelTrainer(
        parts, arguments(tmp_path / "parts", gradient_accumulation_steps=3), train_dataset=data,
        optimizer_cls_and_kwargs=sgd, epoch_listeners=[told], method=built,
    )  # fmt: skip
    trainer.train()
    assert [result.step for result in told] == [1, 2, 3, 4]
    assert all(result.record.seen.all() for result in told)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], value)


@pytest.mark.parametrize(
    ("built", "apart"),
    [
        (CoTeaching(), True),
        (Decouple(), True),
        (CLC(warmup_epochs=1, reduction="subset"), True),
        (CLC(warmup_epochs=1), False),
        (Standard(), False),
    ],
    ids=["small loss", "decouple", "subset", "clc", "standard"],
)
@pytest.mark.parametrize("steps", [1, 2])
def test_what_is_chosen_in_each_batch_alone_is_said_where_a_step_has_several(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, built: Method, apart: bool, steps: int
) -> None:
    trainer = NoisyLabelTrainer(
        peers_model(), arguments(tmp_path, num_train_epochs=2, gradient_accumulation_steps=steps),
        train_dataset=rows(), method=built, noise_rate=0.2,
    )  # fmt: skip
    library = logging.getLogger("transformers")
    library.addHandler(caplog.handler)
    try:
        trainer.train()
    finally:
        library.removeHandler(caplog.handler)
    said = f"the method '{built.name}' chooses and weighs rows among those of one batch; a step has 2 here"
    assert (said in caplog.text) == (apart and steps == 2)


def test_the_loss_of_an_epoch_is_the_mean_over_its_batches_and_the_peers(tmp_path: Path) -> None:
    """A learning rate of 0 keeps the networks, so the loss of each batch can be made again."""
    model, told, data = peers_model(), Collected(), rows()
    trainer = Batches(
        model, arguments(tmp_path, num_train_epochs=1), train_dataset=data, epoch_listeners=[told],
        optimizer_cls_and_kwargs=(torch.optim.SGD, {"lr": 0.0}),
    )  # fmt: skip
    trainer.train()
    assert [len(batch["labels"]) for batch in trainer.seen] == [16, 16, 16, 2]
    literal = 0.0
    for batch in trainer.seen:
        for logits in model(batch["features"]).peer_logits.detach():
            literal += float(F.cross_entropy(logits, batch["labels"])) / (4 * model.peers)
    assert told[0].loss == pytest.approx(literal, rel=1e-6)


@pytest.mark.parametrize(
    ("more", "epochs", "steps"),
    [
        ({"max_steps": 6}, [1, 2], [4, 6]),
        ({"max_steps": 8}, [1, 2], [4, 8]),
        ({"max_steps": 9}, [1, 2, 3], [4, 8, 9]),
        ({"num_train_epochs": 1.5}, [1, 2], [4, 6]),
        ({"num_train_epochs": 0.5}, [1], [2]),
    ],
)
def test_epochs_are_passes_over_the_data_whatever_ends_training(
    tmp_path: Path, more: dict[str, Any], epochs: list[int], steps: list[int]
) -> None:
    told = Collected()
    trainer = CLCTrainer(
        peers_model(), arguments(tmp_path, **more), method=CLC(warmup_epochs=1), train_dataset=rows(),
        epoch_listeners=[told], dynamics_dir=tmp_path / "dynamics",
    )  # fmt: skip
    trainer.train()
    assert [result.epoch for result in told] == epochs
    assert [result.step for result in told] == steps
    assert [result.supervised for result in told] == [epoch > 1 for epoch in epochs]
    expected = ROWS if steps[-1] % 4 == 0 else 16 * (steps[-1] % 4)
    assert int(told[-1].record.seen.sum()) == expected
    assert (tmp_path / "dynamics" / f"epoch-{epochs[-1]:04d}.parquet").is_file()


def test_the_threshold_is_the_mean_entropy_of_the_warmed_up_peers(tmp_path: Path) -> None:
    model, data = peers_model(), rows()
    NoisyLabelTrainer(model, arguments(tmp_path / "warm-up", num_train_epochs=2), train_dataset=data).train()
    probs = model.eval()(data.inputs["features"]).peer_logits.softmax(-1).detach()
    literal = [sum(-sum(float(p) * math.log(float(p)) for p in row) for row in peer) / len(data) for peer in probs]

    told = Collected()
    trainer = CLCTrainer(
        peers_model(), arguments(tmp_path / "clc", num_train_epochs=3), method=CLC(warmup_epochs=2),
        train_dataset=data, epoch_listeners=[told],
    )  # fmt: skip
    trainer.train()
    assert [result.threshold is None for result in told] == [True, True, False]
    assert told[2].threshold is not None
    assert told[2].threshold.tolist() == pytest.approx(literal, rel=1e-5)


class Diverging(Standard):
    name = "diverging"

    def supervise(self, log_probs: Tensor, labels: Tensor, state: Any) -> Any:
        return super().supervise(log_probs * (math.nan if state.epoch == 1 else 1.0), labels, state)


def test_a_loss_that_is_no_number_ends_training_with_one_sentence(tmp_path: Path) -> None:
    told = Collected()
    trainer = NoisyLabelTrainer(
        peers_model(), arguments(tmp_path, checkpoint_epochs=1), method=Diverging(), train_dataset=rows(),
        epoch_listeners=[told],
    )  # fmt: skip
    with refused(key="training.learning_rate"):
        trainer.train()
    assert [result.epoch for result in told] == [1]
    assert last_complete_checkpoint(tmp_path) == tmp_path / "checkpoint-4"


def test_without_evaluation_rows_nothing_is_scored(tmp_path: Path) -> None:
    told = Collected()
    trainer = NoisyLabelTrainer(
        peers_model(), arguments(tmp_path, num_train_epochs=1), train_dataset=rows(), epoch_listeners=[told]
    )
    trainer.train()
    assert told[0].test_log_probs is None


@pytest.mark.parametrize("soft", [False, True], ids=["classes", "distributions"])
def test_the_loss_of_an_evaluation_is_that_of_the_ensemble(tmp_path: Path, soft: bool) -> None:
    model, data = peers_model(), rows(20, seed=2)
    targets = F.one_hot(data.labels, CLASSES).float()
    if soft:
        targets = 0.9 * targets + 0.1 / CLASSES
        data = Rows(data.inputs, targets)
    trainer = NoisyLabelTrainer(model, arguments(tmp_path), train_dataset=rows(), eval_dataset=data)
    mean = model.eval()(data.inputs["features"]).peer_logits.softmax(-1).mean(0).detach()
    literal = sum(
        -float(q) * math.log(float(p)) for t, m in zip(targets, mean, strict=True) for q, p in zip(t, m, strict=True)
    )
    assert trainer.evaluate()["eval_loss"] == pytest.approx(literal / 20, rel=1e-5)


def test_the_learning_rate_decays_from_its_epoch_and_the_momentum_changes(tmp_path: Path) -> None:
    told = Collected()
    chosen = arguments(tmp_path, decay_from_epoch=2, momentum_after_decay=0.1, learning_rate=0.01)
    trainer = NoisyLabelTrainer(
        peers_model(), chosen, train_dataset=rows(), epoch_listeners=[told],
        optimizer_cls_and_kwargs=(torch.optim.Adam, {"lr": 0.01}),
    )  # fmt: skip
    betas = []
    trainer.epoch_listeners.append(lambda result: betas.append(trainer.optimizer.param_groups[0]["betas"][0]))
    trainer.train()
    assert [result.learning_rate for result in told] == pytest.approx([0.01, 0.01, 0.01 * 4 / 8, 0.0])
    assert betas == [0.9, 0.9, 0.1, 0.1]
