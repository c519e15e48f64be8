"""What a script may do that plain `Trainer` forgives: it works for k networks too, or is refused in a sentence."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from drop_in_script import bert, training_arguments
from refusals import refused
from small_training import (
    LONG_BESIDE_LONG,
    Collected,
    arguments,
    peers_model,
    rows,
    same_results,
    same_tensors,
    whole_and_resumed,
)
from torch import Tensor, nn
from transformers import (
    DataCollatorWithPadding,
    GPT2Config,
    GPT2ForSequenceClassification,
    PreTrainedTokenizerFast,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from clc_text import CLCTrainer, NoisyLabelTrainer
from clc_text.methods.clc import CLC
from clc_text.methods.clc_auto import CLCAuto
from clc_text.methods.criteria import entropy, share_of_maximum
from clc_text.methods.elr import ELR
from clc_text.training.checkpoints import last_complete_checkpoint

QUICK = CLCAuto(folds=2, fold_rounds=2, fold_epochs=2, fold_patience=1)


def script(folder: Path, model: nn.Module | None, data: Dataset, **more: Any) -> CLCTrainer:
    own = more.pop("arguments", {})
    return CLCTrainer(model, TrainingArguments(**training_arguments(folder, **own)), train_dataset=data, **more)


# ---- arguments ----


def test_an_optimizer_of_one_network_is_refused(
    tmp_path: Path, model: nn.Module, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    own = torch.optim.AdamW(model.parameters(), lr=5e-3)
    with refused(key="optimizers"):
        script(tmp_path, model, train_rows, processing_class=tokenizer, optimizers=(own, None))


def test_an_optimizer_of_all_networks_trains_all(tmp_path: Path) -> None:
    model = peers_model()
    before = {name: values.clone() for name, values in model.state_dict().items()}
    own = torch.optim.SGD(model.parameters(), lr=0.1)
    NoisyLabelTrainer(model, arguments(tmp_path), train_dataset=rows(), optimizers=(own, None)).train()
    assert all((values != before[name]).flatten(1).any(1).all() for name, values in model.state_dict().items())
    with refused(key="optimizers"):
        NoisyLabelTrainer(
            model, arguments(tmp_path), train_dataset=rows(), optimizers=(own, None), method=QUICK,
            peers_init=peers_model,
        )  # fmt: skip


@pytest.mark.parametrize("rate", [-0.5, 1.0, 1.5, "true"])
def test_a_noise_rate_is_a_rate(tmp_path: Path, rate: float | str) -> None:
    with refused(key="noise_rate"):
        NoisyLabelTrainer(
            peers_model(), arguments(tmp_path), train_dataset=rows(), method="co_teaching", noise_rate=rate
        )


@pytest.mark.parametrize("method", ["standard", "gce", "co_teaching"])
def test_without_a_warm_up_there_is_nothing_to_recover(tmp_path: Path, method: str) -> None:
    with refused(key="recover"):
        NoisyLabelTrainer(
            peers_model(), arguments(tmp_path), train_dataset=rows(), method=method, noise_rate=0.2, recover=True
        )


@pytest.mark.parametrize(
    "chosen",
    [{"num_train_epochs": 4, "decay_from_epoch": 4}, {"max_steps": 8, "decay_from_epoch": 3, "num_train_epochs": 9}],
)
def test_a_decay_begins_before_the_end(tmp_path: Path, chosen: dict[str, Any]) -> None:
    with refused(key="decay_from_epoch"):
        NoisyLabelTrainer(peers_model(), arguments(tmp_path, **chosen), train_dataset=rows()).train()


def test_steps_decide_over_the_decay_where_they_end_training(tmp_path: Path) -> None:
    """50 rows are 4 batches of 16: 12 steps are 3 epochs, and the last of them decays."""
    told = Collected()
    chosen = arguments(tmp_path, max_steps=12, num_train_epochs=100, decay_from_epoch=2)
    NoisyLabelTrainer(peers_model(), chosen, train_dataset=rows(), epoch_listeners=[told]).train()
    assert [result.learning_rate for result in told] == [5e-3, 5e-3, 0]


# ---- a method that never begins ----


def test_a_warm_up_that_is_all_there_is_is_said(
    tmp_path: Path, model: nn.Module, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    told = Collected()
    library = logging.getLogger("transformers")
    library.addHandler(caplog.handler)
    try:
        script(tmp_path, model, train_rows, processing_class=tokenizer, epoch_listeners=[told]).train()
    finally:
        library.removeHandler(caplog.handler)
    assert "the warm-up lasts 10 epochs and the training 2, so clc never begins" in caplog.text
    assert [[notice.name for notice in result.notices] for result in told] == [[], ["method never began"]]
    assert told[-1].notices[0].severity == "warning"


def test_a_method_that_finds_no_time_to_begin_says_so_at_the_end(tmp_path: Path) -> None:
    told = Collected()
    NoisyLabelTrainer(
        peers_model(), arguments(tmp_path), train_dataset=rows(), method=CLCAuto(unsure_share=0.0, folds=2),
        peers_init=peers_model, epoch_listeners=[told],
    ).train()  # fmt: skip
    assert [notice.name for notice in told[-1].notices][-1] == "method never began"
    assert not any(notice.name == "method never began" for result in told[:-1] for notice in result.notices)


def test_a_training_that_is_stopped_in_its_warm_up_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """By early stopping, which is decided after the last epoch was told to the listeners."""
    library = logging.getLogger("transformers")
    library.addHandler(caplog.handler)
    try:
        for warmup_epochs in (4, 1):
            caplog.clear()
            NoisyLabelTrainer(
                peers_model(), arguments(tmp_path, num_train_epochs=6, eval_strategy="epoch", learning_rate=1e-9),
                train_dataset=rows(), eval_dataset=rows(seed=2), method=CLC(warmup_epochs=warmup_epochs),
                compute_metrics=lambda _: {"same": 0.0},
                callbacks=[MetricStops("eval_same", after=2)],
            ).train()  # fmt: skip
            assert ("clc never began: all 2 epochs were warm-up" in caplog.text) == (warmup_epochs == 4)
    finally:
        library.removeHandler(caplog.handler)


class MetricStops(TrainerCallback):
    """As `EarlyStoppingCallback`, after so many evaluations with a metric."""

    def __init__(self, name: str, after: int) -> None:
        self.name, self.left = name, after

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **more: Any) -> None:
        self.left -= self.name in metrics
        control.should_training_stop = self.left <= 0


# ---- resuming ----


@pytest.mark.parametrize(
    ("other", "key"),
    [
        ({"method": "elr"}, "method"),
        ({"train_dataset": rows(40)}, "rows"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path, other: dict[str, Any], key: str) -> None:
    def build(**more: Any) -> NoisyLabelTrainer:
        given: dict[str, Any] = {"method": CLC(warmup_epochs=1), "train_dataset": rows()}
        return NoisyLabelTrainer(peers_model(), arguments(tmp_path, save_strategy="epoch"), **(given | more))

    build().train()
    with refused(where=tmp_path / "checkpoint-16", key=key):
        build(**other).train(resume_from_checkpoint=True)


def test_whether_the_warm_up_ends_is_asked_once_an_epoch(tmp_path: Path) -> None:
    """Resumed in the middle of an epoch, half of whose steps have made the peers sure enough."""

    told = {name: Collected() for name in ("probe", "whole", "cut")}
    share = 0.0

    def build(name: str, **more: Any) -> NoisyLabelTrainer:
        chosen = arguments(
            tmp_path / name, num_train_epochs=6, save_strategy="steps", save_steps=1, learning_rate=2e-3
        )
        return NoisyLabelTrainer(
            peers_model(), chosen, train_dataset=rows(200), peers_init=peers_model, epoch_listeners=[told[name]],
            method=replace(QUICK, unsure_share=share), cross_fit_dir=tmp_path / "found", **more,
        )  # fmt: skip

    shares: list[float] = []

    class Look(TrainerCallback):
        def on_epoch_begin(self, *positional: Any, **more: Any) -> None:
            log_probs = probe.predict_log_probs(probe.train_dataset)
            shares.append(max(share_of_maximum(float(value), 4) for value in entropy(log_probs).mean(-1)))

    probe = build("probe", callbacks=[Look()])
    probe.train()
    epoch, steps = 3, 13
    share = shares[epoch] - 1e-3  # not sure enough at the start of the epoch, but soon after
    whole, resumed = whole_and_resumed(build, epoch * steps + 6)
    assert [result.supervised for result in told["whole"]] == [False] * 4 + [True] * 2
    same_results(told["whole"], told["cut"])
    assert [result.notices for result in told["whole"]] == [result.notices for result in told["cut"]]
    same_tensors(whole.model.state_dict(), resumed.model.state_dict())


def test_batches_grouped_by_length_resume_exactly(
    tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    def build(name: str, **more: Any) -> CLCTrainer:
        own = {
            "num_train_epochs": 3, "save_strategy": "steps", "save_steps": 1, "per_device_train_batch_size": 8,
            **LONG_BESIDE_LONG,
        }  # fmt: skip
        return script(
            tmp_path / name, None, train_rows, model_init=lambda: bert(), arguments=own, processing_class=tokenizer,
            method=CLC(warmup_epochs=1), **more,
        )  # fmt: skip

    whole, resumed = whole_and_resumed(build, 10)
    same_tensors(whole.model.state_dict(), resumed.model.state_dict())


def test_the_checkpoint_before_goes_when_the_next_one_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash just before a checkpoint is complete leaves the one before, whatever the limit."""
    from clc_text.training import checkpoints as module

    chosen = arguments(tmp_path, save_strategy="epoch", save_total_limit=1)
    trainer = NoisyLabelTrainer(peers_model(), chosen, train_dataset=rows())
    write = module.write_json

    def crash(path: Path, facts: Any) -> None:
        if facts["epochs_closed"] == 2:
            raise KeyboardInterrupt
        write(path, facts)

    monkeypatch.setattr(module, "write_json", crash)
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    assert last_complete_checkpoint(tmp_path) == tmp_path / "checkpoint-4"
    monkeypatch.undo()
    NoisyLabelTrainer(peers_model(), chosen, train_dataset=rows()).train(resume_from_checkpoint=True)
    assert sorted(path.name for path in tmp_path.glob("checkpoint-*")) == ["checkpoint-16"]


