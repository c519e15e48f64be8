"""Batches of rows that are in memory anyway: the same ones, without what a `DataLoader` does for others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import torch
from accelerate.data_loader import DataLoaderShard, SeedableRandomSampler
from accelerate.utils import synchronize_rng_states
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, RandomSampler

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
        ids = self._numbers()
        torch.empty((), dtype=torch.int64).random_(generator=self.generator)  # the seed that workers would have
        chosen = next(ids, None)
        while chosen is not None:
            batch = self.dataset.__getitems__(chosen)
            chosen = next(ids, None)  # one ahead: the last batch has to be known for it
            self.end_of_dataloader = chosen is None
            yield batch
        self.iteration += 1
        self.end()

    def _numbers(self) -> Iterator[Sequence[int] | Tensor]:
        """The numbers of each batch's rows, as the batch sampler gives them.

        A sampler that draws the whole order at once, by a generator of its own, is asked for all of an epoch.
        """
        batches = self.batch_sampler
        drawn = type(batches) is BatchSampler and batches.sampler
        if not isinstance(drawn, RandomSampler) or type(drawn) not in _AT_ONCE or not _alone(drawn):
            yield from batches
            return
        numbers = iter(drawn)
        ids = torch.tensor(list(islice(numbers, len(drawn))), dtype=torch.int64, device=self.dataset.labels.device)
        whole = len(ids) // batches.batch_size * batches.batch_size
        *others, last = ids[: whole if batches.drop_last else len(ids)].split(batches.batch_size)
        yield from others
        for _ in numbers:  # so that it comes to its end, as when it is asked for one number after another
            pass
        if len(last):
            yield last


_AT_ONCE = (RandomSampler, SeedableRandomSampler)


def _alone(sampler: RandomSampler) -> bool:
    """Whether it draws by a generator that nobody else draws from, and no more numbers than there are rows."""
    if sampler.replacement or sampler.num_samples != len(sampler.data_source):
        return False
    return type(sampler) is SeedableRandomSampler or sampler.generator is None
