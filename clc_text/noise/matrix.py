"""Noise from a given transition matrix, in a file or in the recipe itself."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from clc_text.config.components import option
from clc_text.errors import InputError, nearest
from clc_text.noise.base import Noise, noise
from clc_text.utils.npy import mapped

_SUM_TOLERANCE = 1e-6


@noise("matrix")
@dataclass(frozen=True)
class FromMatrix(Noise):
    """T[i, j] = P(given class j | true class i), the classes in the order of the label names.

    With `draw: exact`, as many rows are flipped as the matrix lets expect, rounded down.
    """

    matrix_in_options: ClassVar[bool] = False  # they may name a file

    file: str | None = option(None, "the matrix as .csv (no header), .json (list of rows) or .npy, C x C")
    values: list[list[float]] | None = option(None, "the matrix itself, as a list of rows, instead of a file")

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.file is None) == (self.values is None):
            raise InputError(
                "the noise 'matrix' needs either noise.file or noise.values, and not both", key="noise.file"
            )

    def matrix(self, label_names: list[str]) -> np.ndarray:
        if self.file is not None:
            return checked_matrix(read_matrix(Path(self.file)), label_names, self.file)
        assert self.values is not None
        return checked_matrix(_as_array(self.values, "noise.values"), label_names, "noise.values")

    def convention(self, label_names: list[str]) -> str:
        source = f"the file '{Path(self.file).name}'" if self.file is not None else "the recipe"
        return f"A matrix from {source}: row = true class, column = given class, each row a distribution."

    def options(self) -> dict[str, Any]:
        # A manifest is published with its labels: the file's folder is nobody's business, the matrix stands beside.
        return super().options() | {"file": None if self.file is None else Path(self.file).name}

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> Noise:
        # The file may be gone, or be another by now; what it held is the manifest's matrix.
        values = manifest.get("matrix")
        rows = _as_array(values if isinstance(values, list) else [], "in the manifest")
        return super().from_manifest({"options": manifest["options"] | {"file": None, "values": rows.tolist()}})


def read_matrix(path: Path) -> np.ndarray:
    """float64, the array that a .csv, .json or .npy file holds; its shape is not checked.

    Raises:
        InputError: the file is missing, of another kind, or holds no rectangle of numbers.
    """
    if path.suffix not in (".csv", ".json", ".npy"):
        raise InputError(f"the noise matrix {path} must be a .csv, .json or .npy file", where=path)
    if not path.is_file():
        siblings = [other.name for other in path.parent.glob(f"*{path.suffix}")] if path.parent.is_dir() else []
        raise InputError(f"there is no noise matrix {path}{nearest(path.name, siblings)}", where=path)
    try:
        if path.suffix == ".npy":
            return _as_array(np.array(mapped(path)), str(path))
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".json":
            return _as_array(json.loads(text), str(path))
    except InputError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"the noise matrix {path} cannot be read: {str(error).splitlines()[0]}", where=path) from None
    try:
        rows = [row for row in csv.reader(text.splitlines()) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(f"the noise matrix {path} is not a table of numbers ({error})", where=path) from None
    return _as_array([[_number(cell, path, line) for cell in row] for line, row in enumerate(rows, 1)], str(path))


def checked_matrix(transition: np.ndarray, label_names: list[str], where: str) -> np.ndarray:
    """The array, if it is a transition matrix [C, C] of these classes.

    Raises:
        InputError: names `where` and the first wrong row.
    """
    classes = len(label_names)
    if transition.ndim != 2:
        raise InputError(f"the noise matrix {where} must be a list of rows, each a list of numbers", where=where)
    if transition.shape != (classes, classes):
        shape = " x ".join(map(str, transition.shape))
        raise InputError(f"the noise matrix {where} is {shape}, but the data has {classes} classes", where=where)
    for row, probabilities in enumerate(transition):
        place = f"the noise matrix {where}, row {row + 1} ('{label_names[row]}')"
        if not np.isfinite(probabilities).all():
            raise InputError(f"{place} has a number that is not finite", where=where, row=row + 1)
        if (probabilities < 0).any():
            raise InputError(f"{place} has the negative number {probabilities.min():g}", where=where, row=row + 1)
        if abs(probabilities.sum() - 1) > _SUM_TOLERANCE:
            raise InputError(
                f"{place} sums to {probabilities.sum():.9g} instead of 1; a row is P(given class | true class)",
                where=where,
                row=row + 1,
            )
    return transition


def _number(cell: str, path: Path, row: int) -> float:
    try:
        return float(cell)
    except ValueError:
        raise InputError(
            f"the noise matrix {path}, row {row}: '{cell.strip()}' is not a number", where=path, row=row
        ) from None


def _as_array(values: Any, where: str) -> np.ndarray:
    if isinstance(values, list):
        lengths = [len(row) if isinstance(row, list) else None for row in values]
        if not values or None in lengths:
            raise InputError(f"the noise matrix {where} must be a list of rows, each a list of numbers", where=where)
        for row, length in enumerate(lengths, 1):
            if length != lengths[0]:
                raise InputError(
                    f"the noise matrix {where}, row {row} has {length} numbers, and row 1 {lengths[0]}",
                    where=where,
                    row=row,
                )
    if np.iscomplexobj(values):
        raise InputError(f"the noise matrix {where} holds complex numbers, and probabilities are real", where=where)
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"the noise matrix {where} must hold numbers only", where=where) from None
