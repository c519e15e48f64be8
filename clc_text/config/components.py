"""Named parts of a recipe: datasets, encoders, networks, noises and methods.

A part is a dataclass whose fields are the options that a recipe may set; each field says in its metadata what it
means, and within which limits it may be set. One registry per kind finds the parts by importing every module of one
package, so that adding a part is adding one file:

    @dataset("trec")
    @dataclass(frozen=True)
    class Trec(Dataset):
        '''TREC question classification, six coarse or fifty fine classes.'''

        labels: Literal["coarse", "fine"] = option("coarse", "which label set")
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import math
import numbers
import pkgutil
import typing
from collections.abc import Callable, Collection
from typing import Any, ClassVar, Generic, TypeVar

from clc_text.errors import InputError, nearest

T = TypeVar("T")

LARGEST = 2**31 - 1  # a whole number that no option says more of: what a 32-bit counter below can hold
LONGEST = 4096  # letters of a text: the longest path that Linux takes
MOST_ITEMS = 100_000  # of a list or section


def option(
    default: Any = dataclasses.MISSING,
    help: str = "",
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: Collection[str] | None = None,
    items_at_least: int = 0,
    items_at_most: int = MOST_ITEMS,
    not_empty: bool = False,
    give: str | None = None,
    **more: Any,
) -> Any:
    """A dataclass field with an explanation and limits; a mutable default (list, dict) is copied for each instance.

    The limits are those of the number, of the text, or of each item of a list; `check_options` holds an instance to
    them. Without any, a number is finite, and a whole one between -`LARGEST` and `LARGEST`.

    Args:
        at_least, at_most: the limits themselves are allowed.
        above, below: the limits themselves are not.
        choices: the texts that it may be, where its type does not say so.
        items_at_least, items_at_most: of a list or a section.
        not_empty: a text must have a letter.
        give: what a message asks for instead of the limit that was passed, such as "a share from 0 to 0.2".
        more: further metadata.
    """
    limits = {
        "at_least": at_least, "at_most": at_most, "above": above, "below": below, "choices": choices,
        "items_at_least": items_at_least or None, "items_at_most": items_at_most, "not_empty": not_empty or None,
        "give": give,
    }  # fmt: skip
    metadata = {"help": help, **{key: value for key, value in limits.items() if value is not None}, **more}
    if isinstance(default, (list, dict)):
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata=metadata)
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


class Options:
    """Base of all dataclasses whose fields are a recipe's options: each instance is held to their limits.

    Attributes:
        section: what a message puts before an option's name; "" where it stands at the top of the recipe.
    """

    section: ClassVar[str] = ""

    def __post_init__(self) -> None:
        check_options(self, self.section)


@functools.cache
def types_of(options: type) -> dict[str, Any]:
    """The type of each field of a dataclass; Python evaluates them anew at each question."""
    return typing.get_type_hints(options)


def check_options(options: Any, section: str) -> None:
    """Holds every field of a dataclass to the limits that its `option` declares.

    Raises:
        InputError: names the first that is outside of them.
    """
    kind: type = type(options)
    for field in _limits_of(kind):
        check_value(f"{section}.{field}" if section else field, getattr(options, field), kind, field)


def check_value(name: str, value: object, options: type, field: str, *, any_type: bool = False) -> None:
    """Holds a value to the limits that a field of a dataclass declares; `name` is what messages call it.

    Args:
        any_type: only its size matters, where another interface takes what the field's type does not.

    Raises:
        InputError: it is outside of them.
    """
    _check(name, value, None if any_type else types_of(options)[field], _limits_of(options)[field])


@functools.cache
def _limits_of(options: type) -> dict[str, typing.Mapping[str, Any]]:
    return {field.name: field.metadata for field in dataclasses.fields(options)}


def numeric(options: type, field: str) -> bool:
    """Whether a field of a dataclass is a number."""
    return bool({int, float} & set(_parts_of(types_of(options)[field])))


def _check(name: str, value: object, kind: object, limits: typing.Mapping[str, Any]) -> None:
    if isinstance(value, (list, tuple, dict)):
        _check_size(name, value, limits)
        if isinstance(value, dict):
            return
        of_items = typing.get_args(kind)[0] if typing.get_origin(kind) is list else None
        for item in value:
            if not isinstance(item, (list, tuple, dict)):
                _check(name, item, of_items, limits)
        return
    if kind is not None and not _fits(value, kind):
        shown = value if value is None or isinstance(value, (bool, int, float)) else f"'{str(value)[:60]}'"
        raise InputError(f"{name} is {shown}; give {limits.get('give') or 'a value of its type'}", key=name)
    choices = limits.get("choices") or (() if _also_text(kind) else _literals(kind))
    if isinstance(value, str) and choices and value not in choices:
        raise InputError(f"{name} is '{value}'{nearest(str(value), map(str, choices))}", key=name)
    if isinstance(value, str):
        _check_text(name, value, limits)
    elif isinstance(value, numbers.Real) and not isinstance(value, bool):
        _check_number(name, int(value) if isinstance(value, numbers.Integral) else float(value), limits)


def _check_size(name: str, values: Collection[Any], limits: typing.Mapping[str, Any]) -> None:
    least, most = limits.get("items_at_least", 0), limits.get("items_at_most", MOST_ITEMS)
    if len(values) < least:
        empty = "is empty" if not values else f"has {len(values)}"
        raise InputError(f"{name} {empty}; give {limits.get('give') or f'at least {least}'}", key=name)
    if len(values) > most:
        raise InputError(f"{name} has {len(values):,} items; give at most {most:,}", key=name)


def _check_text(name: str, value: str, limits: typing.Mapping[str, Any]) -> None:
    if limits.get("not_empty") and not value.strip():
        raise InputError(f"{name} is empty; give {limits.get('give') or 'a text'}", key=name)
    if len(value) > LONGEST:
        raise InputError(f"{name} has {len(value):,} letters; give at most {LONGEST:,}", key=name)
    # The system takes no file's name with a zero in it, and no program can print half a character.
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise InputError(f"{name} holds a zero character or half a character; write it as text", key=name)


def _check_number(name: str, value: int | float, limits: typing.Mapping[str, Any]) -> None:
    """NaN is outside every limit."""
    at_least, at_most = limits.get("at_least"), limits.get("at_most")
    if isinstance(value, int):
        at_least = -LARGEST if at_least is None else at_least
        at_most = LARGEST if at_most is None else at_most
    passed = [
        (at_least is not None and not value >= at_least, f"at least {at_least}"),
        (limits.get("above") is not None and not value > limits.get("above", 0), f"more than {limits.get('above')}"),
        (at_most is not None and not value <= at_most, f"at most {at_most}"),
        (limits.get("below") is not None and not value < limits.get("below", 0), f"less than {limits.get('below')}"),
        (isinstance(value, float) and not math.isfinite(value), "a finite number"),
    ]
    for outside, wanted in passed:
        if outside:
            few = isinstance(value, float) or abs(value) < 10**30
            shown = value if few else f"a number of {len(str(abs(value)))} digits"
            raise InputError(f"{name} is {shown}; give {limits.get('give') or wanted}", key=name)


@functools.cache
def _literals(kind: object) -> tuple[Any, ...]:
    """The choices of ``Literal["a", "b"] | None``."""
    if typing.get_origin(kind) is typing.Literal:
        return typing.get_args(kind)
    return tuple(choice for inner in typing.get_args(kind) for choice in _literals(inner))


def _fits(value: object, kind: object) -> bool:
    """Whether a plain value may stand where a type is declared; of types that are not plain any value may."""
    kinds = _parts_of(kind)
    if not all(
        one in (int, float, bool, str, type(None)) or typing.get_origin(one) is typing.Literal for one in kinds
    ):
        return True
    if value is None:
        return type(None) in kinds
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, str):
        return str in kinds or bool(_literals(kind))
    if isinstance(value, numbers.Real):
        return float in kinds or (int in kinds and isinstance(value, numbers.Integral))
    return False


def _also_text(kind: object) -> bool:
    """Whether any text will do beside a type's `Literal`."""
    return kind is not None and str in _parts_of(kind)


@functools.cache
def _parts_of(kind: object) -> tuple[object, ...]:
    inner = typing.get_args(kind)
    if not inner or typing.get_origin(kind) in (typing.Literal, list, dict):
        return (kind,)
    return tuple(part for each in inner for part in _parts_of(each))


class Registry(Generic[T]):
    """The parts of one kind, by name.

    Args:
        kind: what a message calls such a part, for example ``"method"``.
        package: the package whose modules define the parts; they are imported when recipes are read, so their
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
        if name not in self._parts:
            self._load(name)
        if name not in self._parts:
            self._load()
        if name not in self._parts:
            raise InputError(f"there is no {self.kind} '{name}'{nearest(name, self._parts)}", key=name)
        return self._parts[name]

    def _load(self, only: str | None = None) -> None:
        """Imports all modules of the package, or the one of a name, where its part mostly is: a recipe needs few."""
        if self._loaded:
            return
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            if only in (None, module.name):
                importlib.import_module(f"{self.package}.{module.name}")
        self._loaded = only is None


def registry_of(module: str, name: str) -> Registry[Any]:
    """The registry of that name in a module: parts are found by name alone, so whoever reads recipes imports none."""
    registry: Registry[Any] = getattr(importlib.import_module(module), name)
    return registry
