"""Several classes true of one row: every loss is that of each (row, class) by itself."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from refusals import refused
from torch import Tensor
from transformers import (
    AutoModelForSequenceClassification,
    BertForSequenceClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    default_data_collator,
)

from clc_text.artifacts.multi_label import multi_label_scores
from clc_text.crossfit.trainer import CLCTrainer, NoisyLabelTrainer
from clc_text.data.rows import Rows
from clc_text.data.trusted import TrustedLabels
from clc_text.errors import InputError
from clc_text.methods.base import Method, TrainingState, method
from clc_text.methods.clc import CLC
from clc_text.methods.co_teaching import CoTeaching
from clc_text.methods.elr import ELR
from clc_text.methods.gce import GCE
from clc_text.methods.standard import Standard
from clc_text.models.peers_of import PeersOf
from clc_text.text.networks.stacked_mlp import StackedMLP, StackedMLPConfig
from clc_text.training.multi_label import (
    in_pairs,
    numbers_of_pairs,
    of_problems,
    pairs,
    problems,
    supervision_of_pairs,
)
from tests.small_training import arguments
from tests.tiny_bert import tiny_config

P, B, C, N = 2, 6, 3, 40


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def multi_label_rows(count: int = N, seed: int = 1) -> Rows:
    """Class c holds where its own direction says so."""
    features = drawn(count, 8, seed=seed)
    return Rows({"features": features}, (features @ drawn(8, C, seed=9) > 0).long())


def network(peers: int = P, seed: int = 0) -> StackedMLP:
    config = StackedMLPConfig(input_size=8, hidden_sizes=[12], num_labels=C, peers=peers, seed=seed, dropout=0.0)
    made = StackedMLP(config)
    made.make_multi_label()
    return made


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def entropy(p: float) -> float:
    return -p * math.log(p) - (1 - p) * math.log(1 - p)


# ---- losses, by hand ----


def test_plain_training_is_binary_cross_entropy() -> None:
    logits, labels = drawn(P, B, C), (drawn(B, C, seed=1) > 0).long()
    found = Standard().supervise(problems(logits), of_problems(labels), TrainingState())
    expected = sum(torch.nn.functional.binary_cross_entropy_with_logits(one, labels.float()).item() for one in logits)
    assert float(found.loss) / C == pytest.approx(expected, rel=1e-6)


def test_gce_by_hand() -> None:
    logits, labels = drawn(P, B, C), (drawn(B, C, seed=1) > 0).long()
    found = float(GCE(q=0.7).supervise(problems(logits), of_problems(labels), TrainingState()).loss)
    total = 0.0
    for peer in range(P):
        for row in range(B):
            for one in range(C):
                p = sigmoid(float(logits[peer, row, one]))
                right = p if labels[row, one] else 1 - p
                total += (1 - right**0.7) / 0.7 / B
    assert found == pytest.approx(total, rel=1e-5)


def test_clc_by_hand() -> None:
    """Γ of each peer and class: the mean binary entropy over the rows of the training set."""
    chosen = CLC(alpha=0.2, beta=0.5)
    before, given = drawn(P, N, C, seed=2) * 2, (drawn(N, C, seed=3) > 0).long()
    state = TrainingState()
    chosen.prepare(problems(before), of_problems(given), state)
    threshold = [[sum(entropy(sigmoid(float(z))) for z in before[peer, :, one]) / N for one in range(C)]
                 for peer in range(P)]  # fmt: skip
    np.testing.assert_allclose(state.memory["threshold"].T.numpy(), threshold, rtol=1e-5)

    logits, labels = drawn(P, B, C, seed=4) * 2, (drawn(B, C, seed=5) > 0).long()
    found = chosen.supervise(problems(logits), of_problems(labels), state)
    total = 0.0
    for peer in range(P):
        other = 1 - peer
        for row in range(B):
            for one in range(C):
                p, q = (sigmoid(float(logits[which, row, one])) for which in (peer, other))
                sure = entropy(q) <= threshold[other][one]
                target = q if sure else float(labels[row, one])
                crossed = -target * math.log(p) - (1 - target) * math.log(1 - p)
                total += (1.0 if sure else 0.5) * crossed / B
                total += 0.2 * entropy(p) / B if entropy(p) <= threshold[peer][one] else 0.0
    assert float(found.loss) == pytest.approx(total, rel=1e-5)


def test_co_teaching_keeps_the_rows_of_smallest_loss_of_each_class() -> None:
    logits, labels = drawn(P, B, C, seed=6), (drawn(B, C, seed=7) > 0).long()
    found = CoTeaching(ramp_epochs=1).supervise(
        problems(logits), of_problems(labels), TrainingState(epoch=1, noise_rate=0.34)
    )
    kept = int((1 - 0.34) * B)
    for one in range(C):
        for peer in range(P):
            z, y = logits[1 - peer, :, one].double(), labels[:, one]
            losses = torch.where(y == 1, -torch.sigmoid(z).log(), -torch.sigmoid(-z).log())
            assert found.selected[one, peer].nonzero().flatten().tolist() == sorted(losses.argsort()[:kept].tolist())


def test_elr_by_hand() -> None:
    chosen, state = ELR(beta=0.6, lam=2.0), TrainingState(rows=torch.arange(B) * 2)
    chosen.prepare(problems(drawn(P, N, C)), torch.zeros(C, N, dtype=torch.long), state)
    logits, labels = drawn(P, B, C, seed=6), (drawn(B, C, seed=7) > 0).long()
    found = float(chosen.supervise(problems(logits), of_problems(labels), state).loss)
    total = 0.0
    for peer in range(P):
        for row in range(B):
            for one in range(C):
                p = sigmoid(float(logits[peer, row, one]))
                remembered = (0.4 * (1 - p), 0.4 * p)
                agreement = remembered[0] * (1 - p) + remembered[1] * p
                total -= math.log(p if labels[row, one] else 1 - p) / B
                total += 2.0 * math.log(1 - agreement) / B
    assert found == pytest.approx(total, rel=1e-5)
    assert state.memory["average"].shape == (C, P, N, 2)
    assert state.memory["average"][:, :, 1::2].abs().sum() == 0  # of rows that were not in the batch


# ---- problems, and pairs of a row and a class ----


def test_pairs_are_told_row_by_row() -> None:
    logits, labels = drawn(P, B, C), (drawn(B, C, seed=1) > 0).long()
    found = supervision_of_pairs(Standard().supervise(problems(logits), of_problems(labels), TrainingState()))
    flat = pairs(logits)
    torch.testing.assert_close(in_pairs(problems(logits), -2), flat)
    numbers = numbers_of_pairs(torch.arange(B), C)
    for row in range(B):
        for one in range(C):
            pair = row * C + one
            assert numbers[pair] == pair
            for peer in range(P):
                p = sigmoid(float(logits[peer, row, one]))
                assert float(flat[peer, pair, 1].exp()) == pytest.approx(p, rel=1e-5)
                assert found.targets[peer, pair].argmax() == labels[row, one]
                right = p if labels[row, one] else 1 - p
                assert float(found.losses[peer, pair]) == pytest.approx(-math.log(right), rel=1e-5)


# ---- training ----

SUPPORTED = [name for name in method.names() if method.get(name).multi_label]


def test_which_methods_are_of_several_classes_at_once() -> None:
    assert {"standard", "clc", "slc", "co_teaching", "gce", "elr", "clc_auto"} <= set(SUPPORTED)


@pytest.mark.parametrize("name", [name for name in method.names() if not method.get(name).multi_label])
def test_other_methods_are_refused_by_name(tmp_path: Path, name: str) -> None:
    with refused(key=name):
        NoisyLabelTrainer(network(), arguments(tmp_path), train_dataset=multi_label_rows(), method=name)


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"class_weights": "balanced"}, "class_weights"),
        ({"transition": torch.eye(2)}, "a noise matrix (transition)"),
        ({"recover": True}, "recover (monitor: recover)"),
        ({"method": CLC(criterion="energy")}, "method.criterion"),
    ],
)
def test_what_is_of_classes_of_which_one_holds_is_refused(tmp_path: Path, more: dict[str, Any], key: str) -> None:
    with refused(key=key):
        NoisyLabelTrainer(
            network(), arguments(tmp_path), train_dataset=multi_label_rows(), **{"method": CLC(warmup_epochs=1)} | more
        )


@pytest.mark.parametrize(
    "chosen",
    [Standard(), CLC(warmup_epochs=1), CLC(warmup_epochs=1, temperature="fit"), GCE(), ELR(), CoTeaching(),
     method.get("clc_auto")(fold_epochs=2)],
    ids=lambda chosen: f"{chosen.name}-{getattr(chosen, 'temperature', '')}",
)  # fmt: skip
def test_every_method_trains_and_tells_of_every_pair(tmp_path: Path, chosen: Method) -> None:
    test = multi_label_rows(seed=2)
    told: list[Any] = []
    trainer = NoisyLabelTrainer(
        network(), arguments(tmp_path, num_train_epochs=6, learning_rate=0.03), train_dataset=multi_label_rows(),
        eval_dataset=test, method=chosen, noise_rate=0.1, peers_init=network, epoch_listeners=[told.append],
    )  # fmt: skip
    trainer.train()
    last = told[-1]
    assert last.record.prediction.shape == (P, N * C)
    assert last.record.seen.all()
    assert last.test_log_probs.shape == (P, N * C, 2)
    right = last.test_log_probs.exp().mean(0).argmax(-1).view(N, C) == test.labels
    assert right.float().mean() > 0.7
    if last.threshold is not None:
        assert last.threshold.shape == (C, P)


def test_a_resumed_training_is_the_same(tmp_path: Path) -> None:
    def trained(folder: Path, epochs: int, resume: bool = False) -> Tensor:
        chosen = arguments(folder, num_train_epochs=4, save_strategy="epoch")
        made = NoisyLabelTrainer(network(), chosen, train_dataset=multi_label_rows(), method=ELR(warmup_epochs=1))
        if epochs < 4:
            made.add_callback(_StopAfter(epochs))
        made.train(resume_from_checkpoint=True if resume else None)
        return made.predict_logits(multi_label_rows(seed=3))

    whole = trained(tmp_path / "whole", 4)
    trained(tmp_path / "part", 2)
    torch.testing.assert_close(trained(tmp_path / "part", 4, resume=True), whole, rtol=0, atol=0)


class _StopAfter(TrainerCallback):
    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_epoch_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        control.should_training_stop = state.epoch >= self.epochs


# ---- networks of transformers ----


def bert(**more: Any) -> BertForSequenceClassification:
    torch.manual_seed(3)
    config = tiny_config(30, 0.0, num_hidden_layers=1, intermediate_size=20, num_labels=C, **more)
    config.problem_type = "multi_label_classification"
    return BertForSequenceClassification(config)


def token_rows(count: int = 24) -> Dataset:
    ids = torch.randint(4, 30, (count, 5), generator=torch.Generator().manual_seed(0))
    labels = torch.stack([(ids == 5 + one).any(-1) | (ids > 20 + one).any(-1) for one in range(C)], -1)
    return Dataset.from_dict({"input_ids": ids.tolist(), "labels": labels.float().tolist()})


def training_arguments(folder: Path) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder), num_train_epochs=2, per_device_train_batch_size=8, learning_rate=1e-2, use_cpu=True,
        report_to="none", save_strategy="no", logging_steps=1, disable_tqdm=True,
    )  # fmt: skip


def test_standard_trains_as_the_stock_trainer_does(tmp_path: Path) -> None:
    rows = token_rows()
    found = []
    for kind, more in ((Trainer, {}), (CLCTrainer, {"method": "standard", "peers": 1})):
        trainer = kind(bert(), training_arguments(tmp_path), train_dataset=rows, eval_dataset=rows, **more)
        trainer.train()
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
        found.append((losses, trainer.evaluate()["eval_loss"], trainer.predict(rows).predictions))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-4)
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-4)
    np.testing.assert_allclose(found[0][2], found[1][2], rtol=1e-3, atol=1e-4)


def test_clc_trainer_corrects_several_classes_a_row(tmp_path: Path) -> None:
    rows = token_rows()
    seen: list[Any] = []

    def metrics(prediction: Any) -> dict[str, float]:
        seen.append(prediction.predictions.shape)
        return {"hamming": float(((prediction.predictions > 0) == prediction.label_ids).mean())}

    trainer = CLCTrainer(
        bert(), training_arguments(tmp_path), train_dataset=rows, eval_dataset=rows, compute_metrics=metrics,
        method=CLC(warmup_epochs=1),
    )  # fmt: skip
    trainer.train()
    found = trainer.evaluate()
    assert seen == [(24, C)]
    assert {"eval_hamming", "eval_f1_micro", "eval_f1_macro", "eval_average_precision", "eval_f1_micro_peer_1"} <= set(
        found
    )
    log_odds = trainer.predict(rows).predictions
    with torch.no_grad():
        each = torch.stack(
            [one.eval()(torch.tensor(rows["input_ids"][:])).logits.sigmoid() for one in trainer.model.networks]
        )
    np.testing.assert_allclose(1 / (1 + np.exp(-log_odds)), each.mean(0).numpy(), atol=1e-5)
    assert found["eval_f1_micro"] == pytest.approx(multi_label_scores(log_odds, np.array(rows["labels"]))["f1_micro"])

    trainer.save_model(str(tmp_path / "saved"))
    plain = AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved")
    assert plain.config.problem_type == "multi_label_classification"
    together = PeersOf.from_pretrained(tmp_path / "saved").eval()
    ids = torch.tensor(rows["input_ids"][:4])
    torch.testing.assert_close(together(input_ids=ids).logits, torch.from_numpy(log_odds[:4]), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([[1.0, 0.5, 0.0]] * 4, {"row": 0}),
        ([[1.0, 0.0]] * 4, {"key": "labels"}),
        ([1, 0, 2, 1], {"key": "labels"}),
    ],
)
def test_labels_that_are_no_yes_or_no(tmp_path: Path, labels: list[Any], told: dict[str, Any]) -> None:
    rows = Dataset.from_dict({"input_ids": [[5, 6]] * 4, "labels": labels})
    with refused(**told):
        CLCTrainer(bert(), training_arguments(tmp_path), train_dataset=rows)


@pytest.mark.parametrize("after", [1, 5])
def test_a_label_that_a_collator_makes_is_looked_at_in_every_batch(tmp_path: Path, after: int) -> None:
    """Half a label would be learnt as none: of three batches an epoch, the second of the first and the last of the
    second epoch have one."""
    batches: list[int] = []

    def collate(rows: list[Any]) -> dict[str, Tensor]:
        batch = default_data_collator(rows)
        if len(rows) == 8:  # single rows are asked for to see whether rows keep their order
            batches.append(1)
            if len(batches) > after:
                batch["labels"][3, 1] = 0.5
        return batch

    trainer = CLCTrainer(bert(), training_arguments(tmp_path), collate, token_rows(), method="standard", peers=1)
    with pytest.raises(InputError) as caught:
        trainer.train()
    assert caught.value.row is not None and "0.5" in str(caught.value)
    assert trainer.state.global_step == after
    assert trainer.supervisor.state.logits is None, "they are of classes of which one holds"


# ---- scores ----


def test_scores_by_hand() -> None:
    log_odds = np.array([[2.0, -1.0, -3.0], [-1.0, 1.0, -2.0], [1.0, -2.0, -1.0], [-2.0, -3.0, -4.0]])
    truth = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0]])
    found = multi_label_scores(log_odds, truth)
    # Class 0: one of two found, one of two right; class 1: all; class 2 never holds and is never said.
    assert found["f1_micro"] == pytest.approx(2 * 2 / (3 + 3))
    assert found["f1_macro"] == pytest.approx((0.5 + 1.0) / 2)
    assert found["subset_accuracy"] == pytest.approx(2 / 4)
    # Class 0 ranks true, false, true, false: (1 + 2/3) / 2.
    assert found["average_precision"] == pytest.approx((5 / 6 + 1) / 2)


# ---- what people have answered: pairs of a row and a class ----


@pytest.mark.parametrize("name", ["standard", "clc", "co_teaching", "clc_auto"])
def test_answered_pairs_are_taught_as_they_were_told(tmp_path: Path, name: str) -> None:
    rows = multi_label_rows()
    asked = np.array([2, 3 * C + 1, 20 * C])
    told = 1 - rows.labels.numpy().reshape(-1)[asked]
    trainer = NoisyLabelTrainer(
        network(), arguments(tmp_path), train_dataset=rows, method=name, noise_rate=0.2,
        trusted=TrustedLabels(asked, told),
    )  # fmt: skip
    log_probs = problems(drawn(P, N, C))
    supervisor = trainer.supervisor
    supervisor.state.rows = torch.arange(N)
    supervisor.warm_up.over = False
    found, plain = (
        supervisor.supervise(log_probs, of_problems(rows.labels)) for supervisor.answers in (supervisor.answers, None)
    )
    known = np.zeros((N, C), bool)
    known.reshape(-1)[asked] = True
    for pair, label in zip(asked, told, strict=True):
        row, one = divmod(int(pair), C)
        for peer in range(P):
            assert found.targets[one, peer, row].argmax() == label
            assert found.losses[one, peer, row] == pytest.approx(-float(log_probs[one, peer, row, label]))
            assert found.weights[one, peer, row] == pytest.approx(3 / N)  # as much as three rows
    others = torch.from_numpy(~known).T[:, None].expand(C, P, N)
    torch.testing.assert_close(found.losses[others], plain.losses[others])


def test_answers_stand_in_the_place_of_what_was_given(tmp_path: Path) -> None:
    """Networks that are blind to a row say what they say of it; what is believed of the pair is certain."""
    rows = multi_label_rows()
    asked = np.array([1, 7 * C + 2])
    told = 1 - rows.labels.numpy().reshape(-1)[asked]
    trainer = NoisyLabelTrainer(
        network(), arguments(tmp_path, num_train_epochs=1), train_dataset=rows,
        method=method.get("clc_auto")(folds=2, fold_rounds=2, fold_epochs=2), trusted=TrustedLabels(asked, told),
        peers_init=network,
    )  # fmt: skip
    trainer.train()
    found = trainer.cross_fit
    assert found is not None
    assert found.posterior[asked, told] == pytest.approx(1) and found.row_targets[asked, told] == pytest.approx(1)
    assert (found.probs[asked, told] < 0.999).all()
    with refused(key="trusted", row=N * C):
        NoisyLabelTrainer(
            network(), arguments(tmp_path), train_dataset=rows, trusted=TrustedLabels(np.array([N * C]), np.array([1]))
        )
