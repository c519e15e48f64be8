"""What an encoder is: it turns texts into the tensors that a network reads."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from clc_text.config.components import Options, Registry
from clc_text.errors import InputError
from clc_text.utils.files import write_json


class FittedEncoder(ABC):
    """An encoder that has seen the training texts and can encode any text.

    Attributes:
        facts: what the user should know (coverage, empty texts), as name -> number or sentence; goes into the
            run's environment and report.
    """

    facts: dict[str, Any]

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Tensors by the name of the network's forward argument, each with len(texts) rows, on the CPU."""

    def frozen(self, texts: Sequence[str]) -> Tensor:
        """float32 [N, D] on the CPU, dense features that no label has shaped; see `clc_text.runs.frozen_features`."""
        return self.encode(texts)["features"]

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Writes all that `load` needs: JSON (``encoder.json`` by `write_description`) and safetensors only."""

    @classmethod
    @abstractmethod
    def load(cls, directory: Path) -> FittedEncoder:
        """The encoder that `save` wrote.

        Raises:
            InputError: a file is missing or damaged.
        """


@dataclass(frozen=True)
class Encoder(Options, ABC):
    """Base of all encoders; the fields of a subclass are what a recipe's `encoder:` section may set."""

    section: ClassVar[str] = "encoder"
    name: ClassVar[str]
    fitted: ClassVar[type[FittedEncoder]]
    settles: ClassVar[bool] = False  # whether `settle` gives another

    @abstractmethod
    def fit(self, train: Sequence[str], test: Sequence[str], seed: int) -> FittedEncoder:
        """Learns what it needs from the training texts; never from labels, which may not exist yet.

        Args:
            test: the test texts; only used to decide which word vectors are worth loading, never to learn from.
            seed: the recipe's network seed, for vectors that are trained here.
        """

    def settle(self, texts: Sequence[str]) -> tuple[Encoder, str]:
        """The encoder that is meant for these training rows, and why it was chosen: itself, unless it `settles`."""
        return self, ""

    def reading(self, texts: Sequence[str]) -> dict[str, Any]:
        """What of these training texts is read and what is cut off, as facts, before anything is fitted.

        Raises:
            InputError: what the encoder reads with, such as a tokenizer, is not there.
        """
        return {}


encoder: Registry[Encoder] = Registry("encoder", "clc_text.text.encoders")


def write_description(directory: Path, name: str, values: dict[str, Any]) -> None:
    """Writes ``encoder.json``: the encoder's `name`, for `load_encoder`, and what `load` needs besides tensors."""
    write_json(directory / "encoder.json", {"encoder": name, **values})


def read_description(directory: Path) -> dict[str, Any]:
    """What `write_description` wrote, ``encoder`` included.

    Raises:
        InputError: it is missing or unreadable.
    """
    path = directory / "encoder.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(f"{directory} holds no fitted encoder: there is no readable encoder.json in it") from None
    except ValueError as error:
        raise InputError(f"{path} is not readable JSON ({error}); it was changed after the run wrote it") from None
    if not isinstance(values, dict) or not isinstance(values.get("encoder"), str):
        raise InputError(f"{path} does not name its encoder; it was changed after the run wrote it")
    return values


def load_encoder(directory: str | Path) -> FittedEncoder:
    """The encoder that a run left in its ``encoder`` directory, whichever kind it is.

    Raises:
        InputError: there is none, its kind is unknown, or its files are damaged.
    """
    directory = Path(directory)
    return encoder.get(read_description(directory)["encoder"]).fitted.load(directory)
