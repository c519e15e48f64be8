"""From a recipe to all that training needs: rows, labels, features."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from clc_text.artifacts.run_files import Environment, Source
from clc_text.config.recipe import Recipe
from clc_text.data.checks.rare_labels import RareLabel, in_words, rare_labels
from clc_text.data.class_shares import KEY, ClassShares
from clc_text.data.input_copies import first_copies
from clc_text.data.labels import Labels, sha256_of_labels
from clc_text.data.task import Task, column, with_labels
from clc_text.errors import InputError
from clc_text.noise.base import Noise, NoiseInput
from clc_text.noise.canaries import plant
from clc_text.noise.estimation.probabilities import MOST_FITTED, check_classes
from clc_text.noise.inject import inject
from clc_text.runs.encoded import Encoded
from clc_text.runs.load import load_task
from clc_text.runs.observer import Observer, Silent
from clc_text.runs.votes import join_votes
from clc_text.training.multi_label import check_method
from clc_text.utils.memory import check_memory
from clc_text.utils.shown import printable

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor

    from clc_text.artifacts.cross_fit import CrossFit
    from clc_text.data.trusted import TrustedLabels
    from clc_text.data.votes import Votes
    from clc_text.runs.votes import JoinedVotes

MOST_CANARIES = 0.5  # of all rows, and no more can be told of two classes; fewer have to be flipped
READ = 20_000  # texts that are looked at to say what is cut off


@dataclass(frozen=True)
class Prepared:
    """All that training needs, made of a recipe alone: the same each time it is made.

    Attributes:
        encoder: the fitted encoder.
        train_inputs: tensors by the name of the network's argument, N rows each.
        test_inputs: likewise M rows, None without test rows.
        recipe: what the recipe leaves open (`encoder: auto`) is settled in it.
        joined: what several labels a row say together, which `labels` are; None: one label a row.
        rare: labels that hardly anybody gives (`data.checks.rare_labels`).
    """

    task: Task
    labels: Labels
    manifest: Mapping[str, Any]
    encoder: Any
    train_inputs: dict[str, Tensor]
    test_inputs: dict[str, Tensor] | None
    recipe: Recipe
    joined: JoinedVotes | None = None
    rare: Sequence[RareLabel] = ()


class Memo:
    """The datasets that were encoded and cross-fitted last, for a process that runs many recipes.

    They are kept by everything in a recipe that determines them. Files are not looked at again while a dataset is
    kept.

    Args:
        size: of each kind; the one unused for longest makes room.
    """

    def __init__(self, size: int = 2) -> None:
        self.size = size
        self._kept: dict[str, Encoded] = {}
        self._cross_fits: dict[str, CrossFit] = {}

    def encoded(self, recipe: Recipe, observer: Observer) -> Encoded:
        plain = recipe.to_dict()
        seeds = [recipe.seeds.data, recipe.seeds.network]
        key = json.dumps([plain["modality"], plain["data"], plain["encoder"], seeds], sort_keys=True)
        encoded = self._kept.pop(key, None)
        if encoded is None:
            _make_room(self._kept, self.size)  # before the next one is read, which may be large
            encoded = encode(recipe, observer)
        self._kept[key] = encoded
        return encoded

    def cross_fit(self, recipe: Recipe) -> CrossFit | None:
        """What a run with the same data, noise, networks and folds has found."""
        return self._cross_fits.get(cross_fit_key(recipe))

    def remember(self, recipe: Recipe, cross_fit: CrossFit) -> None:
        key = cross_fit_key(recipe)
        if self._cross_fits.pop(key, None) is None:
            _make_room(self._cross_fits, self.size)
        self._cross_fits[key] = cross_fit


def _make_room(kept: dict[str, Any], size: int) -> None:
    while len(kept) >= size:
        del kept[next(iter(kept))]


def cross_fit_key(recipe: Recipe) -> str:
    """All that decides what cross-fitting finds: not how long the run itself trains, and with what method."""
    plain = recipe.to_dict()
    parts = ("modality", "data", "noise", "canaries", "encoder", "network", "seeds")
    training = {
        name: value
        for name, value in plain["training"].items()
        if name not in ("epochs", "checkpoint_epochs", "dynamics_epochs")
    }
    folds = {name: value for name, value in plain["method"].items() if name.startswith("fold")}
    taught = recipe.method.cross_fits  # only then is there anything to be taught in it
    told = [plain["class_shares"]] if plain["class_shares"] else []
    return json.dumps([[plain[part] for part in parts], training, folds, taught, *told], sort_keys=True)


def prepare(
    recipe: Recipe, observer: Observer | None = None, memo: Memo | None = None, cross_fits: bool = False
) -> Prepared:
    """Reads the data, encodes it and makes the labels noisy, as the recipe says.

    Args:
        cross_fits: it is for cross-fitting, whatever the recipe's method does.
    """
    observer = observer or Silent()
    encoded = encode(recipe, observer, cross_fits) if memo is None else memo.encoded(recipe, observer)
    task = encoded.task
    _check_training(recipe, task, cross_fits)  # here too: what a memo gives was read for another recipe
    joined = None if task.votes is None else _joined(recipe, encoded, task.votes, observer)
    if joined is not None:
        task = replace(task, train=with_labels(task.train, task.label_column, joined.labels))
    source_labels = task.given_labels if joined is None else joined.labels
    given = noise_input(recipe, task, encoded.train_inputs)
    if joined is not None:
        given = replace(given, labels=source_labels)
    injection = inject(recipe.noise, given, recipe.seeds.noise)
    if reading := recipe.noise.reading(given):
        observer.stage(reading)
    # Who injects noise into labels takes those labels for the truth.
    injected = recipe.noise.name != "none"
    true = task.true_labels if task.true_labels is not None else source_labels if injected else None
    flipped = recipe.canaries if joined is None else 0.0  # of votes they are planted on trial, when they are joined
    first = None
    if flipped:
        first = task.firsts_of(first_copies(encoded.train_inputs, len(source_labels) // task.per_text))
    trained, canary = plant(injection.labels, flipped, recipe.seeds.data, len(task.label_names), first)
    if (
        first is not None and not 0 < canary.mean() < MOST_CANARIES
    ):  # copies are flipped together, half of a class never
        rows, different = len(first), len(np.unique(first))
        which = f"there are only {rows:,} rows" if different == rows else f"only {different:,} of {rows:,} rows differ"
        raise InputError(
            f"{which}, as the encoder reads them: too few to flip some labels on purpose and count how many are found "
            f"(canaries; {int(canary.sum()):,} of {rows:,} would be flipped); give more, choose another encoder, or "
            "flip none (--set canaries=0)",
            key="canaries",
        )
    labels = Labels(
        injection.labels, trained, true, canary, task.source_row,
        task.distribution, task.votes, None if joined is None else joined.targets,
    )  # fmt: skip
    settled = replace(recipe, encoder=encoded.settled)
    _check_memory(recipe, task, encoded.train_inputs)
    inputs = (encoded.train_inputs, encoded.test_inputs)
    return Prepared(task, labels, injection.manifest, encoded.encoder, *inputs, settled, joined, encoded.rare)


def _joined(recipe: Recipe, encoded: Encoded, votes: Votes, observer: Observer) -> JoinedVotes:
    observer.stage(f"joining {int(votes.per_source.sum()):,} labels of {len(votes.sources):,} sources")
    return join_votes(recipe, encoded, votes)


def encode(recipe: Recipe, observer: Observer, cross_fits: bool = False) -> Encoded:
    """Reads the data and encodes it."""
    observer.stage(f"reading {recipe.data.name}")
    task = load_task(recipe)
    _check_training(recipe, task, cross_fits)
    train_rows = texts_of(task, task.train)
    _refuse_one_text(task, train_rows)
    for key in ("rows_swallowed", "test_rows_swallowed"):
        if key in task.facts:
            observer.stage(f"warning: {task.facts[key]}")
    test_rows = [] if task.test is None else texts_of(task, task.test)
    rare = rare_labels(task)
    for sentence in in_words(rare):
        observer.stage(f"warning: {sentence}")
    settled, why = recipe.encoder.settle(train_rows)
    if why:
        observer.stage(f"encoder {settled.name} is chosen: {why}")
    observer.stage(f"encoding {len(train_rows):,} rows with {settled.name}")
    encoder = settled.fit(train_rows, test_rows, recipe.seeds.network)
    if why:
        encoder.facts["chosen"] = why
    if "warning" in encoder.facts:
        observer.stage(f"warning: {encoder.facts['warning']}")
    train_inputs = encoder.encode(train_rows)
    test_inputs = None if task.test is None else encoder.encode(test_rows)
    return Encoded(task, encoder, train_inputs, test_inputs, settled, rare)


def _refuse_one_text(task: Task, rows: Sequence[Any]) -> None:
    if not isinstance(rows, list) or len(rows) < 2 or any(row != rows[0] for row in rows):
        return
    raise InputError(
        f"{task.name}: all {len(rows):,} training texts (column '{task.input_column}') are the same, "
        f"'{printable(str(rows[0]), 60)}', so that nothing tells one class from another; name the column that holds "
        "the texts in data.text",
        key="data.text",
    )


def texts_of(task: Task, rows: Dataset) -> Sequence[Any]:
    """The inputs of the task's rows, each text once."""
    texts = inputs_of(rows, task.input_column)
    return texts[:: task.per_text] if task.asked else texts