def test_a_checkpoint_of_another_trainer_is_refused_before_anything_is_done(
    tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    chosen = TrainingArguments(**training_arguments(tmp_path, max_steps=1, save_strategy="steps", save_steps=1))
    Trainer(bert(), chosen, train_dataset=train_rows, processing_class=tokenizer).train()
    trainer = script(tmp_path, bert(), train_rows, processing_class=tokenizer, method=QUICK)
    with refused(where=tmp_path / "checkpoint-1", key="complete.json"):
        trainer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-1"))
    with refused(where=tmp_path / "nowhere"):
        trainer.train(resume_from_checkpoint=str(tmp_path / "nowhere"))
    assert trainer.cross_fit is None


# ---- cross-fitting ----


def test_training_again_does_not_cross_fit_with_networks_that_know_the_labels(
    tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast, model: nn.Module
) -> None:
    trainer = NoisyLabelTrainer(
        model, TrainingArguments(**training_arguments(tmp_path)), train_dataset=train_rows,
        processing_class=tokenizer, method=QUICK,
    )  # fmt: skip
    trainer.train()
    first = trainer.cross_fit
    trainer.train()
    assert trainer.cross_fit is first


def test_what_was_cross_fitted_for_other_labels_is_refused(tmp_path: Path) -> None:
    def build(data: Any) -> NoisyLabelTrainer:
        return NoisyLabelTrainer(
            peers_model(), arguments(tmp_path / "out"), train_dataset=data, method=QUICK, peers_init=peers_model,
            cross_fit_dir=tmp_path / "found",
        )  # fmt: skip

    build(rows(seed=1)).train()
    build(rows(seed=1)).train()
    with refused(where=tmp_path / "found", key="labels"):
        build(rows(seed=5)).train()
    other = rows(seed=1)
    other.inputs["features"] = other.inputs["features"].flip(0)
    with refused(where=tmp_path / "found", key="rows"):
        build(other).train()
    nearly = rows(seed=1)
    nearly.inputs["features"] = nearly.inputs["features"] * (1 + 1e-4)  # encoded by another card
    build(nearly).train()
    written = tmp_path / "found" / "crossfit.json"
    facts = json.loads(written.read_text())
    del facts["inputs"]  # as files of older versions are
    written.write_text(json.dumps(facts))
    build(other).train()


def test_scoring_before_the_first_step_is_no_business_of_the_folds(
    tmp_path: Path, model: nn.Module, train_rows: Dataset, test_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    trainer = script(
        tmp_path, model, train_rows, eval_dataset=test_rows, processing_class=tokenizer, method=QUICK,
        arguments={"eval_on_start": True, "eval_strategy": "epoch"},
    )  # fmt: skip
    trainer.train()
    assert len([entry for entry in trainer.state.log_history if "eval_loss" in entry]) == 3


# ---- data ----


@pytest.mark.parametrize("method", [CLC(warmup_epochs=1), ELR(), QUICK], ids=lambda method: method.name)
def test_dropping_the_last_batch_of_training_drops_no_row_of_a_prediction(
    tmp_path: Path, model: nn.Module, train_rows: Dataset, test_rows: Dataset, tokenizer: PreTrainedTokenizerFast,
    method: Any,
) -> None:  # fmt: skip
    told = Collected()
    trainer = script(
        tmp_path, model, train_rows, eval_dataset=test_rows, processing_class=tokenizer, method=method,
        arguments={"dataloader_drop_last": True}, epoch_listeners=[told],
    )  # fmt: skip
    trainer.train()
    assert trainer.args.dataloader_drop_last
    assert int(told[0].record.seen.sum()) == 48
    assert told[0].test_log_probs is not None and told[0].test_log_probs.shape[1] == 21
    assert trainer.predict_log_probs(train_rows).shape[1] == 50


class Collator:
    """Pads, after it has done to the rows of a batch what it is told to do."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, change: Any) -> None:
        self.pad, self.change = DataCollatorWithPadding(tokenizer), change

    def __call__(self, items: list[dict[str, Any]]) -> Any:
        return self.pad(self.change(items))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (
            lambda items: sorted(items, key=lambda item: -len(item["input_ids"])),
            "data collator",
        ),
        (lambda items: items[1:], "labels"),
    ],
)
def test_a_collator_keeps_every_row_in_its_order(
    tmp_path: Path, model: nn.Module, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast, change: Any,
    key: str,
) -> None:  # fmt: skip
    with refused(key=key):
        script(tmp_path, model, train_rows, data_collator=Collator(tokenizer, change)).train()


def with_labels(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = ("input_ids", "attention_mask")
    return [
        {name: item[name] for name in kept} | {"labels": ["a", "b", "c"].index(item["category"])} for item in items
    ]


@pytest.mark.parametrize("method", [CLC(warmup_epochs=1), QUICK], ids=lambda method: method.name)
def test_labels_may_be_made_by_the_collator(
    tmp_path: Path, model: nn.Module, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast, method: Any
) -> None:
    named = train_rows.add_column("category", ["abc"[label] for label in train_rows["label"]])
    named = named.remove_columns(["label", "text", "number"])
    told = Collected()
    script(
        tmp_path, model, named, data_collator=Collator(tokenizer, with_labels), method=method,
        arguments={"remove_unused_columns": False}, epoch_listeners=[told],
    ).train()  # fmt: skip
    assert told[0].record.seen.all()
    if not method.cross_fits:
        assert told[0].record.target[0].tolist() == train_rows["label"]


@pytest.mark.parametrize(
    ("label", "told"),
    [(0.5, {"key": "labels"}), (7, {"row": 0}), ([1.0, 0.0], {"key": "labels"}),
     ([2.0, -1.0, 0.0], {"row": 0})],
)  # fmt: skip
def test_labels_of_a_plain_list_are_looked_at_too(
    tmp_path: Path, model: nn.Module, tokenizer: PreTrainedTokenizerFast, label: Any, told: dict[str, Any]
) -> None:
    data: Any = [{"input_ids": [2, 3], "attention_mask": [1, 1], "label": label}] * 4
    with refused(**told):
        script(tmp_path, model, data, processing_class=tokenizer).train()


# ---- models and metrics ----


@pytest.mark.parametrize("from_init", [False, True])
def test_a_decoder_gets_the_tokenizers_padding(
    tmp_path: Path, train_rows: Dataset, tokenizer: PreTrainedTokenizerFast, from_init: bool
) -> None:
    def make() -> nn.Module:
        config = GPT2Config(
            vocab_size=32, n_positions=16, n_embd=8, n_layer=1, n_head=2, num_labels=3, pad_token_id=None,
            bos_token_id=None, eos_token_id=None,
        )  # fmt: skip
        return GPT2ForSequenceClassification(config)

    trainer = script(
        tmp_path, None if from_init else make(), train_rows, processing_class=tokenizer, method=QUICK,
        **({"model_init": make} if from_init else {}),
    )  # fmt: skip
    trainer.train()
    assert {network.config.pad_token_id for network in trainer.model.networks} == {tokenizer.pad_token_id}
    assert trainer.model.config.pad_token_id == tokenizer.pad_token_id


@pytest.mark.parametrize("name", ["accuracy", "eval_accuracy"])
def test_the_scripts_own_accuracy_is_the_one_that_is_reported(
    tmp_path: Path, model: nn.Module, train_rows: Dataset, test_rows: Dataset, tokenizer: PreTrainedTokenizerFast,
    name: str,
) -> None:  # fmt: skip
    trainer = script(
        tmp_path, model, train_rows, eval_dataset=test_rows, processing_class=tokenizer,
        compute_metrics=lambda _: {name: 0.123},
    )  # fmt: skip
    assert trainer.evaluate()["eval_accuracy"] == 0.123


def test_another_metrics_name_may_end_in_accuracy(
    tmp_path: Path, model: nn.Module, train_rows: Dataset, test_rows: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    trainer = script(
        tmp_path, model, train_rows, eval_dataset=test_rows, processing_class=tokenizer,
        compute_metrics=lambda _: {"balanced_accuracy": 0.123},
    )  # fmt: skip
    found = trainer.evaluate()
    assert found["eval_balanced_accuracy"] == 0.123 and found["eval_accuracy"] > 0


def test_a_batchs_labels_need_not_come_from_the_rows(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    """A collator that gives other labels, not the same ones in another order, is taken at its word."""

    def soft(items: list[dict[str, Any]]) -> dict[str, Tensor]:
        batch = DataCollatorWithPadding(tokenizer)([{"input_ids": item["input_ids"]} for item in items])
        batch["labels"] = torch.from_numpy(np.eye(3, dtype=np.float32)[[item["label"] for item in items]])
        return dict(batch)

    data: Any = [{"input_ids": [2 + number % 5], "label": number % 3} for number in range(20)]
    told = Collected()
    script(tmp_path, bert(), data, data_collator=soft, method="standard", epoch_listeners=[told]).train()
    assert told[0].record.target[0].tolist() == [number % 3 for number in range(20)]
