"""The page of `clc_text.report.review` on this machine alone, and the answers that it sends.

Who may look: whoever has the address, which holds a token that opens the page once; a cookie that no script can read
opens it again for the same browser. Who may answer: that page alone, by a second token that stands in it, and only
under the server's own name (against rebinding) and origin.
"""

from __future__ import annotations

import hmac
import json
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from clc_text.corrections.asking.asked import Asked
from clc_text.corrections.asking.journal import Journal
from clc_text.errors import InputError
from clc_text.report.review import Questions, review_page

HOST = "127.0.0.1"
MOST_BYTES = 10_000  # of what the page sends
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
USED = "This address has been used already. Start `clc-text review` again, which gives a new one."


class Review:
    """What the server does.

    Args:
        found: the rows that are asked about.
        journal: where answers go.
        path: of the run, as a command takes it.
        take_over: makes answers part of the corrected dataset, and says so in a sentence.
    """

    def __init__(self, questions: Questions, journal: Journal, path: str, take_over: Callable[[], str]) -> None:
        self.found, self.journal, self.path, self.take_over = questions, journal, path, take_over
        self.once, self.cookie, self.page_token = (secrets.token_urlsafe(32) for _ in range(3))
        self.used = self.finished = False
        self.lock = threading.Lock()
        data = questions.data
        parts = zip(data["why"], data["inclusion"], strict=True)
        self.asked = {
            row: Asked(why, inclusion, data["step"])
            for row, (why, inclusion) in zip(questions.row, parts, strict=True)
        }

    def page(self) -> str:
        answers = {row: label for row, label in self.journal.answers.items() if row in self.asked}
        return review_page(self.found, self.path, self.page_token, answers)

    def enter(self, token: str) -> bool:
        """Whether a token opens the page, which it does once."""
        with self.lock:
            right = not self.used and hmac.compare_digest(token.encode(), self.once.encode())
            self.used |= right
        return right

    def answer(self, sent: Any) -> None:
        """Writes an answer.

        Raises:
            InputError: it is none.
        """
        if not isinstance(sent, Mapping) or sent.keys() != {"row", "answer"}:
            raise InputError("an answer has `row` and `answer`")
        row, label = sent["row"], sent["answer"]
        if type(row) is not int or row not in self.asked:
            raise InputError("this row was not asked about")
        if label is not None and (type(label) is not int or not 0 <= label < self.found.classes):
            raise InputError("there is no such class")
        with self.lock:
            if self.finished:
                raise InputError("the answers have been taken over; start `clc-text review` again")
            self.journal.add(row, label, self.asked[row])

    def finish(self) -> str:
        """Takes the answers over, once."""
        with self.lock:
            said = self.take_over()
            self.finished = True
        return said


def application(review: Review, port: int, stop: Callable[[], None]) -> Any:
    """The ASGI application; `stop` ends the server that runs it."""
    from starlette.applications import Starlette
    from starlette.background import BackgroundTask
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
    from starlette.routing import Route

    names = {f"{name}:{port}" for name in (HOST, "localhost")}
    cookie = f"clc-text-review-{port}"

    def refused(why: str, status: int = 403) -> Response:
        return PlainTextResponse(why, status, HEADERS)

    def is_here(request: Request) -> bool:
        """Whether the browser was sent to this server by its own name, and by no other site."""
        return request.headers.get("host") in names and request.headers.get("sec-fetch-site", "none") in (
            "none", "same-origin"
        )  # fmt: skip

    async def look(request: Request) -> Response:
        # A link from elsewhere (a terminal, a mail) is followed with the token, and the address is then without it.
        if request.headers.get("host") not in names:
            return refused("This is another server's name.")
        token = request.query_params.get("token")
        if token is not None:
            if not review.enter(token):
                return refused(USED)
            reply: Response = RedirectResponse("/", 303, HEADERS)
            reply.set_cookie(cookie, review.cookie, httponly=True, samesite="strict", path="/")
            return reply
        known = request.cookies.get(cookie, "")
        if not hmac.compare_digest(known.encode(), review.cookie.encode()):
            return refused("Open the address that `clc-text review` has printed.")
        return HTMLResponse(await run_in_threadpool(review.page), headers=HEADERS)

    async def sent(request: Request) -> Any:
        """What the page has sent; a response where it must be refused."""
        origin = request.headers.get("origin")
        token = request.headers.get("x-review-token", "")
        if not is_here(request) or origin not in {f"http://{name}" for name in names}:
            return refused("Only the page itself may answer.")
        if not hmac.compare_digest(token.encode(), review.page_token.encode()):
            return refused("Only the page itself may answer.")
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                return refused("That is too much for an answer.", 413)
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            return refused("That is no JSON.", 400)

    async def answer(request: Request) -> Response:
        received = await sent(request)
        if isinstance(received, Response):
            return received
        try:
            await run_in_threadpool(review.answer, received)
        except InputError as error:
            return refused(str(error), 400)
        return JSONResponse({"saved": True}, headers=HEADERS)

    async def finish(request: Request) -> Response:
        received = await sent(request)
        if isinstance(received, Response):
            return received
        try:
            said = await run_in_threadpool(review.finish)
        except InputError as error:
            return refused(str(error), 409)
        return JSONResponse({"said": said}, headers=HEADERS, background=BackgroundTask(stop))

    routes = [
        Route("/", look, methods=["GET"]),
        Route("/answer", answer, methods=["POST"]),
        Route("/finish", finish, methods=["POST"]),
    ]
    return Starlette(routes=routes)


def free_socket(port: int) -> socket.socket:
    """A socket on this machine's own address, that nobody else reaches; port 0: any free one.

    Raises:
        InputError: the port is taken.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((HOST, port))
    except (OSError, OverflowError) as error:
        made.close()
        reason = getattr(error, "strerror", None) or str(error)
        message = f"port {port} of this machine cannot be used ({reason}); choose another with --port"
        raise InputError(message, key="--port") from None
    return made


def serve(review: Review, door: socket.socket, opened: Callable[[str], None]) -> None:
    """Serves until the page is finished or the process is told to stop.

    Args:
        opened: told the address, when it can be opened.
    """
    import uvicorn

    port = door.getsockname()[1]
    holder: list[uvicorn.Server] = []

    def stop() -> None:
        holder[0].should_exit = True

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            opened(f"http://{HOST}:{port}/?token={review.once}")

    config = uvicorn.Config(
        application(review, port, stop),
        log_level="error",
        access_log=False,  # or the token would stand in it
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    holder.append(Server(config))
    with suppress(KeyboardInterrupt):  # uvicorn hands the signal on when it has shut down
        holder[0].run(sockets=[door])
