"""A run watches itself, without clean labels, and says what it saw.

Self-training fails silently: a collapsed run still has a falling loss. Each monitor is one function of what
metrics.jsonl holds anyway; `Watch` asks them all after every epoch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from clc_text.artifacts.run_files import Epoch
from clc_text.data.checks.names_alike import EACH_COUNTS
from clc_text.errors import some_of
from clc_text.training.notices import Notice

COLLAPSE_DISTANCE = 0.35  # total variation distance between predicted and given class shares
UNSURE_SHARE = 0.68  # of log C: measured on TREC, every run that began CLC above it collapsed, none below did
FITTED_AGREEMENT = 0.95  # training predictions that repeat the given label at the end of the warm-up
CHANGED_SHARE = 0.6  # of one given class
CLASSES_NAMED = 3  # of classes given up, each by a notice of its own
CLEAN_SHARE = 0.02  # of all rows
READ_SHARE = 0.5  # of all words; with less, labels are judged by what is not the whole text
TO_JOIN = f"{EACH_COUNTS}data.label_map joins them: `clc-text data check RECIPE` writes it"


class Watch:
    """Collects notices, each name once.

    Args:
        label_names: [C], what people call the classes.
        class_shares: [C], of the labels that training sees.
        threshold_scale: Γ as a multiple of the mean entropy; None where it is no entropy in nats.

    Attributes:
        noise_rate: how many of these labels are wrong, as far as that was estimated before; None: not known.
        several: whether rows have several labels, which are joined before training.
    """

    def __init__(
        self, class_shares: list[float], threshold_scale: float | None = 1.0, label_names: list[str] | None = None
    ) -> None:
        self.label_names = label_names or [str(index) for index in range(len(class_shares))]
        self.class_shares = class_shares
        self.threshold_scale = threshold_scale
        self.noise_rate: float | None = None
        self.several = False
        self.notices: list[Notice] = []

    def before_training(self, encoder: dict[str, Any], rare: Sequence[str] = (), alike: str = "") -> list[Notice]:
        """What the encoder's facts say already, and the labels.

        Args:
            rare: a sentence on each label that is likely to be a slip. Of several labels a row a single slip makes a
                class that all others contradict, so that it is a warning there.
            alike: which classes differ only in case or blanks; "" where none do. One class written in two ways makes
                up to half of its labels look wrong.
        """
        severity: Literal["warning", "note"] = "warning" if self.several else "note"
        fresh = [*cut_off(encoder), *(Notice(f"rare label {n}", one, severity) for n, one in enumerate(rare))]
        if alike:
            fresh.append(Notice("classes alike", alike + TO_JOIN, "warning"))
        self.notices += fresh
        return fresh

    def after_epoch(self, entries: Sequence[Epoch]) -> list[Notice]:
        """What is new after the last of `entries` (of metrics.jsonl)."""
        known = {notice.name for notice in self.notices}
        decided = [
            Notice(one["name"], one["message"], one["severity"], entries[-1]["epoch"])
            for one in entries[-1].get("notices", [])
        ]
        fresh = [notice for notice in decided if notice.name not in known]
        fresh += [notice for notice in self._look(entries) if notice.name not in known]
        self.notices += fresh
        return fresh

    def _look(self, entries: Sequence[Epoch]) -> Iterator[Notice]:
        entry = entries[-1]
        if entry["phase"] != "method":
            return
        if len(entries) < 2 or entries[-2]["phase"] == "warm-up":
            if self.threshold_scale:
                yield from warm_up_too_short(entry, len(self.class_shares), self.threshold_scale)
            yield from warm_up_too_long(entries, self.noise_rate)
        yield from collapse(entries, self.class_shares, self.label_names)

    def at_end(self, entries: Sequence[Epoch], changed_by_class: list[float]) -> list[Notice]:
        """What can be said when training is over.

        Args:
            changed_by_class: [C], share of each given class's rows whose last target is another class.
        """
        fresh = list(corrections(entries[-1], changed_by_class, self.class_shares, self.label_names, self.several))
        self.notices += fresh
        return fresh


def cut_off(encoder: dict[str, Any]) -> Iterator[Notice]:
    """The encoder does not read all of the texts (`clc_text.text.cut_off` makes these facts)."""
    if "cut_off" in encoder:
        severity: Literal["warning", "note"] = "warning" if encoder["share_read"] < READ_SHARE else "note"
        yield Notice("texts cut off", encoder["cut_off"], severity)


def distance(shares: list[float], others: list[float]) -> float:
    """Total variation distance of two distributions, 0 … 1."""
    return sum(abs(share - other) for share, other in zip(shares, others, strict=True)) / 2


def collapse(entries: Sequence[Epoch], class_shares: list[float], names: list[str]) -> Iterator[Notice]:
    """The predicted class shares have left the given ones."""
    entry = entries[-1]
    far = [distance(one["train"]["class_shares"], class_shares) > COLLAPSE_DISTANCE for one in entries]
    # Untrained networks know few classes as well: to have collapsed, a run must have done better, or be taught so.
    if far[-1] and (not all(far) or any(entry["train"]["changed"])):
        seen = entry["train"]["class_shares"]
        largest = max(range(len(seen)), key=seen.__getitem__)
        yield Notice(
            "collapse",
            f"collapse: in epoch {entry['epoch']} {seen[largest]:.0%} of the predictions are class "
            f"'{names[largest]}', which has {class_shares[largest]:.0%} of the given labels; train a longer warm-up "
            "(method.warmup_epochs), or use monitor: recover or another method (clc_auto ends its warm-up by itself)",
            "warning",
            entry["epoch"],
        )


def warm_up_too_short(entry: Epoch, num_classes: int, threshold_scale: float) -> Iterator[Notice]:
    """The mean entropy, of which Γ is a multiple, is close to log C: nothing is learnt yet."""
    if entry["threshold"] and num_classes > 1:
        share = max(entry["threshold"]) / threshold_scale / math.log(num_classes)
        if share > UNSURE_SHARE:
            yield Notice(
                "warm-up too short",
                f"the warm-up may be too short: the mean entropy is {share:.0%} of log C, and above "
                f"{UNSURE_SHARE:.0%} runs tend to collapse; raise method.warmup_epochs or training.learning_rate",
                "warning",
                entry["epoch"],
            )


def warm_up_too_long(entries: Sequence[Epoch], noise_rate: float | None = None) -> Iterator[Notice]:
    """The given labels are repeated already, more of them than are right: the noise is learnt as well."""
    agreement = [share for share in entries[-2]["train"]["agreement"] if share is not None] if len(entries) > 1 else []
    if agreement:
        repeated = sum(agreement) / len(agreement)
        if repeated > max(FITTED_AGREEMENT, 1 - (1.0 if noise_rate is None else noise_rate)):
            yield Notice(
                "warm-up too long",
                f"at the end of the warm-up the networks repeat {repeated:.0%} of the given labels: unless the labels "
                "are almost clean their noise is memorised already; lower method.warmup_epochs",
                "note",
                entries[-1]["epoch"],
            )


def corrections(
    entry: Epoch, changed_by_class: list[float], class_shares: list[float], names: list[str], several: bool = False
) -> Iterator[Notice]:
    """Much of one class given up, or nothing much to correct at all.

    Networks that learn what several labels say together have corrected before: that they change little says nothing.
    """
    given_up = [
        index for index, share in enumerate(changed_by_class) if share > CHANGED_SHARE and class_shares[index] > 0
    ]
    if len(given_up) > CLASSES_NAMED:
        yield Notice(
            "classes given up",
            f"of {len(given_up):,} of {len(names):,} classes ({some_of([names[index] for index in given_up])}) more "
            f"than {CHANGED_SHARE:.0%} of the rows are taught another class; look at them before you use the "
            "corrections",
            "warning",
            entry["epoch"],
        )
    else:
        for index in given_up:
            share = changed_by_class[index]
            yield Notice(
                f"class {index} given up",
                f"{share:.0%} of the rows given as class '{names[index]}' are taught another class; look at them "
                "before you use the corrections",
                "warning",
                entry["epoch"],
            )
    changed = sum(share * rows for share, rows in zip(changed_by_class, class_shares, strict=True))
    # A run that ended in its warm-up, or whose method never changes a label, has no opinion.
    if entry["phase"] == "method" and 0 < changed < CLEAN_SHARE and not several:
        yield Notice(
            "little to correct",
            f"training taught only {changed:.1%} of the rows another class than the given one",
            "note",
            entry["epoch"],
        )
