"""Collapse undone: the networks of the warm-up's end are kept, and taken back when all becomes one class."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from clc_text.artifacts.dynamics import EpochRecord
from clc_text.artifacts.run_files import RecoveryFacts
from clc_text.methods.criteria import entropy, share_of_maximum
from clc_text.training.monitors import COLLAPSE_DISTANCE, UNSURE_SHARE, distance
from clc_text.training.notices import Notice

SHORTEST = 2  # epochs that a warm-up is prolonged by, at least
DRIFT = 0.1  # total variation: so much further from the given shares than when the method took over
ATTEMPTS = 5  # of the method; then the run stays with plain training

_PREFIX = "sound."


class Recovery:
    """Keeps the last sound state and says when to go back to it.

    Attributes:
        hold_until: the method may not take over before this epoch (from 0).
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """As before a training."""
        self.hold_until = 0
        self._sound: dict[str, Tensor] = {}
        self._sound_epoch = 0
        self._sound_distance = 0.0
        self._times = 0

    @property
    def facts(self) -> RecoveryFacts:
        return {
            "hold_until": self.hold_until,
            "times": self._times,
            "sound_epoch": self._sound_epoch,
            "sound_distance": self._sound_distance,
        }

    @property
    def tensors(self) -> dict[str, Tensor]:
        return {_PREFIX + name: values for name, values in self._sound.items()}

    def load(self, tensors: dict[str, Tensor], facts: RecoveryFacts) -> None:
        self.hold_until, self._times = facts["hold_until"], facts["times"]
        self._sound_epoch, self._sound_distance = facts["sound_epoch"], facts["sound_distance"]
        self._sound = {
            name.removeprefix(_PREFIX): values for name, values in tensors.items() if name.startswith(_PREFIX)
        }

    def not_yet(self, log_probs: Tensor) -> str | None:
        """Why the method may not take over again: after a collapse only sure peers [P, N, C] try once more."""
        if not self._times:
            return None
        if self._times >= ATTEMPTS:
            return f"the method has collapsed {self._times} times, so the run stays with plain training"
        share = max(share_of_maximum(float(value), log_probs.shape[-1]) for value in entropy(log_probs).mean(-1))
        if share < UNSURE_SHARE:
            return None
        return f"the peers' mean entropy is {share:.0%} of log C, and after a collapse {UNSURE_SHARE:.0%} is the limit"

    def remember(self, model: nn.Module, epoch: int, log_probs: Tensor, given: Tensor) -> None:
        """The networks at the end of the warm-up, after `epoch` epochs.

        Args:
            log_probs: [P, N, C] of the training rows.
            given: int64 [C], rows of each given class.
        """
        self._sound_distance = _distance(log_probs.argmax(-1).flatten().cpu(), given)
        # What never changes, such as a backbone below adapters, need not be kept, once for each peer at that.
        frozen = {name for name, values in model.named_parameters(remove_duplicate=False) if not values.requires_grad}
        kept = ((name, values) for name, values in model.state_dict().items() if name not in frozen)
        self._sound = {name: values.detach().clone() for name, values in kept}
        self._sound_epoch = epoch

    def after_epoch(self, epoch: int, record: EpochRecord, given: Tensor) -> Notice | None:
        """What to say when the predictions of an epoch have left the given class shares; None: all is well.

        Args:
            epoch: epochs completed.
            given: int64 [C], rows of each given class.
        """
        predictions = record.prediction[:, record.seen].flatten()
        if _distance(predictions, given) <= min(COLLAPSE_DISTANCE, self._sound_distance + DRIFT):
            return None
        largest = float(torch.bincount(predictions).max() / len(predictions))
        self._times += 1
        longer = max(SHORTEST, self._sound_epoch // 2)
        self.hold_until = epoch + longer
        return Notice(
            f"recovered {self._times}",
            f"collapse in epoch {epoch}: {largest:.0%} of the predictions were one class, so the networks are "
            f"again those of epoch {self._sound_epoch}, and the warm-up goes on for {longer} epochs or more",
            "warning",
        )

    def restore(self, model: nn.Module, optimizer: Any) -> None:
        """Puts the networks back; the optimizer's moments, which led to the collapse, begin anew."""
        model.load_state_dict(self._sound, strict=False)  # what is frozen is as it was
        getattr(optimizer, "optimizer", optimizer).state.clear()


def _distance(predictions: Tensor, given: Tensor) -> float:
    """Total variation distance of predicted classes [M] from the shares of the given ones, counts [C]."""
    seen = torch.bincount(predictions, minlength=len(given)).double()
    return distance((seen / seen.sum()).tolist(), (given.double() / given.sum()).tolist())
