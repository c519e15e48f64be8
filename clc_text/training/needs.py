"""What a training needs of its rows: their numbers, or all of them at once. Rows that flow by have neither."""

from __future__ import annotations

from collections.abc import Sequence

from clc_text.errors import InputError
from clc_text.methods.base import Method


def why_numbers(method: Method, targets: bool, trusted: bool, augmented: bool) -> str | None:
    """What knows a row by its number, in words; None: nothing does.

    Args:
        targets: distributions are learnt in place of the given labels.
        trusted: people have told labels.
        augmented: inputs are changed at each look.
    """
    if method.row_memory:
        return f"the method '{method.name}' remembers every row by its number"
    if method.divides:
        return f"the method '{method.name}' divides the rows by their numbers"
    if method.cross_fits or targets:
        return f"the method '{method.name}' teaches every row a label that was made for it"
    if trusted:
        return "trusted labels belong to rows by their numbers"
    return "augment draws by the rows' numbers" if augmented else None


def why_length(
    method: Method, takes_over: bool, class_weights: str | Sequence[float] | None, decay_from_epoch: int | None
) -> str | None:
    """What looks at all the rows at once, in words; None: nothing does.

    Args:
        takes_over: the method asks, after a warm-up, whether it may begin.
    """
    if takes_over:
        return f"the method '{method.name}' takes over by what the networks say of all its rows"
    if class_weights == "balanced":
        return "balanced class_weights count its labels"
    return "decay_from_epoch counts its batches" if decay_from_epoch is not None else None


def no_length(needs: str) -> InputError:
    """`needs` as above."""
    return InputError(
        f"the training set has no length, and {needs}: rows that flow by have none, and a column of ids is none "
        "either; give a dataset that can be indexed (datasets.Dataset.from_generator makes one of an iterable one), "
        "or take a method that keeps nothing of a row, such as standard or gce",
        key="training set",
    )
