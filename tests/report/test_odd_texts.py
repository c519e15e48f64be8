"""The report lists texts that are flawed whatever their labels, and says nothing where there are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from synthetic_run import make_run, run_of

from clc_text.artifacts.run_directory import FLAWS, RunDirectory
from clc_text.report.odd_texts import odd_texts_html
from clc_text.text.datasets.files import Files
from clc_text.utils.files import write_json

DRIFT = {"auc": 0.9, "low": 0.85, "high": 0.95, "test_terms": ["<b>refund</b>"], "train_terms": ["login"]}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return make_run(tmp_path_factory.mktemp("odd") / "run", rows=120).run


def test_what_was_found_is_listed_and_escaped(run: RunDirectory) -> None:
    flaws = {
        "texts": 120,
        "garbled": {"HTML entities or tags": list(range(7))},
        "outliers": {"rows": [17, 4], "surprise": [12.0, 9.0], "by": ["words", "features"]},
        "drift": DRIFT,
        "empty": [3, 8],
        "other_script": [21],
    }
    write_json(run.file(FLAWS), flaws)
    page = str(odd_texts_html(run))
    assert "2 of 120 texts are like no other (1.7%), told by words and features" in page
    assert page.index(">17<") < page.index(">4<")  # the oddest first
    assert "2 texts are empty (row, from 0): 3, 8" in page and "Texts in another script than nearly all, 1" in page
    for row in (17, 4, 21):
        assert str(run.data()[run.environment()["input_column"]][row])[:20] in page
    assert "0, 1, 2, 3, 4, …" in page
    assert "of another kind than training texts" in page and "&lt;b&gt;refund" in page and "<b>refund" not in page


def test_rows_are_numbered_as_the_file_counts_them(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f"text {row * row},{'abc'[row % 3]}\n" for row in range(60)))
    data = {"train": str(path)}
    run = run_of(Files(**data).load(0), json.dumps({"name": "files", **data}), tmp_path / "run").run
    outliers = {"rows": [17], "surprise": [12.0], "by": ["words"]}
    flaws = {"texts": 60, "garbled": {"tags": [5]}, "outliers": outliers, "drift": None, "empty": [3]}
    write_json(run.file(FLAWS), flaws)
    page = str(odd_texts_html(run))
    assert "empty (row of the file): 5" in page and page.count(">row of the file<") == 2
    assert ">19<" in page and ">17<" not in page and ">7<" in page


@pytest.mark.parametrize("drift", [None, DRIFT | {"low": 0.5}])
def test_where_nothing_was_found_nothing_is_said(run: RunDirectory, drift: dict[str, object] | None) -> None:
    run.file(FLAWS).unlink(missing_ok=True)
    assert not odd_texts_html(run)
    for odd in (None, {"rows": [], "surprise": [], "by": ["words"]}):
        write_json(run.file(FLAWS), {"texts": 120, "garbled": {}, "outliers": odd, "drift": drift})
        assert not odd_texts_html(run)
