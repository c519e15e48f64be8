"""Files that survive a crash: everything is written aside, then renamed over its place."""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from clc_text.errors import InputError
from clc_text.utils.leftovers import aside_of, writing_in
from clc_text.utils.shown import without_controls

_LONGEST_NAME = 200  # bytes: 255 are the most that file systems take, and a part being written has a longer name
_FULL = {
    errno.ENOSPC: "the disk is full; make room",
    errno.EDQUOT: "your quota of disk space is used up; make room",
    errno.EFBIG: "it would be larger than a file may be here; raise that limit (`ulimit -f`)",
}
_ELSEWHERE = "; name another place, or work on a copy of its folder"
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
_WHY = _FULL | {
    errno.EROFS: "its file system is read-only" + _ELSEWHERE,
    errno.EACCES: "permission denied" + _ELSEWHERE,
    errno.EPERM: "not permitted" + _ELSEWHERE,
    errno.EIO: "writing it broke off; make room on the disk, and see that it is sound",
    errno.EISDIR: "it is a folder; name a file",
    errno.ENOTDIR: "what should be a folder there is a file; name another place",
    errno.EEXIST: "what should be a folder there is a file; name another place",
    errno.ENAMETOOLONG: "its name is too long; choose a shorter one",
    errno.ENOENT: "nothing can be made there; name another place",
}


class Unwritable(InputError, OSError):
    """The system refuses to write a file; also an `OSError`, for callers who can do without the file."""

    def __str__(self) -> str:  # that of OSError would add number and file
        return str(self.args[0])


def _unwritable(path: Path, number: int) -> Unwritable:
    error = Unwritable(f"{path} cannot be written: {_WHY[number]}", where=path)
    error.errno, error.filename = number, str(path)
    return error


@contextmanager
def to_be_written(path: Path, aside: Path | None = None) -> Iterator[None]:
    """Turns the system's refusal to write `aside` (or what is in it) into a sentence about `path`.

    Errors of other files stay as they are, as does an `aside` that is missing: they are somebody's defect.

    Args:
        aside: None: `path` itself is being written.
    """
    try:
        yield
    except Exception as error:
        number = _refusal(error)
        own = True  # a library's own error names no file
        if isinstance(error, OSError):
            own = isinstance(error.filename, str) and Path(error.filename).is_relative_to(aside or path)
        # What fails in the middle of writing for want of room names no file.
        if number in _FULL or (own and number in _FORBIDDEN):
            raise _unwritable(path, number) from error
        raise


def _refusal(error: Exception) -> int:
    """The system's number of what went wrong; 0 where it is no failure to write.

    Libraries raise errors of their own: safetensors tells the number in words, and `torch.save` tells none.
    """
    if isinstance(error, OSError):
        return error.errno or 0
    if type(error).__name__ == "SafetensorError" and (told := re.search(r"\(os error (\d+)\)", str(error))):
        return int(told[1])
    torch_writes = isinstance(error, RuntimeError) and re.search("inline_container.*(pos|StreamWriter)", str(error))
    return errno.EIO if torch_writes else 0


def _make(make: Callable[[], object], path: Path) -> None:
    """Makes a file or folder for `path`."""
    try:
        make()
    except OSError as error:
        if error.errno not in _WHY:
            raise
        raise _unwritable(path, error.errno) from error


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; on success it is renamed over `path`, on failure removed.

    Raises:
        Unwritable: the place cannot be written to; said before anything is computed in the body.
    """
    if path.is_dir():
        raise _unwritable(path, errno.EISDIR)
    aside = aside_of(path)
    _make(lambda: path.parent.mkdir(parents=True, exist_ok=True), path)
    with writing_in(path.parent):
        _make(aside.touch, path)
        with to_be_written(path, aside):
            permitted = aside.stat().st_mode
            aside.unlink()  # a body that writes nothing must not leave an empty file
            try:
                yield aside
                _permit(aside, permitted)
                _flush(aside)
                os.replace(aside, path)
            finally:
                aside.unlink(missing_ok=True)


def _permit(path: Path, mode: int) -> None:
    """Gives a file the rights of any new file, `mode`; safetensors keeps its files to their owner alone."""
    lacking = mode & 0o666 & ~path.stat().st_mode
    if lacking:
        with suppress(OSError):
            path.chmod(path.stat().st_mode & 0o777 | lacking)


def _flush(path: Path) -> None:
    with open(path, "rb") as handle:
        os.fsync(handle.fileno())


def settle(folder: Path) -> None:
    """Gives all files in a folder the rights that the folder has, and writes them to the disk: before something that
    vouches for them is written, or the folder put in its place."""
    mode = folder.stat().st_mode
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                _permit(path, mode)
                _flush(path)
        flush_folder(Path(place))


def flush_folder(folder: Path) -> None:
    """Writes to the disk what was made, renamed and removed in a folder, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_text(path: Path, text: str) -> None:
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=_plain) + "\n")


def read_json_lines(path: Path) -> list[Any]:
    """The complete lines of a file; a last one without its end is being written, or was cut short by a crash.

    Raises:
        InputError: a line is no JSON.
    """
    try:
        return json_lines(path.read_bytes())
    except ValueError as error:
        raise InputError(
            f"{path}: {error}; it was changed after it was written, bring back what it was", where=path
        ) from None


