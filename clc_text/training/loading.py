"""How batches are loaded: ready made from `Rows`, and with the numbers of their rows from everything else."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils.data import RandomSampler, Sampler
from transformers import Trainer
from transformers.trainer_pt_utils import LengthGroupedSampler

from clc_text.data.copies import BLOCK
from clc_text.data.rows import Rows, as_batch
from clc_text.errors import InputError
from clc_text.models.peers_of import PeersOf
from clc_text.training.data import NumberedBatch, NumberedRows, indexable
from clc_text.training.fingerprint import Fingerprint, fingerprint_of, rows_to_fingerprint
from clc_text.training.names import by_name, named_classes, names_of_model
from clc_text.training.order import apart
from clc_text.training.resident import ResidentLoader
from clc_text.utils.generators import untouched_generators

_SETS = {"Evaluation": "evaluation set", "test": "test set", "Scoring": "evaluation set"}


class SeededByEpoch(Sampler[int]):
    """A sampler whose order depends on the seed and the epoch alone, so that a resumed epoch has the same one."""

    def __init__(self, sampler: LengthGroupedSampler, seed: int) -> None:
        self.sampler, self.seed, self.epoch = sampler, seed, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[int]:
        self.sampler.generator = torch.Generator().manual_seed(self.seed + self.epoch)
        return iter(self.sampler)


class PartOfRows(Sampler[int]):
    """A sampler that gives a part of the rows an epoch, equally large parts one after another, so that each row comes
    once before any comes again; but for a rest, of less than a row a part.

    Args:
        rows: N.
        most: rows of a part, at most.
        seed: of the order, which is another when all parts have been given.
        order: gives all rows in the order that parts are cut from, by length for one; None: a random one.
    """

    def __init__(self, rows: int, most: int, seed: int, order: Sampler[int] | None = None) -> None:
        self.rows, self.parts, self.seed, self.order, self.epoch = rows, -(-rows // most), seed, order, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.rows // self.parts

    def __iter__(self) -> Iterator[int]:
        time, part = divmod(self.epoch, self.parts)
        if self.order is None:
            order = torch.randperm(self.rows, generator=torch.Generator().manual_seed(self.seed + time)).tolist()
        else:
            if hasattr(self.order, "set_epoch"):
                self.order.set_epoch(time)
            order = list(self.order)
        return iter(order[part * len(self) :][: len(self)])


class RowLoading(Trainer):
    """The part of the trainer that loads batches."""

    data_collator: Any
    epoch_rows: int | None = None  # of an epoch, at most (`PartOfRows`); None: all
    _signature_columns: list[str] | None

    def _get_dataloader(
        self,
        dataset: Any,
        description: str,
        batch_size: int,
        sampler_fn: Callable[[Any], Any] | None = None,
        is_training: bool = False,
        dataloader_key: str | None = None,
        numbered: bool = False,
    ) -> Any:
        """As `Trainer` makes it; batches of `Rows` come ready made, all others of the training set with `index`."""

        if not is_training:
            dataset = by_name(dataset, self._known_names(), _SETS.get(description, "rows to score"))

        def loader(rows: Any, sampler: Callable[[Any], Any] | None) -> Any:
            return super(RowLoading, self)._get_dataloader(
                rows, description, batch_size, sampler, is_training, dataloader_key
            )

        if isinstance(dataset, Rows):
            with self._collating(as_batch):
                dataloader = loader(dataset, sampler_fn)
            return ResidentLoader.of(dataloader) if is_training else dataloader
        if not (is_training or numbered) or not indexable(dataset):
            return loader(dataset, sampler_fn)
        kept, collate = self._kept(dataset, description)
        with self._collating(NumberedBatch(collate, watched=is_training)):
            return loader(NumberedRows(kept), sampler_fn and (lambda _: sampler_fn(dataset)))

    def _known_names(self) -> list[str] | None:
        """The names of the classes that the networks are trained on."""
        classes = named_classes(self.train_dataset)
        return names_of_model(getattr(self.model, "config", None)) if classes is None else classes[1]

    def _kept(self, dataset: Any, description: str) -> tuple[Any, Callable[[list[Any]], Any]]:
        """Rows and their collator, one of which leaves out the columns that no network takes."""
        if hasattr(dataset, "column_names"):
            return self._remove_unused_columns(dataset, description), self.data_collator
        return dataset, self._get_collator_with_removed_columns(self.data_collator, description)

    def fingerprint(self, dataset: Any) -> Fingerprint | None:
        """What a few rows are known again by, as the networks get them; None where that is another at each look."""
        chosen = rows_to_fingerprint(len(dataset))
        if isinstance(dataset, Rows):
            return fingerprint_of(dataset.__getitems__(chosen))
        kept, collate = self._kept(dataset, "Comparing")
        collate, numbered = apart(collate), NumberedRows(kept)

        def once() -> Fingerprint:
            with untouched_generators(seed=0):
                return fingerprint_of(collate([row for _, row in numbered.__getitems__(chosen)]))

        first = once()
        return first if first == once() else None

    def each_alone(self, dataset: Any) -> Iterator[Any]:
        """What the collator makes of each row alone, in order; nothing that it draws is missing elsewhere."""
        kept, collate = self._kept(dataset, "Comparing")
        collate, rows = apart(collate), NumberedRows(kept)
        for start in range(0, len(rows), BLOCK):
            with untouched_generators(seed=start):  # not the same at each block: what is drawn must tell rows apart
                items = rows.__getitems__(list(range(start, min(start + BLOCK, len(rows)))))
                block = [collate([copy.deepcopy(row)]) for _, row in items]  # a collator may empty what it is given
            yield from block

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        sampler = super()._get_train_sampler(train_dataset)
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        if isinstance(sampler, LengthGroupedSampler):
            sampler = SeededByEpoch(sampler, seed)
        if sampler is None or self.epoch_rows is None or self.epoch_rows >= len(sampler):
            return sampler
        order = None if isinstance(sampler, RandomSampler) else sampler
        part = PartOfRows(len(sampler), self.epoch_rows, seed, order)
        if self.args.dataloader_drop_last and len(part) < self.args.train_batch_size:
            raise InputError(
                f"with dataloader_drop_last no batch is left of epochs of {len(part)} rows: a batch has "
                f"{self.args.train_batch_size}; raise method.fold_epoch_rows, or keep the last batch",
                key="method.fold_epoch_rows",
            )
        return part

    @contextmanager
    def _collating(self, collator: Callable[[Any], Any]) -> Iterator[None]:
        """With another collator, and no columns removed from what it is given."""
        before = self.data_collator, self.args.remove_unused_columns
        self.data_collator, self.args.remove_unused_columns = collator, False
        try:
            yield
        finally:
            self.data_collator, self.args.remove_unused_columns = before

    def _set_signature_columns_if_needed(self) -> None:
        if self._signature_columns is None and isinstance(self.model, PeersOf):
            names = self.model.network_signature()
            self._signature_columns = list(dict.fromkeys([*names, "label", "label_ids", *self.label_names]))
        super()._set_signature_columns_if_needed()
