"""Runs that differ in nothing but their seeds belong together: they are one line of a picture, one row of a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clc_text.artifacts.how_it_learnt import result_settings
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.artifacts.run_files import NoiseManifest, Seeds

_MOST_KEYS_IN_A_TITLE = 3


@dataclass(frozen=True)
class Group:
    """Runs of the same settings.

    Attributes:
        title: what a legend calls them: the method, and what sets them apart from groups of the same method.
        runs: at least one.
    """

    title: str
    runs: tuple[RunDirectory, ...]

    @property
    def n(self) -> int:
        return len(self.runs)

    @property
    def seeds(self) -> list[Seeds]:
        return [run.environment()["seeds"] for run in self.runs]


def group(runs: Sequence[RunDirectory]) -> list[Group]:
    """Groups in the order in which their first runs are given."""
    members: dict[str, list[RunDirectory]] = {}
    settings: dict[str, dict[str, Any]] = {}
    for run in runs:
        plain = result_settings(run)
        key = json.dumps(plain, sort_keys=True)
        members.setdefault(key, []).append(run)
        settings[key] = plain
    names = [members[key][0].name for key in members]
    titles = _titles([flat(settings[key]) for key in members], names)
    return [Group(title, tuple(members[key])) for title, key in zip(titles, members, strict=True)]


def flat(plain: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"a": {"b": 1}}`` as ``{"a.b": 1}``."""
    values: dict[str, Any] = {}
    for key, value in plain.items():
        if isinstance(value, dict):
            values |= flat(value, f"{prefix}{key}.")
        else:
            values[prefix + key] = value
    return values


_CAPITALS_WITHIN = {"mentornet": "MentorNet", "jocor": "JoCoR", "selfmix": "SelfMix", "dividemix": "DivideMix"}


def method_title(name: str) -> str:
    """A method's name as papers write it: ``clc`` is CLC, ``co_teaching`` Co-teaching, ``clc_auto`` CLC auto."""
    if name in _CAPITALS_WITHIN:
        return _CAPITALS_WITHIN[name]
    first, *more = name.split("_")
    if first == "co":
        return "-".join(["Co", *more])
    return " ".join([first.upper() if len(first) <= 3 else first.capitalize(), *more])


def _titles(settings: list[dict[str, Any]], names: list[str]) -> list[str]:
    methods = [method_title(str(one.get("method.name", "?"))) for one in settings]
    titles = []
    for index, title in enumerate(methods):
        rivals = [other for other, method in enumerate(methods) if method == title]
        differing = _differing([settings[rival] for rival in rivals])
        if len(rivals) > 1 and len(differing) <= _MOST_KEYS_IN_A_TITLE:
            title = f"{title} ({', '.join(_told(key, settings[index]) for key in differing)})"
        elif len(rivals) > 1:
            title = f"{title} ({names[index]})"
        titles.append(title)
    return [
        title if titles.count(title) == 1 else f"{title} #{titles[: index + 1].count(title)}"
        for index, title in enumerate(titles)
    ]


def _differing(settings: list[dict[str, Any]]) -> list[str]:
    keys = sorted({key for one in settings for key in one})
    return [key for key in keys if len({json.dumps(one.get(key)) for one in settings}) > 1]


def _told(key: str, settings: dict[str, Any]) -> str:
    name = key.removeprefix("method.").removeprefix("training.")
    return f"{name} {settings[key]}" if key in settings else f"no {name}"


def subject(runs: Sequence[RunDirectory]) -> str:
    """Dataset and noise in a few words, where all runs share them."""
    environments = [run.environment() for run in runs]
    names = {environment["dataset"] for environment in environments}
    noises = {_noise(run.noise_manifest()) for run in runs}
    parts = [values.pop() if len(values) == 1 else None for values in (names, noises)]
    return ", ".join(part for part in parts if part)


def _noise(manifest: NoiseManifest) -> str:
    name = str(manifest["name"]).replace("_", " ")
    if name == "none":
        return "labels as given"
    return f"{name} noise" + ("" if manifest["rate"] is None else f" {manifest['rate']:g}")
