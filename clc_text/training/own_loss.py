"""A script's own `compute_loss`: it may add to the method's loss, or be the loss where no method is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from clc_text.errors import InputError
from clc_text.methods.base import Method
from clc_text.methods.standard import Standard
from clc_text.models.peers import PeersModel


@contextmanager
def own_loss(
    script: str, method: Method, model: PeersModel, method_made_it: Callable[[], bool]
) -> Iterator[Callable[[], Tensor | None]]:
    """While it lasts, a script makes the loss of a batch; gives what tells the logits [P, B, C] that it has seen.

    Args:
        script: what the script's trainer is called.
        method_made_it: whether the method's loss was asked for by then.

    Raises:
        InputError: it is a loss in the method's place. With one network and no method the given labels are learnt by
            whatever loss a script writes.
    """
    if not (model.peers == 1 and isinstance(method, Standard)):
        try:
            yield lambda: None
        except InputError:
            raise
        except Exception as error:
            if method_made_it():
                raise
            raise _in_place_of(script, method, f" ({error})") from error
        if not method_made_it():
            raise _in_place_of(script, method)
        return
    seen: list[Any] = []
    handle = model.register_forward_hook(lambda *given: seen.append(given[-1]))
    try:
        yield lambda: seen[-1].peer_logits if seen else None
    finally:
        handle.remove()


def _in_place_of(script: str, method: Method, why: str = "") -> InputError:
    """`why` is what the script's loss ended in."""
    return InputError(
        f"compute_loss of {script} makes a loss of its own in place of that of the method '{method.name}'{why}; add "
        "to what super().compute_loss(model, inputs) gives, write a method (docs/methods.md), give class_weights, or "
        "train by method='standard' with peers=1",
        key="compute_loss",
    )
