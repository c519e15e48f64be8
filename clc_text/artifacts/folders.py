"""Options of a recipe as they may be published: of a path only its last part.

Folders are nobody's business: they name people, clients and projects, and on another machine they mean nothing. What
is a path is told by the option, since a class may be called /r/politics and a column a/b; where an option takes a path
or a name of the Hub, by what is there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Literal

# Options that are files or folders, whatever is written there.
_PATHS = {"train", "test", "test_path", "human_labels", "file", "matrix_file"}
# Options that are files or folders, or names of the Hub or of known vectors.
_PATHS_OR_NAMES = {"path", "model", "weights", "vectors", "id"}
# Options that are classes, columns or other words of the data; they are never paths.
_WORDS = {"label_names", "map", "header", "text", "label", "true_label", "column", "title", "lora_layers"}
_WORDS |= {"separator", "quote"}

# A path from the root of a file system or from a home folder: /data/x.csv, ~/x.csv, C:\x.csv, \\server\x.csv.
_ABSOLUTE = re.compile(r"(/|~|\\\\|[A-Za-z]:[\\/]|file:)")
_RELATIVE = re.compile(r"\.\.?([\\/]|$)")
# What the Hub allows: owner/name, neither beginning with a dot.
_HUB = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
# Endings of files that this package reads, none of which a repository of the Hub has.
_FILE = re.compile(r"(?i)\.(csv|tsv|txt|jsonl?|parquet|arrow|npy|npz|gz|zip|bin|kv|vec|pt|pkl|safetensors|yaml)$")

_Kind = Literal["path", "path or name", "words", "unknown"]


def without_folders(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options whose paths are shortened to their last part, in lists and sections, too."""
    return {key: _shortened(value, _kind(key, "unknown")) for key, value in options.items()}


def _kind(key: Any, around: _Kind) -> _Kind:
    """What an option's value is; `around` says what the section is that it stands in."""
    if around == "words":
        return "words"
    if key in _PATHS:
        return "path"
    if key in _PATHS_OR_NAMES:
        return "path or name"
    return "words" if key in _WORDS else around


def _shortened(value: Any, kind: _Kind) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(inner, _kind(key, kind)) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shortened(inner, kind) for inner in value]
    if isinstance(value, str) and _is_path(value, kind):
        return re.split(r"[\\/]", value.rstrip("\\/"))[-1] or value
    return value


def _is_path(value: str, kind: _Kind) -> bool:
    if kind == "words":
        return False
    if _ABSOLUTE.match(value) or _RELATIVE.match(value):
        return True
    if "://" in value or not re.search(r"[\\/]", value):
        return False  # an address of the network, or a plain name
    if kind == "path" or _exists(value):
        return True
    return kind == "path or name" and (not _HUB.fullmatch(value) or bool(_FILE.search(value)))


def _exists(value: str) -> bool:
    """Whether it lies in the folder that relative paths start from. Where it does, that is what the run has read: a
    name of the Hub is looked up after it."""
    return os.path.exists(value)
