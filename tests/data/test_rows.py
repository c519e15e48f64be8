from __future__ import annotations

import pytest
import torch
from torch.utils.data import DataLoader

from clc_text.data.rows import Rows, as_batch


def small() -> Rows:
    return Rows(
        {"features": torch.arange(12.0).view(6, 2), "length": torch.arange(6)}, torch.tensor([0, 1, 2, 0, 1, 2])
    )


def test_a_batch_is_fetched_at_once_with_its_row_numbers() -> None:
    batch = small().__getitems__([4, 0, 4])
    assert batch["index"].tolist() == [4, 0, 4]
    assert batch["labels"].tolist() == [1, 0, 1]
    assert batch["features"].tolist() == [[8, 9], [0, 1], [8, 9]]
    assert batch["length"].tolist() == [4, 0, 4]


def test_rows_one_by_one_stack_into_the_same_batch() -> None:
    rows = small()
    one_by_one, at_once = as_batch([rows[4], rows[0]]), rows.__getitems__([4, 0])
    assert as_batch(at_once) is at_once
    for name, values in at_once.items():
        assert torch.equal(one_by_one[name], values), name


def test_a_data_loader_gives_every_row_once() -> None:
    batches = list(DataLoader(small(), batch_size=4, shuffle=True, collate_fn=as_batch))
    assert [len(batch["labels"]) for batch in batches] == [4, 2]
    assert sorted(row for batch in batches for row in batch["index"].tolist()) == list(range(6))
    for batch in batches:
        assert torch.equal(batch["features"][:, 0], 2.0 * batch["index"])


def test_labels_may_be_distributions() -> None:
    rows = Rows({"features": torch.zeros(3, 1)}, torch.eye(3))
    assert rows.__getitems__([2])["labels"].tolist() == [[0, 0, 1]]


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in their number of rows"):
        Rows({"features": torch.zeros(3, 1)}, torch.zeros(2))
