"""What a training's matrix products and convolutions are, and how long this machine takes for them alone: the bound of
its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count

_ATEN = torch.ops.aten
_REPEATS, _SECONDS = 5, 0.02  # of one product, to time it: so often, and no more often once it took so long


def operations(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> int | None:
    """Floating point operations of a call: a multiplication and an addition are two; None where it is no product.

    By the formulas of `torch.utils.flop_counter`, which lacks the processors' attention.
    """
    kind = func.overloadpacket
    if kind is _ATEN._scaled_dot_product_flash_attention_for_cpu:
        return int(sdpa_flop_count(*(each.shape for each in args[:3])))
    if kind is _ATEN._scaled_dot_product_flash_attention_for_cpu_backward:
        return int(sdpa_backward_flop_count(*(each.shape for each in args[:4])))
    formula: Callable[..., int] | None = flop_registry.get(kind)
    return None if formula is None else int(formula(*args, **kwargs, out_val=out))


class Arithmetic:
    """Counts the products of training steps, forwards and backwards; not those of predictions.

    The first step of each kind is looked at while it is made; the others are known by then. No number changes by it.

    Attributes:
        flops: floating point operations of all steps so far.
        seconds: what they take by themselves, at the rate at which this machine made those of a first step once more;
            None where no rate is measured, which it is on processors.
    """

    def __init__(self) -> None:
        self.flops = 0
        self.seconds: float | None = 0.0
        self._known: dict[Hashable, int] = {}
        self._rates: dict[Hashable, float | None] = {}  # operations a second, of networks

    def of_step(self, networks: Hashable, kind: Hashable) -> AbstractContextManager[None]:
        """Inside of it a step is made.

        Args:
            networks: which they are; their first step is timed.
            kind: of steps that multiply the same shapes.
        """
        flops = self._known.get((networks, kind))
        if flops is None:
            return self._looked_at(networks, kind)
        self._add(networks, flops)
        return nullcontext()

    @contextmanager
    def _looked_at(self, networks: Hashable, kind: Hashable) -> Iterator[None]:
        with _Products(networks not in self._rates) as products:
            yield
        self._known[networks, kind] = products.flops
        if products.timed and products.flops:
            self._rates[networks] = products.flops / products.seconds if products.seconds else None
        self._add(networks, products.flops)

    def _add(self, networks: Hashable, flops: int) -> None:
        self.flops += flops
        rate = self._rates.get(networks)
        if self.seconds is not None and flops:
            self.seconds = None if rate is None else self.seconds + flops / rate


class _Products(TorchDispatchMode):
    """Counts the products of what runs inside.

    Args:
        timed: whether each is made a few times more; the shortest time counts.
    """

    def __init__(self, timed: bool) -> None:
        super().__init__()
        self.timed, self.flops, self.seconds = timed, 0, 0.0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        flops = operations(func, args, kwargs, out)
        if flops is not None:
            self.flops += flops
            if self.timed and all(each.device.type == "cpu" for each in args if isinstance(each, Tensor)):
                self.seconds += _shortest(lambda: func(*args, **kwargs))
        return out


def _shortest(call: Callable[[], Any]) -> float:
    times: list[float] = []
    while len(times) < 2 or (len(times) < _REPEATS and sum(times) < _SECONDS):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return min(times)
