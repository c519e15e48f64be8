"""What a run leaves behind, and how it is read: every file is plain JSON, YAML, Parquet or safetensors.

    recipe.yaml              the resolved recipe: every key, defaults included
    environment.json         versions, machine, seeds, data sources with their sha256, what loader and encoder noticed
    data/train.parquet       the source's rows in the source's order, all its columns (absent where `keep_data` is off)
    data/test.parquet
    data/unlabelled.parquet  rows that nobody labelled (see `clc_text.artifacts.unlabelled`)
    noise/manifest.json      how the labels were made noisy, enough to do it again
    noise/labels.parquet     one line a training row: `given`, `trained`, `true`, `canary`, `source_row`
                             where the rows came from a file, `distribution` where that was given (see `Labels`)
    answers.parquet          what people had answered of the rows before the run (see `TrustedLabels`)
    asked.jsonl              how the rows were chosen that people have answered (`corrections.asking.asked`)
    encoder/                 the fitted encoder
    crossfit.json, crossfit.safetensors   out-of-sample predictions and the noise, where the run made them
    views.safetensors        what other views said of the rows, where training heard them and nobody has judged since
    metrics.jsonl            one line an epoch (see `RunDirectory.metrics`)
    dynamics/epoch-0001.parquet ...   what training saw of every row (see `clc_text.artifacts.dynamics`)
    checkpoints/             what `--resume` starts from, each with the sha256 of what it belongs to
    model/                   the peers, safetensors
    predictions.safetensors  log-probabilities at the end: `train` float32 [P, N, C] (of thousands of classes the best
                             of every row, see `data.best_classes`), `test` float32 [P, M, C], and
                             `test_labels` int64 [M]; of U rows that nobody labelled `unlabelled` float32 [P, U, C] and
                             `unlabelled_row` int64 [U], their numbers in the file
    notices.json              what the run noticed about itself (see `RunDirectory.notices`)
    flaws.json               texts that are flawed whatever their labels, once somebody has looked (see `Flaws`)
    result.json              written last: its presence says that the run is complete
    .train.lock              held while somebody trains here (see `clc_text.artifacts.run_lock`)
    corrected/  report.html  figures/       made from the above by later commands

A directory of a run that is under way, or was cut short, is the same with its tail missing; every reader here says
in one sentence what is not there yet.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from clc_text.artifacts import run_files
from clc_text.artifacts.names import current, located
from clc_text.config.recipe import load as load_recipe
from clc_text.data.beliefs import blocks
from clc_text.data.best_classes import from_tensors, keeps_best
from clc_text.data.columns import JOINED
from clc_text.data.labels import Labels
from clc_text.data.trusted import TrustedLabels
from clc_text.errors import InputError
from clc_text.utils.damage import undamaged
from clc_text.utils.files import write_with
from clc_text.utils.typed_json import Typed, checked, read_json, read_typed_lines
from clc_text.utils.yaml_loaders import by_safe_loader

if TYPE_CHECKING:
    from datasets import Dataset

    from clc_text.artifacts.dynamics import EpochRecord
    from clc_text.config.recipe import Recipe

ANSWERS = "answers.parquet"
FLAWS = "flaws.json"
NO_DYNAMICS = "no epoch has ended yet, or its files were removed"


class _Keys(dict[str, Any]):
    """What a file of a run says; a key that it lacks is told as damage."""

    def __init__(self, path: Path, content: Any) -> None:
        super().__init__(content)
        self._path = path

    def __missing__(self, key: str) -> Any:
        raise InputError(
            f"{self._path} is damaged (it has no `{key}`); bring it back or train again", where=self._path, key=key
        )


def write_rows(rows: Dataset, path: Path) -> None:
    """A dataset's rows as one Parquet file that keeps its features (`ClassLabel` names, images)."""
    write_with(path, lambda aside: rows.to_parquet(str(aside)))


