"""Texts are read alike with PyYAML's loader in C and without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from clc_text.config.typed_yaml import parse_yaml
from clc_text.errors import InputError
from clc_text.utils import yaml_loaders
from clc_text.utils.yaml_loaders import by_safe_loader

ODD = [
    "a: 'it''s'\nb: \"\\u00e9\\x41\"\nc: |\n  two\n  lines\nd: >-\n  folded\n  text\n",
    "a: [1, 1e-3, 0x1f, 0o17, 1_000, yes, ~, 2020-01-01, =, '1', \"2\"]\n? b\n: {c: , d: é\u2028f}\n",
    "a:\tb\n",
    "a: 1\n\tb: 2\n",
    "a: b\n\ufeffc: d\n",
    "a: {b: 1\n",
    "a: b: c\n",
    "a: 'b\n",
    "a: !!python/name:os.system x\n",
    "a: &b 1\nc: *b\n",
    "a: 1\na: 2\n",
    "a: 1\n--- \nb: 2\n",
    "a: \x07\n",
    "a: @b\n",
    "[" * 60,
    "",
]


def told(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (InputError, yaml.YAMLError) as error:
        return type(error), str(error)


@pytest.fixture
def without_c(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], Any]:
    def read(of: Callable[[], Any]) -> Any:
        with monkeypatch.context() as patched:
            patched.setattr(yaml_loaders, "_IN_C", None)
            return told(of)

    return read


@pytest.mark.parametrize("text", ODD)
def test_odd_texts(text: str, without_c: Callable[[Callable[[], Any]], Any]) -> None:
    for read in (lambda: by_safe_loader(text, yaml.load), lambda: parse_yaml(text, "some.yaml", "recipe")):
        assert told(read) == without_c(read)


def test_the_recipes_of_the_project(recipes: Path, without_c: Callable[[Callable[[], Any]], Any]) -> None:
    for path in (recipes / "trec_sym05.yaml", *(recipes / "sweeps").glob("table4*.yaml")):
        text = path.read_text()

        def read(text: str = text) -> Any:
            return parse_yaml(text, "some.yaml", "recipe")

        assert told(read) == without_c(read)
        assert isinstance(read().value, dict)
