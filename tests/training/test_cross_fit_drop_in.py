"""`clc_auto` in the classic script: the folds' networks are made from whatever the script gave."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from drop_in_script import bert, training_arguments
from refusals import refused
from small_training import CLASSES, LONG_BESIDE_LONG, arguments, peers_model, rows
from torch import nn
from transformers import DataCollatorWithPadding, PreTrainedTokenizerFast, TrainingArguments
from transformers.trainer_pt_utils import LengthGroupedSampler

from clc_text import CLCTrainer, NoisyLabelTrainer
from clc_text.artifacts.cross_fit import CrossFit
from clc_text.data.labels import Labels
from clc_text.data.rows import Rows
from clc_text.errors import InputError
from clc_text.methods.clc_auto import CLCAuto
from clc_text.noise.estimation.targets import targets_of
from clc_text.training.loading import PartOfRows, SeededByEpoch

METHOD = CLCAuto(folds=3, fold_rounds=2, fold_epochs=4)


@pytest.mark.parametrize("given", ["model", "model_init"])
def test_a_script_s_own_networks(
    given: str, tmp_path: Path, model: nn.Module, tokenizer: PreTrainedTokenizerFast, train_rows: Dataset
) -> None:
    trainer = CLCTrainer(
        model if given == "model" else None,
        TrainingArguments(**training_arguments(tmp_path, num_train_epochs=6, learning_rate=5e-3)),
        DataCollatorWithPadding(tokenizer),
        train_rows,
        model_init=(lambda: bert()) if given == "model_init" else None,
        method=METHOD,
        cross_fit_dir=tmp_path / "fit",
    )
    trainer.train()
    found = trainer.cross_fit
    assert found is not None and found.posterior.shape == (50, 3)
    assert sorted(np.bincount(found.folds[0]).tolist()) == [16, 17, 17]
    kept = CrossFit.load(tmp_path / "fit")
    assert kept is not None and (kept.posterior == found.posterior).all()
    labels = np.array(train_rows["label"])
    # Of 50 rows a fifth of the labels was drawn anew; the words of each class are its own.
    assert (found.probs.argmax(1) == labels).mean() > 0.6
    assert trainer.supervised or trainer.state.epoch == 6


@pytest.mark.parametrize(
    "more",
    [
        {},
        LONG_BESIDE_LONG,
        pytest.param(
            {"train_sampling_strategy": "sequential"},
            marks=pytest.mark.skipif("group_by_length" in LONG_BESIDE_LONG, reason="transformers before 5.2"),
        ),
        {"dataloader_num_workers": 1},
    ],
    ids=str,
)
def test_epochs_of_a_part_of_the_rows_whatever_their_order(
    more: dict[str, Any],
    tmp_path: Path,
    model: nn.Module,
    tokenizer: PreTrainedTokenizerFast,
    train_rows: Dataset,
    rows_of_folds: list[list[int]],
) -> None:
    """50 rows in epochs of at most 20: three parts of 16 and a rest of two, two batches each."""
    chosen = {"per_device_train_batch_size": 8, "num_train_epochs": 1} | more
    method = CLCAuto(folds=3, fold_rounds=2, fold_epochs=4, fold_epoch_rows=20)
    arguments = TrainingArguments(**training_arguments(tmp_path, **chosen))
    trainer = CLCTrainer(model, arguments, DataCollatorWithPadding(tokenizer), train_rows, method=method)
    trainer.train()
    assert trainer.cross_fit is not None
    rounds = trainer.cross_fit.facts["rounds"]
    epochs = [[*chain(*rows_of_folds[start : start + 2])] for start in range(0, len(rows_of_folds), 2)]
    assert len(epochs) == sum(one["epochs"] for one in rounds) and {len(epoch) for epoch in epochs} == {16}
    assert len(set(chain(*epochs[:3]))) == 48, "each once before any comes again"
    assert trainer.cross_fit.warm_up == -(-rounds[1]["best_epoch"] // 3)


def test_parts_of_rows_are_cut_from_the_order_that_was_chosen() -> None:
    lengths = np.random.default_rng(0).integers(1, 100, 640).tolist()
    order = SeededByEpoch(LengthGroupedSampler(8, lengths=lengths), 0)
    parts = PartOfRows(640, 200, 0, order)
    for time in range(2):
        drawn = []
        for part in range(4):
            parts.set_epoch(4 * time + part)
            drawn.append(list(parts))
        order.set_epoch(time)
        assert list(chain(*drawn)) == list(order)
        batches = [[lengths[row] for row in rows[start : start + 8]] for rows in drawn for start in range(0, 160, 8)]
        assert np.mean([max(batch) - min(batch) for batch in batches]) < 25


def test_epochs_of_which_no_batch_is_left_are_refused(
    tmp_path: Path, model: nn.Module, tokenizer: PreTrainedTokenizerFast, train_rows: Dataset
) -> None:
    arguments = TrainingArguments(**training_arguments(tmp_path, dataloader_drop_last=True))
    method = CLCAuto(folds=3, fold_rounds=2, fold_epochs=4, fold_epoch_rows=5)
    trainer = CLCTrainer(model, arguments, DataCollatorWithPadding(tokenizer), train_rows, method=method)
    with refused(key="method.fold_epoch_rows", says="dataloader_drop_last"):
        trainer.train()


@pytest.mark.parametrize("views", [False, True])
def test_what_is_taught_are_the_networks_beliefs_or_those_of_other_views(tmp_path: Path, views: bool) -> None:
    data = rows(60)
    classes = int(data.labels.max()) + 1
    other = np.random.default_rng(0).dirichlet(np.ones(classes), 60)

    def heard(found: CrossFit, labels: Labels) -> np.ndarray:
        assert found.probs.shape == (60, classes)
        assert (labels.learnt == data.labels.numpy()).all()
        return np.log(other)

    trainer = NoisyLabelTrainer(
        peers_model(),
        arguments(tmp_path, num_train_epochs=5),
        train_dataset=data,
        method=METHOD,
        peers_init=lambda peers, seed: peers_model(peers, seed),
        views=heard if views else None,
    )
    trainer.train()
    found = trainer.cross_fit
    assert found is not None and not found.learnt_nothing
    expected = targets_of(np.log(other if views else found.probs), data.labels.numpy())
    taught = trainer.supervisor.targets.of(data.labels[7:9], torch.tensor([7, 8]))
    torch.testing.assert_close(taught, torch.from_numpy(expected[7:9]).float())


def test_a_model_of_peers_needs_to_be_told_how_more_are_made(tmp_path: Path) -> None:
    trainer = NoisyLabelTrainer(peers_model(), arguments(tmp_path), train_dataset=rows(60), method=METHOD)
    with refused(key="peers_init"):
        trainer.train()


def soft(data: Rows) -> Rows:
    """The same rows, of whose labels a third are between two classes, the wrong one in front."""
    labels = nn.functional.one_hot(data.labels, CLASSES).float()
    unsure = torch.arange(len(labels)) % 3 == 0
    labels[unsure] = 0.45 * labels[unsure] + 0.55 * labels[unsure].roll(1, -1)
    return Rows(data.inputs, labels)


def test_distributions_that_name_a_class_each_are_those_classes(tmp_path: Path) -> None:
    data = rows(60)
    found = []
    for labels in (data.labels, nn.functional.one_hot(data.labels, CLASSES).float()):
        trainer = NoisyLabelTrainer(
            peers_model(), arguments(tmp_path), train_dataset=Rows(data.inputs, labels), method=METHOD,
            peers_init=lambda peers, seed: peers_model(peers, seed),
        )  # fmt: skip
        found.append(trainer.make_cross_fit())
    one, other = found
    assert one.targets is not None and other.targets is not None
    for name in ("probs", "transition", "posterior", "targets"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("method", [METHOD, "co_teaching"], ids=["clc_auto", "estimated rate"])
def test_distributions_are_cross_fitted_and_improved(tmp_path: Path, method: Any) -> None:
    data = rows(300, noise=0)
    trainer = NoisyLabelTrainer(
        peers_model(), arguments(tmp_path, num_train_epochs=4), train_dataset=soft(data), method=method,
        noise_rate="estimate" if isinstance(method, str) else None,
        peers_init=lambda peers, seed: peers_model(peers, seed), cross_fit_dir=tmp_path / "fit",
    )  # fmt: skip
    trainer.train()
    found, given = trainer.cross_fit, trainer.given_labels()
    assert found is not None and not found.learnt_nothing
    true = data.labels.numpy()
    assert (given.given == true).mean() < 0.7
    assert (found.posterior.argmax(1) == true).mean() > 0.9
    assert abs(found.rate - 1 / 3) < 0.1
    # Other distributions with the same likeliest classes are other labels.
    trainer.train_dataset = Rows(data.inputs, (soft(data).labels + 0.01) / (1 + 0.01 * CLASSES))
    with refused(where=tmp_path / "fit", key="labels"):
        trainer.train()


def test_networks_that_know_the_labels_are_not_copied_for_others(
    tmp_path: Path, model: nn.Module, tokenizer: PreTrainedTokenizerFast, train_rows: Dataset
) -> None:
    """With other labels cross-fitting begins anew, and copies of the trained networks would repeat what they know."""
    labels = [(label + (row == 0)) % 3 for row, label in enumerate(train_rows["label"])]
    other = train_rows.remove_columns("label").add_column("label", labels)

    def script(model: nn.Module | None, **more: Any) -> CLCTrainer:
        chosen = TrainingArguments(**training_arguments(tmp_path, num_train_epochs=1))
        method = CLCAuto(folds=2, fold_rounds=2, fold_epochs=2)
        return CLCTrainer(model, chosen, DataCollatorWithPadding(tokenizer), train_rows, method=method, **more)

    trainer = script(model)
    trainer.train()
    first = trainer.cross_fit
    trainer.train()  # the same labels: what was found for them serves again
    assert trainer.cross_fit is first
    trainer.train_dataset = other
    with refused(key="model_init"):
        trainer.train()
    fresh = script(None, model_init=lambda: bert())
    fresh.train()
    first, fresh.train_dataset = fresh.cross_fit, other
    fresh.train()
    assert fresh.cross_fit is not first


@pytest.mark.parametrize("informative", [True, False])
def test_networks_that_learnt_nothing_say_so_and_give_no_rate(tmp_path: Path, informative: bool) -> None:
    data = rows(400)
    if not informative:
        data.inputs["features"] = torch.randn(400, 8, generator=torch.Generator().manual_seed(9))
    told: list[Any] = []
    trainer = NoisyLabelTrainer(
        peers_model(), arguments(tmp_path, num_train_epochs=1), train_dataset=data, method=METHOD,
        peers_init=peers_model, epoch_listeners=[told.append],
    )  # fmt: skip
    trainer.train()
    assert trainer.cross_fit is not None and trainer.cross_fit.learnt_nothing is not informative
    [note] = [note for result in told for note in result.notices if note.name in ("cross-fitted", "nothing learnt")]
    assert (note.name, note.severity) == (("cross-fitted", "note") if informative else ("nothing learnt", "warning"))

    needs_rate = NoisyLabelTrainer(
        peers_model(), arguments(tmp_path, num_train_epochs=1), train_dataset=data, method="co_teaching",
        noise_rate="estimate", peers_init=peers_model,
    )  # fmt: skip
    if informative:
        needs_rate.train()
    else:
        with pytest.raises(InputError, match="the noise rate cannot be estimated: networks that had not seen a label"):
            needs_rate.train()
