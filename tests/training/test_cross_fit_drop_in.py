"""`clc_auto` in the classic script: the folds' networks are made from whatever the script gave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from drop_in_script import bert, training_arguments
from small_training import arguments, peers_model, rows
from torch import nn
from transformers import DataCollatorWithPadding, PreTrainedTokenizerFast, TrainingArguments

from clc_text import CLCTrainer, NoisyLabelTrainer
from clc_text.artifacts.cross_fit import CrossFit
from clc_text.errors import InputError
from clc_text.methods.clc_auto import CLCAuto
from clc_text.noise.estimation.half_trust import half_trusted, never_certain

METHOD = CLCAuto(folds=3, fold_epochs=4)


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


@pytest.mark.parametrize("views", [False, True])
def test_what_is_taught_are_the_networks_beliefs_or_those_of_other_views(tmp_path: Path, views: bool) -> None:
    data = rows(60)
    classes = int(data.labels.max()) + 1
    other = np.random.default_rng(0).dirichlet(np.ones(classes), 60)

    def heard(found: CrossFit, labels: np.ndarray) -> np.ndarray:
        assert found.probs.shape == (60, classes)
        assert (labels == data.labels.numpy()).all()
        return other

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
    alone = half_trusted(found.probs, data.labels.numpy(), never_certain(found.transition))
    expected = other if views else alone
    taught = trainer.targets.of(data.labels[7:9], torch.tensor([7, 8]))
    torch.testing.assert_close(taught, torch.from_numpy(expected[7:9]).float())


def test_a_model_of_peers_needs_to_be_told_how_more_are_made(tmp_path: Path) -> None:
    trainer = NoisyLabelTrainer(peers_model(), arguments(tmp_path), train_dataset=rows(60), method=METHOD)
    with pytest.raises(InputError, match="give `peers_init`"):
        trainer.train()


def test_distributions_as_given_labels_cannot_be_cross_fitted(tmp_path: Path) -> None:
    data = rows(60)
    data.labels = nn.functional.one_hot(data.labels).float()
    trainer = NoisyLabelTrainer(
        peers_model(), arguments(tmp_path), train_dataset=data, method=METHOD, peers_init=peers_model
    )
    with pytest.raises(InputError, match="one class a row"):
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
    with pytest.raises(
        InputError, match="these have been trained on them already; make a new trainer, or give model_"
    ):
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
        peers_model(), arguments(tmp_path), train_dataset=data, method=METHOD, peers_init=peers_model,
        epoch_listeners=[told.append],
    )  # fmt: skip
    trainer.train()
    assert trainer.cross_fit is not None and trainer.cross_fit.learnt_nothing is not informative
    [note] = [note for result in told for note in result.notes if note.name in ("cross-fitted", "nothing learnt")]
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