def json_lines(content: bytes) -> list[Any]:
    """What `read_json_lines` finds in a file of this content.

    Raises:
        ValueError: a line is no JSON; without the file's name.
    """
    values = []
    # Cut before it is decoded: a last line that was cut short may end within a character.
    for number, line in enumerate(content[: content.rfind(b"\n") + 1].split(b"\n"), 1):
        try:
            if line.strip():
                values.append(json.loads(line.decode("utf-8")))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"line {number} is not readable JSON ({error})") from None
    return values


def lines_of(text: str) -> list[str]:
    """As other programs count them: unlike for `str.splitlines`, only a line feed (with or without a carriage return)
    ends a line, since texts and names of classes and files may hold U+2028 and the like."""
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def write_with(path: Path, write: Callable[[Path], object]) -> None:
    """Calls `write(temporary_path)`, then renames: for libraries that want to write the file themselves."""
    with written_aside(path) as aside:
        write(aside)


def replace_folder(path: Path, write: Callable[[Path], object]) -> None:
    """Calls `write(temporary_folder)`, then puts that folder in the place of `path`.

    Raises:
        Unwritable: the place cannot be written to.
    """
    if path.exists() and not path.is_dir():
        raise _unwritable(path, errno.EEXIST)
    aside = aside_of(path)
    before = aside.with_suffix(".old")
    _make(lambda: path.parent.mkdir(parents=True, exist_ok=True), path)
    with writing_in(path.parent), to_be_written(path, aside):
        _make(aside.mkdir, path)
        try:
            write(aside)
            settle(aside)
            if path.exists():
                os.replace(path, before)  # removing a large folder first would leave a long time without any
            os.replace(aside, path)
        except BaseException:
            if before.exists() and not path.exists():
                os.replace(before, path)
            raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)
            if path.exists():  # else nothing could be put there, and what was moved away is all that there is
                shutil.rmtree(before, ignore_errors=True)


def moved_away(path: Path) -> list[Path]:
    """The folders that `replace_folder` has moved away from `path` just now, or had when the machine stopped."""
    return list(path.parent.glob(f".{glob.escape(path.name)}.*.old"))


def bring_back(path: Path, age: Callable[[Path], int | None]) -> None:
    """Puts back the folder that `replace_folder` had moved away when the machine stopped between its two renames.

    It must be called under the lock under which the folder is replaced: otherwise it may come between the renames.

    Args:
        age: of several folders the one with the largest number comes back, and none for which it gives None.
    """
    if path.exists():
        return
    found = [(number, before) for before in moved_away(path) if (number := age(before)) is not None]
    if found:
        os.replace(max(found)[1], path)


def remove_leftovers(path: Path) -> None:
    """Removes what `replace_folder` left beside `path` when it was killed; under its lock, and after `bring_back`.

    Otherwise a state of long ago would come back some day, when `path` is removed.
    """
    unfinished = path.parent.glob(f".{glob.escape(path.name)}.*.part")
    for left in [*unfinished, *(moved_away(path) if path.exists() else [])]:
        shutil.rmtree(left, ignore_errors=True)


def check_regular(path: Path, what: str) -> None:
    """That a path names a file, if it names anything: a pipe or a device has no end, or never begins.

    Raises:
        InputError: it is a folder, a pipe, a device or a socket.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_ISDIR(mode):
        raise InputError(f"the {what} {path} is a folder; name a file", where=path)
    if not stat.S_ISREG(mode):
        raise InputError(
            f"the {what} {path} is a pipe or a device, which cannot be read here; save it to a file", where=path
        )


def expanded(path: str | Path) -> Path:
    """A path that somebody wrote, with the home folder for ``~``.

    Raises:
        InputError: it names the home folder of nobody.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise InputError(
            f"'{path}' begins with the home folder of a user that is not here; write it out", where=path
        ) from None


def check_folder_name(name: str, key: str) -> None:
    """That a name which somebody wrote makes a folder where it is put, and nowhere else; "" is the caller's to judge.

    Args:
        key: what a message calls the place where the name was written.

    Raises:
        InputError: it leads out of its folder, or no system would take it.
    """
    if not name:
        return
    why = None
    if set(name) & set("/\\") or name in (".", ".."):
        why = "it would lead to another folder"
    elif name[0] in ". " or name[-1] == " ":
        why = "it begins with '.' or a blank, or ends with one"
    elif not name.isprintable():
        why = "it holds characters that cannot be printed"
    elif len(name.encode()) > _LONGEST_NAME:
        why = f"it has {len(name.encode()):,} bytes, and {_LONGEST_NAME} are the most"
    if why is not None:
        shown = without_controls(name) if len(name) <= 60 else without_controls(name[:60]) + "…"
        raise InputError(
            f"{key} is '{shown}' and names the run's folder, but {why}; give a plain name, or --out", key=key
        )


def sha256_of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    """NumPy scalars, torch scalars and paths as JSON values."""
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not JSON serialisable")
