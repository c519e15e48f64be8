"""What a checkpoint holds beside `Trainer`'s own files, and which checkpoints are whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from clc_text.errors import InputError

METHOD_STATE = "method_state.safetensors"
COMPLETE = "complete.json"


def last_complete_checkpoint(directory: Path) -> Path | None:
    """The newest checkpoint that was written to its end, or None."""
    complete = [path.parent for path in directory.glob(f"checkpoint-*/{COMPLETE}")]
    return max(complete, key=lambda path: int(path.name.rsplit("-", 1)[1]), default=None)


def write_method_state(folder: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Tensors of the method, the ledger and the loss, with a few numbers beside them."""
    whole = {name: values.contiguous() for name, values in tensors.items()}
    save_file(whole, folder / METHOD_STATE, metadata={"facts": json.dumps(facts)})


def check_resumable(folder: Path) -> None:
    """Refuses a checkpoint without the state of a method.

    Raises:
        InputError: it has none.
    """
    if not folder.is_dir():
        raise InputError(f"there is no checkpoint {folder} to resume from")
    if not (folder / METHOD_STATE).is_file():
        raise InputError(
            f"{folder} has no {METHOD_STATE} and cannot be resumed from: it was cut short, written with "
            "save_only_model, or by another trainer"
        )


def read_method_state(folder: Path, device: torch.device) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `write_method_state` wrote.

    Raises:
        InputError: the checkpoint has none.
    """
    from safetensors import safe_open

    check_resumable(folder)
    path = folder / METHOD_STATE
    with safe_open(path, "pt") as opened:
        facts = json.loads(opened.metadata()["facts"])
    return {name: values.to(device) for name, values in load_file(path).items()}, facts


def check_same_training(folder: Path, facts: dict[str, Any], **own: Any) -> None:
    """Refuses a checkpoint of another training.

    Args:
        facts: what the checkpoint says of itself.
        own: what this training says by the same names.

    Raises:
        InputError: they differ.
    """
    for name, value in own.items():
        if facts.get(name, value) != value:
            raise InputError(
                f"{folder} belongs to another training ({name} {facts[name]} there, {value} here); resume with what "
                "it began with, or train anew"
            )
