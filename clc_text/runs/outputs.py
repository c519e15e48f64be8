"""Where a command may write: not over what it reads, nor over a run's own files, nor through a link out of a run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from clc_text.errors import InputError
from clc_text.utils.leftovers import name_of_whole
from clc_text.utils.links import leading_out

_REMADE = {"figures", "report.html"}  # of a run: a command makes them again at any time


def check_output(out: Path, *, inputs: Iterable[Path | None] = (), force: bool = False) -> None:
    """Refuses a file that a command should not write over.

    Args:
        out: the file that is about to be written; nothing is written here.
        inputs: what the command reads.
        force: the user has said that it may.

    Raises:
        InputError: it is one of the inputs, a file that a run needs, or lies in a folder of a run that is a link to
            somewhere else.
    """
    if force:
        return
    for read in inputs:
        if read is not None and _same(out, read):
            raise InputError(
                f"{out} is what is read, and writing would replace it; name another file, or say --force if that is "
                "meant",
                where=out,
            )
    for folder in _absolute(out).parents:
        if not is_run(folder):
            continue
        first = _absolute(out).relative_to(folder).parts[0]
        if name_of_whole(Path(first)) in _written() - _REMADE:
            raise InputError(
                f"{out} is where the run {folder} keeps its own files; name another file, or say --force if that is "
                "meant",
                where=out,
            )
        if leading_out(folder, [first]):
            raise InputError(
                f"{folder / first} is a link that leads out of the run; name another file with --out",
                where=folder / first,
            )
        return


def is_run(folder: Path) -> bool:
    return (folder / "recipe.yaml").is_file() and (folder / "environment.json").is_file()


def _written() -> set[str]:
    from clc_text.runs.run import WRITTEN

    return WRITTEN


def _absolute(path: Path) -> Path:
    """Without `..`, but with its links, which say in whose name a file is written."""
    import os.path

    return Path(os.path.abspath(path))


def _same(out: Path, read: Path) -> bool:
    try:
        return out.samefile(read)
    except OSError:
        return _absolute(out) == _absolute(read)
