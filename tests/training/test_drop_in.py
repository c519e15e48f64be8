"""The classic text-classification script, with `CLCTrainer` where `Trainer` stood."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from drop_in_script import NAMES, bert, training_arguments
from refusals import refused
from small_training import LONG_BESIDE_LONG, whole_and_resumed
from torch import Tensor, nn
from transformers import (
    AutoModelForSequenceClassification,
    BertForSequenceClassification,
    DataCollatorWithPadding,
    EarlyStoppingCallback,
    EvalPrediction,
    PreTrainedTokenizerFast,
    TrainerCallback,
    TrainingArguments,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from clc_text import CLCTrainer, NoisyLabelTrainer
from clc_text.data.rows import Rows
from clc_text.methods.clc import CLC
from clc_text.methods.elr import ELR
from clc_text.models.peers import PeersOutput
from clc_text.models.peers_of import PeersOf, equal_peers
from clc_text.training.arguments import NoisyLabelArguments
from clc_text.training.epochs import EpochResult


def accuracy(prediction: EvalPrediction) -> dict[str, float]:
    assert isinstance(prediction.predictions, np.ndarray) and prediction.predictions.shape[1:] == (3,)
    return {"right": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())}


class Noted(TrainerCallback):
    def __init__(self) -> None:
        self.events: list[str] = []

    def on_epoch_end(self, *positional: Any, **more: Any) -> None:
        self.events.append("epoch")

    def on_evaluate(self, *positional: Any, metrics: dict[str, float], **more: Any) -> None:
        self.events.append("evaluate")

    def on_save(self, *positional: Any, **more: Any) -> None:
        self.events.append("save")


def test_the_classic_script(
    tmp_path: Path, model: nn.Module, tokenizer: PreTrainedTokenizerFast, train_rows: Dataset, test_rows: Dataset
) -> None:
    noted, told = Noted(), []
    arguments = TrainingArguments(
        **training_arguments(
            tmp_path,
            num_train_epochs=3,
            eval_strategy="epoch",
            save_strategy="epoch",
            logging_strategy="epoch",
            load_best_model_at_end=True,
            metric_for_best_model="right",
            max_grad_norm=1.0,
        )
    )
    trainer = CLCTrainer(
        model,
        arguments,
        DataCollatorWithPadding(tokenizer),
        train_rows,
        test_rows,
        tokenizer,
        compute_metrics=accuracy,
        callbacks=[noted, EarlyStoppingCallback(early_stopping_patience=3)],
        method=CLC(warmup_epochs=1),
        epoch_listeners=[told.append],
    )
    output = trainer.train()
    assert np.isfinite(output.training_loss)
    assert noted.events == ["epoch", "evaluate", "save"] * 3
    assert arguments.remove_unused_columns and trainer.data_collator is not None

    evaluations = [entry for entry in trainer.state.log_history if "eval_loss" in entry]
    assert len(evaluations) == 3
    assert {"eval_right", "eval_accuracy", "eval_accuracy_peer_0", "eval_accuracy_peer_1"} <= evaluations[0].keys()
    losses = [entry for entry in trainer.state.log_history if "grad_norm" in entry]
    assert [entry["loss"] for entry in losses] == pytest.approx([result.loss for result in told])

    # The record of training dynamics knows each row by its place in the dataset.
    first: EpochResult = told[0]
    assert first.record.seen.all()
    assert first.record.target.tolist() == [train_rows["label"]] * 2
    assert told[1].supervised and told[1].threshold is not None

    predictions = trainer.predict(test_rows)
    assert predictions.predictions.shape == (21, 3)
    np.testing.assert_allclose(np.exp(predictions.predictions).sum(-1), 1, atol=1e-5)
    best = max(entry["eval_right"] for entry in evaluations)
    assert predictions.metrics["test_right"] == pytest.approx(best)


def test_the_ensembles_accuracy_and_loss_are_those_of_the_mean_probability(
    tmp_path: Path, model: nn.Module, tokenizer: PreTrainedTokenizerFast, train_rows: Dataset, test_rows: Dataset
) -> None:
    trainer = NoisyLabelTrainer(
        model, TrainingArguments(**training_arguments(tmp_path)), train_dataset=train_rows, eval_dataset=test_rows,
        processing_class=tokenizer, peers=3,
    )  # fmt: skip
    metrics = trainer.evaluate()
    batch = DataCollatorWithPadding(tokenizer)([{"input_ids": ids} for ids in test_rows["input_ids"]])
    probs = trainer.model.eval()(**batch).peer_logits.softmax(-1).detach()
    truth = torch.tensor(test_rows["label"])
    assert metrics["eval_accuracy"] == pytest.approx(float((probs.mean(0).argmax(-1) == truth).double().mean()))
    for peer in range(3):
        own = float((probs[peer].argmax(-1) == truth).double().mean())
        assert metrics[f"eval_accuracy_peer_{peer}"] == pytest.approx(own)
    # `Trainer` weights the last, smaller batch as a full one: 21 rows in batches of 8.
    losses = -probs.mean(0).log()[range(21), truth]
    literal = (8 * losses[:8].mean() + 8 * losses[8:16].mean() + 5 * losses[16:].mean()) / 21
    assert metrics["eval_loss"] == pytest.approx(float(literal), rel=1e-4)


def test_peers_train_as_two_trainers_would_bit_for_bit(
    tmp_path: Path, tokenizer: PreTrainedTokenizerFast, train_rows: Dataset
) -> None:
    """Summed loss, one fused AdamW, clipping per peer: nothing of one peer reaches the other."""
    networks = [bert(dropout=0.0) for _ in range(2)]
    pair = PeersOf.around([bert(dropout=0.0) for _ in range(2)])
    for peer, network in enumerate(networks):
        pair.networks[peer].load_state_dict(network.state_dict())
        alone = NoisyLabelTrainer(
            network, TrainingArguments(**training_arguments(tmp_path / str(peer), max_grad_norm=0.5)), peers=1,
            train_dataset=train_rows, processing_class=tokenizer,
        )  # fmt: skip
        alone.train()
    together = NoisyLabelTrainer(
        pair, TrainingArguments(**training_arguments(tmp_path / "pair", max_grad_norm=0.5)),
        train_dataset=train_rows, processing_class=tokenizer,
    )  # fmt: skip
    together.train()
    for peer, network in enumerate(networks):
        for name, value in network.state_dict().items():
            assert torch.equal(pair.networks[peer].state_dict()[name], value), f"peer {peer}: {name}"


def test_one_peer_of_standard_is_what_trainer_trains(
    tmp_path: Path, tokenizer: PreTrainedTokenizerFast, train_rows: Dataset
) -> None:
    from transformers import Trainer, set_seed

    found = []
    for kind in (Trainer, NoisyLabelTrainer):
        set_seed(0)
        network = bert()
        more = {} if kind is Trainer else {"peers": 1}
        arguments = TrainingArguments(**training_arguments(tmp_path / kind.__name__, max_grad_norm=0.0))
        trainer = kind(network, arguments, train_dataset=train_rows, processing_class=tokenizer, **more)
        losses = trainer.train().training_loss
        found.append((losses, network.state_dict()))
    (loss, state), (own_loss, own_state) = found
    assert own_loss == pytest.approx(loss, rel=1e-5)
    for name, value in state.items():
        torch.testing.assert_close(own_state[name], value, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("collator", [None, "padding"])
def test_a_torch_dataset_and_rows_train_alike(tmp_path: Path, collator: str | None) -> None:
    """Whatever carries the rows, the same rows meet in the same batches, with their numbers."""
    generator = torch.Generator().manual_seed(0)
    features, labels = torch.randn(50, 6, generator=generator), torch.randint(3, (50,), generator=generator)

    class Items(torch.utils.data.Dataset[dict[str, Tensor]]):
        def __len__(self) -> int:
            return 50

        def __getitem__(self, row: int) -> dict[str, Tensor]:
            return {"features": features[row], "labels": labels[row], "unused": torch.tensor(row)}

    def stack(items: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        return {name: torch.stack([item[name] for item in items]) for name in items[0]}

    found = []
    for rows in (Items(), Rows({"features": features}, labels)):
        told: list[EpochResult] = []
        trainer = CLCTrainer(
            model_init=lambda: Perceptron(),
            args=NoisyLabelArguments(**training_arguments(tmp_path, num_train_epochs=3)),
            data_collator=stack if collator else None,
            train_dataset=rows,
            method=CLC(warmup_epochs=1),
            epoch_listeners=[told.append],
        )
        trainer.train()
        found.append((trainer.model.state_dict(), told[-1]))
    (one, first), (other, second) = found
    for name, value in one.items():
        assert torch.equal(other[name], value), name
    assert torch.equal(first.threshold, second.threshold)
    assert torch.equal(first.record.prediction, second.record.prediction)


class Perceptron(nn.Module):
    """An ordinary module whose output has logits, and no configuration."""

    def __init__(self, dropout: float = 0.1) -> None:
        super().__init__()
        self.hidden, self.dropout, self.head = nn.Linear(6, 12), nn.Dropout(dropout), nn.Linear(12, 3)

    def forward(self, features: Tensor, labels: Tensor | None = None) -> SequenceClassifierOutput:
        return SequenceClassifierOutput(logits=self.head(self.dropout(self.hidden(features).relu())))


def test_a_model_gives_peers_that_share_the_body_and_differ_in_the_head(tmp_path: Path, model: nn.Module) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trainer = CLCTrainer(model, TrainingArguments(**training_arguments(tmp_path)))
    first, second = trainer.model.networks
    assert first is model
    for name, value in before.items():
        assert torch.equal(first.state_dict()[name], value)
        assert torch.equal(second.state_dict()[name], value) == (name != "classifier.weight"), name
    drawn = second.classifier.weight.detach()
    assert drawn.std().item() == pytest.approx(0.02, rel=0.5)
    again = CLCTrainer(model, TrainingArguments(**training_arguments(tmp_path)))
    assert torch.equal(again.model.networks[1].classifier.weight, drawn)
    other = CLCTrainer(model, TrainingArguments(**training_arguments(tmp_path, seed=1)))
    assert not torch.equal(other.model.networks[1].classifier.weight, drawn)


def test_model_init_is_called_once_a_peer_with_seeds_of_its_own(tmp_path: Path) -> None:
    calls = []

    def make() -> nn.Module:
        calls.append(torch.initial_seed())
        return bert()

    trainer = NoisyLabelTrainer(
        model_init=make, args=TrainingArguments(**training_arguments(tmp_path)), method="co_teaching", noise_rate=0.2
    )
    assert len(set(calls)) == len(calls) == trainer.model.peers == 2
    assert not equal_peers(trainer.model)
    longer = NoisyLabelTrainer(model_init=make, args=TrainingArguments(**training_arguments(tmp_path)), peers=3)
    for name, value in trainer.model.networks[1].state_dict().items():
        assert torch.equal(longer.model.networks[1].state_dict()[name], value), name


@pytest.mark.parametrize("method", [CLC(warmup_epochs=1), ELR(warmup_epochs=1)], ids=lambda method: method.name)
def test_resume_in_the_middle_of_an_epoch_is_exact(
    tmp_path: Path, tokenizer: PreTrainedTokenizerFast, train_rows: Dataset, method: Any
) -> None:
    def build(name: str, **more: Any) -> CLCTrainer:
        arguments = training_arguments(
            tmp_path / name, num_train_epochs=3, save_strategy="steps", save_steps=1, gradient_accumulation_steps=2,
            per_device_train_batch_size=8,
        )  # fmt: skip
        return CLCTrainer(
            model_init=lambda: bert(), args=TrainingArguments(**arguments), train_dataset=train_rows,
            processing_class=tokenizer, method=method, **more,
        )  # fmt: skip

    whole, resumed = whole_and_resumed(build, 6)
    for name, value in whole.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], value), name


def test_training_twice_begins_twice(tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast) -> None:
    """`model_init` makes fresh networks for each training, as in a search; the method begins anew."""
    told: list[EpochResult] = []
    trainer = CLCTrainer(
        model_init=lambda: bert(), args=TrainingArguments(**training_arguments(tmp_path)), train_dataset=train_rows,
        processing_class=tokenizer, method=CLC(warmup_epochs=1), epoch_listeners=[told.append],
    )  # fmt: skip
    trainer.train()
    trainer.train()
    assert [result.supervised for result in told] == [False, True, False, True]
    assert [result.epoch for result in told] == [1, 2, 1, 2]
    assert told[0].loss == told[2].loss


@pytest.mark.parametrize(
    "more",
    [
        {"bf16": True},
        {"gradient_accumulation_steps": 2},
        {"gradient_checkpointing": True},
        {"max_steps": 5, "save_strategy": "steps", "save_steps": 2},
        LONG_BESIDE_LONG,
        {"dataloader_num_workers": 1},
        {"eval_strategy": "steps", "eval_steps": 3, "batch_eval_metrics": True},
        {"eval_strategy": "epoch", "eval_do_concat_batches": False},
        {"remove_unused_columns": False, "label_names": ["labels"]},
        {"optim": "adafactor"},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_trainer_offers_works(
    tmp_path: Path, model: nn.Module, tokenizer: PreTrainedTokenizerFast, train_rows: Dataset, test_rows: Dataset,
    more: dict[str, Any],
) -> None:  # fmt: skip
    if "remove_unused_columns" in more:
        train_rows = train_rows.remove_columns(["text", "number"])
    told: list[EpochResult] = []
    trainer = CLCTrainer(
        model, TrainingArguments(**training_arguments(tmp_path, **more)), train_dataset=train_rows,
        eval_dataset=test_rows.remove_columns(["text", "number"]), processing_class=tokenizer,
        method=CLC(warmup_epochs=1), epoch_listeners=[told.append],
    )  # fmt: skip
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trainer.train()
    assert np.isfinite(told[-1].loss)
    assert told[-1].supervised and told[0].record.seen.all()
    assert told[-1].test_log_probs is not None and told[-1].test_log_probs.shape == (2, 21, 3)
    changed = [name for name, value in model.state_dict().items() if not torch.equal(value, before[name])]
    assert "classifier.weight" in changed and "bert.embeddings.word_embeddings.weight" in changed


def test_several_evaluation_sets_keep_their_names(
    tmp_path: Path, model: nn.Module, tokenizer: PreTrainedTokenizerFast, train_rows: Dataset, test_rows: Dataset
) -> None:
    trainer = CLCTrainer(
        model, TrainingArguments(**training_arguments(tmp_path)), train_dataset=train_rows,
        eval_dataset={"given": train_rows, "trusted": test_rows}, processing_class=tokenizer,
    )  # fmt: skip
    assert {"eval_given_accuracy", "eval_trusted_accuracy_peer_1"} <= trainer.evaluate().keys()


def test_class_weights_multiply_the_loss_of_what_a_row_is_taught(tmp_path: Path) -> None:
    labels = torch.tensor([0] * 30 + [1] * 15 + [2] * 5)
    rows = Rows({"features": torch.randn(50, 6, generator=torch.Generator().manual_seed(0))}, labels)
    told: list[EpochResult] = []
    trainer = NoisyLabelTrainer(
        model_init=lambda: Perceptron(dropout=0.0),
        args=NoisyLabelArguments(**training_arguments(tmp_path, num_train_epochs=1, per_device_train_batch_size=50)),
        train_dataset=rows,
        class_weights="balanced",
        epoch_listeners=[told.append],
        optimizer_cls_and_kwargs=(torch.optim.SGD, {"lr": 0.0}),
        peers=1,
    )
    trainer.train()
    log_probs = trainer.predict_log_probs(rows)[0]
    weight = {0: 50 / 90, 1: 50 / 45, 2: 50 / 15}
    literal = sum(-weight[int(label)] * float(log_probs[row, label]) for row, label in enumerate(labels)) / 50
    assert told[0].loss == pytest.approx(literal, rel=1e-5)


REFUSED: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"label_smoothing_factor": 0.1}, {}, {"key": "label_smoothing_factor"}),
    ({"auto_find_batch_size": True}, {}, {"key": "auto_find_batch_size"}),
    ({"neftune_noise_alpha": 5.0}, {}, {"key": "neftune_noise_alpha"}),
    ({}, {"compute_loss_func": lambda *_: None}, {"key": "compute_loss_func"}),
    ({}, {"method": "clk"}, {"key": "clk"}),
    ({}, {"class_weights": [1.0, 2.0]}, {"key": "class_weights"}),
    ({}, {"class_weights": "equal"}, {"key": "class_weights"}),
    ({}, {"train_dataset": Dataset.from_dict({"input_ids": [[1]], "label": [3]})},
     {"row": 0}),
    ({}, {"train_dataset": Dataset.from_dict({"input_ids": [[1]], "label": [0.5]})}, {"key": "labels"}),
    ({}, {"train_dataset": Dataset.from_dict({"input_ids": [[1]], "label": [[1.0, 1.0, 0.0]]})},
     {"row": 0}),
    ({}, {"train_dataset": Dataset.from_dict({"input_ids": [[1]], "y": [0]})}, {"key": "labels"}),
    ({}, {"train_dataset": Dataset.from_dict({"input_ids": [], "label": []})}, {"key": "training set"}),
    ({}, {"eval_dataset": Dataset.from_dict({"input_ids": [], "label": []})}, {"key": "evaluation set"}),
    ({"max_steps": 2}, {"train_dataset": Dataset.from_dict({"input_ids": [[1]], "label": [0]}).to_iterable_dataset()},
     {"key": "training set"}),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "more", "told"), REFUSED)
def test_what_cannot_hold_for_two_networks_is_said(
    tmp_path: Path, model: nn.Module, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast,
    arguments: dict[str, Any], more: dict[str, Any], told: dict[str, Any],
) -> None:  # fmt: skip
    given = {"train_dataset": train_rows, "processing_class": tokenizer} | more
    with refused(**told):
        CLCTrainer(model, TrainingArguments(**training_arguments(tmp_path, **arguments)), **given).train()


def test_a_model_whose_head_cannot_be_told_from_its_body_asks_for_model_init(tmp_path: Path) -> None:
    with refused(key="model_init"):
        CLCTrainer(Perceptron(), TrainingArguments(**training_arguments(tmp_path)))


def test_a_model_without_logits_is_refused(tmp_path: Path) -> None:
    class Bare(Perceptron):
        def forward(self, features: Tensor, labels: Tensor | None = None) -> Any:
            return {"scores": self.head(self.hidden(features))}

    rows = Rows({"features": torch.zeros(4, 6)}, torch.tensor([0, 1, 2, 0]))
    trainer = CLCTrainer(
        model_init=lambda: Bare(), args=TrainingArguments(**training_arguments(tmp_path)), train_dataset=rows
    )
    with refused(key="logits"):
        trainer.train()


def test_stacked_peers_refuse_an_optimizer_that_would_couple_them(tmp_path: Path) -> None:
    from small_training import peers_model

    with refused(key="optim"):
        CLCTrainer(peers_model(), TrainingArguments(**training_arguments(tmp_path, optim="adafactor")))


def test_choosing_by_the_evaluation_labels_is_said(
    tmp_path: Path, model: nn.Module, train_rows: Dataset, test_rows: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    import logging

    arguments = TrainingArguments(
        **training_arguments(tmp_path, load_best_model_at_end=True, eval_strategy="epoch", save_strategy="epoch")
    )
    library = logging.getLogger("transformers")
    library.addHandler(caplog.handler)
    own = logging.getLogger("clc_text")
    own.addHandler(caplog.handler)
    try:
        CLCTrainer(model, arguments, train_dataset=train_rows, eval_dataset=test_rows)
    finally:
        library.removeHandler(caplog.handler)
        own.removeHandler(caplog.handler)
    assert "load_best_model_at_end chooses the checkpoint by the labels of the evaluation set" in caplog.text


def test_save_load_and_export_one_peer(
    tmp_path: Path, model: nn.Module, tokenizer: PreTrainedTokenizerFast, train_rows: Dataset
) -> None:
    trainer = CLCTrainer(
        model, TrainingArguments(**training_arguments(tmp_path)), train_dataset=train_rows, processing_class=tokenizer
    )
    trainer.train()
    trainer.save_model(str(tmp_path / "saved"))
    assert not list((tmp_path / "saved").glob("*.bin*")) or all(
        path.name == "training_args.bin" for path in (tmp_path / "saved").glob("*.bin*")
    )
    loaded = PeersOf.from_pretrained(tmp_path / "saved")
    batch = DataCollatorWithPadding(tokenizer)([{"input_ids": ids} for ids in train_rows["input_ids"]])
    trained: PeersOutput = trainer.model.eval()(**batch)
    assert torch.equal(loaded.eval()(**batch).peer_logits, trained.peer_logits)
    assert trained.hidden.shape == (2, 50, 16)
    assert torch.equal(loaded.peer_1.classifier(trained.hidden[1]), trained.peer_logits[1])

    loaded.export_peer(1).save_pretrained(tmp_path / "one")
    one = AutoModelForSequenceClassification.from_pretrained(tmp_path / "one").eval()
    assert isinstance(one, BertForSequenceClassification)
    assert torch.equal(one(**batch).logits, trained.peer_logits[1])
    assert list(one.config.id2label.values()) == NAMES
    with refused(key="peer"):
        loaded.export_peer(2)


def test_a_class_that_transformers_does_not_know_is_asked_for(tmp_path: Path) -> None:
    class OwnBert(BertForSequenceClassification):
        pass

    own = PeersOf.around([OwnBert(bert().config), OwnBert(bert().config)])
    own.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == ["OwnBert"]
    with refused(key="OwnBert"):
        PeersOf.from_pretrained(tmp_path)
    loaded = PeersOf.from_pretrained(tmp_path, network_class=OwnBert)
    for name, value in own.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)


def test_networks_that_are_no_models_of_transformers_come_back_by_what_makes_one(tmp_path: Path) -> None:
    class Plain(torch.nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(width, 3)
            self.register_buffer("scale", torch.full((3,), 2.0), persistent=False)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"logits": self.layer(x) * self.scale}

    own = PeersOf.around([Plain(4), Plain(4)])
    own.save_pretrained(tmp_path)
    with refused(key="network_class"):
        PeersOf.from_pretrained(tmp_path)
    loaded = PeersOf.from_pretrained(tmp_path, network_class=lambda: Plain(4))
    x = torch.randn(5, 4)
    assert torch.equal(loaded.eval()(x=x).peer_logits, own.eval()(x=x).peer_logits)
