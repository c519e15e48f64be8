"""The record of training dynamics against a literal recording, row by row."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from small_training import CLASSES, ROWS, Collected, arguments, peers_model, rows
from torch import Tensor, nn

from clc_text.artifacts import dynamics as module
from clc_text.artifacts.dynamics import EpochRecord, TrainingDynamics, epoch_file, epochs_in, forget_after, read_epoch
from clc_text.crossfit.trainer import NoisyLabelTrainer
from clc_text.methods.base import Supervision
from clc_text.methods.clc import CLC


class Literal:
    """What a reader would note of every row, in Python numbers: {(peer, row): (class, p, H, target, selected)}."""

    def __init__(self) -> None:
        self.notes: dict[tuple[int, int], tuple[int, float, float, int, bool]] = {}

    def observe(self, rows: Tensor, log_probs: Tensor, supervision: Supervision) -> None:
        for peer, of_peer in enumerate(log_probs.tolist()):
            for place, row in enumerate(rows.tolist()):
                probs = [math.exp(value) for value in of_peer[place]]
                first = max(range(len(probs)), key=probs.__getitem__)
                entropy = -sum(p * math.log(p) for p in probs if p > 0)
                taught = supervision.targets[peer, place].tolist()
                target = max(range(len(taught)), key=taught.__getitem__)
                chosen = bool(supervision.selected[peer, place])
                self.notes[peer, row] = (first, probs[first], entropy, target, chosen)

    def check(self, record: EpochRecord) -> None:
        seen = {row for _, row in self.notes}
        assert record.seen.tolist() == [row in seen for row in range(len(record.seen))]
        for (peer, row), (first, confidence, entropy, target, chosen) in self.notes.items():
            assert int(record.prediction[peer, row]) == first
            assert float(record.confidence[peer, row]) == pytest.approx(confidence, abs=1e-6)
            assert float(record.entropy[peer, row]) == pytest.approx(entropy, abs=1e-5)
            assert int(record.target[peer, row]) == target
            assert bool(record.selected[peer, row]) == chosen


def batches(count: int = 23, peers: int = 2) -> list[tuple[Tensor, Tensor, Supervision]]:
    generator = torch.Generator().manual_seed(0)
    found = []
    for rows_ in torch.randperm(count, generator=generator).split(5):
        log_probs = (3 * torch.randn(peers, len(rows_), CLASSES, generator=generator)).log_softmax(-1)
        targets = torch.randn(peers, len(rows_), CLASSES, generator=generator).softmax(-1)
        selected = torch.rand(peers, len(rows_), generator=generator) < 0.5
        zeros = torch.zeros(peers, len(rows_))
        found.append((rows_, log_probs, Supervision(zeros, zeros, targets, selected)))
    return found


@pytest.mark.parametrize("flush", [1, 7, 8192], ids=lambda rows: f"flushed after {rows} rows")
def test_it_notes_what_a_literal_reader_notes(monkeypatch: pytest.MonkeyPatch, flush: int) -> None:
    monkeypatch.setattr(module, "_FLUSH_ROWS", flush)
    dynamics, literal = TrainingDynamics(25, 2), Literal()
    for batch in batches():
        dynamics.observe(*batch)
        literal.observe(*batch)
    record = dynamics.close_epoch(1)
    literal.check(record)
    assert record.seen.tolist() == [True] * 23 + [False] * 2


def test_an_epoch_begins_empty() -> None:
    dynamics = TrainingDynamics(23, 2)
    for batch in batches():
        dynamics.observe(*batch)
    dynamics.close_epoch(1)
    dynamics.observe(*batches()[0])
    assert int(dynamics.close_epoch(2).seen.sum()) == 5


def test_its_state_goes_on_in_the_middle_of_an_epoch() -> None:
    whole, first, second = TrainingDynamics(23, 2), TrainingDynamics(23, 2), TrainingDynamics(23, 2)
    for number, batch in enumerate(batches()):
        whole.observe(*batch)
        (first if number < 3 else second).observe(*batch)
        if number == 2:
            second.load_state_dict(first.state_dict())
    one, other = whole.close_epoch(1), second.close_epoch(1)
    for name in vars(one):
        assert torch.equal(getattr(one, name), getattr(other, name)), name


def test_a_certain_prediction_has_no_entropy_rather_than_none_at_all() -> None:
    dynamics = TrainingDynamics(1, 1)
    log_probs = torch.tensor([[[200.0, 0.0, -200.0]]]).log_softmax(-1)
    everything = Supervision(torch.zeros(1, 1), torch.zeros(1, 1), log_probs.exp(), torch.ones(1, 1).bool())
    dynamics.observe(torch.tensor([0]), log_probs, everything)
    record = dynamics.close_epoch(1)
    assert record.entropy.item() == 0.0
    assert record.confidence.item() == 1.0


def test_files_hold_the_record_rounded_to_three_decimals(tmp_path: Path) -> None:
    dynamics = TrainingDynamics(25, 2, tmp_path)
    for batch in batches():
        dynamics.observe(*batch)
    record = dynamics.close_epoch(3)
    read = read_epoch(epoch_file(tmp_path, 3))
    for name in ("seen", "prediction", "target", "selected"):
        assert torch.equal(getattr(read, name), getattr(record, name)), name
        assert getattr(read, name).dtype == getattr(record, name).dtype
    for name in ("confidence", "entropy"):
        assert (getattr(read, name) - getattr(record, name)).abs().max() <= 0.0005 + 1e-6, name


def test_files_are_listed_and_forgotten_by_epoch(tmp_path: Path) -> None:
    dynamics = TrainingDynamics(23, 2, tmp_path)
    for epoch in (1, 2, 10):
        for batch in batches():
            dynamics.observe(*batch)
        dynamics.close_epoch(epoch)
    dynamics.observe(*batches()[0])
    dynamics.close_epoch(11, write=False)
    assert epochs_in(tmp_path) == [1, 2, 10]
    forget_after(tmp_path, 2)
    assert epochs_in(tmp_path) == [1, 2]
    assert epochs_in(tmp_path / "nowhere") == []


class Watched(NoisyLabelTrainer):
    """Keeps a literal dynamics beside the trainer's own."""

    literal = Literal()

    def before_training(self) -> None:
        super().before_training()
        supervise, state = self.supervisor.supervise, self.supervisor.state

        def seen(log_probs: Tensor, labels: Tensor) -> Supervision:
            supervision = supervise(log_probs, labels)
            assert state.rows is not None
            self.literal.observe(state.rows, log_probs.detach(), supervision)
            return supervision

        self.supervisor.supervise = seen  # type: ignore[method-assign]

    def begin_epoch(self, epoch: int, steps_per_epoch: int) -> None:
        self.literal = Literal()
        super().begin_epoch(epoch, steps_per_epoch)


