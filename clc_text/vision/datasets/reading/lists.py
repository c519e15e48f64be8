"""Lists of image files with their labels, and which of the files are there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from clc_text.errors import InputError
from clc_text.vision.images import decode

SAMPLE = 32


class Listed(NamedTuple):
    """Images by their keys (relative paths with `/`), and int64 labels; `where` is the list's file."""

    keys: list[str]
    labels: np.ndarray
    where: Path


class Found(NamedTuple):
    """`paths[i]` is the file of key i, from the root of the file system, or None where there is none."""

    paths: list[str | None]
    missing: list[str]


def read_lines(path: Path) -> list[str]:
    """The lines of a UTF-8 file without their line ends; a last empty line counts for nothing.

    Raises:
        InputError: the file is missing, empty or no text.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise InputError(f"there is no file {path}", where=path) from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start}); is this the original file?", where=path) from None
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise InputError(f"{path} is empty; fetch it again", where=path)
    return lines


def read_labelled(path: Path, classes: int) -> tuple[Listed, int]:
    """Lines of ``key label``; a key may hold commas, so only the last blank parts the two.

    Returns:
        The rows, and how many lines had no label and are left out (Clothing1M's own lists have one).

    Raises:
        InputError: a line has no key, or its label is no class.
    """
    keys, labels, without = [], [], 0
    for number, line in enumerate(read_lines(path), start=1):
        key, _, label = line.partition(" ") if line.endswith(" ") else line.rpartition(" ")
        label = label.strip()
        if not key.strip():
            if "/" in line:
                without += 1
                continue
            raise InputError(
                f"{path}, line {number}: '{line[:60]}' is not an image's key, a blank and a label",
                where=path,
                row=number,
            )
        if not label:
            without += 1
            continue
        if not label.isdecimal() or int(label) >= classes:
            raise InputError(
                f"{path}, line {number}: the label '{label}' is no class from 0 to {classes - 1}",
                where=path,
                row=number,
            )
        keys.append(key)
        labels.append(int(label))
    return Listed(keys, np.asarray(labels, dtype=np.int64), path), without


def find_images(roots: Sequence[tuple[Path, str]], keys: Sequence[str], where: Path) -> Found:
    """The files of the keys: each folder is listed once, since asking for a million files one by one takes minutes.

    Args:
        roots: folders to look in, each with a prefix of the keys that is left out below it.
        where: the file that lists the keys.

    Raises:
        InputError: a key leaves the folder.
    """
    # A run keeps these paths, and its commands are not always called from the folder that it was trained in.
    places = [(root.expanduser().resolve().as_posix(), prefix) for root, prefix in roots]
    listings: dict[str, set[str]] = {}

    def is_there(path: str) -> bool:
        folder, _, name = path.rpartition("/")
        if folder not in listings:
            try:
                listings[folder] = set(os.listdir(folder))
            except OSError:
                listings[folder] = set()
        return name in listings[folder]

    paths: list[str | None] = []
    missing = []
    for key in keys:
        if key.startswith("/") or ".." in key.split("/"):
            raise InputError(f"{where}: the key '{key}' leaves the folder of images", where=where, key=key)
        candidates = (f"{place}/{key.removeprefix(prefix)}" for place, prefix in places)
        path = next((path for path in candidates if is_there(path)), None)
        paths.append(path)
        if path is None:
            missing.append(key)
    return Found(paths, missing)


def keep_found(listed: Listed, found: Found, roots: Sequence[tuple[Path, str]], drop: bool) -> tuple[list[str], Any]:
    """Paths and a mask of the rows whose files are there.

    A few of the files, spread over the list, are decoded: better now than after an hour of encoding.

    Raises:
        InputError: an image cannot be read; or files are missing and `drop` is off, or none is there at all (says how
            many and names the first).
    """
    there = np.array([path is not None for path in found.paths], dtype=bool)
    if found.missing and (not drop or not there.any()):
        named = ", ".join(found.missing[:3]) + (", ..." if len(found.missing) > 3 else "")
        looked = " and ".join(dict.fromkeys(str(root) for root, _ in roots))
        remedy = "bring them" if not there.any() else "bring them, or set data.missing=drop to go on without"
        raise InputError(
            f"{len(found.missing):,} of the {len(listed.keys):,} images that {listed.where} lists are not there "
            f"({named}); looked in {looked} and found {int(there.sum()):,}; {remedy}",
            where=listed.where,
        )
    paths = [path for path in found.paths if path is not None]
    for row in np.flatnonzero(there)[:: max(1, len(paths) // SAMPLE)].tolist():
        decode(found.paths[row], f"image {row + 1} of {listed.where}", None)
    return paths, there
