"""What scripts do with a `Trainer` beside the ordinary: own losses, rows that flow by, odd labels, other tasks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from drop_in_script import bert, training_arguments
from refusals import refused
from torch import Tensor, nn
from transformers import (
    BertForMaskedLM,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    DataCollatorWithPadding,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
    set_seed,
)

from clc_text import CLCTrainer, NoisyLabelTrainer
from clc_text.errors import InputError
from clc_text.methods.clc import CLC
from clc_text.methods.elr import ELR
from clc_text.training.epochs import EpochResult

Batch = dict[str, Any]


def made(kind: type[Trainer], folder: Path, rows: Any, tokenizer: PreTrainedTokenizerFast, **more: Any) -> Any:
    arguments = {name: more.pop(name) for name in ("max_steps", "logging_strategy", "eval_strategy") if name in more}
    set_seed(0)
    return kind(
        bert(), TrainingArguments(**training_arguments(folder, **arguments)), train_dataset=rows,
        processing_class=tokenizer, **more,
    )  # fmt: skip


# ---- a loss of the script's own ----


def weighted(trainer: Any, model: nn.Module, inputs: Batch, return_outputs: bool = False, **more: Any) -> Any:
    """The documentation's own example: cross-entropy with class weights on `outputs.logits`."""
    labels = inputs.pop("labels")
    outputs = model(**inputs)
    loss = nn.functional.cross_entropy(outputs.logits.view(-1, 3), labels.view(-1), torch.tensor([1.0, 2.0, 3.0]))
    return (loss, outputs) if return_outputs else loss


def models_own(trainer: Any, model: nn.Module, inputs: Batch, return_outputs: bool = False, **more: Any) -> Any:
    outputs = model(**inputs)
    return (outputs.loss, outputs) if return_outputs else outputs.loss


def with_loss(kind: type[Trainer], loss: Any) -> type[Trainer]:
    return type(f"Own{kind.__name__}", (kind,), {"compute_loss": loss})


@pytest.mark.parametrize("loss", [weighted, models_own])
def test_an_own_loss_trains_one_network_as_stock_does(
    tmp_path: Path, train_rows: Dataset, test_rows: Dataset, tokenizer: PreTrainedTokenizerFast, loss: Any
) -> None:
    told: list[EpochResult] = []
    numbered = train_rows.map(lambda row, number: {"number": number}, with_indices=True)
    ours = made(
        with_loss(NoisyLabelTrainer, loss), tmp_path / "ours", numbered, tokenizer, method="standard", peers=1,
        eval_dataset=test_rows, epoch_listeners=[told.append],
    )  # fmt: skip
    found = ours.train().training_loss
    stock = made(with_loss(Trainer, loss), tmp_path / "stock", train_rows, tokenizer, eval_dataset=test_rows)
    assert found == pytest.approx(stock.train().training_loss, rel=1e-4)
    assert ours.evaluate()["eval_loss"] == pytest.approx(stock.evaluate()["eval_loss"], rel=1e-3)
    assert [np.isfinite(result.loss) for result in told] == [True, True]
    assert all(result.record.seen.all() for result in told)
    assert told[0].record.target[0].tolist() == train_rows["label"]


@pytest.mark.parametrize("loss", [weighted, models_own])
@pytest.mark.parametrize(("method", "peers"), [(CLC(warmup_epochs=1), 2), ("standard", 2), (ELR(), 1)])
def test_an_own_loss_in_a_methods_place_is_refused(
    tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast, loss: Any, method: Any, peers: int
) -> None:
    trainer = made(with_loss(CLCTrainer, loss), tmp_path, train_rows, tokenizer, method=method, peers=peers)
    with pytest.raises(InputError) as found:
        trainer.train()
    said = str(found.value)
    assert said.startswith("compute_loss of OwnCLCTrainer makes a loss of its own in place of that of the method")
    assert "super().compute_loss" in said and "class_weights" in said


