"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009), with the human labels of CIFAR-10N and CIFAR-100N (Wei et al. 2022)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import numpy as np

from clc_text.config.components import option
from clc_text.data.cifar100 import CLASSES as CIFAR100_CLASSES
from clc_text.data.task import Task, describe_file
from clc_text.data.where import Place, data_folder, nothing_found, unset_folder
from clc_text.errors import InputError
from clc_text.utils.files import expanded
from clc_text.vision.datasets.base import ImageDataset, dataset

if TYPE_CHECKING:
    import pyarrow as pa

CIFAR10_CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
PARQUET_FOLDERS = (".", "data", "plain_text", "cifar100")  # where a copy of the Hub's repository has its shards
SIDE = 32


class _Split(NamedTuple):
    table: pa.Table  # image and label column, both named as the Hub does
    files: list[Path]


@dataclass(frozen=True)
class _Cifar(ImageDataset):
    """What the two have in common."""

    path: str | None = option(None, "a folder of Parquet shards or of the official pickles; null: the usual places")
    human_labels: str | None = option(None, "the file of human labels; null: beside the images")

    title: ClassVar[str]
    classes: ClassVar[list[str]]
    label_column: ClassVar[str]
    pickle_label: ClassVar[str]
    pickle_folder: ClassVar[str]
    pickle_files: ClassVar[tuple[list[str], list[str]]]
    human_files: ClassVar[tuple[str, ...]]
    hub_id: ClassVar[str]

    @property
    def _which(self) -> str:
        return str(getattr(self, "labels"))  # noqa: B009 - each subclass has its own choices

    def places(self) -> list[Place]:
        from clc_text.data.hub_datasets import hub_place

        what = f"train-*.parquet and test-*.parquet, or {self.pickle_folder}/"
        places = [Place(str(folder), self._form(folder) is not None, what) for folder in self._folders()]
        if self.path is not None:
            return places
        return [*unset_folder(self.name, what), *places, hub_place(self.hub_id, None)]

    def load(self, seed: int) -> Task:
        import pyarrow as pa

        from clc_text.vision.datasets.reading.subset import balanced
        from clc_text.vision.datasets.reading.tables import labels_of, to_dataset

        train, test, folder = self._splits()
        where = str(folder or self.hub_id)
        clean = labels_of(train.table, self.label_column, len(self.classes), f"{where} (train)")
        test_labels = labels_of(test.table, self.label_column, len(self.classes), f"{where} (test)")
        sources = [describe_file(file) for file in (*train.files, *test.files)]
        table, given = train.table, clean
        if self._which != "clean":
            file = self._human_file(folder)
            given, at = self._human(file, clean), table.column_names.index(self.label_column)
            table = table.set_column(at, self.label_column, pa.array(given)).append_column("clean_label", [clean])
            sources.append(describe_file(file))
        chosen = balanced(clean, self.rows, seed, f"{where} (train)", "rows")
        tested = balanced(test_labels, self.test_rows, seed, f"{where} (test)", "test_rows")
        if chosen is not None:
            table, clean, given = table.take(chosen), clean[chosen], given[chosen]
        if tested is not None:
            test = test._replace(table=test.table.take(tested))
        names = {name: self.classes for name in (self.label_column, "clean_label") if name in table.column_names}
        identity = (self, sources, seed)
        return Task(
            name=self.name if self._which == "clean" else f"{self.name}n-{self._which}",
            train=to_dataset(table, "img", names, (identity, "train")),
            test=to_dataset(test.table, "img", {self.label_column: self.classes}, (identity, "test")),
            input_column="img",
            label_column=self.label_column,
            true_labels=clean,
            sources=tuple(sources),
            facts={} if self._which == "clean" else {"human_labels_wrong": round(float((given != clean).mean()), 4)},
        )

    # ---- where the images are ----

    def _folders(self) -> list[Path]:
        if self.path is not None:
            return [expanded(self.path)]
        usual = data_folder(self.name)
        return [usual] if usual else []

    def _form(self, folder: Path) -> str | None:
        if all(_shards(folder, split) for split in ("train", "test")):
            return "parquet"
        inside = self._pickles(folder)
        return "pickles" if all((inside / name).is_file() for part in self.pickle_files for name in part) else None

    def _pickles(self, folder: Path) -> Path:
        return folder / self.pickle_folder if (folder / self.pickle_folder).is_dir() else folder

    def _splits(self) -> tuple[_Split, _Split, Path | None]:
        from clc_text.vision.datasets.reading.tables import read_shards

        for folder in self._folders():
            form = self._form(folder)
            if form == "parquet":
                shards = [_shards(folder, split) for split in ("train", "test")]
                parts = [_Split(self._columns(read_shards(files), str(folder)), files) for files in shards]
                return parts[0], parts[1], folder
            if form == "pickles":
                inside = self._pickles(folder)
                parts = [_Split(self._read_pickles(inside, names), [inside / n for n in names])
                         for names in self.pickle_files]  # fmt: skip
                return parts[0], parts[1], folder
        if self.path is not None:
            raise nothing_found(self.title, self.places())
        return self._from_hub()

    def _from_hub(self) -> tuple[_Split, _Split, None]:
        from clc_text.data.hub_datasets import load_splits

        try:
            splits = load_splits(self.hub_id, None, None)
        except InputError:
            raise nothing_found(self.title, self.places()) from None
        parts = [
            _Split(
                self._columns(rows.data.table, self.hub_id), [Path(entry["filename"]) for entry in rows.cache_files]
            )
            for rows in (splits["train"], splits["test"])
        ]
        return parts[0], parts[1], None

    # ---- how they are read ----

    def _columns(self, table: pa.Table, where: str) -> pa.Table:
        from clc_text.vision.datasets.reading.tables import IMAGE

        if "img" not in table.column_names or table.schema.field("img").type != IMAGE:
            raise InputError(
                f"{where}: there is no column 'img' of encoded images, as the Hub's {self.name} has it",
                where=where,
                key="img",
            )
        return table

    def _read_pickles(self, folder: Path, names: list[str]) -> pa.Table:
        import pyarrow as pa

        from clc_text.vision.datasets.reading.pickles import read_pickle
        from clc_text.vision.datasets.reading.tables import encode_png, image_column

        encoded: list[bytes | None] = []
        labels: list[int] = []
        for name in names:
            batch = read_pickle(folder / name)
            pixels, given = batch.get("data"), batch.get(self.pickle_label)
            if (
                not isinstance(pixels, np.ndarray)
                or pixels.dtype != np.uint8
                or pixels.ndim != 2
                or pixels.shape[1] != 3 * SIDE * SIDE
                or not isinstance(given, list)
                or len(given) != len(pixels)
            ):
                raise InputError(
                    f"{folder / name} does not hold 'data', bytes of {3 * SIDE * SIDE} a row, with a "
                    f"'{self.pickle_label}' for each row; is this the original file?",
                    where=folder / name,
                )
            images = pixels.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
            encoded += [encode_png(image) for image in np.ascontiguousarray(images)]
            labels += given
        paths: list[str | None] = [None] * len(encoded)
        return pa.table({"img": image_column(encoded, paths), self.label_column: pa.array(labels, pa.int64())})

    def _human_file(self, folder: Path | None) -> Path:
        if self.human_labels is not None:
            return expanded(self.human_labels)
        candidates = [place / name for place in _beside(folder, self._folders()) for name in self.human_files]
        for candidate in candidates:
            if candidate.is_file():
                return candidate
        names = " or ".join(self.human_files)
        raise InputError(
            f"data.labels is '{self._which}', but there is no {names} beside {folder or self.hub_id}; name the file "
            "in data.human_labels",
            key="data.labels",
        )

    def _human(self, file: Path, clean: np.ndarray) -> np.ndarray:
        from clc_text.vision.datasets.reading.human_labels import read_human_labels

        if not file.is_file():
            raise InputError(
                f"there is no file {file} of human labels (data.human_labels)", where=file, key="data.human_labels"
            )
        return read_human_labels(file, self._which, clean)


