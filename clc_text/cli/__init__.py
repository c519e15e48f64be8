"""The command `clc-text`: commands parse, call one function and print. The commands are in `clc_text.cli.commands`.

Everything heavy is imported inside a command, so that ``--help`` answers at once.
"""

from __future__ import annotations

import errno
import gc
import importlib
import io
import os
import pkgutil
import sys

import typer

from clc_text.cli import commands
from clc_text.errors import InputError, bounded

app = typer.Typer(
    name="clc-text",
    help="Train classifiers on labels that are partly wrong, correct the labels, keep every change undoable.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _version(wanted: bool) -> None:
    if wanted:
        from clc_text import __version__

        typer.echo(f"clc-text {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    pass


for _module in sorted(pkgutil.iter_modules(commands.__path__), key=lambda module: module.name):
    importlib.import_module(f"clc_text.cli.commands.{_module.name}").add_to(app)


# What the system says of a path that the user chose badly, or of a disk; any other OSError is a defect.
_NO_DEFECT = {
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.ENOENT,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EINVAL,
}
# Said in the middle of writing, too, and then of no file by its name.
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def _tell(sentence: str) -> None:
    """On standard error; it may quote what stands in somebody's file."""
    from clc_text.utils.shown import echo

    echo("clc-text: " + bounded(sentence).replace("\n", " "), err=True)


def _beside_a_recipe(missing: str | None) -> str:
    """What to do about a relative path that is not there, where it would be if it began at the recipe that was given.

    Paths begin at the current folder, whatever file they stand in, as in a command line.
    """
    if missing is None or os.path.isabs(missing) or os.path.exists(missing):
        return ""
    for argument in sys.argv[1:]:
        folder, ending = os.path.dirname(argument), os.path.splitext(argument)[1]
        if folder and ending in (".yaml", ".yml") and os.path.exists(found := os.path.join(folder, missing)):
            return f"; {found} lies beside the recipe: write that path there, or call from the folder {folder}"
    return ""


def main() -> None:
    """Runs the command; a user's mistake is one sentence on standard error and exit code 2."""
    gc.set_threshold(50_000)  # by the usual 700, a fifth of the time of starting goes into looking through imports
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")  # this package draws its own
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a screen that knows no accents shows them as escapes
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except InputError as error:
        _tell(str(error) + _beside_a_recipe(error.where))
        sys.exit(2)
    except KeyboardInterrupt:  # before there is a command, whose own typer ends
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:
        named = isinstance(error.filename, (str, os.PathLike))
        if error.errno not in (_NO_DEFECT if named else _NO_ROOM):
            raise
        reason = os.strerror(error.errno)
        reason = f"{reason[:1].lower()}{reason[1:]}"
        if named:
            what = f"cannot open or write {os.fspath(error.filename)}: {reason}; check the path, who may write there, "
            _tell(what + "and the room on the disk")
        else:
            _tell(f"a file could not be written: {reason}; make room on the disk (or raise `ulimit -f`), and go on")
        sys.exit(2)
