"""Named parts of a recipe: datasets, encoders, networks, noises and methods.

A part is a dataclass whose fields are the options that a recipe may set; each field says in its metadata what it
means. One registry per kind finds the parts by importing every module of one package, so that adding a part is
adding one file:

    @dataset("trec")
    @dataclass(frozen=True)
    class Trec:
        '''TREC question classification, six coarse or fifty fine classes.'''

        labels: Literal["coarse", "fine"] = option("coarse", "which label set")
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from clc_text.errors import InputError, nearest

T = TypeVar("T")


def option(default: Any = dataclasses.MISSING, help: str = "", **more: Any) -> Any:
    """A dataclass field with an explanation; a mutable default (list, dict) is copied for each instance."""
    metadata = {"help": help, **more}
    if isinstance(default, (list, dict)):
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata=metadata)
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


class Registry(Generic[T]):
    """The parts of one kind, by name.

    Args:
        kind: what a message calls such a part, for example ``"method"``.
        package: the package whose modules define the parts; all of them are imported at the first look-up, so their
            top level must stay light (heavy imports belong inside functions).
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self.package = package
        self._parts: dict[str, type[T]] = {}
        self._loaded = False

    def __call__(self, name: str) -> Callable[[type[T]], type[T]]:
        def register(part: type[T]) -> type[T]:
            known = self._parts.get(name)
            if known is not None and known.__qualname__ != part.__qualname__:
                raise TypeError(f"two {self.kind}s are called '{name}': {known} and {part}")
            part.name = name  # type: ignore[attr-defined]
            self._parts[name] = part
            return part

        return register

    def names(self) -> list[str]:
        self._load()
        return sorted(self._parts)

    def get(self, name: str) -> type[T]:
        self._load()
        if name not in self._parts:
            raise InputError(f"there is no {self.kind} '{name}'{nearest(name, self._parts)}")
        return self._parts[name]

    def _load(self) -> None:
        if self._loaded:
            return
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self.package}.{module.name}")
        self._loaded = True
