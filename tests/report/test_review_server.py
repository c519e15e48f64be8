"""The server of the review page: who may look, who may answer, and what becomes of an answer."""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from refusals import refused
from synthetic_run import corrected_of, make_run

from clc_text.corrections.asking.journal import Journal
from clc_text.corrections.store import Corrected
from clc_text.report.review import questions
from clc_text.report.review_server import MOST_BYTES, Review, free_socket, serve

pytest.importorskip("starlette", reason="the extra clc-text[review] is not installed")
pytest.importorskip("uvicorn", reason="the extra clc-text[review] is not installed")


@dataclass
class Served:
    review: Review
    corrected: Corrected
    address: str
    thread: threading.Thread

    @property
    def base(self) -> str:
        return self.address.partition("/?")[0]

    def ask(self, path: str = "/", body: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], str]:
        """Status, headers and text; redirections are not followed."""
        request = urllib.request.Request(
            self.base + path, body, {name.replace("_", "-"): value for name, value in headers.items()}
        )
        try:
            with urllib.request.build_opener(_Stay).open(request, timeout=60) as reply:
                return reply.status, dict(reply.headers), reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read().decode()

    def enter(self) -> str:
        """The cookie that the address gives, once."""
        status, headers, _ = self.ask(self.address.removeprefix(self.base))
        assert status == 303 and headers["location"] == "/"
        return headers["set-cookie"]

    def headers(self, **more: str) -> dict[str, str]:
        """As the page sends them."""
        return {"Origin": self.base, "X_Review_Token": self.review.page_token, **more}

    def answer(self, row: Any, answer: Any, **more: str) -> tuple[int, str]:
        body = json.dumps({"row": row, "answer": answer}).encode()
        status, _, text = self.ask("/answer", body, **self.headers(**more))
        return status, text


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any) -> None:
        return None


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    corrected = corrected_of(make_run(tmp_path / "run"))
    journal = Journal(corrected)

    def take_over() -> str:
        return str(journal.take_over(corrected))

    review = Review(questions(corrected, 6, "both", 100_000), journal, "run", take_over)
    told: list[str] = []
    ready = threading.Event()

    def opened(address: str) -> None:
        told.append(address)
        ready.set()

    thread = threading.Thread(target=serve, args=(review, free_socket(0), opened), daemon=True)
    thread.start()
    assert ready.wait(60)
    found = Served(review, corrected, told[0], thread)
    yield found
    if thread.is_alive():
        found.ask("/finish", b"{}", **found.headers())
        thread.join(60)
    assert not thread.is_alive()


def test_an_address_opens_once_and_a_cookie_again(served: Served) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{40,}", served.address)
    for path in ("/", "/?token=", "/?token=wrong", "/?token=%C3%A9"):
        assert served.ask(path)[0] == 403
    cookie = served.enter()
    for word in ("HttpOnly", "SameSite=strict"):
        assert word.lower() in cookie.lower()
    assert served.ask(served.address.removeprefix(served.base))[0] == 403  # it was used
    pair = cookie.partition(";")[0]
    status, headers, page = served.ask("/", Cookie=pair)
    assert status == 200 and served.review.page_token in page
    assert served.review.once not in page and served.review.cookie not in page
    assert headers["cache-control"] == "no-store" and headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in {name.lower() for name in headers}
    assert re.search(r"default-src 'none';.*connect-src 'self'", page)
    assert served.ask("/", Cookie=pair.partition("=")[0] + "=wrong")[0] == 403


def test_only_by_its_own_name(served: Served) -> None:
    pair = served.enter().partition(";")[0]
    port = served.base.rpartition(":")[2]
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", "127.0.0.1:1", ""):
        assert served.ask("/", Cookie=pair, Host=host)[0] in (400, 403), host
    assert served.ask("/", Cookie=pair, Host=f"localhost:{port}")[0] == 200


def test_only_the_page_answers(served: Served) -> None:
    row = served.review.found.row[0]
    for wrong in (
        {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {"Origin": "http://127.0.0.1"},
        {"X_Review_Token": "wrong"}, {"X_Review_Token": ""}, {"X_Review_Token": served.review.cookie},
        {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Host": "evil.example"},
    ):  # fmt: skip
        assert served.answer(row, 0, **wrong)[0] == 403, wrong
        assert served.ask("/finish", b"{}", **served.headers(**wrong))[0] == 403, wrong
    assert served.ask("/answer", b"{}", X_Review_Token=served.review.page_token)[0] == 403  # without an origin
    assert not served.review.journal.path.exists()
    assert served.ask("/answer")[0] == 405 and served.ask("/other")[0] == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b'{"row": 0}', b"\xff\xfe", b"[" * 5000])
def test_nonsense_is_refused(served: Served, body: bytes) -> None:
    assert served.ask("/answer", body, **served.headers())[0] == 400
    assert not served.review.journal.path.exists()


def test_an_answer_is_of_a_row_that_was_asked_and_a_class_that_is_there(served: Served) -> None:
    first, asked = served.review.found.row[0], set(served.review.found.row)
    other = next(row for row in range(400) if row not in asked)
    for row, answer in ((other, 0), (-1, 0), (str(first), 0), (first, 6), (first, -1), (first, True), (first, "0"),
                        (True, 0), (first, 0.5), (None, None)):  # fmt: skip
        assert served.answer(row, answer)[0] == 400, (row, answer)
    assert served.ask("/answer", b" " * (MOST_BYTES + 1), **served.headers())[0] == 413
    assert not served.review.journal.path.exists()


def test_each_answer_is_on_the_disk_when_it_is_confirmed(served: Served) -> None:
    first, second, *_ = served.review.found.row
    assert served.answer(first, 3) == (200, '{"saved":true}')
    assert Journal(served.corrected).answers == {first: 3}
    served.answer(second, 1)
    served.answer(first, None)
    assert Journal(served.corrected).answers == {second: 1}
    place = served.review.found.row.index(second)
    of = Journal(served.corrected).found[second][1]
    data = served.review.found.data
    assert (of.why, of.inclusion, of.asked) == (data["why"][place], data["inclusion"][place], data["step"])
    pair = served.enter().partition(";")[0]
    page = served.ask("/", Cookie=pair)[2]
    shown = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])["review"]["answers"]  # type: ignore[index]
    assert shown == {str(second): 1}
    status, _, text = served.ask("/finish", b"{}", **served.headers())
    assert status == 200 and "'answers': 1" in json.loads(text)["said"]
    served.thread.join(60)
    assert not served.thread.is_alive()
    assert Corrected(served.corrected.run).history()[-1]["action"] == "apply"


def test_a_taken_port_is_told() -> None:
    door = free_socket(0)
    door.listen()
    try:
        with refused(key="--port"):
            free_socket(door.getsockname()[1])
    finally:
        door.close()
