"""A recipe shown to its reader: every key with its value, its meaning and what it may be."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

from clc_text.config.recipe import Recipe
from clc_text.config.typed_yaml import type_in_words
from clc_text.utils.printable_yaml import printable_yaml


def explain(recipe: Recipe) -> str:
    """The resolved recipe as YAML, each key below a comment; what it gives is a recipe again."""
    lines: list[str] = []
    hints = typing.get_type_hints(Recipe)
    for field in dataclasses.fields(Recipe):
        value = getattr(recipe, field.name)
        lines.append("")
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            lines += [f"# {field.metadata['help']}", f"{field.name}:"]
            lines += _section(value, named="registry" in field.metadata)
        else:
            lines += _key(field.name, value, field.metadata["help"], hints[field.name], indent="")
    return "\n".join(lines[1:]) + "\n"


def _section(part: Any, named: bool) -> list[str]:
    lines = []
    if named:
        first = (type(part).__doc__ or "").strip().splitlines()[0]
        lines += [f"  # {first}", f"  name: {part.name}"]
    hints = typing.get_type_hints(type(part))
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        lines += _key(field.name, value, field.metadata.get("help", ""), hints[field.name], indent="  ")
    return lines or ["  {}"]


def _key(name: str, value: Any, help: str, hint: Any, indent: str) -> list[str]:
    kind = "anything" if hint is Any else type_in_words(hint)
    text = printable_yaml(value, width=100_000, flow=True)
    return [f"{indent}# {help} ({kind})", f"{indent}{name}: {text.removesuffix('...').rstrip()}"]
