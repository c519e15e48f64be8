"""What a step is spared changes no number: batches that are indexed, and a package that is looked up once."""

from __future__ import annotations

import gc
import importlib.util
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import accelerate.optimizer
import pytest
import torch
import transformers.trainer
from accelerate.data_loader import DataLoaderShard, SeedableRandomSampler, prepare_data_loader
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler
from transformers import TrainerCallback

from clc_text.crossfit.trainer import NoisyLabelTrainer
from clc_text.data.rows import Rows, as_batch
from clc_text.training import resident, step_costs
from clc_text.training.resident import ResidentLoader
from clc_text.training.step_costs import collected_once, in_one_group
from tests.small_training import FEATURES, StopAtSave, arguments, peers_model, rows


class Batches(TrainerCallback):
    """Which rows each step had, and what the generator that is everyone's would draw next."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_step_end(self, *positional: Any, **more: Any) -> None:
        self.seen.append(torch.get_rng_state())


class Shuffled(NoisyLabelTrainer):
    """With a sampler of its own, which draws from everyone's generator."""

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return RandomSampler(train_dataset)


class InOrder(NoisyLabelTrainer):
    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return SequentialSampler(train_dataset)


def trained(kind: type[NoisyLabelTrainer], folder: Path, **more: Any) -> tuple[NoisyLabelTrainer, list[Any]]:
    batches = Batches()
    torch.manual_seed(3)
    trainer = kind(
        peers_model(dropout=0.2),
        arguments(folder / "checkpoints", **more),
        method="clc",
        train_dataset=rows(),
        eval_dataset=rows(20, seed=2),
        dynamics_dir=folder / "dynamics",
        callbacks=[batches],
    )
    trainer.train()
    return trainer, batches.seen


def same(first: NoisyLabelTrainer, second: NoisyLabelTrainer) -> None:
    ours, theirs = first.model.state_dict(), second.model.state_dict()
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert first.dynamics.written == second.dynamics.written, "sha256 of every epoch's file"
    assert first.state.total_flos == second.state.total_flos


OPTIONS: list[dict[str, Any]] = [
    {},
    {"dataloader_drop_last": True},
    {"gradient_accumulation_steps": 3},
    {"max_steps": 7},
    {"accelerator_config": {"use_seedable_sampler": False}},
]


@pytest.mark.parametrize("kind", [NoisyLabelTrainer, Shuffled, InOrder])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_indexed_batches_are_those_of_a_loader_to_the_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[NoisyLabelTrainer], options: dict[str, Any]
) -> None:
    options = {"num_train_epochs": 3} | options
    ours, states = trained(kind, tmp_path / "ours", **options)
    assert type(ours.get_train_dataloader()) is ResidentLoader
    monkeypatch.setattr(resident.ResidentLoader, "of", staticmethod(lambda loader: loader))
    plain, plain_states = trained(kind, tmp_path / "plain", **options)
    assert type(plain.get_train_dataloader()) is DataLoaderShard
    same(ours, plain)
    assert len(states) == len(plain_states) > 0
    assert all(torch.equal(*pair) for pair in zip(states, plain_states, strict=True)), "the generator was drawn from"


@pytest.mark.parametrize("size", [7, 25, 50])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("replacement", [False, True])
def test_an_order_that_is_drawn_at_once_is_the_sampler_s(size: int, drop_last: bool, replacement: bool) -> None:
    """Whole batches and a last part, of a sampler that counts its epochs when it comes to its end."""

    def loader() -> Any:
        drawn = SeedableRandomSampler(rows(), replacement=replacement, generator=torch.Generator(), data_seed=5)
        batches = BatchSampler(drawn, size, drop_last)
        base = DataLoader(rows(), batch_sampler=batches, collate_fn=as_batch)
        made = prepare_data_loader(base, device=torch.device("cpu"))
        return made, made.base_dataloader.batch_sampler.sampler

    (plain, theirs), (made, ours) = loader(), loader()
    made = ResidentLoader.of(made)
    assert type(made) is ResidentLoader and type(plain) is DataLoaderShard
    for epoch in (1, 2):
        expected, found = ([one["index"].tolist() for one in each] for each in (plain, made))
        assert found == expected and ours.epoch == theirs.epoch == epoch


@pytest.mark.parametrize("step", [2, 4, 6])
def test_resumed_in_and_between_epochs_it_is_the_loader_s_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    def resumed(folder: Path) -> NoisyLabelTrainer:
        def made(**more: Any) -> NoisyLabelTrainer:
            return NoisyLabelTrainer(
                peers_model(dropout=0.2),
                arguments(folder / "c", num_train_epochs=3, save_strategy="steps", save_steps=step),
                method="clc",
                train_dataset=rows(),
                dynamics_dir=folder / "dynamics",
                **more,
            )

        with pytest.raises(KeyboardInterrupt):
            made(callbacks=[StopAtSave(step)]).train()
        again = made()
        again.train(resume_from_checkpoint=True)
        return again

    ours = resumed(tmp_path / "ours")
    monkeypatch.setattr(resident.ResidentLoader, "of", staticmethod(lambda loader: loader))
    same(ours, resumed(tmp_path / "plain"))


class Made:
    """Values that are made when they are asked for."""

    def __init__(self, values: torch.Tensor) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> torch.Tensor:
        return self.values[index]


