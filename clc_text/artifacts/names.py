"""Names that files of a run, and what stands in them, had in earlier versions: what was made with those is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

EARLIER = {"noise/manifest.json": "noise/passport.json", "dynamics": "ledger", "notices.json": "guards.json"}
"""Files and folders: today's name and the earlier one."""
EARLIER_KEYS = {
    "ledger": "dynamics", "guards": "warnings", "taught_right": "target_right", "taught": "in_targets",
    "notes": "notices",
}  # fmt: skip
"""Keys of JSON files and of lines of JSON: the earlier name and today's."""
EARLIER_POLICIES = {"taught": "targets"}
"""Policies, as corrected datasets and commands name them: likewise. What an option of a recipe was called before, the
option itself says (`earlier`, `clc_text.config.components.option`)."""


def located(directory: Path, name: str) -> Path:
    """Where a run keeps `name`: a run that has it by its earlier name goes on with that."""
    path = directory / name
    if name in EARLIER and not path.exists() and (directory / EARLIER[name]).exists():
        return directory / EARLIER[name]
    return path


def current(content: Any) -> Any:
    """A JSON object with today's keys: its own, and those of its part `train`. Anything else is left as it is."""
    if not isinstance(content, Mapping):
        return content
    part = {"train": current(content["train"])} if isinstance(content.get("train"), Mapping) else {}
    return {EARLIER_KEYS.get(key, key): value for key, value in content.items()} | part
