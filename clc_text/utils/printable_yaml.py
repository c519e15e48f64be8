"""YAML for people: a card's head, and a recipe that is shown or published.

The class names in it are somebody's, and no reader should be led astray by them.
"""

from __future__ import annotations

from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Quotes a text that holds anything but printable characters, so that those can be written as escapes."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _text)


def printable_yaml(values: Any, width: int = 80, flow: bool = False) -> str:
    """The values as YAML that reads back exactly: accents as they are, direction marks and the like as escapes.

    PyYAML alone would write either all of them as they are, or every accent as an escape.

    Args:
        flow: lists and sections in brackets, on one line where `width` allows it.
    """
    text = yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=width, default_flow_style=flow)
    return "".join(c if c == "\n" or c.isprintable() else _escape(c) for c in text).strip()


def _escape(character: str) -> str:
    """As YAML writes it inside double quotes, where alone `_Dumper` leaves such a character."""
    number = ord(character)
    return f"\\u{number:04X}" if number < 0x10000 else f"\\U{number:08X}"
