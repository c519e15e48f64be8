"""The warm-up, which every method can have: plain training to the bit, and what is counted from its end."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from small_training import ROWS, Collected, arguments, peers_model, rows, same_results, same_tensors, whole_and_resumed
from torch import Tensor

from clc_text.crossfit.trainer import NoisyLabelTrainer
from clc_text.data.rows import Rows
from clc_text.methods.base import Supervision, method
from clc_text.methods.co_teaching import CoTeaching
from clc_text.methods.mentornet import MentorNet
from clc_text.methods.small_loss import SmallLoss
from clc_text.methods.standard import Standard

WARM_UP, EPOCHS, BATCH, RATE = 3, 7, 16, 0.4
WITH_ONE = [name for name in method.names() if not method.get(name).cross_fits and name != "standard"]


class Watched(NoisyLabelTrainer):
    """Keeps the networks and the generator of every epoch's beginning, and each batch with what it was taught."""

    def __init__(self, *positional: Any, **more: Any) -> None:
        self.begun: list[dict[str, Tensor]] = []
        self.seen: list[tuple[int, dict[str, Tensor], Supervision]] = []
        super().__init__(*positional, **more)

    def begin_epoch(self, epoch: int, steps_per_epoch: int) -> None:
        super().begin_epoch(epoch, steps_per_epoch)
        networks = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.begun.append(networks | {"generator": torch.get_rng_state()})

    def compute_loss(self, model: Any, inputs: dict[str, Tensor], *more: Any, **named: Any) -> Any:
        self._batch = dict(inputs)
        return super().compute_loss(model, inputs, *more, **named)

    def before_training(self) -> None:
        super().before_training()
        supervise = self.supervisor.supervise

        def seen(log_probs: Tensor, labels: Tensor) -> Supervision:
            found = supervise(log_probs, labels)
            self.seen.append((self.supervisor.state.epoch, self._batch, found))
            return found

        self.supervisor.supervise = seen  # type: ignore[method-assign]


def trained(folder: Path, built: Any, epochs: int = EPOCHS, model: Any = None, **more: Any) -> Watched:
    data = rows()
    if model is not None:
        data = Rows({"features": data.inputs["features"].double()}, data.labels)
    torch.manual_seed(0)
    trainer = Watched(
        model or peers_model(dropout=0.2),
        arguments(folder, num_train_epochs=epochs, per_device_train_batch_size=BATCH, max_grad_norm=0.0),
        method=built,
        train_dataset=data,
        noise_rate=RATE,
        **more,
    )
    trainer.train()
    return trainer


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    return trained(tmp_path_factory.mktemp("plain"), Standard(), WARM_UP + 1)


@pytest.mark.parametrize("name", WITH_ONE)
def test_before_its_end_every_method_trains_as_plain_training_bit_for_bit(
    name: str, plain: Watched, tmp_path: Path
) -> None:
    """Dropout's draws included, and those that come after the networks were asked what they predict."""
    found = trained(tmp_path, method.get(name)(warmup_epochs=WARM_UP), WARM_UP + 1)
    for mine, theirs in zip(found.begun, plain.begun, strict=True):
        same_tensors(mine, theirs)
    of_warm_up = [one for one in found.seen if one[0] < WARM_UP]
    assert len(of_warm_up) == WARM_UP * -(-ROWS // BATCH)
    for (_, batch, mine), (_, same, theirs) in zip(of_warm_up, plain.seen, strict=False):
        same_tensors(batch, same)
        assert torch.equal(mine.losses, theirs.losses) and torch.equal(mine.weights, theirs.weights)
        assert mine.selected.all()


@pytest.mark.parametrize(("built", "first"), [
    (MentorNet(warmup_epochs=WARM_UP, ramp_epochs=2), WARM_UP),
    (CoTeaching(warmup_epochs=WARM_UP, ramp_epochs=2), WARM_UP),
    (CoTeaching(warmup_epochs=WARM_UP, ramp_epochs=6, ramp_from="start"), 0),
    (MentorNet(ramp_epochs=2), 0),
], ids=["mentornet", "co_teaching", "co_teaching, from the start", "without a warm-up"])  # fmt: skip
def test_small_losses_are_counted_from_the_warm_up_s_end_as_by_hand(
    built: SmallLoss, first: int, tmp_path: Path
) -> None:
    """Networks trained row by row, with R(t) counted here, end where the trainer's do."""
    by_hand = peers_model().double()
    optimizer = torch.optim.Adam(by_hand.parameters(), lr=5e-3)
    optimizer_of_trainer = (torch.optim.Adam, {"lr": 5e-3})
    found = trained(tmp_path, built, model=peers_model().double(), optimizer_cls_and_kwargs=optimizer_of_trainer)
    assert len(found.seen) == EPOCHS * -(-ROWS // BATCH)
    for epoch, batch, supervision in found.seen:
        log_probs = by_hand(batch["features"]).peer_logits.log_softmax(-1)
        losses = torch.stack([F.nll_loss(one, batch["labels"], reduction="none") for one in log_probs])
        left_out = 0.0 if epoch < built.warmup_epochs else RATE * min((epoch - first) / built.ramp_epochs, 1.0)
        count = int((1 - left_out) * losses.shape[1] + 1e-9)
        loss = torch.zeros((), dtype=torch.float64)
        for peer in range(2):
            judge = losses[1 - peer] if isinstance(built, CoTeaching) else losses[peer]
            easy = sorted(range(losses.shape[1]), key=judge.tolist().__getitem__)[:count]
            loss = loss + sum(losses[peer, n] for n in easy) / count
            assert supervision.selected[peer].nonzero().flatten().tolist() == sorted(easy), f"epoch {epoch}"
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for name, value in by_hand.state_dict().items():
        torch.testing.assert_close(found.model.state_dict()[name], value, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("step", [5, 18])
def test_a_resumed_run_counts_from_the_same_end(step: int, tmp_path: Path) -> None:
    listeners = {"whole": Collected(), "cut": Collected()}

    def build(name: str, **more: Any) -> NoisyLabelTrainer:
        listeners[name] = Collected()
        return NoisyLabelTrainer(
            peers_model(),
            arguments(
                tmp_path / name,
                num_train_epochs=EPOCHS,
                per_device_train_batch_size=BATCH,
                save_strategy="steps",
                save_steps=1,
            ),
            method=CoTeaching(warmup_epochs=WARM_UP, ramp_epochs=4),
            noise_rate=RATE,
            train_dataset=rows(),
            epoch_listeners=[listeners[name]],
            **more,
        )

    whole, resumed = whole_and_resumed(build, step)
    assert whole.supervisor.state.began == resumed.supervisor.state.began == WARM_UP
    same_tensors(dict(whole.model.state_dict()), dict(resumed.model.state_dict()))
    same_results(listeners["whole"][-len(listeners["cut"]) :], listeners["cut"])
    kept = [int(one.record.selected.sum()) for one in listeners["whole"]]
    assert kept[: WARM_UP + 1] == [2 * ROWS] * (WARM_UP + 1)
    assert kept[WARM_UP:] == sorted(set(kept), reverse=True)


def test_a_checkpoint_of_an_earlier_version_counts_from_the_recipe_s_warm_up(tmp_path: Path) -> None:
    trainer = trained(tmp_path, CoTeaching(warmup_epochs=WARM_UP))
    facts = copy.deepcopy(trainer.supervisor.warm_up.facts)
    assert facts.pop("began") == WARM_UP
    trainer.supervisor.warm_up.began = 0
    trainer.supervisor.warm_up.load({}, facts)
    assert trainer.supervisor.warm_up.began == WARM_UP