@functools.cache
def _passing_folder() -> Path:
    """A folder that is removed when the process ends."""
    folder = tempfile.mkdtemp(prefix="clc-text-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


class RunDirectory:
    """Reads a run directory.

    Args:
        path: the directory.

    Raises:
        InputError: it does not exist, or holds no recipe.yaml.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_dir():
            raise InputError(
                f"there is no run directory {self.path}; `clc-text train RECIPE --out DIR` makes one", where=self.path
            )
        if not self.file("recipe.yaml").is_file():
            raise InputError(
                f"{self.path} is not a run directory: it has no recipe.yaml", where=self.path, key="recipe.yaml"
            )

    def file(self, name: str) -> Path:
        """Where a file of the run lies; a run of an earlier version keeps the names that it was made with."""
        return located(self.path, name)

    def _needed(self, name: str, why: str) -> Path:
        path = self.file(name)
        if not path.exists():
            raise InputError(f"{self.path} has no {name}: {why}", where=self.path, key=name)
        return path

    def _json(self, name: str, wanted: type[Typed], why: str) -> Typed:
        path = self._needed(name, why)
        return cast(Typed, _Keys(path, read_json(path, wanted, renamed=current)))

    @property
    def complete(self) -> bool:
        return self.file("result.json").is_file()

    @property
    def name(self) -> str:
        """What a picture or table calls the run: the recipe's name."""
        return str(self.recipe().get("name") or self.path.name)

    @property
    def run_id(self) -> str:
        """16 hexadecimal digits that identify the run's recipe and data; the same for an exact repetition."""
        return str(self.environment()["run_id"])

    def recipe(self) -> dict[str, Any]:
        """The resolved recipe as plain values; `typed_recipe` gives it as dataclasses."""
        import yaml

        path = self.file("recipe.yaml")
        with undamaged(path):
            plain = by_safe_loader(path.read_text(encoding="utf-8"), yaml.load)
        return dict(checked(plain, run_files.Recipe, path))

    def typed_recipe(self) -> Recipe:
        """The resolved recipe with its parts.

        Raises:
            InputError: it is of another version of this package, or of parts that are not installed here.
        """
        return load_recipe(self.file("recipe.yaml"))

    def environment(self) -> run_files.Environment:
        """Keys: ``run_id``, ``label_names`` [C], ``input_column``, ``label_column``, ``rows`` {train, test},
        ``seeds``, ``versions``, ``sources``, ``facts`` {data, encoder}, ``peers``, ``method`` {name, citation},
        ``files`` {name: sha256} of the rows that the run keeps."""
        return self._json("environment.json", run_files.Environment, "the run stopped before its data was read")

    @property
    def label_names(self) -> list[str]:
        return list(self.environment()["label_names"])

    @property
    def labels_joined(self) -> bool:
        """Whether the label of a row was made of several labels, or of a distribution."""
        return self.environment()["label_column"] == JOINED

    @property
    def asked(self) -> list[str]:
        """K classes of which several may hold of one text; [] where a row has one class. Rows are then pairs of a text
        and a class, for each text in order one a class, and the labels no and yes (see `clc_text.data.task.Task`)."""
        return list(self.environment().get("asked", []))

    @property
    def questions(self) -> int:
        """How many rows in turn are of one text: one for each of K classes that may hold, or 1."""
        return max(len(self.asked), 1)

    def noise_manifest(self) -> run_files.NoiseManifest:
        why = "the run stopped before its labels were made"
        return self._json("noise/manifest.json", run_files.NoiseManifest, why)

    def answers(self) -> TrustedLabels | None:
        """The answers that the run was trained with; None without any.

        Raises:
            InputError: their file is damaged.
        """
        path = self.file(ANSWERS)
        if not path.is_file():
            return None
        with undamaged(path):
            return TrustedLabels.read(path)

    def labels(self) -> Labels:
        """Those of the training rows, with the answers that the run was trained with."""
        path = self._needed("noise/labels.parquet", "the run stopped before its labels were made")
        trusted = self.answers()
        with undamaged(path):
            labels = Labels.read(path, trusted=trusted)
            self._check_rows(len(labels))
            for name, least in (("given", 0), ("trained", 0), ("true", -1)):
                self._check_classes(name, getattr(labels, name), least)
            return labels

    def _check_rows(self, rows: int) -> None:
        expected = self.environment()["rows"]["train"]
        if rows != expected:
            raise ValueError(f"it has {rows:,} rows, and the run {expected:,}")

    def _check_classes(self, name: str, classes: Any, least: int = 0) -> None:
        """That numbers of classes are such; `classes` may be an array, a tensor, or None."""
        count = len(self.label_names)
        if classes is not None and not ((classes >= least) & (classes < count)).all():
            raise ValueError(f"`{name}` has a number that is none of the {count} classes")

    def data(self, split: str = "train") -> Dataset:
        """The source's rows, ``"train"`` or ``"test"``: memory-mapped, or in memory where no disk has the room."""
        import pyarrow.parquet as pq
        from datasets import Dataset
        from datasets.exceptions import DatasetsError

        why = "the run had no such rows" if split == "test" else "the run was made with `keep_data: false`"
        path = self._needed(f"data/{split}.parquet", why)
        try:
            return Dataset.from_parquet(str(path), cache_dir=str(self._cache()))
        except (OSError, ValueError, DatasetsError):  # no room for the cache, or either file is damaged
            with undamaged(path):
                return Dataset(pq.read_table(path, partitioning=None))

    def _cache(self) -> Path:
        """Where `datasets` keeps what it memory-maps: in the run, or where that cannot be written, only for now."""
        cache = self.file("data") / ".cache"
        return cache if os.access(cache if cache.exists() else cache.parent, os.W_OK) else _passing_folder()

    def metrics(self) -> list[run_files.Epoch]:
        """One entry an epoch, in order. Keys (a list has one value a peer; shares are 0 … 1, entropies in nats):

        ``epoch`` (from 1), ``step``, ``phase`` ("warm-up" | "method"), ``loss``, ``learning_rate``, ``seconds`` since
        the start, ``threshold`` [P] | null, ``temperature`` [P] | null;
        ``test`` {``accuracy`` {``peers`` [P], ``ensemble``} in percent, ``ece`` of the ensemble 0 … 1} | null;
        ``train`` {``selected`` [P] rows, ``label_precision`` [P] | null, ``agreement`` [P] with the trained labels,
        ``accuracy`` [P] in percent and ``ece`` [P] against the true labels | null, ``entropy`` {``all`` [P],
        ``right`` [P] | null, ``wrong`` [P] | null}, ``changed`` [P] rows whose target is not their trained label,
        ``fixed`` | ``broken`` | ``missed`` [P] | null, ``class_shares`` [C] of the predictions};
        ``notices``: what the run decided by itself, each with ``name``, ``message``, ``severity``.
        """
        path = self._needed("metrics.jsonl", "no epoch has ended yet")
        entries = read_typed_lines(path, run_files.Epoch, "bring back what it was", current)
        return cast(list[run_files.Epoch], [_Keys(path, entry) for entry in entries])

    def dynamics_epochs(self) -> list[int]:
        from clc_text.artifacts.dynamics import epochs_in

        return epochs_in(self.file("dynamics"))

    def dynamics(self, epoch: int | None = None) -> EpochRecord:
        """What training saw of every row in one epoch; the last one that is there when `epoch` is None."""
        from clc_text.artifacts.dynamics import epoch_file, read_epoch

        known = self.dynamics_epochs()
        if not known:
            raise InputError(f"{self.path} has no training dynamics: {NO_DYNAMICS}", where=self.path, key="dynamics")
        wanted = known[-1] if epoch is None else epoch
        if wanted not in known:
            raise InputError(
                f"{self.path} has no training dynamics of epoch {wanted}; it has {known[0]} to {known[-1]}",
                where=self.path,
                key="dynamics",
            )
        path = epoch_file(self.file("dynamics"), wanted)
        with undamaged(path):
            record = read_epoch(path)
            self._check_rows(len(record.seen))
            for name in ("prediction", "target"):
                self._check_classes(name, getattr(record, name))
            return record

    def first_classes(self) -> np.ndarray:
        """int64 [N], of every training row the class that the peers together found most probable at the end."""
        from safetensors.numpy import load_file

        path = self._needed("predictions.safetensors", "the run has not ended")
        with undamaged(path):
            tensors = load_file(path)
            if not keeps_best(tensors, "train"):
                return np.asarray(np.exp(self.log_probs().astype(np.float64)).mean(0).argmax(-1))
            tables = from_tensors(tensors, "train", len(self.label_names), logs=True)
            firsts = [np.mean([np.exp(one[part]) for one in tables], axis=0).argmax(1) for part in blocks(tables[0])]
            return np.concatenate(firsts)

    def log_probs(self, split: str = "train") -> np.ndarray:
        """float32 [P, N, C], the peers' log-probabilities at the end of training.

        Raises:
            InputError: the run has not ended, or keeps the best classes of these rows alone.
        """
        from safetensors import safe_open

        path = self._needed("predictions.safetensors", "the run has not ended")
        with undamaged(path), safe_open(path, "np") as opened:
            if split not in opened.keys():  # noqa: SIM118 - safe_open is no mapping
                raise InputError(f"{path} has no predictions of the {split} rows: the run had none", where=path)
            if keeps_best(opened.keys(), split):
                raise InputError(f"{path} keeps the best classes of the {split} rows alone", where=path)
            log_probs = opened.get_tensor(split)
            rows = self.environment()["rows"]
            expected = (rows["test"] if split == "test" else rows["train"], len(self.label_names))
            if log_probs.shape[1:] != expected:
                raise ValueError(f"`{split}` is of the shape {log_probs.shape}, and the run has {expected}")
            return log_probs

    def test_labels(self) -> np.ndarray:
        """int64 [M], those of the test rows.

        Raises:
            InputError: the run has not ended, or is of an earlier version and keeps no rows.
        """
        from safetensors import safe_open

        path = self._needed("predictions.safetensors", "the run has not ended")
        with undamaged(path), safe_open(path, "np") as opened:
            if "test_labels" in opened.keys():  # noqa: SIM118 - safe_open is no mapping
                return np.asarray(opened.get_tensor("test_labels"), dtype=np.int64)
        return np.asarray(self.data("test")[self.environment()["label_column"]], dtype=np.int64)

    def notices(self) -> list[run_files.Notice]:
        """What the run noticed of itself; each has ``name``, ``severity``, ``epoch``, ``message`` (see `Notice`)."""
        path = self.file("notices.json")
        if not path.is_file():
            return []
        return read_json(path, list[run_files.Notice])

    def flaws(self) -> run_files.Flaws | None:
        """Texts that are flawed whatever their labels; None where nobody has looked, or rows are no texts."""
        path = self.file(FLAWS)
        return read_json(path, run_files.Flaws) if path.is_file() else None

    def result(self) -> run_files.Result:
        """See `clc_text.artifacts.results`: the keys of result.json are an interface."""
        return self._json(
            "result.json", run_files.Result, "the run has not ended; `clc-text train RECIPE --resume` goes on"
        )
