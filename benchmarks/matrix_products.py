"""The bound of a training step: its matrix products and convolutions alone, of the same shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from clc_text.training.arithmetic import operations

Product = tuple[Any, tuple[Any, ...], dict[str, Any]]


class _Seen(TorchDispatchMode):
    """Notes the products of what runs inside, with what was multiplied."""

    def __init__(self) -> None:
        super().__init__()
        self.products: list[Product] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        if operations(func, args, kwargs, out) is not None:
            self.products.append((func, tree_map(_kept, args), tree_map(_kept, kwargs)))
        return out


def _kept(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


def products_of(step: Callable[[], Any]) -> list[Product]:
    """What matrix products and convolutions a training step makes, backwards too."""
    with _Seen() as seen:
        step()
    return seen.products


def replay(products: list[Product]) -> None:
    """Makes them once more."""
    with torch.no_grad():
        for func, args, kwargs in products:
            func(*args, **kwargs)
