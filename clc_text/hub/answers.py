"""What an answer of the Hub means, in one sentence, without the token."""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from clc_text.errors import InputError
from clc_text.hub.session import Fault

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

LOG_IN = "log in with `hf auth login`, or set HF_TOKEN to a token with write access"
REFUSED_CARD = "Invalid metadata in README.md."  # how huggingface_hub begins to say so


@contextmanager
def understood(repo: str, host: str, token: str) -> Iterator[None]:
    """Around calls of `HfApi`: whatever they raise becomes a `Fault` (may pass) or an `InputError` (will not)."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield
    except (Fault, InputError):
        raise
    except Exception as error:
        if str(error).startswith(REFUSED_CARD):
            said = short(str(error).removeprefix(REFUSED_CARD), token)
            raise InputError(f"{host} does not accept the card's metadata: {said}", where=host) from None
        for cause in _causes(error):  # an upload in a thread wraps its reason
            if isinstance(cause, (Fault, InputError)):
                raise cause from None
            if isinstance(cause, HfHubHTTPError):
                raise InputError(_sentence(cause, repo, host, token)) from None
        said = short(str(error), token)
        if "LFS batch API returned errors" in said:
            raise InputError(f"{host} does not store the files ({said})", where=host) from None
        if isinstance(error, (ValueError, LookupError, TypeError, AttributeError)):
            raise InputError(
                f"{host} does not answer as a Hub does; is HF_ENDPOINT the address of one?", where=host
            ) from None
        if isinstance(error, (RuntimeError, OSError)):  # hf_xet, the uploader in Rust, has no errors of its own
            raise Fault(f"the upload to {host} broke off ({said})") from None
        raise


def short(text: str, token: str, limit: int = 200) -> str:
    """One line of a foreign text: printable, of bounded length, and never the token."""
    told = _forms_of(token).sub("***", text) if token else text
    line = " ".join("".join(c if c.isprintable() else " " for c in told).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


@functools.lru_cache(maxsize=4)
def _forms_of(token: str) -> re.Pattern[str]:
    """Finds a token however a server repeats it: as it is, percent-encoded (twice, too), as an escape of JSON or HTML,
    in another case, or in Base64."""

    def forms(letter: str) -> str:
        number = ord(letter)
        escapes = [
            f"%(?:25)*{number:02x}",
            f"\\\\+u{number:04x}",
            f"\\\\+x{number:02x}",
            f"&#0*{number};",
            f"&#x0*{number:x};",
        ]
        return f"(?:{'|'.join([re.escape(letter), *escapes])})"

    plain = "".join(map(forms, token))
    # The bytes before it shift what Base64 makes of it; of each shift the part that depends on the token alone.
    encoded = []
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + token.encode()).decode().rstrip("=")
        inner = whole[-(-shift * 8 // 6) : (shift + len(token)) * 8 // 6]
        if len(inner) >= 8:
            encoded.append("".join(map(forms, inner)))
    return re.compile("|".join([plain, *encoded]), re.IGNORECASE)


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _sentence(error: HfHubHTTPError, repo: str, host: str, token: str) -> str:
    status = error.response.status_code
    said = short(error.server_message or "", token)
    answer = f"{status}: {said}" if said else f"{status}"
    if status == 401:
        return f"{host} does not accept the token ({answer}); {LOG_IN}"
    if status == 403:
        return (
            f"the token may not write to {repo} ({answer}); use one with write access to it, choose a name of your "
            "own, or propose the change with --create-pr"
        )
    if status == 404:
        return f"{host} has no repository {repo} that this token can see ({answer})"
    if status in (409, 412):
        return f"someone else changed {repo} during this push ({answer}), so it sent nothing; push again"
    return f"{host} refuses the push to {repo} ({answer})"
