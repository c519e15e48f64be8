"""How this package talks to the Hub: with time-outs, and one rule about which faults may pass.

`huggingface_hub` sends most requests without a time-out, repeats some of them by rules of its own, and obeys a server
that asks it to wait for an hour. Inside `session` every request has a time-out, and a fault that may pass is a `Fault`
at once, for the caller to decide about: so there is one rule, and it is bounded.
"""

from __future__ import annotations

import importlib
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from clc_text.errors import InputError

MAY_PASS = frozenset({408, 429, 500, 502, 503, 504})
_TALKATIVE = ("huggingface_hub", "httpx", "httpx2", "httpcore", "httpcore2")


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for.

    Attributes:
        connect: seconds until a connection must stand.
        silence: seconds without a byte of an answer after which it is given up.
        waits: seconds between one attempt and the next; one attempt more than there are waits.
        longest: seconds that a server may ask to wait; one that asks for more is given up.
    """

    connect: float = 10.0
    silence: float = 60.0
    waits: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0)
    longest: float = 60.0


class Fault(Exception):
    """A request had no useful answer, and may have one a little later.

    Attributes:
        commit: it was the commit, and the server may have carried it out.
        wait: seconds that the server asks to wait, 0 where it does not say.
    """

    def __init__(self, reason: str, commit: bool = False, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.commit, self.wait = commit, wait


@contextmanager
def session(patience: Patience) -> Iterator[None]:
    """Every request of `huggingface_hub` has time-outs and raises `Fault` inside.

    What it and its HTTP client log is not shown: it repeats a server's words, and the addresses of uploads, which are
    signed, so that whoever reads one may upload, too. Progress bars are shown on a terminal only.
    """
    from huggingface_hub.utils import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
        set_client_factory,
    )

    levels = {name: logging.getLogger(name).level for name in _TALKATIVE}
    for name in levels:
        logging.getLogger(name).setLevel(logging.ERROR)
    bars = not are_progress_bars_disabled()
    if bars and not sys.stderr.isatty():
        disable_progress_bars()
    factory = _factory_in_use()
    set_client_factory(lambda: _guarded(factory(), patience))  # of every client: one that fails is replaced by another
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        set_client_factory(factory)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        if bars and are_progress_bars_disabled():
            enable_progress_bars()


def _factory_in_use() -> Callable[[], Any]:
    """What makes the clients of `huggingface_hub` so far: its own, or one that the user has set (a proxy, say)."""
    from huggingface_hub.utils import _http

    factory: Callable[[], Any] = _http._GLOBAL_CLIENT_FACTORY  # it has a public setter and no public getter
    return factory


def _guarded(client: Any, patience: Patience) -> Any:
    """The httpx client with the rule around its `send`, through which all its requests go."""
    httpx = importlib.import_module(type(client).__module__.partition(".")[0])  # huggingface_hub's own choice of it
    send = client.send
    limits = {"connect": patience.connect, "read": patience.silence, "write": patience.silence, "pool": None}

    def guarded(request: Any, **options: Any) -> Any:
        request.extensions = {**request.extensions, "timeout": limits}
        host = request.url.host
        commit = "/commit/" in request.url.path
        try:
            response = send(request, **options)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError):
            raise InputError(
                f"the Hub cannot be reached at '{host}'; is HF_ENDPOINT an address https://…?", where=host
            ) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError):
            raise Fault(f"there is no connection to {host}") from None
        except httpx.TimeoutException:
            raise Fault(f"{host} has not answered for {patience.silence:g} s", commit) from None
        except httpx.TransportError:
            raise Fault(f"the connection to {host} broke off", commit) from None
        if response.status_code in MAY_PASS:
            raise Fault(f"{host} answers {_in_words(response.status_code)}", commit, _asked(response))
        if request.method == "PUT" and response.status_code in (400, 403):
            # The storage knows no token, only the signature of an address, and that runs out; the next attempt has
            # a new one.
            raise Fault(f"the storage at {host} refuses a file ({_in_words(response.status_code)})")
        # huggingface_hub would repeat this one without end and without a pause.
        if response.status_code == 409 and "another conflicting operation" in response.text:
            raise Fault(f"{host} is busy with another operation of this account (409)")
        return response

    client.send = guarded
    return client


def _in_words(status: int) -> str:
    """Such as ``503 Service Unavailable``; the server's own words may be anything, even the token."""
    return f"{status} {HTTPStatus(status).phrase}"


def _asked(response: Any) -> float:
    """The seconds of the header ``Retry-After``, 0 without one or where it is a date."""
    try:
        return max(0.0, float(response.headers.get("retry-after", 0)))
    except ValueError:
        return 0.0
