"""Several classes true of one row at once, as methods see it: C binary problems beside each other.

A method is written over trailing dimensions [P, B, C], and further leading ones change nothing
(`clc_text.methods.base`). So the C classes become a leading dimension and what is left are the classes "no" and "yes":
[C, P, B, 2]. A threshold, a selection or a memory is then one of each class, and every sum over a batch is taken of
each class by itself, of which the trainer takes the mean.

What is remembered of a training is told of pairs: pair n · C + c asks whether class c holds of row n.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from clc_text.errors import InputError
from clc_text.methods.base import Method, Supervision, method
from clc_text.models.multi_label import no_and_yes


def problems(logits: Tensor) -> Tensor:
    """Logits [P, B, C] -> log-probabilities [C, P, B, 2]."""
    return no_and_yes(logits).movedim(-2, 0)


def of_problems(labels: Tensor) -> Tensor:
    """Labels [B, C], or distributions [B, C, 2], with the classes in front."""
    return labels.movedim(1, 0)


def pairs(logits: Tensor) -> Tensor:
    """Logits [P, N, C] -> log-probabilities [P, N · C, 2] of all pairs."""
    return no_and_yes(logits).flatten(-3, -2)


def numbers_of_pairs(rows: Tensor, classes: int) -> Tensor:
    """int64 [B · C], the pairs of rows [B]."""
    return (rows[:, None] * classes + torch.arange(classes, device=rows.device)).flatten()


def in_pairs(values: Tensor, row: int) -> Tensor:
    """What was made of C problems, [C, ..., B, ...], of pairs: [..., B · C, ...]; `row` is the rows' dimension."""
    place = row % values.dim() - 1
    return values.movedim(0, place + 1).flatten(place, place + 1)


def supervision_of_pairs(supervision: Supervision) -> Supervision:
    """A supervision of C problems [C, P, B] as one of pairs [P, B · C]."""
    return replace(
        supervision,
        losses=in_pairs(supervision.losses, -1),
        weights=in_pairs(supervision.weights, -1),
        targets=in_pairs(supervision.targets, -2),
        selected=in_pairs(supervision.selected, -1),
    )


def ensemble_loss(log_odds: Tensor, labels: Tensor) -> Tensor:
    """The mean binary cross-entropy of [B, C], as `transformers` takes it."""
    return binary_cross_entropy_with_logits(log_odds, labels.to(log_odds))


def check_multi_label(chosen: Method, class_weights: object, transition: object, recover: bool) -> None:
    """Refuses what is of classes of which one holds.

    Raises:
        InputError: names it.
    """
    check_method(chosen)
    given = {
        "class_weights": class_weights is not None,
        "a noise matrix (transition)": transition is not None,
        "recover (monitor: recover)": recover,
    }
    if named := [name for name, there in given.items() if there]:
        raise InputError(
            f"{named[0]} is of classes of which one holds, and here several may hold at once (multi-label); leave it "
            "out",
            key=named[0],
        )


def check_method(chosen: Method) -> None:
    """Refuses a method whose losses are of classes that exclude each other.

    Raises:
        InputError: names those that are not.
    """
    if not chosen.multi_label:
        others = sorted(name for name in method.names() if method.get(name).multi_label)
        raise InputError(
            f"the method '{chosen.name}' is of classes of which one holds, and here several may hold at once "
            f"(multi-label); take {', '.join(others[:-1])} or {others[-1]}",
            key=chosen.name,
        )
    if getattr(chosen, "criterion", None) == "energy":
        raise InputError(
            "method.criterion is energy, which is the sum that softmax divides by, and a multi-label prediction has "
            "none; take entropy, margin or confidence",
            key="method.criterion",
        )
