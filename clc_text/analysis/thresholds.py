"""A run's own Γ, epoch by epoch, where it is an entropy."""

from __future__ import annotations

from dataclasses import dataclass, field

from clc_text.artifacts.run_directory import RunDirectory


@dataclass(frozen=True)
class OwnThresholds:
    """Γ of a run.

    Attributes:
        by_epoch: epoch -> Γ of each peer [P], in nats, for the epochs in which it was in force.
        remark: a sentence where there is none to show.
    """

    by_epoch: dict[int, list[float]] = field(default_factory=dict)
    remark: str | None = None

    @property
    def in_words(self) -> str:
        """The last epoch's values, one a peer: ``Γ = 0.82, 0.79``."""
        if not self.by_epoch:
            return ""
        return ", ".join(f"{value:.2f}" for value in self.by_epoch[max(self.by_epoch)])


def own_thresholds(run: RunDirectory) -> OwnThresholds:
    """The thresholds that the run itself used; none for a method without, or while the warm-up lasts."""
    method = run.recipe().get("method") or {}
    criterion = method.get("criterion", "entropy")
    entries = run.metrics()
    by_epoch = {entry["epoch"]: list(entry["threshold"]) for entry in entries if entry["threshold"]}
    if not by_epoch:
        if "criterion" not in method:
            return OwnThresholds(remark=f"The method {method.get('name')} has no threshold Γ of its own.")
        return OwnThresholds(remark="The run has no Γ yet: its warm-up has not ended.")
    if criterion != "entropy":
        return OwnThresholds(remark=f"The run's own Γ is one of {criterion}, not of entropy, so it is not drawn here.")
    return OwnThresholds(by_epoch)