def test_only_tensors_in_memory_are_indexed(tmp_path: Path) -> None:
    known = rows()
    made = Rows({"features": Made(known.inputs["features"])}, known.labels)  # type: ignore[dict-item]
    several = arguments(tmp_path, dataloader_num_workers=1)
    for data, args in ((made, arguments(tmp_path)), (known, several)):
        trainer = NoisyLabelTrainer(peers_model(), args, method="clc", train_dataset=data)
        assert type(trainer.get_train_dataloader()) is DataLoaderShard


def test_no_step_looks_for_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []

    def find_spec(name: str, package: str | None = None) -> Any:
        looked.append(name)
        return found(name, package)

    found, before = importlib.util.find_spec, accelerate.optimizer.is_lomo_available
    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    counts = []
    for steps in (2, 9):
        looked.clear()
        trained(NoisyLabelTrainer, tmp_path / str(steps), max_steps=steps)
        counts.append(looked.count("lomo_optim"))
    assert counts[0] == counts[1] <= 2
    assert accelerate.optimizer.is_lomo_available is before
    assert transformers.trainer.is_sagemaker_mp_enabled.__name__ == "is_sagemaker_mp_enabled"


def test_gradients_of_perceptrons_are_forgotten_without_a_search() -> None:
    model = peers_model()
    held = [values for layer in model.layers for values in (layer.weight, layer.bias)]
    assert {id(each) for each in model.parameters()} == {id(each) for each in held}, "there is nothing beside these"
    for forget, left in ((model.zero_grad, None), (lambda: model.zero_grad(set_to_none=False), 0.0)):
        model(features=torch.ones(3, FEATURES)).peer_logits.sum().backward()
        forget()
        assert all((each.grad if left is None else each.grad.abs().sum()) == left for each in held)  # type: ignore[union-attr]


class Held(TrainerCallback):
    """What the collector passes over, after each epoch."""

    def __init__(self) -> None:
        self.frozen: list[int] = []

    def on_epoch_end(self, *positional: Any, **more: Any) -> None:
        self.frozen.append(gc.get_freeze_count())


@pytest.fixture
def unfrozen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a process of its own: these tests have frozen what they imported."""
    monkeypatch.setattr(step_costs, "_frozen_by_others", False)
    gc.unfreeze()
    yield
    gc.freeze()


class Cycle:
    def __init__(self) -> None:
        self.itself = self


@pytest.mark.usefixtures("unfrozen")
def test_what_was_there_is_looked_through_once_and_what_comes_is_collected(tmp_path: Path) -> None:
    before, held = weakref.ref(Cycle()), Held()
    trainer = NoisyLabelTrainer(
        peers_model(), arguments(tmp_path, num_train_epochs=2), method="clc", train_dataset=rows(), callbacks=[held]
    )
    trainer.train()
    assert before() is None and min(held.frozen) > 1000 and gc.get_freeze_count() == 0
    with collected_once(), pytest.raises(ZeroDivisionError), collected_once():
        within = weakref.ref(Cycle())
        gc.collect()
        assert within() is None and gc.get_freeze_count()
        _ = 1 / 0
    assert gc.get_freeze_count() == 0


@pytest.mark.usefixtures("unfrozen")
def test_what_somebody_else_has_frozen_stays_so() -> None:
    gc.freeze()
    with collected_once():
        pass
    assert gc.get_freeze_count() > 0


@pytest.mark.parametrize("optim", ["adamw_torch", "adamw_torch_fused", "sgd"])
def test_parameters_in_one_group_learn_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optim: str) -> None:
    joined, _ = trained(NoisyLabelTrainer, tmp_path / "joined", optim=optim)
    assert len(joined.optimizer.param_groups) == 1
    with monkeypatch.context() as patched:
        patched.setattr("clc_text.training.stepping.in_one_group", lambda *_, **more: None)
        apart, _ = trained(NoisyLabelTrainer, tmp_path / "apart", optim=optim)
    assert len(apart.optimizer.param_groups) == 2
    same(joined, apart)


def test_parameters_that_decay_stay_apart(tmp_path: Path) -> None:
    made, _ = trained(NoisyLabelTrainer, tmp_path, weight_decay=0.1)
    assert [one["weight_decay"] for one in made.optimizer.param_groups] == [0.1, 0.0]


def test_an_optimizer_that_looks_at_more_than_one_number_keeps_its_groups() -> None:
    values = [torch.nn.Parameter(torch.zeros(3)) for _ in range(2)]
    made = torch.optim.Adafactor([{"params": [one]} for one in values])
    in_one_group(made)
    assert len(made.param_groups) == 2


@pytest.mark.parametrize(("before", "now"), [(2, 0.0), (1, 0.1)])
def test_a_checkpoint_is_gone_on_with_in_its_own_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int, now: float
) -> None:
    def build(folder: str, decay: float = 0.0, **more: Any) -> NoisyLabelTrainer:
        chosen = arguments(tmp_path / folder, save_strategy="steps", save_steps=5, weight_decay=decay)
        return NoisyLabelTrainer(peers_model(), chosen, method="clc", train_dataset=rows(), **more)

    with monkeypatch.context() as patched:
        if before == 2:  # as earlier versions wrote it
            patched.setattr("clc_text.training.stepping.in_one_group", lambda *_, **more: None)
        with pytest.raises(KeyboardInterrupt):
            build("cut", callbacks=[StopAtSave(5)]).train()
    whole, resumed = build("whole"), build("cut", now)
    whole.train()
    resumed.train(resume_from_checkpoint=True)
    assert len(resumed.optimizer.param_groups) == before
    ours, theirs = whole.model.state_dict(), resumed.model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