def test_what_is_added_to_the_methods_loss_is_learnt(
    tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    seen = []

    def more(trainer: Any, model: nn.Module, inputs: Batch, return_outputs: bool = False, **named: Any) -> Any:
        loss, outputs = CLCTrainer.compute_loss(trainer, model, inputs, return_outputs=True, **named)
        seen.append(tuple(outputs.logits.shape))
        loss = loss + 100 * sum(network.classifier.weight.square().sum() for network in trainer.model.networks)
        return (loss, outputs) if return_outputs else loss

    plain = made(CLCTrainer, tmp_path / "plain", train_rows, tokenizer, method=CLC(warmup_epochs=1))
    added = made(with_loss(CLCTrainer, more), tmp_path / "added", train_rows, tokenizer, method=CLC(warmup_epochs=1))
    plain.train()
    added.train()
    assert set(seen) == {(2, 16, 3), (2, 2, 3)}
    sizes = [float(one.model.networks[1].classifier.weight.detach().norm()) for one in (added, plain)]
    assert sizes[0] < 0.8 * sizes[1]


def test_a_fault_in_an_own_loss_stays_the_scripts(
    tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    def broken(trainer: Any, model: nn.Module, inputs: Batch, **more: Any) -> Any:
        CLCTrainer.compute_loss(trainer, model, inputs)
        raise KeyError("the script's")

    with pytest.raises(KeyError, match="the script's"):
        made(with_loss(CLCTrainer, broken), tmp_path, train_rows, tokenizer).train()


# ---- rows that flow by ----


def stream(rows: Dataset) -> Any:
    return rows.remove_columns(["text", "number"]).to_iterable_dataset()


def test_an_evaluation_set_may_flow_by(
    tmp_path: Path, train_rows: Dataset, test_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    trainer = made(CLCTrainer, tmp_path, train_rows, tokenizer, eval_dataset=stream(test_rows))
    known = made(CLCTrainer, tmp_path, train_rows, tokenizer, eval_dataset=test_rows)
    found, expected = trainer.evaluate(), known.evaluate()
    for name in ("eval_loss", "eval_accuracy", "eval_accuracy_peer_1"):
        assert found[name] == pytest.approx(expected[name], rel=1e-4), name
    np.testing.assert_allclose(
        trainer.predict(stream(test_rows)).predictions, known.predict(test_rows).predictions, atol=1e-5
    )


@pytest.mark.parametrize("flows", [False, True])
def test_rows_without_labels_are_timed_and_predicted(
    tmp_path: Path, train_rows: Dataset, test_rows: Dataset, tokenizer: PreTrainedTokenizerFast, flows: bool
) -> None:
    unlabelled = test_rows.remove_columns(["label"])
    told: list[EpochResult] = []
    trainer = made(
        CLCTrainer, tmp_path, train_rows, tokenizer, eval_dataset=stream(unlabelled) if flows else unlabelled,
        eval_strategy="epoch", method=CLC(warmup_epochs=1), epoch_listeners=[told.append],
    )  # fmt: skip
    trainer.train()
    assert told[-1].test_log_probs is None
    found = trainer.evaluate()
    assert "eval_runtime" in found and not [name for name in found if "loss" in name or "accuracy" in name]
    assert trainer.predict(unlabelled).predictions.shape == (21, 3)


class Flow(torch.utils.data.IterableDataset[Batch]):
    def __init__(self, rows: Dataset) -> None:
        self.rows = rows.remove_columns(["text", "number"])

    def __iter__(self) -> Iterator[Batch]:
        yield from self.rows


@pytest.mark.parametrize("kind", [stream, Flow])
@pytest.mark.parametrize(("method", "peers"), [("standard", 1), ("gce", 1), ("standard", 2)])
def test_a_training_set_may_flow_by_where_no_row_is_remembered(
    tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast, method: str, peers: int, kind: Any
) -> None:
    told: list[EpochResult] = []
    trainer = made(
        NoisyLabelTrainer, tmp_path, kind(train_rows), tokenizer, method=method, peers=peers, max_steps=10,
        epoch_listeners=[told.append],
    )  # fmt: skip
    output = trainer.train()
    assert output.global_step == 10 and np.isfinite(output.training_loss)
    assert [result.epoch for result in told] == [1, 2, 3]  # of four steps each, and what is left


@pytest.mark.parametrize(
    ("method", "more", "why"),
    [
        (CLC(), {}, "the method 'clc' takes over by what the networks say of all its rows"),
        (ELR(), {}, "the method 'elr' remembers every row by its number"),
        ("clc_auto", {}, "the method 'clc_auto' teaches every row a label that was made for it"),
        ("standard", {"class_weights": "balanced"}, "balanced class_weights count its labels"),
    ],
)
def test_a_training_set_that_flows_by_is_refused_by_name(
    tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast, method: Any, more: Any, why: str
) -> None:
    numbered = train_rows.add_column("id", [*range(len(train_rows))])
    for rows in (train_rows, numbered):
        with pytest.raises(InputError, match=f"has no length, and {why}: .*a column of ids is none either; give a"):
            made(NoisyLabelTrainer, tmp_path, stream(rows), tokenizer, method=method, max_steps=4, **more)


# ---- own loaders and labels ----


class OwnLoader(CLCTrainer):
    def get_train_dataloader(self) -> Any:
        rows = self.train_dataset.remove_columns(["text", "number"])
        return torch.utils.data.DataLoader(rows, batch_size=8, collate_fn=self.data_collator)


def test_a_loader_of_the_scripts_own(tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast) -> None:
    trainer = made(OwnLoader, tmp_path, train_rows, tokenizer, method=CLC(warmup_epochs=1))
    assert np.isfinite(trainer.train().training_loss) and trainer.supervised
    remembering = made(OwnLoader, tmp_path, train_rows, tokenizer, method=ELR())
    with refused(key="index"):
        remembering.train()


def test_labels_in_a_dictionary_are_refused(
    tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    pad = DataCollatorWithPadding(tokenizer)

    def collate(rows: list[Batch]) -> Batch:
        batch = dict(pad(rows))
        return {**batch, "labels": {"kind": batch["labels"]}}

    trainer = made(CLCTrainer, tmp_path, train_rows, tokenizer, data_collator=collate)
    with refused(key="labels"):
        trainer.train()
    rows = [{"input_ids": [2, 3], "labels": {"kind": 1}}]
    with refused(row=0):
        made(CLCTrainer, tmp_path, rows, tokenizer).train()


def test_rows_marked_as_without_a_class_are_named(
    tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    rows = Dataset.from_dict({"input_ids": [[2], [3]], "label": [0, -100]})
    with refused(row=1):
        made(CLCTrainer, tmp_path, rows, tokenizer)


def test_several_columns_of_labels_are_refused(
    tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    arguments = TrainingArguments(**training_arguments(tmp_path), label_names=["labels", "labels_2"])
    with refused(key="label_names"):
        CLCTrainer(bert(), arguments, train_dataset=train_rows, processing_class=tokenizer)


# ---- what scripts and callbacks call by themselves ----


def test_whoever_asks_for_the_groups_of_parameters_finds_those_of_stock(
    tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    found = []
    for kind in (Trainer, CLCTrainer):
        trainer = made(kind, tmp_path, train_rows, tokenizer, max_steps=2)
        trainer.create_optimizer()
        found.append((len(trainer.get_optimizer_group()), trainer.get_learning_rates()))
        assert trainer.train().global_step == 2
    assert found[0] == found[1]


@pytest.mark.parametrize("method", [CLC(warmup_epochs=1), ELR()])
def test_a_batch_that_is_only_predicted_is_not_learnt(
    tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast, method: Any
) -> None:
    """Whatever state the networks are in, the loss is the ensemble's, and the method remembers nothing of it."""
    trainer = made(CLCTrainer, tmp_path, train_rows, tokenizer, max_steps=2, method=method)
    trainer.train()
    batch = next(iter(trainer.get_train_dataloader()))
    memory = {name: values.clone() for name, values in trainer.supervisor.state.memory.items()}
    losses = []
    for training in (False, True):
        trainer.model.train(training)
        losses.append(trainer.prediction_step(trainer.model, dict(batch), prediction_loss_only=True)[0])
        assert trainer.model.training == training
    assert torch.equal(*losses)
    assert all(torch.equal(values, memory[name]) for name, values in trainer.supervisor.state.memory.items())


def test_a_network_that_gives_tuples(
    tmp_path: Path, train_rows: Dataset, test_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    found = []
    for as_dictionary in (True, False):
        set_seed(0)
        network = bert()
        network.config.return_dict = as_dictionary
        trainer = CLCTrainer(
            network, TrainingArguments(**training_arguments(tmp_path)), train_dataset=train_rows,
            processing_class=tokenizer, method=CLC(warmup_epochs=1),
        )  # fmt: skip
        trainer.train()
        found.append(trainer.predict(test_rows).predictions)
    np.testing.assert_array_equal(*found)


# ---- other tasks ----


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (BertForTokenClassification, "token classification, a label for each token"),
        (BertForQuestionAnswering, "question answering, a place in a text"),
        (BertForMaskedLM, "a language model, masked tokens"),
    ],
)
def test_a_model_for_something_else(tmp_path: Path, kind: Any, what: str) -> None:
    class Own(kind):  # type: ignore[misc]
        pass

    for made_of in (kind, Own):
        with refused(key=made_of.__name__, says=what):
            NoisyLabelTrainer(made_of(bert().config), TrainingArguments(**training_arguments(tmp_path)), peers=1)


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"problem_type": "regression"}, "problem_type"),
        ({"num_labels": 1}, "num_labels"),
    ],
)
def test_a_problem_that_is_not_one_class_a_row(tmp_path: Path, config: dict[str, Any], key: str) -> None:
    network = bert()
    for name, value in config.items():
        setattr(network.config, name, value)
    with refused(key=key):
        CLCTrainer(BertForSequenceClassification(network.config), TrainingArguments(**training_arguments(tmp_path)))


@pytest.mark.parametrize(
    ("several", "told"),
    [([[1, 0, 1], [0, 1, 0]], {"key": "labels"}), ([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]], {"row": 0})],
)
def test_several_classes_a_row_are_not_taken_for_a_distribution(
    tmp_path: Path, tokenizer: PreTrainedTokenizerFast, several: list[list[float]], told: dict[str, Any]
) -> None:
    rows = Dataset.from_dict({"input_ids": [[2], [3]], "labels": several})
    with refused(**told) as caught:
        made(CLCTrainer, tmp_path, rows, tokenizer)
    assert "problem_type='multi_label_classification'" in str(caught.value)


# ---- what is logged and given ----


def test_the_logged_loss_is_the_peers_mean(
    tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    """Of networks that do not learn it is what an evaluation of each alone gives, whatever their number."""
    arguments = training_arguments(tmp_path, logging_strategy="epoch", num_train_epochs=1,
                                   per_device_train_batch_size=50, per_device_eval_batch_size=50)  # fmt: skip
    set_seed(0)
    trainer = NoisyLabelTrainer(
        model_init=lambda: bert(dropout=0.0), args=TrainingArguments(**arguments), train_dataset=train_rows,
        processing_class=tokenizer, peers=3, method="standard",
        optimizer_cls_and_kwargs=(torch.optim.SGD, {"lr": 0.0}),
    )  # fmt: skip
    trainer.train()
    logged = next(entry["loss"] for entry in trainer.state.log_history if "loss" in entry)
    labels = torch.tensor(train_rows["label"])
    each = [float(nn.functional.nll_loss(of, labels)) for of in trainer.predict_log_probs(train_rows).cpu()]
    assert logged == pytest.approx(np.mean(each), rel=1e-4)


def test_operations_are_counted_as_stock_counts_them(
    tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    found = []
    for kind, more in ((Trainer, {}), (NoisyLabelTrainer, {"peers": 2})):
        trainer = made(kind, tmp_path, train_rows, tokenizer, **more)
        trainer.train()
        found.append(trainer.state.total_flos)
    assert found[0] > 0 and found[1] == 2 * found[0]


def test_predictions_of_one_network_are_its_logits(
    tmp_path: Path, train_rows: Dataset, test_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    ours = made(NoisyLabelTrainer, tmp_path, train_rows, tokenizer, peers=1)
    stock = made(Trainer, tmp_path, train_rows, tokenizer)
    np.testing.assert_allclose(ours.predict(test_rows).predictions, stock.predict(test_rows).predictions, atol=1e-5)


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "by batches"])
def test_what_one_network_gives_beside_its_logits_is_predicted_as_by_stock(
    tmp_path: Path, train_rows: Dataset, test_rows: Dataset, tokenizer: PreTrainedTokenizerFast, whole: bool
) -> None:
    """Hidden states are a tuple of their own; `ignore_keys` leaves them out."""
    found, seen = [], []

    def compute_metrics(prediction: Any) -> dict[str, float]:
        seen.append(prediction.predictions)
        return {}

    for kind in (NoisyLabelTrainer, Trainer):
        set_seed(0)
        network = bert()
        network.config.output_hidden_states = True
        arguments = TrainingArguments(**training_arguments(tmp_path, eval_do_concat_batches=whole))
        trainer = kind(
            network, arguments, train_dataset=train_rows, processing_class=tokenizer, compute_metrics=compute_metrics
        )
        found.append(trainer.predict(test_rows))
        without = trainer.predict(test_rows, ignore_keys=["hidden_states"]).predictions
        assert (without if whole else without[0]).shape[1:] == (3,)
    for ours, stock in (seen[::2], (found[0].predictions, found[1].predictions)):
        batches = zip(*[[each] if whole else each for each in (ours, stock)], strict=True)
        for (logits, states), (stock_logits, stock_states) in batches:
            np.testing.assert_allclose(logits, stock_logits, atol=1e-5)
            assert len(states) == len(stock_states) == 2
            for layer, stock_layer in zip(states, stock_states, strict=True):
                np.testing.assert_allclose(layer, stock_layer, atol=1e-5)
    assert found[0].metrics["test_accuracy"] == found[0].metrics["test_accuracy_peer_0"]


class WithVectors(nn.Module):
    """Gives (logits, vectors)."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.head = nn.EmbeddingBag(200, 4), nn.Linear(4, 3)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        vectors = self.words(input_ids)
        return self.head(vectors), vectors


def test_what_several_networks_give_beside_their_logits_is_left_out(
    tmp_path: Path, train_rows: Dataset, test_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    def predicted(**more: Any) -> Any:
        return NoisyLabelTrainer(
            None, TrainingArguments(**training_arguments(tmp_path)), train_dataset=train_rows, model_init=WithVectors,
            processing_class=tokenizer, **more,
        ).predict(test_rows).predictions  # fmt: skip

    assert predicted(peers=2).shape == (21, 3)
    logits, vectors = predicted()
    assert (logits.shape, vectors.shape) == ((21, 3), (21, 4))


def test_no_arguments_are_stock_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ours, stock = CLCTrainer(bert()).args, Trainer(bert()).args
    assert type(ours) is type(stock)
    assert {**ours.to_dict(), "logging_dir": None} == {**stock.to_dict(), "logging_dir": None}
