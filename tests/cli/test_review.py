"""`clc-text review`: what becomes of the answers, whether it ends, is stopped, or was killed before."""

from __future__ import annotations

from pathlib import Path

import pytest
from refusals import refused
from synthetic_run import corrected_of, make_run
from typer.testing import CliRunner

from clc_text.artifacts.run_directory import RunDirectory
from clc_text.cli import app
from clc_text.corrections.asking.asked import Asked, read_asked
from clc_text.corrections.asking.journal import Journal
from clc_text.corrections.state import PERSON
from clc_text.corrections.store import Corrected
from clc_text.errors import InputError
from clc_text.report import review_server

pytest.importorskip("starlette", reason="the extra clc-text[review] is not installed")
pytest.importorskip("uvicorn", reason="the extra clc-text[review] is not installed")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    made = make_run(tmp_path / "my run")
    corrected_of(made)
    return made.run.path


@pytest.fixture
def visits(monkeypatch: pytest.MonkeyPatch) -> list[review_server.Review]:
    """Somebody comes, answers the first two rows with class 1, and goes without a word."""
    seen = []

    def serve(review, door, opened) -> None:
        seen.append(review)
        opened(f"http://127.0.0.1/?token={review.once}")
        for row in review.found.row[:2]:
            review.answer({"row": row, "answer": 1})

    monkeypatch.setattr(review_server, "serve", serve)
    return seen


def called(*arguments: object) -> str:
    found = CliRunner().invoke(app, [str(one) for one in ("review", *arguments, "--no-browser")])
    assert found.exit_code == 0, (found.output, found.exception)
    return found.output


def test_answers_are_taken_over_when_it_ends(run: Path, visits: list[review_server.Review]) -> None:
    said = called(run, "--k", 10)
    assert "10 rows to answer" in said and f"token={visits[0].once}" in said and "2 answers:" in said
    state, asked = Corrected(RunDirectory(run)).state(), read_asked(run)
    rows = visits[0].found.row[:2]
    assert (state.source == PERSON).sum() == 2 and (state.label[rows] == 1).all()
    assert {asked[row].why for row in rows} == {"random", "doubt"}
    assert not (run / "review.jsonl").exists()
    called(run, "--k", 10)
    assert not set(visits[1].found.row) & set(rows)  # other rows, next time


def test_what_a_killed_one_left_is_not_lost(run: Path, visits: list[review_server.Review]) -> None:
    Journal(Corrected(RunDirectory(run))).add(7, 2, Asked("random", 0.5, 1))
    assert "cut off are taken over: 1 answer:" in called(run, "--k", 5)
    state = Corrected(RunDirectory(run)).state()
    assert state.label[7] == 2 and state.source[7] == PERSON
    assert 7 not in visits[0].found.row and (state.source == PERSON).sum() == 3


def test_answers_that_others_gave_meanwhile_stay(run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def serve(review, door, opened) -> None:
        row = next(row for row in range(400) if row not in review.asked)
        (tmp_path / "other.csv").write_text(f"row,answer\n{row},HUM\n")
        assert CliRunner().invoke(app, ["apply", str(run), str(tmp_path / "other.csv")]).exit_code == 0
        review.answer({"row": review.found.row[0], "answer": 1})
        assert "1 answer:" in review.finish()
        with pytest.raises(InputError, match="start `clc-text review` again"):
            review.answer({"row": review.found.row[1], "answer": 1})

    monkeypatch.setattr(review_server, "serve", serve)
    assert called(run, "--k", 5).count("1 answer:") == 1
    assert (Corrected(RunDirectory(run)).state().source == PERSON).sum() == 2


@pytest.mark.parametrize(
    ("arguments", "key"),
    [(["--purpose", "fixx"], "--purpose"), (["--k", "0"], "--k")],
)
def test_bad_input_is_told(run: Path, arguments: list[str], key: str) -> None:
    with refused(key=key):
        CliRunner().invoke(app, ["review", str(run), *arguments], catch_exceptions=False)


def test_without_the_extra_it_says_what_to_install(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with refused(key="starlette"):
        CliRunner().invoke(app, ["review", str(run)], catch_exceptions=False)