@dataset("cifar10")
@dataclass(frozen=True)
class Cifar10(_Cifar):
    """CIFAR-10: 50,000 training and 10,000 test images of 32 x 32 pixels in ten classes; or CIFAR-10N's labels."""

    labels: Literal["clean", "aggre", "worse", "random1", "random2", "random3"] = option(
        "clean", "the dataset's own labels, or people's: aggre 9 % wrong, random1-3 17-18 %, worse 40 %"
    )

    title = "CIFAR-10"
    classes = CIFAR10_CLASSES
    label_column = "label"
    pickle_label = "labels"
    pickle_folder = "cifar-10-batches-py"
    pickle_files = ([f"data_batch_{number}" for number in range(1, 6)], ["test_batch"])
    human_files = ("cifar10n_human_labels.parquet", "CIFAR-10_human.pt")
    hub_id = "uoft-cs/cifar10"


@dataset("cifar100")
@dataclass(frozen=True)
class Cifar100(_Cifar):
    """CIFAR-100: 50,000 training and 10,000 test images, a hundred fine classes; CIFAR-100N's labels on request.

    The Hub's copy calls the class 26 "cra"; here it is "crab", as in the official `meta`.
    """

    labels: Literal["clean", "noisy"] = option("clean", "the dataset's own labels, or people's, 40 % wrong")

    title = "CIFAR-100"
    classes = CIFAR100_CLASSES
    label_column = "fine_label"
    pickle_label = "fine_labels"
    pickle_folder = "cifar-100-python"
    pickle_files = (["train"], ["test"])
    human_files = ("cifar100n_human_labels.parquet", "CIFAR-100_human.pt")
    hub_id = "uoft-cs/cifar100"


def _shards(folder: Path, split: str) -> list[Path]:
    for inside in PARQUET_FOLDERS:
        if found := sorted((folder / inside).glob(f"{split}-*.parquet")):
            return found
    return []


def _beside(folder: Path | None, usual: list[Path]) -> Iterator[Path]:
    for place in usual if folder is None else [folder]:
        yield place
        yield place.parent
