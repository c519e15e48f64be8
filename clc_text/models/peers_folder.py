"""The folder of k networks: one of them is an ordinary model there, the others are ordinary models in folders below.

Whatever reads a model of `transformers` reads that one, and needs nothing of this package; `peers.json` says how many
there are, so that all of them can be had again as they were.
"""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

from torch import Tensor, nn
from transformers import PreTrainedModel

from clc_text.errors import InputError
from clc_text.utils.files import write_json
from clc_text.utils.typed_json import read_json

PEERS, OTHERS = "peers.json", "peers"
HUB = ("cache_dir", "force_download", "proxies", "token", "revision", "local_files_only")


class PeersFacts(TypedDict):
    """peers.json.

    `main` is the peer that lies in the folder itself, `chosen` says why it is that one. `classes` are their names:
    adapters do not tell them, and the model that they lie on need not know them.
    """

    peers: int
    main: int
    chosen: str
    classes: list[str]


def has_adapters(network: nn.Module) -> bool:
    """Whether peft saves it: as what lies on a model, without that model."""
    return hasattr(network, "peft_config") and hasattr(network, "save_pretrained")


def saves_itself(network: nn.Module) -> bool:
    """Whether it writes a folder that others can read."""
    return isinstance(network, PreTrainedModel) or has_adapters(network)


def place_of(peer: int, main: int) -> str:
    """The folder of a peer, below that of them all."""
    return "" if peer == main else f"{OTHERS}/{peer}"


def forget_peers(folder: Path) -> None:
    """Removes what another model had left beside the one that is written here, and nothing of anybody else's."""
    if not (folder / PEERS).is_file():
        return
    (folder / PEERS).unlink()
    others = folder / OTHERS
    if others.is_symlink() or not others.is_dir():
        return
    for place in others.iterdir():
        if place.name.isdigit() and place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
    if not any(others.iterdir()):
        others.rmdir()


def save_networks(
    networks: Sequence[nn.Module],
    folder: Path,
    facts: PeersFacts,
    state_dict: dict[str, Tensor] | None,
    merge_adapters: bool,
    **how: Any,
) -> None:
    """Writes k networks, each by its own `save_pretrained`.

    Args:
        state_dict: weights by ``peer_0.…``, in place of those of the networks; None: those.
        merge_adapters: of those with adapters, write what they and the model below make together, as they are now.
        how: what `save_pretrained` is told.
    """
    forget_peers(folder)
    for peer, network in enumerate(networks):
        own = None
        if state_dict is not None:
            mark = f"peer_{peer}."
            own = {name.removeprefix(mark): value for name, value in state_dict.items() if name.startswith(mark)}
        place: Any = folder / place_of(peer, facts["main"])
        saved: Any = network
        if merge_adapters and has_adapters(network):
            saved, own = copy.deepcopy(saved).merge_and_unload(), None  # one more network at a time
        # By the names that the model has: `Trainer` reads a checkpoint by these, and transformers 5.3 writes a BERT's
        # LayerNorm by older ones.
        by_name = {"save_original_format": False} if isinstance(saved, PreTrainedModel) else {}
        saved.save_pretrained(place, state_dict=own, **(by_name | how))
    write_json(folder / PEERS, facts)


def read_peers(name: str | os.PathLike[str], subfolder: str = "", **named: Any) -> PeersFacts | None:
    """What `save_networks` wrote of the peers; None where a folder has no such file.

    Args:
        name: a folder, or a Hub id.
        named: where to look on the Hub, as `from_pretrained` is told.

    Raises:
        InputError: the file is damaged.
    """
    path = Path(name) / subfolder / PEERS
    if not Path(name).is_dir():
        from transformers.utils import cached_file

        hub = {key: named[key] for key in HUB if key in named}
        found = cached_file(
            name,
            PEERS,
            subfolder=subfolder,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
            **hub,
        )
        if found is None:
            return None
        path = Path(found)
    if not path.is_file():
        return None
    facts = read_json(path, PeersFacts)
    if not 0 <= facts["main"] < facts["peers"]:
        raise InputError(
            f"{path} is damaged (peer {facts['main']} of {facts['peers']}); get the folder again", where=path
        )
    return facts