def test_the_trainer_keeps_it_so(tmp_path: Path) -> None:
    told = Collected()
    trainer = Watched(
        peers_model(),
        arguments(tmp_path, num_train_epochs=3, dynamics_epochs=2),
        method=CLC(warmup_epochs=1),
        train_dataset=rows(),
        dynamics_dir=tmp_path / "dynamics",
        epoch_listeners=[told, lambda result: trainer.literal.check(result.record)],
    )
    trainer.train()
    assert [int(result.record.seen.sum()) for result in told] == [ROWS] * 3
    assert epochs_in(tmp_path / "dynamics") == [2, 3]  # every second one, and the last
    assert told[0].record.selected.all()
    share = told[2].record.selected.float().mean()
    assert 0 < share < 1


def test_the_selected_rows_of_clc_are_those_of_a_sure_peer(tmp_path: Path) -> None:
    """With a learning rate of 0 what the training dynamics saw can be made again from the networks."""
    told, model, data = Collected(), peers_model(), rows()
    NoisyLabelTrainer(
        model,
        arguments(tmp_path, num_train_epochs=1),
        method=CLC(warmup_epochs=0),
        train_dataset=data,
        epoch_listeners=[told],
        optimizer_cls_and_kwargs=(torch.optim.SGD, {"lr": 0.0}),
    ).train()
    record = told[0].record
    logits = model.eval()(data.inputs["features"]).peer_logits.detach()
    probs = nn.functional.softmax(logits, -1)
    entropy = -(probs * probs.log()).sum(-1)
    assert torch.equal(record.prediction, logits.argmax(-1))
    for own, peer in ((0, 1), (1, 0)):
        low = entropy[peer] <= entropy[peer].mean()
        assert torch.equal(record.selected[own], low)
        assert torch.equal(record.target[own], torch.where(low, logits[peer].argmax(-1), data.labels))
