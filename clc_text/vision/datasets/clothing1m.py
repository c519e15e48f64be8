"""Clothing1M (Xiao et al. 2015): a million images whose labels come from the shops' texts, 38 % of them wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from clc_text.config.components import option
from clc_text.data.task import Task, describe_file
from clc_text.data.where import Place, data_folder, nothing_found, unset_folder
from clc_text.errors import InputError
from clc_text.utils.files import expanded
from clc_text.vision.datasets.base import ImageDataset, dataset
from clc_text.vision.datasets.reading.lists import Listed

CLASSES = [
    "T-shirt", "Shirt", "Knitwear", "Chiffon", "Sweater", "Hoodie", "Windbreaker", "Jacket", "Down Coat", "Suit",
    "Shawl", "Dress", "Vest", "Underwear",
]  # fmt: skip
WHAT = "the label lists (noisy_train_key_list.txt and noisy_label_kv.txt, or noisy_train.txt; clean_* too) and images/"


@dataset("clothing1m")
@dataclass(frozen=True)
class Clothing1M(ImageDataset):
    """Clothing1M as its authors give it out: images/ (or the unpacked 0 … 9/) and the lists of keys and labels.

    Both forms of the lists are read: ``*_key_list.txt`` with ``*_label_kv.txt``, and ``noisy_train.txt`` and its like
    with key and label in a line. Lines without a label (the lists have one) are left out and counted. The images
    stay where they are: a run directory keeps their paths.
    """

    path: str | None = option(None, "the folder of the lists and images; null: the usual place")
    train: Literal["noisy", "clean"] = option("noisy", "a million noisy rows, or 47,570 labelled by people")
    test: Literal["test", "val"] = option("test", "the clean rows to test on: 10,526 or 14,313")
    missing: Literal["error", "drop"] = option("error", "images that are listed and not there: refuse, or leave out")

    def places(self) -> list[Place]:
        places = [Place(str(folder), self._has_lists(folder), WHAT) for folder in self._folders()]
        return places if self.path is not None else [*unset_folder(self.name, WHAT), *places]

    def load(self, seed: int) -> Task:
        from clc_text.vision.datasets.reading.listed_task import listed_rows

        folder = next((folder for folder in self._folders() if self._has_lists(folder)), None)
        if folder is None:
            raise nothing_found("Clothing1M", self.places())
        facts: dict[str, Any] = {}
        sources: list[dict[str, Any]] = []
        roots = [(folder, ""), (folder, "images/")]
        parts = {}
        for part, wanted, rows, key in (
            ("train", f"{self.train}_train", self.rows, "rows"),
            ("test", f"clean_{self.test}", self.test_rows, "test_rows"),
        ):
            listed, without, files = self._listed(folder, wanted)
            if without:
                facts[f"{part}_lines_without_label"] = without
            parts[part], noticed = listed_rows(
                listed, roots, CLASSES, drop_missing=self.missing == "drop", rows=rows, seed=seed, key=key
            )
            facts |= noticed
            sources += [describe_file(file) for file in files]
        return Task(
            name=self.name,
            train=parts["train"],
            test=parts["test"],
            input_column="image",
            label_column="label",
            sources=tuple({entry["path"]: entry for entry in sources}.values()),
            facts=facts,
        )

    def _folders(self) -> list[Path]:
        if self.path is not None:
            return [expanded(self.path)]
        usual = data_folder(self.name)
        return [usual] if usual else []

    def _has_lists(self, folder: Path) -> bool:
        return all(_list_files(folder, wanted) for wanted in (f"{self.train}_train", f"clean_{self.test}"))

    def _listed(self, folder: Path, wanted: str) -> tuple[Listed, int, list[Path]]:
        from clc_text.vision.datasets.reading.lists import read_labelled, read_lines

        files = _list_files(folder, wanted)
        if len(files) == 1:
            listed, without = read_labelled(files[0], len(CLASSES))
            return listed, without, files
        labelled, _ = read_labelled(files[1], len(CLASSES))
        label_of = dict(zip(labelled.keys, labelled.labels.tolist(), strict=True))
        keys = [line.strip() for line in read_lines(files[0])]
        known = [key for key in keys if key in label_of]
        if not known:
            raise InputError(
                f"{files[1]} has a label for none of the keys in {files[0]}; are these the original files?",
                where=files[1],
            )
        labels = np.asarray([label_of[key] for key in known], dtype=np.int64)
        return Listed(known, labels, files[0]), len(keys) - len(known), files


def _list_files(folder: Path, wanted: str) -> list[Path]:
    """The files of one list: keys and labels apart as released, or together; empty where there are none."""
    kind = wanted.partition("_")[0]
    apart = [folder / f"{wanted}_key_list.txt", folder / f"{kind}_label_kv.txt"]
    if all(path.is_file() for path in apart):
        return apart
    together = folder / f"{wanted}.txt"
    return [together] if together.is_file() else []
