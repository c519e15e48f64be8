"""20 Newsgroups, split by date."""

from __future__ import annotations

import os
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
from clc_text.utils.offline import offline

if TYPE_CHECKING:
    import datasets

PUBLISHED_ROWS = {"train": 11_314, "test": 7_532}
FORMS = "20news-bydate_py3.pkz, 20news-bydate.tar.gz or the folders 20news-bydate-train and -test"


@dataset("news")
@dataclass(frozen=True)
class News(Dataset):
    """20 Newsgroups by date: 11,314 training and 7,532 test articles of twenty groups.

    Headers, footers and quotes are removed unless the recipe says otherwise: a header names its newsgroup, so that
    with it a classifier learns e-mail addresses; and the paper's clean-label accuracies lie where only the body
    leads. Rows are sorted by newsgroup and article number; ``article`` names each.
    """

    path: str | None = option(None, f"a folder of {FORMS}, or one of these files; null: look in the usual places")
    remove: list[Literal["headers", "footers", "quotes"]] = option(
        ["headers", "footers", "quotes"], "which parts of an article are taken out"
    )
    drop_empty: bool = option(False, "leave out articles of which nothing remains; the published counts keep them")

    def places(self) -> list[Place]:
        looked = [Place(str(place), _form(place) is not None, FORMS) for place in self._folders()]
        if self.path is None:
            how = "HF_HUB_OFFLINE forbids it" if offline() else "fetched by scikit-learn"
            looked = [*unset_folder("20newsgroups", FORMS), *looked]
            looked.append(Place(f"the network ({how})", False, "20news-bydate.tar.gz"))
        return looked

    def load(self, seed: int) -> Task:
        from clc_text.data.describe import text_facts
        from clc_text.text.datasets.reading.newsgroups import read_newsgroups

        found = self._find()
        articles = read_newsgroups(found)
        groups = sorted({group for group, _, _ in articles["train"]})
        strange = sorted({group for group, _, _ in articles["test"]} - set(groups))
        if strange:
            raise InputError(f"{found}: no training article is of the test articles' group {strange[0]}", where=found)
        facts: dict[str, Any] = {}
        for split, rows in articles.items():
            if len(rows) != PUBLISHED_ROWS[split]:
                facts[f"not_original_{split}"] = f"{len(rows)} articles where {PUBLISHED_ROWS[split]} are published"
        splits = {}
        for split, rows in articles.items():
            stripped = [(group, number, self._strip(text)) for group, number, text in rows]
            kept = [row for row in stripped if row[2].strip()] if self.drop_empty else stripped
            if len(kept) < len(stripped):
                facts[f"empty_{split}_rows_dropped"] = len(stripped) - len(kept)
            splits[split] = _dataset(kept, groups)
        given = column(splits["train"], "label").to_numpy().astype(np.int64)
        facts.update(text_facts(column(splits["train"], "text"), given, column(splits["test"], "text")))
        return Task(
            name="news",
            train=splits["train"],
            test=splits["test"],
            input_column="text",
            label_column="label",
            true_labels=given,
            sources=tuple(_sources(found)),
            facts=facts,
        )

    def _folders(self) -> list[Path]:
        if self.path is not None:
            return [expanded(self.path)]
        usual = data_folder("20newsgroups")
        sklearn_home = Path(os.environ.get("SCIKIT_LEARN_DATA", "~/scikit_learn_data")).expanduser()
        return [usual, sklearn_home] if usual else [sklearn_home]

    def _find(self) -> Path:
        """The first form that is there; fetched by scikit-learn into its own folder where that is allowed."""
        for place in self._folders():
            form = _form(place)
            if form is not None:
                return form
        if self.path is None and not offline():
            from sklearn.datasets import fetch_20newsgroups

            home = self._folders()[-1]
            try:
                fetch_20newsgroups(data_home=str(home), download_if_missing=True)
            except OSError:
                raise nothing_found("20 Newsgroups", self.places()) from None
            form = _form(home)
            if form is not None:
                return form
        raise nothing_found("20 Newsgroups", self.places())

    def _strip(self, text: str) -> str:
        from sklearn.datasets import _twenty_newsgroups as newsgroups

        if "headers" in self.remove:
            text = newsgroups.strip_newsgroup_header(text)
        if "footers" in self.remove:
            text = newsgroups.strip_newsgroup_footer(text)
        if "quotes" in self.remove:
            text = newsgroups.strip_newsgroup_quoting(text)
        return text


def _form(place: Path) -> Path | None:
    from clc_text.text.datasets.reading.newsgroups import form_in

    if place.is_file():
        return place
    return form_in(place)


def _sources(found: Path) -> list[dict[str, Any]]:
    from clc_text.data.reading.rows import describe_folder
    from clc_text.text.datasets.reading.newsgroups import FOLDERS

    if found.is_file():
        return [describe_file(found)]
    folders = [found / name for name in FOLDERS.values()]
    return [describe_folder(folder, [file for file in folder.glob("*/*") if file.is_file()]) for folder in folders]


def _dataset(rows: Iterable[tuple[str, int, str]], groups: list[str]) -> datasets.Dataset:
    import datasets

    numbers = {group: number for number, group in enumerate(groups)}
    columns: dict[str, list[Any]] = {"text": [], "label": [], "article": []}
    for group, article, text in rows:
        columns["text"].append(text)
        columns["label"].append(numbers[group])
        columns["article"].append(f"{group}/{article}")
    features = datasets.Features(
        text=datasets.Value("string"), label=datasets.ClassLabel(names=groups), article=datasets.Value("string")
    )
    return datasets.Dataset.from_dict(columns, features=features)
