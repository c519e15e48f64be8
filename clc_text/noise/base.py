"""What a noise is: it gives every row a transition row P(given label | true label), and labels are drawn from it."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from clc_text.config.components import Options, Registry, option
from clc_text.config.typed_yaml import Node, to_dataclass
from clc_text.errors import InputError
from clc_text.noise.draws import pick_targets, select_rows, uniforms


@dataclass(frozen=True)
class NoiseInput:
    """What a noise may look at.

    Attributes:
        labels: int64 [N] true classes.
        label_names: C names.
        features: float32 [N, D] encoded rows, for instance-dependent noise; None unless the noise asks for them.
        columns: the training rows' columns by name, for noise that a column holds.
        names_in_order: whether somebody has told the order of `label_names`, so that a number may be a place in it;
            not so where they were only sorted.
        asked: K classes of which several may hold of one text; the rows are then pairs of a text and a class, row by
            row all K, and the labels no and yes. (): a row has one class.
        source_row: int64 [N], the number of each row in its file, as the file counts them; None: they stand in none.
        row_noun: what that number counts: "row", "line" or "entry".
    """

    labels: np.ndarray
    label_names: list[str]
    features: np.ndarray | None = None
    columns: Mapping[str, Any] | None = None
    names_in_order: bool = True
    asked: tuple[str, ...] = ()
    source_row: np.ndarray | None = None
    row_noun: str = "row"

    def number(self, row: int) -> int:
        """What `row_named` calls a row by."""
        return int(row if self.source_row is None else self.source_row[row])

    def row_named(self, row: int) -> str:
        """A row for a message: as its file counts it, or from 0 where it stands in none."""
        if self.source_row is None:
            return f"row {row} (from 0)"
        return f"{self.row_noun} {self.number(row)} of the file"


@dataclass(frozen=True)
class Noise(Options, ABC):
    """Base of all noises; the fields of a subclass are what a recipe's `noise:` section may set."""

    section: ClassVar[str] = "noise"
    name: ClassVar[str]
    needs_features: ClassVar[bool] = False
    multi_label: ClassVar[bool] = False  # whether it is of pairs of a text and a class (`NoiseInput.asked`)
    single_label: ClassVar[bool] = True  # and whether of rows of one class
    matrix_in_options: ClassVar[bool] = True  # whether they and the class names say all of `matrix`

    draw: Literal["independent", "exact"] = option(
        "independent", "flip each row on its own, or exactly int(rate * rows) rows"
    )

    @abstractmethod
    def matrix(self, label_names: list[str]) -> np.ndarray | None:
        """float64 [C, C], row = true class, column = given class; None where it depends on the row."""

    @abstractmethod
    def convention(self, label_names: list[str]) -> str:
        """One sentence for the manifest: which of the field's conventions this is, and what rate it really has."""

    def reading(self, given: NoiseInput) -> str | None:
        """One sentence for the manifest on how labels of the data were read, where that is not plain."""
        return None

    def told(self, given: NoiseInput) -> dict[str, Any]:
        """What a manifest says of this noise beside what it says of all; may replace that."""
        return {}

    def redraws(self, label_names: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """The matrix T as two steps: rates [C], the probability of being redrawn, and targets [C, C], from which then.

        ``T = diag(1 - rates) + rates[:, None] * targets``. Here a redrawn row never keeps its class.
        """
        transition = self.matrix(label_names)
        if transition is None:
            raise NotImplementedError(f"{type(self).__name__} depends on the row and must draw its own labels")
        rates = 1.0 - transition.diagonal()
        targets = transition - np.diag(transition.diagonal())
        sums = targets.sum(1, keepdims=True)
        return rates, np.divide(targets, sums, out=np.eye(len(targets)), where=sums > 0)

    def draw_labels(self, given: NoiseInput, seed: int) -> np.ndarray:
        """int64 [N] noisy labels; never changes its input.

        Row i reads its own two uniform numbers, which depend only on `seed` and i. So with independent draws a row's
        label does not depend on the rows after it, and the rows flipped at one rate are among those flipped at a
        higher one. With exact draws ``int(sum of the rows' rates)`` rows are redrawn, which is ``int(rate * rows)``
        where every class has the same rate, and ``int(rate * rows of the noisy classes)`` where some are clean.
        """
        rates, targets = self.redraws(given.label_names)
        row_rates = rates[given.labels]
        count = len(given.labels)
        exactly = float(row_rates.sum()) if self.draw == "exact" else None
        chosen = select_rows(row_rates, uniforms(seed, "flip", count), exactly)
        labels = np.array(given.labels, dtype=np.int64)
        labels[chosen] = pick_targets(targets, labels[chosen], uniforms(seed, "target", count)[chosen])
        return labels

    def options(self) -> dict[str, Any]:
        """The recipe's options, as the manifest states them."""
        return dataclasses.asdict(self)

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> Noise:
        """The noise that wrote this manifest; its options are checked as a recipe's are, as anyone may change them."""
        where = f"the manifest's options do not fit the noise '{cls.name}'"
        try:
            built: Noise = to_dataclass(cls, _as_node(manifest["options"], where), "options")
        except RecursionError:
            raise InputError(f"{where}: nested too deeply", where=where) from None
        return built


def _as_node(value: Any, where: str) -> Node:
    if isinstance(value, dict):
        return Node({key: _as_node(each, where) for key, each in value.items()}, where)
    if isinstance(value, (list, tuple)):
        return Node([_as_node(each, where) for each in value], where)
    return Node(value, where)


@dataclass(frozen=True, kw_only=True)
class RatedNoise(Noise):
    """A noise of one stated rate."""

    rate: float = option(
        help="share of the labels that the noise is stated to change, 0 <= rate < 1",
        at_least=0,
        below=1,
        give="a number from 0 up to, but not including, 1",
    )

    def require_another_class(self, label_names: list[str]) -> None:
        """One class leaves a label nowhere to go."""
        if self.rate > 0 and len(label_names) < 2:
            raise InputError(
                f"noise.rate is {self.rate} but the data has one class only ('{label_names[0]}'), so that no label "
                "can be wrong; set noise.rate to 0",
                key="noise.rate",
            )


noise: Registry[Noise] = Registry("noise", "clc_text.noise")
