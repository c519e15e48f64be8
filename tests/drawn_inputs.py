"""Bad inputs, drawn from the declarations of options: for the property tests (few, drawn by hypothesis) and for the
drill in `tests/drills/inputs.py` (many, drawn by a seed). Every function draws from a `random.Random`."""

from __future__ import annotations

import dataclasses
import gzip
import inspect
import io
import json
import math
import typing
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from clc_text.config.components import LARGEST, types_of
from clc_text.config.recipe import Recipe, Seeds, Training, registries

STRANGE_TEXTS = (
    "", " ", "\0", "\ud800", "\u202eevil", "\x1b]0;owned\x07", "é", "中文", "a" * 300, "a" * 5_000, "../../..", "/",
    "/tmp/x", "~nobody-here/x", "~", ".", "..", "*", "[", "%s", "{}", "no", "1e3", "NaN", "-", "--all", "/dev/zero",
    "/dev/null", "/etc/passwd", "package:", "package:os", "train", "a\nb", "a\tb", "\\", "'", '"', "C:\\x",
    "http://x", "file:///x",
)  # fmt: skip
STRANGE_NUMBERS = (
    0, -1, 1, 2, LARGEST, LARGEST + 1, -LARGEST - 2, 10**11, 10**23, 10**390, 0.5, -0.5, 1.0, 1.5, math.nan, math.inf,
    -math.inf, 1e308, 1e-320,
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Option:
    """One option of a recipe: where it stands, its type and its limits."""

    section: str
    name: str
    kind: Any
    limits: Mapping[str, Any]
    part: str | None = None

    @property
    def key(self) -> str:
        return f"{self.section}.{self.name}" if self.section else self.name


def options() -> Iterator[tuple[str, Option]]:
    """Every option of every part of a recipe, with its modality."""
    for modality in ("text", "vision"):
        for section, kind in (("", Recipe), ("training", Training), ("seeds", Seeds)):
            for field in dataclasses.fields(kind):
                if "registry" not in field.metadata and not dataclasses.is_dataclass(field.default):
                    yield modality, Option(section, field.name, types_of(kind)[field.name], field.metadata)
        for folder, section in _SECTIONS.items():
            registry = registries(modality)[folder]
            for part in registry.names():
                cls = registry.get(part)
                for field in dataclasses.fields(cls):
                    if field.init:
                        yield modality, Option(section, field.name, types_of(cls)[field.name], field.metadata, part)


_SECTIONS = {"datasets": "data", "encoders": "encoder", "networks": "network", "noise": "noise", "methods": "method"}


def alternatives(kind: Any) -> list[Any]:
    """``int | None`` -> [int, NoneType]."""
    inner = typing.get_args(kind)
    if not inner or typing.get_origin(kind) in (typing.Literal, list, dict):
        return [kind]
    return [one for each in inner for one in alternatives(each)]


def outside(draw: Random, option: Option) -> list[Any]:
    """Values of the right type that the option's declaration forbids; drawn beyond each of its limits."""
    kinds, limits = alternatives(option.kind), option.limits
    found: list[Any] = []
    whole = any(kind in (int, list[int]) for kind in kinds)
    if whole or any(kind in (float, list[float]) for kind in kinds):
        step = draw.choice((1, 7, 10**6, 10**30)) if whole else draw.choice((1e-3, 0.5, 3.0, 1e300))
        if "at_least" in limits:
            found.append(limits["at_least"] - step)
        if "at_most" in limits:
            found.append(limits["at_most"] + step)
        if "above" in limits:
            found.append(limits["above"] if draw.random() < 0.5 else limits["above"] - step)
        if "below" in limits:
            found.append(limits["below"] if draw.random() < 0.5 else limits["below"] + step)
        found.append(
            draw.choice((10**12, 10**25, -(10**25))) if whole else draw.choice((math.nan, math.inf, -math.inf))
        )
        if not any(kind in (int, float) for kind in kinds):
            found = [[value] for value in found]
    if limits.get("items_at_least"):
        found.append([])
    if limits.get("not_empty"):
        found.append("")
    if str in kinds and not limits.get("choices"):
        found.append(draw.choice(("\0", "\ud800", "x" * 5_000)))
    return found


def any_value(draw: Random, option: Option) -> Any:
    """A value near the option's limits, of another type, or strange."""
    limits = option.limits
    roll = draw.random()
    if roll < 0.35:
        near = [limits[name] for name in ("at_least", "above", "at_most", "below") if name in limits]
        if near:
            return draw.choice(near) + draw.choice((-1, 0, 0, 1, 0.5, 1e-9))
        literals = [choice for kind in alternatives(option.kind) for choice in typing.get_args(kind)]
        return draw.choice([choice for choice in literals if isinstance(choice, str)] or list(STRANGE_TEXTS))
    if roll < 0.55:
        return draw.choice(STRANGE_NUMBERS)
    if roll < 0.75:
        return draw.choice(STRANGE_TEXTS)
    if roll < 0.85:
        return draw.choice((None, True, False, [], {}, [None], [[]], {"a": 1}, {"": ""}, [1, "a"]))
    if roll < 0.95:
        few = draw.randrange(4)
        return [draw.choice(STRANGE_NUMBERS + STRANGE_TEXTS) for _ in range(few)]
    return {draw.choice(STRANGE_TEXTS): draw.choice(STRANGE_TEXTS)}


GOOD: dict[str, dict[str, Any]] = {
    "text": {
        "data": {"name": "quickstart", "rows": 60, "test_rows": 10},
        "noise": {"name": "symmetric", "rate": 0.2},
        "encoder": {"name": "word_vectors", "vectors": "train", "length": 4, "train_dimension": 4, "train_epochs": 1},
        "network": {"name": "mlp", "hidden": [4]},
        "method": {"name": "clc", "warmup_epochs": 1},
        "training": {"epochs": 2, "batch_size": 16, "device": "cpu"},
        "seeds": {},
    },
    "vision": {
        "modality": "vision",
        "data": {"name": "cifar10"},
        "noise": {"name": "none"},
        "encoder": {"name": "pixels"},
        "network": {"name": "cnn9"},
        "method": {"name": "clc"},
        "training": {},
        "seeds": {},
    },
}


def recipe_with(option: Option, value: Any, modality: str) -> dict[str, Any]:
    """A recipe that is good but for one option."""
    plain = json.loads(json.dumps(GOOD[modality]))
    if not option.section:
        plain[option.name] = value
        return plain
    if option.part is not None and plain[option.section].get("name") != option.part:
        plain[option.section] = {"name": option.part} | _NEEDED.get((option.section, option.part), {})
    plain[option.section][option.name] = value
    return plain


_RATE: dict[str, Any] = {"rate": 0.2}
_NEEDED: dict[tuple[str, str], dict[str, Any]] = {
    ("data", "files"): {"train": "x.csv"},
    ("data", "hub"): {"id": "a/b"},
    **{("noise", name): _RATE for name in ("pairwise", "symmetric", "symmetric_inclusive", "instance")},
    ("noise", "asymmetric"): _RATE | {"map": {"a": "b"}},
    ("noise", "column"): {"column": "c"},
    ("noise", "matrix"): {"values": [[1.0]]},
    ("network", "auto"): {"weights": "x"},
}


def drawn_recipe(draw: Random, modality: str, known: list[Option]) -> dict[str, Any]:
    """A recipe of which one to three options are anything."""
    plain = recipe_with(first := draw.choice(known), any_value(draw, first), modality)
    for _ in range(draw.randrange(3)):
        option = draw.choice(known)
        section = plain if not option.section else plain.get(option.section)
        if isinstance(section, dict) and option.part in (None, section.get("name")):
            section[option.name] = any_value(draw, option)
    return plain


def damaged(draw: Random, content: bytes) -> bytes:
    """A file's content, cut, changed, doubled, packed, or with something strange in it."""
    at = draw.randrange(len(content) + 1)
    roll = draw.randrange(12)
    if roll == 0:
        return content[:at]
    if roll == 1:
        return content[:at] + bytes(draw.randrange(256) for _ in range(draw.randrange(1, 9))) + content[at:]
    if roll == 2:
        return content[:at] + b"\0" * draw.choice((1, 4_096)) + content[at:]
    if roll == 3:
        return b"\xef\xbb\xbf" + content if draw.random() < 0.5 else b"\xff\xfe" + content
    if roll == 4:
        return (
            content[:at]
            + draw.choice((b"[", b"{", b'{"a":', b"(", b'"', b"'", b"\n")) * draw.choice((1, 5_000))
            + content[at:]
        )
    if roll == 5:
        return (
            content[:at]
            + draw.choice(("\ud800", "\u202e", "\x1b[2J", "\u2028", "9" * 6_000, "1e999")).encode(
                "utf-8", "surrogatepass"
            )
            + content[at:]
        )
    if roll == 6:
        return gzip.compress(content)[: draw.choice((20, 10_000))]
    if roll == 7:
        return content + content
    if roll == 8:
        return content.replace(b"\n", b"\r\n" if draw.random() < 0.5 else b"\r")
    if roll == 9:
        return content.replace(b",", draw.choice((b";", b"\t", b"")))
    if roll == 10:
        return b""
    return bytes(draw.randrange(256) for _ in range(draw.randrange(400)))


def data_files(draw: Random, rows: int = 12) -> dict[str, bytes]:
    """Good files of every format that is read, by name."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    labels = [draw.choice("abc") for _ in range(rows)]
    texts = [f"word {draw.randrange(50)} and {draw.randrange(50)}" for _ in range(rows)]
    plain = [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)]
    parquet, matrix = io.BytesIO(), io.BytesIO()
    pq.write_table(pa.table({"text": texts, "label": labels}), parquet)
    np.save(matrix, np.eye(6))
    table = "\n".join(["text,label", *(f"{text},{label}" for text, label in zip(texts, labels, strict=True))]) + "\n"
    vectors = "\n".join(f"word{number} {number} 0.5 -1" for number in range(rows)) + "\n"
    return {
        "rows.csv": table.encode(),
        "rows.tsv": table.replace(",", "\t").encode(),
        "rows.jsonl": "".join(json.dumps(row) + "\n" for row in plain).encode(),
        "rows.json": json.dumps(plain).encode(),
        "rows.parquet": parquet.getvalue(),
        "rows.csv.gz": gzip.compress(table.encode()),
        "answers.csv": ("row,answer\n" + "".join(f"{row},HUM\n" for row in range(5))).encode(),
        "answers.json": json.dumps([{"data": {"row": 1}, "annotations": [{"result": []}]}]).encode(),
        "vectors.txt": vectors.encode(),
        "vectors.vec": f"{rows} 3\n{vectors}".encode(),
        "vectors.bin": f"{rows} 3\n".encode()
        + b"".join(b"w%d " % n + np.ones(3, "<f4").tobytes() for n in range(rows)),
        "matrix.csv": "\n".join(",".join("1" if i == j else "0" for j in range(6)) for i in range(6)).encode(),
        "matrix.json": json.dumps(np.eye(6).tolist()).encode(),
        "matrix.npy": matrix.getvalue(),
        "manifest.json": json.dumps({"name": "symmetric", "options": {"rate": 0.2}, "rows": 60}).encode(),
        "recipe.yaml": json.dumps(GOOD["text"]).encode(),
        "sweep.yaml": b"recipes: [recipe.yaml]\nseeds: [0, 1]\n",
    }


@dataclasses.dataclass(frozen=True)
class Parameter:
    """An argument (no flag) or option of a command, as its declaration says."""

    flag: str | None
    kind: Any
    least: float | None
    most: float | None
    required: bool


def commands() -> dict[str, list[Parameter]]:
    """Every command of `clc-text` with its parameters, from their declarations."""
    from clc_text.cli import app

    found = {}
    groups = [("", app), *((f"{group.name} ", group.typer_instance) for group in app.registered_groups)]
    for prefix, group in groups:
        for command in group.registered_commands:
            assert command.callback is not None
            name = command.name or command.callback.__name__.replace("_", "-")
            found[prefix + name] = list(_parameters(command.callback))
    return found


def _parameters(callback: Any) -> Iterator[Parameter]:
    defaults = inspect.signature(callback).parameters
    for name, hint in typing.get_type_hints(callback, include_extras=True).items():
        if name == "return":
            continue
        kind, declared = typing.get_args(hint)[:2]
        required = defaults[name].default is inspect.Parameter.empty
        flag = None
        if type(declared).__name__ == "OptionInfo":
            flag = next(iter(declared.param_decls or ()), f"--{name.replace('_', '-')}").split("/")[0]
        yield Parameter(flag, kind, declared.min, declared.max, required)


def drawn_arguments(draw: Random, parameters: list[Parameter], paths: list[str]) -> list[str]:
    """Each option with a value near its limits, strange, or left out; each argument a path or something strange."""
    found = []
    for parameter in parameters:
        if parameter.flag and not parameter.required and draw.random() < 0.6:
            continue
        kinds = alternatives(parameter.kind)
        if bool in kinds and parameter.flag:
            found.append(parameter.flag)
            continue
        limits = [limit for limit in (parameter.least, parameter.most) if limit is not None]
        if limits and draw.random() < 0.5:
            value: Any = draw.choice(limits) + draw.choice((-1, 0, 1))
        elif draw.random() < 0.7 and any("Path" in str(kind) for kind in kinds):
            value = draw.choice(paths)
        else:
            value = draw.choice(STRANGE_TEXTS[4:] + STRANGE_NUMBERS)
        found += [parameter.flag, str(value)] if parameter.flag else [str(value)]
    return found
