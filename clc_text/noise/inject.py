"""Making labels noisy, and the noise manifest by which it can be done again byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from clc_text.data.best_classes import DENSE_CLASSES
from clc_text.data.labels import sha256_of_labels
from clc_text.errors import InputError
from clc_text.noise.base import Noise, NoiseInput, noise
from clc_text.noise.draws import BIT_GENERATOR
from clc_text.noise.estimation.probabilities import count_pairs

_NEEDED = {"name": str, "options": dict, "seed": int, "label_names": list, "rows": int, "sha256": dict}


@dataclass(frozen=True)
class Injection:
    """Noisy labels and how they came about.

    Attributes:
        labels: int64 [N].
        manifest: plain JSON values, see `inject`.
    """

    labels: np.ndarray
    manifest: dict[str, Any]


def inject(kind: Noise, given: NoiseInput, seed: int) -> Injection:
    """Draws noisy labels.

    Row i's label depends on `seed`, i and its own true class (and features) only, as long as draws are independent: a
    longer dataset that begins with the same rows gets the same labels for them. With `draw: exact` it depends on all.

    The manifest's keys: ``name``, ``convention`` (in words), ``options``, ``rate`` (as stated, or null), ``draw``,
    ``seed``, ``numpy`` (version), ``bit_generator``, ``matrix`` [C, C] (row = true class; null where it depends on the
    row), ``label_names``, ``rows``, ``expected_rate`` (of these rows under the matrix, or null), ``realised_rate``,
    ``realised_rate_per_class`` [C] (null for a class without rows), ``realised_counts`` [C, C] (row = true class,
    column = noisy class), ``sha256`` {``true_labels``, ``noisy_labels``, ``features`` | null} and ``byte_layout``.

    Of more than `DENSE_CLASSES` classes ``realised_counts`` is null, and ``realised_pairs`` lists those that are not
    0, [true class, noisy class, rows]; ``matrix``, too, is null, unless the manifest is all that knows it.

    Of a multi-label set also ``asked`` [K], its classes, and ``matrices`` (class -> 2 x 2, row = truth, column =
    given; no before yes); everything else is of the pairs of a row and a class.

    Raises:
        InputError: labels outside the classes, features missing, or an option that does not fit the data.
    """
    _check(kind, given)
    labels = kind.draw_labels(given, seed)
    true = np.asarray(given.labels, dtype=np.int64)
    classes = len(given.label_names)
    counts = count_pairs(true, labels, classes)
    dense = classes <= DENSE_CLASSES  # beyond, nearly all cells are 0, or the noise's options tell them
    of_class = counts.sum(1)
    transition = kind.matrix(given.label_names)
    shown = transition if dense or not kind.matrix_in_options else None
    sentences = [kind.convention(given.label_names), kind.reading(given)]
    expected = None if transition is None else float((1 - transition.diagonal())[true].mean())
    manifest = {
        "name": kind.name,
        "convention": " ".join(filter(None, sentences)),
        "options": kind.options(),
        "rate": getattr(kind, "rate", None),
        "draw": kind.draw,
        "seed": int(seed),
        "numpy": np.__version__,
        "bit_generator": BIT_GENERATOR,
        "matrix": None if shown is None else shown.tolist(),
        "label_names": list(given.label_names),
        "rows": len(true),
        "expected_rate": expected,
        "realised_rate": float((labels != true).mean()),
        "realised_rate_per_class": [
            1 - right / rows if rows else None
            for right, rows in zip(counts.diagonal().tolist(), of_class.tolist(), strict=True)
        ],
        "realised_counts": counts.tolist() if dense else None,
        "sha256": {
            "true_labels": sha256_of_labels(true),
            "noisy_labels": sha256_of_labels(labels),
            "features": sha256_of_features(given.features) if kind.needs_features else None,
        },
        "byte_layout": "labels: little-endian int64, row after row; features: little-endian float32, row after row",
    }
    if not dense:
        pairs = np.nonzero(counts)
        manifest["realised_pairs"] = np.stack([*pairs, counts[pairs]], 1).tolist()
    manifest |= ({"asked": list(given.asked)} if given.asked else {}) | kind.told(given)
    return Injection(labels, manifest)


def noise_of(manifest: Mapping[str, Any]) -> Noise:
    """The noise that a manifest is of.

    Raises:
        InputError: the manifest is not whole, or has options that this noise cannot have.
    """
    for key, kind_of_value in _NEEDED.items():
        if not isinstance(manifest.get(key), kind_of_value):
            raise InputError(
                f"this is no noise manifest: the key '{key}' is missing or no {kind_of_value.__name__}", key=key
            )
    return noise.get(manifest["name"]).from_manifest(manifest)


def replay(manifest: Mapping[str, Any], given: NoiseInput) -> np.ndarray:
    """int64 [N], the very labels that the manifest's injection drew.

    Raises:
        InputError: the data is not the manifest's (rows, label names, true labels or features), the manifest is not
            whole, or the labels drawn now are not the manifest's.
    """
    kind = noise_of(manifest)
    if manifest["rows"] != len(given.labels):
        raise InputError(
            f"the noise manifest is of {manifest['rows']} rows, and the data has {len(given.labels)}", key="rows"
        )
    if manifest.get("asked", []) != list(given.asked):
        raise InputError(
            "the noise manifest is of other classes than those that are asked of each text in the data", key="classes"
        )
    if list(manifest["label_names"]) != list(given.label_names):
        raise InputError(
            f"the noise manifest is of the classes {', '.join(map(str, manifest['label_names']))}, and the data has "
            f"{', '.join(given.label_names)}",
            key="classes",
        )
    _check(kind, given)
    stated = manifest["sha256"]
    _compare(stated, "true_labels", sha256_of_labels(given.labels), "true labels")
    if kind.needs_features:
        _compare(stated, "features", sha256_of_features(given.features), "features")
    labels = kind.draw_labels(given, manifest["seed"])
    _compare(
        stated,
        "noisy_labels",
        sha256_of_labels(labels),
        "labels drawn now",
        ": it was changed, or its noise computes differently on this machine (NumPy "
        f"{manifest.get('numpy')} then, {np.__version__} now)",
    )
    return labels


def sha256_of_features(features: np.ndarray | None) -> str:
    """Of the features as little-endian float32, row after row."""
    return hashlib.sha256(np.ascontiguousarray(features, dtype="<f4").tobytes()).hexdigest()


def _compare(stated: Mapping[str, Any], key: str, here: str, what: str, why: str = "") -> None:
    if stated.get(key) != here:
        sums = f"sha256 {str(stated.get(key))[:12]} in the manifest, {here[:12]} here"
        raise InputError(f"the {what} are not those of the manifest{why} ({sums})", key=what)


def _check(kind: Noise, given: NoiseInput) -> None:
    labels = np.asarray(given.labels)
    classes = len(given.label_names)
    if given.asked and not kind.multi_label:
        others = ", ".join(name for name in noise.names() if noise.get(name).multi_label)
        raise InputError(
            f"noise '{kind.name}' is of rows of one class, and here several may hold at once (multi-label); take "
            f"one of {others}",
            key=kind.name,
        )
    if not given.asked and not kind.single_label:
        raise InputError(
            f"noise '{kind.name}' is of several classes at once (multi-label), and here a row has one", key=kind.name
        )
    if labels.ndim != 1 or len(labels) == 0 or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"noise needs at least one row with a class number, and got labels of shape {labels.shape} and type "
            f"{labels.dtype}"
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if len(wrong):
        label = labels[wrong[0]]
        raise InputError(
            f"{given.row_named(wrong[0])} has the label {label}, but the {classes} classes end at {classes - 1}",
            row=given.number(wrong[0]),
        )
    if not kind.needs_features:
        return
    features = given.features
    if features is None or features.ndim != 2 or len(features) != len(labels):
        shape = "none" if features is None else f"an array of shape {features.shape}"
        raise InputError(
            f"the noise '{kind.name}' needs features [rows, D] of all {len(labels)} rows, and got {shape}",
            key=kind.name,
        )
    bad = np.flatnonzero(~np.isfinite(features).all(1))
    if len(bad):
        raise InputError(
            f"the features of {given.row_named(bad[0])} are not all finite; '{kind.name}' noise needs numbers",
            row=given.number(bad[0]),
        )
