"""What a checkpoint holds beside `Trainer`'s own files, which checkpoints are whole, and what each vouches for.

`complete.json` is written last, when all else is on the disk. It holds the sha256 of the checkpoint's files, of the
epochs' training dynamics until then, of what cross-fitting found and of what listeners had written: a training that
goes on from files that have changed since would give another result, and nobody would notice.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers.trainer import OPTIMIZER_NAME
from transformers.utils.logging import get_logger

from clc_text.artifacts.names import current
from clc_text.artifacts.run_files import Complete, MethodFacts, TrainerFacts
from clc_text.errors import InputError
from clc_text.utils.damage import undamaged
from clc_text.utils.files import flush_folder, sha256_of_file, write_json
from clc_text.utils.typed_json import checked, read_json

METHOD_STATE = "method_state.safetensors"
COMPLETE = "complete.json"
TRAINER_STATE = "trainer_state.json"

logger = get_logger(__name__)


def last_complete_checkpoint(directory: Path) -> Path | None:
    """The newest checkpoint that was written to its end, or None; folders of other names are nobody's."""
    found = {}
    for path in directory.glob(f"checkpoint-*/{COMPLETE}"):
        if number := re.fullmatch(r"checkpoint-(\d+)", path.parent.name):
            found[int(number[1])] = path.parent
    return found[max(found)] if found else None


def way_out(folder: Path) -> str:
    """How training goes on all the same where a checkpoint is damaged."""
    return (
        f"bring it back, or remove {folder}: training then goes on from the checkpoint before it, or begins anew "
        "where there is none"
    )


def forget(folder: Path) -> None:
    """Removes a checkpoint; first what vouches for it."""
    if folder.is_dir() and not folder.is_symlink():
        (folder / COMPLETE).unlink(missing_ok=True)
        shutil.rmtree(folder)


def vouch_for(folder: Path, facts: Complete) -> None:
    """Writes what makes a checkpoint complete, and makes sure that it is on the disk."""
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    sha256 = {name: sha256_of_file(path) for name, path in files.items() if name != COMPLETE}
    write_json(folder / COMPLETE, {**facts, "files": sha256})
    flush_folder(folder)
    flush_folder(folder.parent)


def check_resumable(folder: Path) -> Complete:
    """Refuses a checkpoint that was cut short, is another trainer's or has changed; gives what it vouches for.

    Raises:
        InputError: it cannot be resumed from.
    """
    if not folder.is_dir():
        raise InputError(f"there is no checkpoint {folder} to resume from", where=folder)
    if not (folder / COMPLETE).is_file():
        raise InputError(
            f"{folder} has no {COMPLETE} and cannot be resumed from: it was cut short, written with save_only_model, "
            "or by another trainer",
            where=folder,
            key=COMPLETE,
        )
    complete = read_json(folder / COMPLETE, Complete, way_out(folder), current)
    if "files" in complete:
        check_beside(folder, complete["files"], folder)
    else:
        logger.warning(
            f"{folder} was written by an earlier version, which did not note its files' sha256: nobody can tell "
            "whether they are as they were"
        )
    _check_against(folder, complete)
    return complete


def groups_in(folder: Path) -> int:
    """How many groups of parameters the optimizer of a checkpoint has; 0 where it has no such file."""
    path = folder / OPTIMIZER_NAME
    if not path.is_file():
        return 0
    with undamaged(path, way_out(folder)):
        return len(torch.load(path, map_location="cpu", weights_only=True, mmap=True)["param_groups"])


def _check_against(folder: Path, complete: Complete) -> None:
    """That the three files that say how far training was agree."""
    from transformers import TrainerState

    path = folder / TRAINER_STATE
    state = read_json(path, TrainerFacts, way_out(folder))
    with undamaged(path, way_out(folder)):
        TrainerState.load_from_json(str(path))
    facts = _method_facts(folder)
    for name, value, other in (
        ("step", complete["step"], state["global_step"]),
        ("epochs_closed", complete["epochs_closed"], facts["epochs_closed"]),
    ):
        if value != other:
            raise InputError(
                f"{folder / COMPLETE} is damaged (`{name}` is {value} there, and {other} in the files that it is of); "
                f"{way_out(folder)}",
                where=folder / COMPLETE,
            )


def check_beside(folder: Path, sha256: Mapping[str, str], beside: Path | None, anew: bool = False) -> None:
    """That files are as a checkpoint says that they were.

    Args:
        folder: the checkpoint.
        sha256: by the name of the file in `beside`.
        beside: None: there are none here, and none are looked for.
        anew: what is missing will be made anew.

    Raises:
        InputError: one has changed, or is missing.
    """
    if beside is None:
        return
    for name, expected in sha256.items():
        path = beside / name
        if not path.is_file():
            if anew:
                continue
            raise InputError(
                f"{path} is missing, which {folder.name} was written beside; {_out(folder, beside)}", where=path
            )
        if sha256_of_file(path) != expected:
            raise InputError(f"{path} has changed since {folder.name} was written; {_out(folder, beside)}", where=path)


def _out(folder: Path, beside: Path) -> str:
    return way_out(folder) if beside == folder else "bring it back, or train anew"


def write_method_state(folder: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Tensors of the method, the training dynamics and the loss, with a few numbers beside them."""
    whole = {name: values.contiguous() for name, values in tensors.items()}
    save_file(whole, folder / METHOD_STATE, metadata={"facts": json.dumps(facts)})


def _method_facts(folder: Path) -> MethodFacts:
    from safetensors import safe_open

    path = folder / METHOD_STATE
    with undamaged(path, way_out(folder)), safe_open(path, "pt") as opened:
        facts = current(json.loads((opened.metadata() or {})["facts"]))
    return checked(facts, MethodFacts, path, way_out(folder))


def read_method_state(folder: Path, device: torch.device) -> tuple[dict[str, Tensor], MethodFacts]:
    """What `write_method_state` wrote.

    Raises:
        InputError: it is damaged.
    """
    path = folder / METHOD_STATE
    with undamaged(path, way_out(folder)):
        tensors = load_file(path)
    return {name: values.to(device) for name, values in tensors.items()}, _method_facts(folder)


def check_same_training(folder: Path, facts: Mapping[str, object], **own: object) -> None:
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
                "it began with, or train anew",
                where=folder,
                key=name,
            )
