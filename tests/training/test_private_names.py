"""Which private parts of `Trainer` are replaced: where a new version of `transformers` may pull the rug away."""

from __future__ import annotations

import inspect

from transformers import Trainer

from clc_text import CLCTrainer

REPLACED = {
    "_get_dataloader": "batches with the numbers of their rows",
    "_get_train_sampler": "an order of lengths that is the same after a resume",
    "_set_signature_columns_if_needed": "the columns that a network takes",
    "_save_checkpoint": "whole before it counts",
    "_save_optimizer_and_scheduler": "what the method remembers",
    "_load_from_checkpoint": "several networks",
    "_load_best_model": "likewise",
    "_load_rng_state": "damage in one sentence",
    "_load_optimizer_and_scheduler": "likewise, and what the method remembers",
    "_push_from_checkpoint": "several networks",
}


def test_every_private_part_that_is_replaced_is_listed_and_there() -> None:
    kinds = inspect.getmro(CLCTrainer)[: inspect.getmro(CLCTrainer).index(Trainer)]
    private = {name for kind in kinds for name in vars(kind) if name.startswith("_") and not name.startswith("__")}
    assert {name for name in private if hasattr(Trainer, name)} == REPLACED.keys()
    for name in REPLACED:
        ours, stock = (list(inspect.signature(getattr(kind, name)).parameters) for kind in (CLCTrainer, Trainer))
        assert ours[: len(stock)] == stock, name
