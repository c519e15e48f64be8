"""JSON as a `TypedDict` says it is: a key that is missing or mistyped, however deep, is one sentence with its name."""

from __future__ import annotations

import functools
import json
import types
import typing
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from clc_text.errors import InputError
from clc_text.utils.damage import AGAIN, undamaged
from clc_text.utils.files import json_lines

Typed = TypeVar("Typed")


def _as_it_is(content: Any) -> Any:
    return content


_WORDS = {
    str: "a text", int: "a whole number", float: "a number", bool: "true or false", type(None): "null",
    list: "a list", dict: "an object",
}  # fmt: skip


def read_json(
    path: Path, wanted: type[Typed], way_out: str = AGAIN, renamed: Callable[[Any], Any] = _as_it_is
) -> Typed:
    """What a JSON file holds; keys that `wanted` does not know are left as they are.

    Args:
        wanted: a `TypedDict`, or a list or dict of such.
        way_out: the end of the sentence on a file that is damaged.
        renamed: gives what was read the keys that `wanted` knows, where it has those of an earlier version.

    Raises:
        InputError: the file is missing, no JSON, or not of that type.
    """
    with undamaged(path, way_out):
        content = renamed(json.loads(path.read_text(encoding="utf-8")))
    return checked(content, wanted, path, way_out)


def read_typed_lines(
    path: Path, wanted: type[Typed], way_out: str = AGAIN, renamed: Callable[[Any], Any] = _as_it_is
) -> list[Typed]:
    """The complete lines of a file of JSON lines, each as `wanted` says; `renamed` as in `read_json`.

    Raises:
        InputError: the file is missing, or a line is no JSON or not of that type.
    """
    try:
        values = [renamed(line) for line in json_lines(path.read_bytes())]
    except FileNotFoundError:
        raise InputError(f"{path} is missing; {way_out}", where=path) from None
    except ValueError as error:
        raise InputError(f"{path}: {error}; it was changed after it was written, {way_out}", where=path) from None
    for number, line in enumerate(values, 1):
        if fault := fault_of(line, wanted):
            raise InputError(f"{path} is damaged (line {number}: {fault}); {way_out}", where=path, row=number)
    return values


def checked(content: Any, wanted: type[Typed], path: Path, way_out: str = AGAIN) -> Typed:
    """`content`, which stands in `path`.

    Raises:
        InputError: it is not what is wanted.
    """
    if fault := fault_of(content, wanted):
        raise InputError(
            f"{path} is damaged{' or cut short' if fault.startswith('it is') else ''} ({fault}); {way_out}", where=path
        )
    return cast(Typed, content)


def fault_of(value: Any, wanted: Any, key: str = "") -> str | None:
    """What is wrong with a value, such as ``it has no `noise.rate` ``; None: nothing."""
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if wanted is Any:
        return None
    if origin in (typing.Union, types.UnionType):
        faults = [fault_of(value, choice, key) for choice in arguments]
        if None in faults:
            return None
        deeper = [fault for fault in faults if fault and f"`{key}` is" not in fault]
        return deeper[0] if deeper and key else _is(value, wanted, key)
    if origin is Literal:
        return None if value in arguments and type(value) in map(type, arguments) else _is(value, wanted, key)
    if typing.is_typeddict(wanted):
        return _fault_of_keys(value, wanted, key)
    if origin is list and isinstance(value, list):
        if set(map(type, value)) <= _TYPES.get(arguments[0], set()):
            return None  # of a matrix with millions of numbers each would take long
        return _first(fault_of(item, arguments[0], f"{key}[{place}]") for place, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return _first(fault_of(item, arguments[1], _below(key, name)) for name, item in value.items())
    return None if type(value) in _TYPES.get(wanted, set()) else _is(value, wanted, key)


_TYPES: dict[Any, set[type]] = {str: {str}, int: {int}, float: {int, float}, bool: {bool}, type(None): {type(None)}}


def _fault_of_keys(value: Any, wanted: Any, key: str) -> str | None:
    if not isinstance(value, dict):
        return _is(value, dict, key)
    for name, kind in _hints(wanted).items():
        if name in value:
            if fault := fault_of(value[name], kind, _below(key, name)):
                return fault
        elif name in wanted.__required_keys__:
            return f"it has no `{_below(key, name)}`"
    return None


_hints = functools.cache(typing.get_type_hints)


def _below(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _first(faults: Iterable[str | None]) -> str | None:
    return next((fault for fault in faults if fault), None)


def _is(value: Any, wanted: Any, key: str) -> str:
    kind = _WORDS.get(type(value), "something else")
    if isinstance(value, (str, int, float)) and not isinstance(value, bool) and len(repr(value)) < 40:
        kind = repr(value)
    return (
        f"`{key}` is {kind} instead of {_in_words(wanted)}" if key else f"it is {kind} instead of {_in_words(wanted)}"
    )


def _in_words(wanted: Any) -> str:
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_in_words(choice) for choice in arguments))
    if origin is Literal:
        return " or ".join(repr(choice) for choice in arguments)
    if typing.is_typeddict(wanted):
        return _WORDS[dict]
    return _WORDS.get(origin or wanted, "another value")
