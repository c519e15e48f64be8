"""Batches of rows that are in memory anyway: the same ones, without what a `DataLoader` does for others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from accelerate.data_loader import DataLoaderShard
from accelerate.utils import synchronize_rng_states
from torch import Tensor
from torch.utils.data import DataLoader

from clc_text.data.rows import Rows, as_batch


class ResidentLoader(DataLoaderShard):
    """A prepared loader of `Rows`, whose batches it indexes itself: a tenth of a small network's step.

    The sampler is asked as before, and as much is drawn from the generators as a `DataLoader` would draw.
    """

    @staticmethod
    def of(loader: Any) -> Any:
        """The loader as one of these, where it would only index tensors that lie on its device; else itself."""
        base = getattr(loader, "base_dataloader", None)
        if type(loader) is not DataLoaderShard or type(base) is not DataLoader or not isinstance(base.dataset, Rows):
            return loader
        pinned = base.pin_memory and torch.accelerator.is_available()
        if base.collate_fn is not as_batch or base.num_workers or pinned or loader.skip_batches:
            return loader
        values = [base.dataset.labels, *base.dataset.inputs.values()]
        device = loader.device
        if not all(isinstance(one, Tensor) and device in (None, one.device) for one in values):
            return loader
        made = ResidentLoader.__new__(ResidentLoader)
        made.__dict__ = loader.__dict__
        return made

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        if self.rng_types is not None:
            synchronize_rng_states(self.rng_types, self.synchronized_generator)
        self.begin()
        self.set_epoch(self.iteration)
        ids = iter(self.batch_sampler)
        torch.empty((), dtype=torch.int64).random_(generator=self.generator)  # the seed that workers would have
        chosen = next(ids, None)
        while chosen is not None:
            batch = self.dataset.__getitems__(chosen)
            chosen = next(ids, None)  # one ahead: the last batch has to be known for it
            self.end_of_dataloader = chosen is None
            yield batch
        self.iteration += 1
        self.end()
