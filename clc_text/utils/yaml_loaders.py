"""PyYAML's two safe loaders: the one in C takes a sixth of the time, and not every PyYAML has it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

import yaml

T = TypeVar("T")
_IN_C: Any = getattr(yaml, "CSafeLoader", None)
_BLANKS_IN_C = ("\t", "\ufeff")  # which are mistakes in Python


def by_safe_loader(text: str, read: Callable[[str, Any], T]) -> T:
    """What `read` makes of a text with a safe loader; a text is read alike by either.

    Args:
        read: takes the text and the loader's class.

    Raises:
        YAMLError: it is no YAML, in the words of the loader in Python.
    """
    if _IN_C is not None and not any(char in text for char in _BLANKS_IN_C):
        with contextlib.suppress(yaml.YAMLError, UnicodeError):
            return read(text, _IN_C)
    return read(text, yaml.SafeLoader)
