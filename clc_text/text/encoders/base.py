"""The encoders of texts, by name, and how a fitted one is described in its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from clc_text.config.components import Registry
from clc_text.errors import InputError
from clc_text.models.encoder import Encoder, FittedEncoder
from clc_text.utils.files import write_json

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
        raise InputError(
            f"{directory} holds no fitted encoder: there is no readable encoder.json in it", where=directory
        ) from None
    except ValueError as error:
        raise InputError(
            f"{path} is not readable JSON ({error}); it was changed after the run wrote it", where=path
        ) from None
    if not isinstance(values, dict) or not isinstance(values.get("encoder"), str):
        raise InputError(f"{path} does not name its encoder; it was changed after the run wrote it", where=path)
    return values


def load_encoder(directory: str | Path) -> FittedEncoder:
    """The encoder that a run left in its ``encoder`` directory, whichever kind it is.

    Raises:
        InputError: there is none, its kind is unknown, or its files are damaged.
    """
    directory = Path(directory)
    return encoder.get(read_description(directory)["encoder"]).fitted.load(directory)
