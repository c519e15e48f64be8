"""Flawed texts of a run: looked for once, in its own rows, of a multi-label run in each text once."""

from __future__ import annotations

import shutil
from pathlib import Path

import datasets
import numpy as np
import pytest
from synthetic_run import make_run

from clc_text.artifacts.run_directory import FLAWS, RunDirectory
from clc_text.data.checks.outliers import LEAST
from clc_text.data.checks.outliers import outliers as plain
from clc_text.report.odd_texts import odd_texts_html
from clc_text.runs import flaws as module
from clc_text.runs.flaws import flaws_of_run
from clc_text.runs.frozen_features import distances_of_run
from clc_text.utils.files import write_json


@pytest.fixture
def run(tiny_run: Path, tmp_path: Path) -> RunDirectory:
    shutil.copytree(tiny_run, tmp_path / "run")
    (tmp_path / "run" / FLAWS).unlink(missing_ok=True)
    return RunDirectory(tmp_path / "run")


def with_texts(run: RunDirectory, monkeypatch: pytest.MonkeyPatch, texts: list[str | None]) -> None:
    rows = run.data().remove_columns("text").add_column("text", texts)  # type: ignore[call-arg]
    monkeypatch.setattr(module, "rows_of_run", lambda run, recipe: rows)


def test_they_are_looked_for_once_and_kept(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run.flaws() is None
    texts = list(run.data()["text"])
    texts[3], texts[5] = "Grüezi mitenand, das isch öppis ganz anders", texts[5] + " &amp;"
    texts[8], texts[9] = None, "не могу войти в свой кабинет"
    with_texts(run, monkeypatch, texts)
    found = flaws_of_run(run)
    assert found is not None and found["texts"] == len(texts) >= LEAST
    assert found["garbled"] == {"HTML entities or tags": [5]}
    assert found["empty"] == [8] and found["other_script"] == [9]
    expected = plain([text or "" for text in texts])
    assert expected is not None and found["outliers"] is not None
    assert found["outliers"]["rows"] == expected.rows.tolist() and 3 in expected.rows
    assert found["outliers"]["by"] == ["words"]  # vectors learnt from these very texts know nothing of strange ones
    assert distances_of_run(run) is None
    assert found["drift"] is None or 0 <= found["drift"]["auc"] <= 1
    with_texts(run, monkeypatch, ["never read"] * len(texts))
    assert flaws_of_run(run) == found == run.flaws()


def test_test_rows_of_another_kind(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    test = [f"parcel {number} never arrived at the depot" for number in range(80)]
    rows = datasets.Dataset.from_dict({"text": test})
    monkeypatch.setattr(RunDirectory, "data", lambda run, split="train", known=RunDirectory.data: (
        rows if split == "test" else known(run, split)
    ))  # fmt: skip
    found = flaws_of_run(run)
    assert found is not None and found["drift"] is not None and found["drift"]["auc"] > 0.95


def test_near_copies_with_other_labels_and_in_the_test_rows(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, texts = run.labels().given, list(run.data()["text"])
    one = 7
    other = int(np.flatnonzero(given != given[one])[-1])
    alike = int(np.flatnonzero(given == given[one])[-1])  # a copy with the same label contradicts nothing
    for row, sign in ((one, "?"), (other, "!"), (alike, " ")):
        texts[row] = f"Is a parcel that never left the depot by the river of use to anybody at all {sign}"
    alone = "A refund that was promised to every customer of the year before"
    same = [row for row in np.flatnonzero(given == given[0]).tolist() if row not in (one, alike)][:2]
    for row in same:
        texts[row] = alone
    with_texts(run, monkeypatch, texts)
    monkeypatch.setattr(module, "_test_texts", lambda *_: [f"{alone.upper()} !", "nothing of the kind is there"])
    found = flaws_of_run(run)
    assert found is not None and found["copies"]["leaked"] == 1
    torn = found["copies"]["conflicting"]  # the run has some of its own
    assert torn[:3] == sorted([one, other, alike]) and not {*torn} & {*same}
    kept = {name: value for name, value in found.items() if name not in ("copies", "other_script")}
    write_json(run.file(FLAWS), kept)  # as it was once: looked for anew
    assert flaws_of_run(run) == found
    shown = odd_texts_html(run)
    assert f"Near copies with several labels, {len(torn)} texts" in shown and "1 test text is nearly" in shown


def test_near_copies_are_not_looked_for_in_very_many_texts(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNASKED", len(run.data()) - 1)
    found = flaws_of_run(run)
    assert found is not None and "copies" not in found and flaws_of_run(run) == found
    odd_texts_html(run)


def test_rows_that_are_no_texts_have_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_run(tmp_path / "run", rows=60).run
    numbers = datasets.Dataset.from_dict({made.environment()["input_column"]: np.arange(60)})
    monkeypatch.setattr(module, "rows_of_run", lambda run, recipe: numbers)
    assert flaws_of_run(made) is None and not made.file(FLAWS).exists()
