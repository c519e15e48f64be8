"""Food-101 (Bossard et al. 2014) and Food-101N (Lee et al. 2018): 101 dishes, labelled by people or a search.

Both are read as released: ``images/<class>/<name>.jpg`` and ``meta/``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from clc_text.config.components import option
from clc_text.data.task import Task, describe_file
from clc_text.data.where import Place, data_folder, nothing_found, unset_folder
from clc_text.errors import InputError, nearest
from clc_text.utils.files import expanded
from clc_text.vision.datasets.base import ImageDataset, dataset
from clc_text.vision.datasets.reading.lists import Listed

FOOD101_META = ("meta/classes.txt", "meta/train.txt", "meta/test.txt")
FOOD101N_META = ("meta/classes.txt", "meta/imagelist.tsv")
HEADER = "class_name"  # the first word of a header line, which some copies of the files have and some do not


@dataclass(frozen=True)
class _Food(ImageDataset):
    missing: Literal["error", "drop"] = option("error", "images that are listed and not there: refuse, or leave out")

    def _rows(self, listed: Listed, root: Path, names: list[str], seed: int, key: str, **more: Any) -> tuple[Any, Any]:
        from clc_text.vision.datasets.reading.listed_task import listed_rows

        wanted = self.rows if key == "rows" else self.test_rows
        images, drop = [(root / "images", "")], self.missing == "drop"
        return listed_rows(listed, images, names, drop_missing=drop, rows=wanted, seed=seed, key=key, **more)


@dataset("food101")
@dataclass(frozen=True)
class Food101(_Food):
    """Food-101: 75,750 training images (some labels wrong on purpose) and 25,250 clean test images."""

    path: str | None = option(None, "the folder food-101 with images/ and meta/; null: the usual place")

    def places(self) -> list[Place]:
        return _places(self.path, "food-101", FOOD101_META)

    def load(self, seed: int) -> Task:
        root = _root(self.path, "food-101", FOOD101_META, "Food-101", self.places())
        names = _class_names(root)
        train, facts = self._rows(_ids(root / "meta/train.txt", names), root, names, seed, "rows")
        test, more = self._rows(_ids(root / "meta/test.txt", names), root, names, seed, "test_rows")
        sources = tuple(describe_file(root / name) for name in FOOD101_META)
        return Task(self.name, train, test, "image", "label", None, sources, facts | more)


@dataset("food101n")
@dataclass(frozen=True)
class Food101N(_Food):
    """Food-101N: 310,009 images with noisy labels, tested on Food-101's test images.

    The column ``verified`` holds what people said of a row's label: 1 right, 0 wrong, null not asked.
    """

    path: str | None = option(None, "the folder Food-101N_release with images/ and meta/; null: the usual place")
    test_path: str | None = option(None, "the folder food-101, for its test images; null: the usual place")

    def places(self) -> list[Place]:
        return [
            *_places(self.path, "Food-101N_release", FOOD101N_META),
            *_places(self.test_path, "food-101", FOOD101_META),
        ]

    def load(self, seed: int) -> Task:
        root = _root(self.path, "Food-101N_release", FOOD101N_META, "Food-101N", self.places())
        tests = _root(
            self.test_path, "food-101", FOOD101_META, "Food-101, on which Food-101N is tested,", self.places()
        )
        names = _class_names(root)
        listed = _keys(root / "meta/imagelist.tsv", names)
        verified, facts = _verified(root, listed.keys)
        train, noticed = self._rows(listed, root, names, seed, "rows", columns={"verified": verified})
        test, more = self._rows(_ids(tests / "meta/test.txt", names), tests, names, seed, "test_rows")
        files = [*(root / name for name in FOOD101N_META), *_verification_files(root), tests / "meta/test.txt"]
        sources = tuple(describe_file(file) for file in files)
        return Task(self.name, train, test, "image", "label", None, sources, facts | noticed | more)


def _folders(path: str | None, usual: str) -> list[Path]:
    if path is not None:
        given = expanded(path)
        return [given, given / usual]
    folder = data_folder(usual)
    return [folder] if folder else []


def _places(path: str | None, usual: str, meta: tuple[str, ...]) -> list[Place]:
    what = f"images/ and {', '.join(meta)}"
    places = [
        Place(str(folder), all((folder / name).is_file() for name in meta), what) for folder in _folders(path, usual)
    ]
    return places if path is not None else [*unset_folder(usual, what), *places]


def _root(path: str | None, usual: str, meta: tuple[str, ...], title: str, places: list[Place]) -> Path:
    for folder in _folders(path, usual):
        if all((folder / name).is_file() for name in meta):
            return folder
    raise nothing_found(title, [place for place in places if not place.found])


def _class_names(root: Path) -> list[str]:
    from clc_text.vision.datasets.reading.lists import read_lines

    return [line.strip() for line in _body(read_lines(root / "meta/classes.txt"))]


def _body(lines: list[str]) -> list[str]:
    return lines[1:] if lines[0].split("/")[0].strip() == HEADER else lines


def _ids(path: Path, names: list[str]) -> Listed:
    """Food-101's lists: ``<class>/<id>``, without the ending."""
    from clc_text.vision.datasets.reading.lists import read_lines

    return _listed([f"{line.strip()}.jpg" for line in read_lines(path)], names, path)


def _keys(path: Path, names: list[str]) -> Listed:
    """Food-101N's list: ``<class>/<name>.jpg`` below a header line."""
    from clc_text.vision.datasets.reading.lists import read_lines

    return _listed([line.strip() for line in _body(read_lines(path))], names, path)


def _listed(keys: list[str], names: list[str], path: Path) -> Listed:
    number = {name: index for index, name in enumerate(names)}
    labels = np.empty(len(keys), dtype=np.int64)
    for row, key in enumerate(keys):
        folder, slash, _ = key.partition("/")
        if not slash or folder not in number:
            raise InputError(
                f"{path}: '{key[:60]}' does not begin with one of the classes{nearest(folder, names)}",
                where=path,
                key=key[:60],
            )
        labels[row] = number[folder]
    return Listed(keys, labels, path)


def _verification_files(root: Path) -> list[Path]:
    names = ("verified_train.tsv", "verified_val.tsv")
    return [root / "meta" / name for name in names if (root / "meta" / name).is_file()]


def _verified(root: Path, keys: list[str]) -> tuple[list[int | None], dict[str, int]]:
    """For each key 1, 0 or None, and how many verified images the list does not have under that name.

    The published files have one such: an image that imagelist.tsv has as filet_mignon and verified_train.tsv as
    hot_and_sour_soup.
    """
    from clc_text.vision.datasets.reading.lists import read_lines

    said: dict[str, int] = {}
    for path in _verification_files(root):
        for line in _body(read_lines(path)):
            key, _, label = line.rpartition("\t")
            if label.strip() not in ("0", "1"):
                raise InputError(
                    f"{path}: '{line[:60]}' does not end with a tab and 0 or 1", where=path, key=line[:60]
                )
            said[key.strip()] = int(label)
    strange = len(said.keys() - set(keys))
    return [said.get(key) for key in keys], {"verified_images_not_listed": strange} if strange else {}
