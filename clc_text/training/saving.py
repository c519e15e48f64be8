"""The part of the trainer that writes and reads the networks' folder: one ordinary model, the others below it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from torch import nn
from transformers import Trainer
from transformers.utils.logging import get_logger

from clc_text.errors import InputError
from clc_text.models.peers_folder import OTHERS, PEERS, forget_peers, place_of, read_peers
from clc_text.models.peers_of import PeersOf
from clc_text.training.evaluation import PeersEvaluation

logger = get_logger(__name__)


class PeersSaving(PeersEvaluation):
    """What `Trainer` does with one network's file, for all that lie in a folder."""

    def _peers_of(self, model: nn.Module | None = None) -> Any:
        return self.accelerator.unwrap_model(self.model if model is None else model, keep_torch_compile=False)

    def evaluation_loop(self, *positional: Any, **more: Any) -> Any:
        output = super().evaluation_loop(*positional, **more)
        model = self._peers_of()
        if self.classes_seen is not None and isinstance(model, PeersOf):
            model.choose_main(self.classes_seen[:, :-1], self.classes_seen[:, -1])
        return output

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        if not self._load_networks(Path(resume_from_checkpoint), model):
            super()._load_from_checkpoint(resume_from_checkpoint, model)

    def _load_networks(self, folder: Path, model: nn.Module | None = None) -> bool:
        """Fills in all networks; False where the folder is not one of several.

        Raises:
            InputError: it holds another number of networks.
        """
        peers, facts = self._peers_of(model), read_peers(folder)
        if facts is None or not isinstance(peers, PeersOf):
            return False
        if facts["peers"] != peers.peers:
            raise InputError(
                f"{folder} holds {facts['peers']} networks, this training has {peers.peers}; set peers", where=folder
            )
        for peer, network in enumerate(peers.networks):
            Trainer._load_from_checkpoint(self, str(folder / place_of(peer, facts["main"])), network)
        peers.main_peer, peers.chosen = facts["main"], facts["chosen"]
        return True

    def _load_best_model(self) -> None:
        logger.warning(
            f"the networks are now those of step {self.state.best_global_step}, the best by the labels of the "
            "evaluation set"
        )
        if not self._load_networks(Path(self.state.best_model_checkpoint or ".")):
            super()._load_best_model()

    def create_model_card(self, *positional: Any, **named: Any) -> None:
        """As `Trainer.create_model_card`, and which network the folder holds where it has several."""
        super().create_model_card(*positional, **named)
        model = self._peers_of()
        if self.is_world_process_zero() and isinstance(model, PeersOf):
            card = Path(self.args.output_dir) / "README.md"
            said = model.card_section(self.hub_model_id or self.args.output_dir)
            if said:
                card.write_text(f"{card.read_text(encoding='utf-8').rstrip()}\n\n{said}", encoding="utf-8")

    def _push_from_checkpoint(self, checkpoint_folder: str) -> None:
        if self.is_world_process_zero():
            source, target = Path(checkpoint_folder), Path(self.args.output_dir)
            forget_peers(target)
            if (source / OTHERS).is_dir():
                shutil.copytree(source / OTHERS, target / OTHERS, dirs_exist_ok=True)
            if (source / PEERS).is_file():
                shutil.copy(source / PEERS, target / PEERS)
        super()._push_from_checkpoint(checkpoint_folder)
