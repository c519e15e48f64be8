"""TREC question classification (Li & Roth 2002)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from clc_text.config.components import option
from clc_text.data.dataset import Dataset
from clc_text.data.task import Task, column, describe_file
from clc_text.data.where import Place, data_folder, nothing_found, unset_folder
from clc_text.errors import InputError
from clc_text.text.datasets.base import dataset
from clc_text.utils.files import expanded

if TYPE_CHECKING:
    import datasets

TRAIN_FILE, TEST_FILE = "train_5500.label", "TREC_10.label"
FILES = f"{TRAIN_FILE} and {TEST_FILE}"
ORIGINALS = {
    TRAIN_FILE: "9e4c8bdcaffb96ed61041bd64b564183d52793a8e91d84fc3a8646885f466ec3",
    TEST_FILE: "033f22c028c2bbba9ca682f68ffe204dc1aa6e1cf35dd6207f2d4ca67f0d0e8e",
}
HUB_ID, HUB_REVISION = "CogComp/trec", "refs/convert/parquet"

COARSE = ["ABBR", "ENTY", "DESC", "HUM", "LOC", "NUM"]
_FINE_OF = {
    "ABBR": "abb exp",
    "ENTY": "animal body color cremat currency dismed event food instru lang letter other plant product religion "
    "sport substance symbol techmeth termeq veh word",
    "DESC": "def desc manner reason",
    "HUM": "gr ind title desc",
    "LOC": "city country mount other state",
    "NUM": "code count date dist money ord other period perc speed temp volsize weight",
}
FINE = [f"{coarse}:{fine}" for coarse in COARSE for fine in _FINE_OF[coarse].split()]


@dataset("trec")
@dataclass(frozen=True)
class Trec(Dataset):
    """TREC question classification: 5,452 training and 500 test questions, six coarse or fifty fine classes.

    The columns are those of the Hub's `CogComp/trec`: ``text``, ``coarse_label``, ``fine_label``.
    """

    labels: Literal["coarse", "fine"] = option("coarse", "six coarse or fifty fine classes")
    order: Literal["hub", "alphabetical"] = option("hub", "which number a class has; pairwise noise depends on it")
    path: str | None = option(None, f"the folder of {FILES}; null: look in the usual places")

    def places(self) -> list[Place]:
        from clc_text.data.hub_datasets import hub_place

        if self.path is not None:
            return [_place(folder) for folder in self._folders()]
        local = [*unset_folder("trec", FILES), *(_place(folder) for folder in self._folders())]
        return [*local, hub_place(HUB_ID, HUB_REVISION)]

    def load(self, seed: int) -> Task:
        facts: dict[str, Any] = {}
        folder = next((folder for folder in self._folders() if _place(folder).found), None)
        if folder is not None:
            train, test = (_read(folder / name, facts) for name in (TRAIN_FILE, TEST_FILE))
            sources = tuple(describe_file(folder / name) for name in (TRAIN_FILE, TEST_FILE))
            changed = [entry["path"] for entry in sources if entry["sha256"] != ORIGINALS[entry["path"]]]
            if changed:
                facts["not_original"] = f"{' and '.join(changed)} differ from the published files"
        elif self.path is not None:
            raise nothing_found("TREC", self.places())
        else:
            train, test, sources = self._from_hub()
        return self._task(train, test, sources, facts)

    def _folders(self) -> list[Path]:
        if self.path is not None:
            return [expanded(self.path)]
        usual = data_folder("trec")
        return [usual] if usual else []

    def _from_hub(self) -> tuple[_Questions, _Questions, tuple[dict[str, Any], ...]]:
        from clc_text.data.hub_datasets import cached_sources, load_splits

        try:
            splits = load_splits(HUB_ID, None, HUB_REVISION)
        except InputError:
            raise nothing_found("TREC", self.places()) from None
        questions = [_from_rows(splits[split]) for split in ("train", "test")]
        sources = [entry for split in ("train", "test") for entry in cached_sources(splits[split])]
        return questions[0], questions[1], tuple(sources)

    def _task(self, train: _Questions, test: _Questions, sources: tuple[dict[str, Any], ...], facts: Any) -> Task:
        from clc_text.data.describe import text_facts

        train_rows, test_rows = _dataset(train, self.order), _dataset(test, self.order)
        label = f"{self.labels}_label"
        given = column(train_rows, label).to_numpy().astype(np.int64)
        return Task(
            name="trec" if self.labels == "coarse" else "trec-fine",
            train=train_rows,
            test=test_rows,
            input_column="text",
            label_column=label,
            true_labels=given,
            sources=sources,
            facts=facts | text_facts(column(train_rows, "text"), given, column(test_rows, "text")),
        )


_Questions = list[tuple[str, str]]  # (fine label, text)


def _place(folder: Path) -> Place:
    there = all((folder / name).is_file() for name in (TRAIN_FILE, TEST_FILE))
    return Place(str(folder), there, FILES)


def _read(path: Path, facts: dict[str, Any]) -> _Questions:
    """One line a question, ``COARSE:fine question``, ISO-8859-1.

    The byte 0xF0 (once, in line 66 of the training file) becomes a blank, as in the Hub's version.
    """
    content = path.read_bytes()
    if not content.strip():
        raise InputError(f"{path}: the file is empty; fetch it again", where=path)
    questions = []
    for number, line in enumerate(content.splitlines(), start=1):
        label, _, text = line.replace(b"\xf0", b" ").decode("iso-8859-1").strip().partition(" ")
        if label not in _FINE_SET or not text:
            raise InputError(
                f"{path}: line {number} is not a fine label, a blank and a question (its label reads '{label[:30]}'); "
                "is this the original file, and whole?",
                where=path,
                row=number,
            )
        questions.append((label, text))
    return questions


def _from_rows(rows: datasets.Dataset) -> _Questions:
    names = rows.features["fine_label"].names
    return [(names[fine], text) for fine, text in zip(rows["fine_label"], rows["text"], strict=True)]


def _dataset(questions: Iterable[tuple[str, str]], order: str) -> datasets.Dataset:
    import datasets

    coarse, fine = (COARSE, FINE) if order == "hub" else (sorted(COARSE), sorted(FINE))
    labels, texts = zip(*questions, strict=True)
    features = datasets.Features(
        text=datasets.Value("string"),
        coarse_label=datasets.ClassLabel(names=coarse),
        fine_label=datasets.ClassLabel(names=fine),
    )
    columns = {
        "text": list(texts),
        "coarse_label": [coarse.index(label.partition(":")[0]) for label in labels],
        "fine_label": [fine.index(label) for label in labels],
    }
    return datasets.Dataset.from_dict(columns, features=features)


_FINE_SET = frozenset(FINE)