def inputs_of(rows: Dataset, name: str) -> Sequence[Any]:
    """A column of inputs; texts as a list, since a dataset gives one after another a hundred times as slowly."""
    return rows[name][:] if getattr(rows.features[name], "dtype", None) in ("string", "large_string") else rows[name]


def reading(recipe: Recipe, task: Task) -> dict[str, Any]:
    """What the recipe's encoder reads of the training rows, before anything is fitted: its ``name``, what of long
    texts it cuts off, as ``problem`` why it cannot be had, and as ``measured_on`` of which part of many rows."""
    told = {"name": recipe.encoder.name}
    try:
        rows = texts_of(task, task.train)
        settled, why = recipe.encoder.settle(rows)
        sample = rows[:: max(1, -(-len(rows) // READ))] if isinstance(rows, list) else rows
        facts = {"name": settled.name} | ({"chosen": why} if why else {}) | settled.reading(sample)
    except InputError as error:
        return told | {"problem": str(error)}
    if len(sample) < len(rows) and "texts_cut_off" in facts:
        facts["texts_cut_off"] = round(facts["share_cut_off"] * len(rows))
        facts["measured_on"] = f"{len(sample):,} of {len(rows):,} texts"
    return facts


def _check_training(recipe: Recipe, task: Task, cross_fits: bool = False) -> None:
    """What can be known to be wrong before any row is encoded."""
    if task.votes is not None or task.distribution is not None:
        _check_one_class(recipe, "several" if task.distribution is None else "distributions")
    if task.asked:
        check_multi_label(recipe)
    shares_told(recipe, task)
    if cross_fits or recipe.method.cross_fits:
        check_classes(len(task.label_names), MOST_FITTED)
    if isinstance(recipe.training.class_weights, list):
        from clc_text.training.data import class_weights

        class_weights(recipe.training.class_weights, None, len(task.label_names))


def shares_told(recipe: Recipe, task: Task) -> ClassShares | None:
    """What the recipe tells of how common the true classes are; None: nothing.

    Raises:
        InputError: it cannot be, or rows have not one label of one class.
    """
    if recipe.class_shares is None:
        return None
    if task.asked or task.votes is not None:
        several = "several classes may hold of these rows" if task.asked else "these rows have several labels each"
        raise InputError(f"{KEY} is of one label and one class a row, and {several}; leave it out", key=KEY)
    return ClassShares.of(recipe.class_shares, task.label_names)


def _check_one_class(recipe: Recipe, instead: str) -> None:
    """Refuses what needs one class a row as its label."""
    if recipe.noise.name != "none":
        how = ", or name one source's column in data.label to inject it there" if instead == "several" else ""
        raise InputError(
            f"noise is injected into one label a row, and these rows have {instead}; leave `noise` out{how}",
            key="noise",
        )
    if recipe.canaries and instead != "several":
        raise InputError(
            f"canaries are flipped labels, and these rows have {instead}; set canaries to 0", key="canaries"
        )


def check_multi_label(recipe: Recipe) -> None:
    """Raises:
    InputError: the recipe asks for what is of classes of which one holds.
    """
    check_method(recipe.method)
    if recipe.modality != "text":
        raise InputError("several classes that hold at once (multi-label) are read of texts only")
    for key, given in (
        ("training.class_weights", recipe.training.class_weights is not None),
        ("monitor: recover", recipe.monitor == "recover"),
    ):
        if given:
            raise InputError(
                f"{key} is of classes of which one holds, and here several may hold at once; leave it out", key=key
            )


def _check_memory(recipe: Recipe, task: Task, inputs: Mapping[str, Tensor]) -> None:
    """What the networks will need: weights, gradients and what the optimizer remembers, and the predictions."""
    classes, peers = len(task.output_names), recipe.num_peers
    numbers = recipe.network.numbers(inputs, classes)
    each = f"{peers:,} peer{'s' * (peers > 1)} of {numbers:,} numbers"
    check_memory(16.0 * peers * numbers, each, "peers, or the widths in the section network")
    rows = len(task.train) // task.per_text
    predicted = f"the predictions of {peers:,} peers on {rows:,} rows and {classes:,} classes"
    check_memory(8.0 * peers * rows * classes, predicted, "peers, or train on fewer rows or classes")
    # A process that fetches batches has its own copy of what Python alone needs.
    check_memory(recipe.training.workers * (40 << 20), f"{recipe.training.workers} workers", "training.workers")


def noise_input(
    recipe: Recipe, task: Task, inputs: Mapping[str, Tensor] | None = None, kind: Noise | None = None
) -> NoiseInput:
    """What a noise may look at: `kind`, or else the recipe's.

    Without `inputs` the rows are encoded here if it needs features.
    """
    features = None
    if (kind or recipe.noise).needs_features and not task.asked:
        if inputs is None:
            rows = task.train[task.input_column]
            test_rows = [] if task.test is None else task.test[task.input_column]
            inputs = recipe.encoder.fit(rows, test_rows, recipe.seeds.network).encode(rows)
        features = _as_features(next(iter(inputs.values())))
    columns = _Columns(task, getattr(recipe.data, "label_map", None) or {})
    # A dataset that lets nobody name its classes has them in its publisher's order.
    sorted_here = hasattr(recipe.data, "label_names") and recipe.data.label_names is None
    in_order = not sorted_here or task.label_type == "ClassLabel"
    return NoiseInput(
        task.given_labels, task.label_names, features, columns, in_order, task.asked, task.source_row, task.row_noun
    )


def _as_features(values: Tensor) -> np.ndarray:
    """float32 [N, D]; bytes, which pixels are, are scaled to -1 … 1."""
    flat = values.flatten(1)
    return (flat if flat.is_floating_point() else flat.float() / 127.5 - 1).numpy()


class _Columns(Mapping[str, Any]):
    """The training rows' columns by name, as class names; read only when a noise asks for one.

    A number alone does not say which class it is: that of a `ClassLabel` is a place among its own names, and any
    other is a name, as it is in the column of labels. So is what `data.label_map` reads as another.
    """

    def __init__(self, task: Task, label_map: Mapping[str, str]) -> None:
        self._rows, self._where, self._label_map = task.train, task.name, label_map
        self._named: dict[str, Any] = {"noun": task.row_noun, "numbers": task.source_row}

    def __getitem__(self, name: str) -> Any:
        import pyarrow as pa

        from clc_text.data.reading.labels import joined, label_strings
        from clc_text.data.reading.rows import Rows

        values = column(self._rows, name)
        strings = label_strings(Rows(pa.table({name: values}), self._rows.features, self._where, **self._named), name)
        return joined(strings, self._label_map).to_pylist()

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows.column_names)

    def __len__(self) -> int:
        return len(self._rows.column_names)


def with_answers(prepared: Prepared, trusted: TrustedLabels) -> Prepared:
    """What people have answered, beside it; an answered row is no canary. Several labels a row are joined with it.

    Raises:
        InputError: they are no answers to these rows.
    """
    labels = prepared.labels.answered(trusted, len(prepared.task.label_names))
    if prepared.joined is None:
        return replace(prepared, labels=labels)
    joined = prepared.joined.answered(trusted)
    return replace(prepared, labels=replace(labels, belief=joined.targets), joined=joined)


def describe(recipe: Recipe, prepared: Prepared) -> Environment:
    """What goes into environment.json."""
    import hashlib
    import platform
    from importlib.metadata import PackageNotFoundError, version

    def installed(package: str) -> str | None:
        try:
            return version(package)
        except PackageNotFoundError:
            return None

    task = prepared.task
    packages = ("clc-text", "torch", "transformers", "accelerate", "datasets", "numpy", "gensim", "scikit-learn")
    identity = "|".join(
        [
            recipe.fingerprint(),
            prepared.manifest["sha256"]["noisy_labels"],
            *(str(s.get("sha256")) for s in task.sources),
            *([] if task.distribution is None else [sha256_of_labels(task.distribution)]),
            *([] if prepared.labels.trusted is None else [prepared.labels.trusted.digest]),
        ]
    )
    asked: Any = {"asked": list(task.asked), "class_column": task.class_column} if task.asked else {}
    return {
        "run_id": hashlib.sha256(identity.encode()).hexdigest()[:16],
        "dataset": task.name,
        "label_names": task.label_names,
        **asked,
        "input_column": task.input_column,
        "label_column": task.label_column,
        "label_type": task.label_type,
        "id_column": task.id_column,
        "row_noun": task.row_noun,
        "rows": {"train": len(task.train), "test": 0 if task.test is None else len(task.test)},
        "seeds": {"data": recipe.seeds.data, "noise": recipe.seeds.noise, "network": recipe.seeds.network},
        "peers": recipe.num_peers,
        "method": {"name": recipe.method.name, "citation": recipe.method.citation},
        "versions": {package: installed(package) for package in packages},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "sources": [cast(Source, dict(source)) for source in task.sources],
        "facts": {"data": dict(task.facts), "encoder": dict(prepared.encoder.facts)},
    }
