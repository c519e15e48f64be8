"""Any dataset of the Hugging Face Hub with a text and a label column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clc_text.config.components import option
from clc_text.data.columns import NamedColumns
from clc_text.data.hub_datasets import cached_sources, hub_place, load_splits
from clc_text.data.task import Task
from clc_text.data.where import Place
from clc_text.errors import InputError, nearest
from clc_text.text.datasets.base import dataset

if TYPE_CHECKING:
    import datasets

    from clc_text.data.reading.rows import Rows


@dataset("hub")
@dataclass(frozen=True, kw_only=True)
class Hub(NamedColumns):
    """A dataset of the Hugging Face Hub, by its id; code that comes with a dataset is never run."""

    id: str = option(help="the dataset's id, such as 'owner/name'", not_empty=True)
    config: str | None = option(None, "the dataset's configuration, where it has several")
    revision: str | None = option(None, "a branch, tag or commit; null: the newest")
    train_split: str = option("train", "the split to train on")
    id_column: str | None = option(
        None, "the column that names a row in all that is exported; null: one called so with another value in each row"
    )
    test_split: str | None = option(None, "the split to test on; null: none, or a held-out test_share")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.test_split is not None and self.test_share is not None:
            raise InputError(
                "data.test_split and data.test_share are both set; keep one of them", key="data.test_split"
            )
        if self.test_split == self.train_split:
            raise InputError(
                f"data.test_split and data.train_split are both '{self.train_split}'; name two splits",
                key="data.test_split",
            )

    @property
    def row_id(self) -> tuple[str, str | None]:
        return "id_column", self.id_column

    def places(self) -> list[Place]:
        return [hub_place(self.id, self.revision)]

    def train_rows(self) -> Rows:
        """Raises: InputError: there is no such dataset, split or network."""
        return _rows(load_splits(self.id, self.config, self.revision), self.train_split, self.id)

    def load(self, seed: int) -> Task:
        from clc_text.data.reading.task_from_rows import task_from_rows

        splits = load_splits(self.id, self.config, self.revision)
        train = _rows(splits, self.train_split, self.id)
        test = None if self.test_split is None else _rows(splits, self.test_split, self.id)
        return task_from_rows(self, self.title or self.id.split("/")[-1], train, test, seed)


def _rows(splits: datasets.DatasetDict, split: str, identity: str) -> Rows:
    from clc_text.data.reading.annotation_exports import of_flattened_records
    from clc_text.data.reading.columnar import rows_from_dataset

    if split not in splits:
        raise InputError(
            f"the Hub's dataset '{identity}' has no split '{split}'{nearest(split, splits)}", where=identity, key=split
        )
    rows = rows_from_dataset(splits[split], f"{identity} ({split})", cached_sources(splits[split]))
    return of_flattened_records(rows)
