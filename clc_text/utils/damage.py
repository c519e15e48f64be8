"""Damaged files of a run are one sentence, whatever their format: what is wrong, in which file, and the way out."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clc_text.errors import InputError

AGAIN = "bring it back or train again"
_SIGNS = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, EOFError)  # beside formats' own


@contextmanager
def undamaged(path: Path, way_out: str = AGAIN) -> Iterator[None]:
    """Turns what reading a damaged file of a run ends in, whatever its format, into one sentence about it.

    What the system says of a path (no permission, no room) stays as it is.

    Raises:
        InputError: `path` is missing, cut short or changed.
    """
    from pickle import UnpicklingError

    from safetensors import SafetensorError
    from yaml import YAMLError

    try:
        yield
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing; {way_out}", where=path) from error
    except (*_SIGNS, SafetensorError, YAMLError, UnpicklingError) as error:
        # Of Arrow and transformers damage has no number; torch seeks to places that are not there.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        # A wrong type tells of this code, not of the file.
        said = [] if isinstance(error, (TypeError, AttributeError)) else str(error).splitlines()
        reason = f" ({said[0].rstrip('.')})" if said else ""
        raise InputError(f"{path} is damaged or cut short{reason}; {way_out}", where=path) from error
