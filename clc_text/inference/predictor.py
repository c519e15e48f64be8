"""A trained run applied to rows: log-probabilities, hidden layers, labels."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.data.class_shares import ClassShares
from clc_text.errors import InputError
from clc_text.utils.damage import undamaged

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Predictions:
    """What the peers make of n rows.

    Attributes:
        log_probs: float32 [P, n, C]; of a multi-label run [P, n · K, 2], of all pairs of a row and a class.
        hidden: float32 [P, n, H], the last hidden layer; None where the network shows none or it was not asked for.
    """

    log_probs: np.ndarray
    hidden: np.ndarray | None = None

    def with_shares(self, shares: ClassShares) -> Predictions:
        """The predictions of all rows together, each peer's moved as little as may be so that the classes are as
        common among these rows as somebody has told."""
        moved = [shares.applied(np.exp(peer.astype(np.float64))) for peer in self.log_probs]
        log_probs = np.log(np.maximum(moved, np.finfo(np.float32).tiny)).astype(np.float32)
        return Predictions(log_probs, self.hidden)

    @property
    def probs(self) -> np.ndarray:
        """float64 [n, C], the ensemble's: the mean of the peers' probabilities."""
        return np.exp(self.log_probs.astype(np.float64)).mean(0)

    @property
    def classes(self) -> np.ndarray:
        """int64 [n], the ensemble's first class."""
        return self.probs.argmax(-1)

    @property
    def confidence(self) -> np.ndarray:
        """[n], the ensemble's probability of that class."""
        return self.probs.max(-1)

    @property
    def entropy(self) -> np.ndarray:
        """[n], of the ensemble's prediction, in nats."""
        probs = self.probs
        return -(probs * np.log(np.maximum(probs, 1e-300))).sum(-1)

    @property
    def peers_agree(self) -> np.ndarray:
        """bool [n], whether every peer's first class is the same."""
        first = self.log_probs.argmax(-1)
        return (first == first[0]).all(0)


class Predictor:
    """The encoder and the networks of a run that has ended.

    Args:
        run: the run directory.
        block: rows encoded and scored at once; None: the recipe's `training.eval_batch_size`.
        model: the folder of the networks, such as a checkpoint of a run that has not ended; `model/` without it.

    Raises:
        InputError: the run has no model yet.
    """

    def __init__(self, run: RunDirectory, block: int | None = None, model: Path | None = None) -> None:
        folder = model or run.file("model")
        for needed in (folder, run.file("encoder")):
            if not needed.is_dir():
                raise InputError(
                    f"{run.path} has no {needed.name}/: the run has not ended; `clc-text train RECIPE --resume` "
                    "goes on",
                    where=run.path,
                    key=needed.name,
                )
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        self.run = run
        self.recipe = run.typed_recipe()
        self.block: int = block or self.recipe.training.eval_batch_size
        self.label_names = run.label_names
        self.encoder: Any = type(self.recipe.encoder).fitted.load(run.file("encoder"))
        self.model: PreTrainedModel = self._networks(folder).eval()

    def _networks(self, folder: Path) -> PreTrainedModel:
        """What `save_pretrained` left in a folder; each file is looked at first, so that a sentence can name it."""
        from safetensors import safe_open

        config = folder / "config.json"
        with undamaged(config):
            dict(json.loads(config.read_text(encoding="utf-8")))
        weights = sorted(folder.rglob("*.safetensors")) or [folder / "model.safetensors"]
        for path in weights:
            with undamaged(path), safe_open(path, "np"):
                pass
        with undamaged(folder):
            model: PreTrainedModel = self.recipe.network.load(folder)
        if self.run.asked:  # adapters need not say so
            model.make_multi_label()
        return model

    def blocks(self, rows: Sequence[Any], hidden: bool = False) -> Iterator[Predictions]:
        """Predictions block by block, so that any number of rows fits into memory."""
        import torch

        for start in range(0, len(rows), self.block):
            inputs = self._inputs(rows, start)
            with torch.no_grad():
                outputs = self.model(**inputs)
            shown = outputs.hidden if hidden else None
            logits = outputs.peer_logits.float()
            log_probs = self.model.log_probs(logits)
            if self.run.asked:
                log_probs = log_probs.flatten(-3, -2)
            yield Predictions(log_probs.numpy(), None if shown is None else shown.float().numpy())

    def _inputs(self, rows: Sequence[Any], start: int) -> dict[str, Tensor]:
        """The tensors of the block that begins at `start`."""
        try:
            encoded = self.encoder.encode(rows[start : start + self.block])
            return {name: values[:] for name, values in encoded.items()}  # what is no tensor yet becomes one
        except InputError as error:
            if self.recipe.modality != "vision":
                raise
            from clc_text.vision.images import numbered_among_all

            raise numbered_among_all(error, start) from None

    def predict(self, rows: Sequence[Any], hidden: bool = False) -> Predictions:
        """All rows at once; `rows` are texts (or whatever the run's input column holds)."""
        if len(rows) == 0:
            raise InputError("there are no rows to predict", key="rows")
        blocks = list(self.blocks(rows, hidden))
        layers = [block.hidden for block in blocks if block.hidden is not None]
        return Predictions(
            np.concatenate([block.log_probs for block in blocks], 1), np.concatenate(layers, 1) if layers else None
        )
