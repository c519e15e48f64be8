"""`clc-text report`: what the page says is what the run directory holds, whatever state the run is in."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import time
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from markupsafe import escape
from refusals import refused
from typer.testing import CliRunner

from clc_text.analysis.corrected import corrected_labels
from clc_text.analysis.judged import anonymous, judged
from clc_text.artifacts.run_directory import RunDirectory
from clc_text.cli import app
from clc_text.corrections.audit import audit
from clc_text.corrections.correct import correct
from clc_text.corrections.log import Step
from clc_text.corrections.policy import policy_named
from clc_text.corrections.predictions import in_sample
from clc_text.corrections.source import kept_rows
from clc_text.corrections.state import PERSON
from clc_text.corrections.store import Corrected
from clc_text.errors import InputError
from clc_text.report import contents, rows
from clc_text.report import report_page as report_module
from clc_text.report.changes import by_class_html, frequent_pairs
from clc_text.report.contents import read_contents
from clc_text.report.markup import prose
from clc_text.report.noise_section import rate_html
from clc_text.report.pictures import picture_html
from clc_text.report.report_page import report_page
from clc_text.report.rows import CHANGED, DOUBTED, KEPT, listed_rows

# Of a run with everything that every run has; those that tell of what only some runs have are absent from it.
SECTIONS = [
    "Verdict",
    "Changes",
    "Classes",
    "Noise",
    "For the curious",
]

EVIL = '</script><script>window.broken = 1</script><img src="http://127.0.0.1:9/x.png" onerror="window.broken = 1">'


def call(*arguments: object):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, InputError):
        raise result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def make_corrected(run: RunDirectory, policy: str = "agree") -> Corrected:
    source = kept_rows(run)
    assert source is not None
    return correct(run, policy_named(policy), in_sample(run), source)


def data_of(page: str) -> dict[str, Any]:
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL).group(1))


def numbers_of(page: str) -> dict[str, list[str]]:
    """Name -> the other cells of the table of figures, as text."""
    table = re.search(r'<table class="bars">.*?</table>', page, re.DOTALL).group(0)
    found = {}
    for line in re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", table, re.DOTALL):
        name, *cells = re.split(r"</th>|</td>", line)
        found[name] = [re.sub("<[^>]*>", "", cell) for cell in cells]
    return found


def wilson(count: int, of: int) -> tuple[float, float]:
    """The two roots p of (count/of - p)² = z² p(1-p)/of, found by halving."""
    z, share = 1.959963984540054, count / of

    def far(p: float) -> float:
        return (share - p) ** 2 - z**2 * p * (1 - p) / of

    def root(inner: float, outer: float) -> float:
        for _ in range(100):
            middle = (inner + outer) / 2
            inner, outer = (middle, outer) if far(middle) <= 0 else (inner, middle)
        return inner

    return root(share, 0.0), root(share, 1.0)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def unpictured(monkeypatch) -> None:
    """No picture is drawn: for tests of everything else."""
    monkeypatch.setattr(report_module, "picture_html", lambda run, name: "")
    monkeypatch.setattr(report_module, "pictures_html", lambda run: "")


def test_the_verdict_comes_first_and_only_the_page_is_written(make_run):
    run = make_run()
    audit(make_corrected(run), bootstrap=5)
    said = json.loads((run.path / "audit.json").read_text())
    before = snapshot(run.path)
    assert call("report", run.path).stdout.strip() == str(run.path / "report.html")
    after = snapshot(run.path)
    assert set(after) - set(before) == {"report.html"}
    assert {name: after[name] for name in before} == before
    page = after["report.html"].decode()
    assert re.findall(r"<h2[^>]*>([^<]*)</h2>", page) == SECTIONS
    folded = page.index('<details id="curious">')
    assert page.index('id="noise"') < folded < page.index('id="numbers"') < page.index('id="recipe-and-hashes"')
    assert not re.search(r"Figures? \d", page), "the paper's numbers mean nothing to whoever owns the data"
    assert f"</span> {said['verdict']['trust'].capitalize()}</p>" in page
    assert str(run.path) not in page
    assert len(page.encode()) < 5_000_000


def test_the_same_run_gives_the_same_page(make_run, unpictured):  # and the same pictures: tests/plots
    run = make_run()
    audit(make_corrected(run), bootstrap=5)
    assert report_page(run) == report_page(run)


def test_figures_are_those_of_the_corrected_dataset_with_their_intervals(make_run, unpictured):
    run = make_run(rows=200)
    state = make_corrected(run).state()
    right = sum(int(now == true) for now, true in zip(state.label, state.true, strict=True))
    changed = sum(int(now != given) for now, given in zip(state.label, state.given, strict=True))
    fixed = sum(int(n == t != g) for n, t, g in zip(state.label, state.true, state.given, strict=True))
    found = numbers_of(report_page(run))
    for name, count, of in (
        ("right labels now", right, 200),
        ("changed labels that are right now (precision)", fixed, changed),
    ):
        low, high = wilson(count, of)
        share, interval, _, remark = found[name][:4]
        assert share == f"{100 * count / of:.1f} %"
        assert interval == f"{100 * low:.1f} to {100 * high:.1f}"
        assert remark == f"{count:,} of {of:,}"
    assert found["labels changed"][0] == f"{100 * changed / 200:.1f} %"
    last = run.metrics()[-1]["test"]["accuracy"]["ensemble"]
    low, high = wilson(round(last / 100 * 60), 60)
    assert found["test accuracy, last epoch, ensemble"][:2] == [
        f"{last:.1f} %",
        f"{100 * low:.1f} to {100 * high:.1f}",
    ]


def test_without_a_corrected_dataset_the_dynamics_is_shown(make_run, unpictured):
    run = make_run(rows=150)
    labels, now = run.labels(), corrected_labels(run)
    would = sum(int(n == t) for n, t in zip(now.label, labels.true, strict=True))
    page = report_page(run)
    assert "Not judged yet" in page
    assert "<code>clc-text correct RUN</code>" in page
    found = numbers_of(page)
    low, high = wilson(would, 150)
    assert found["labels that would be right"][:2] == [
        f"{100 * would / 150:.1f} %",
        f"{100 * low:.1f} to {100 * high:.1f}",
    ]
    listed = data_of(page)["rows"]
    assert sorted(listed["row"]) == np.flatnonzero(now.changed).tolist()
    assert listed["proposed"] == [int(now.label[row]) for row in listed["row"]]


def test_a_run_that_was_cut_short(make_run, undrawn):
    run = make_run(epochs=5, planned=9, warmup=3)
    result = call("report", run.path)
    assert "has not ended: 5 of 9 epochs so far" in result.stderr
    page = (run.path / "report.html").read_text()
    assert "The run has not ended: 5 of 9 epochs so far" in page
    assert data_of(page)["rows"]["row"]
    assert page.count("<figure>") == 5
    assert page.count("data:image/") == 10, "each for a wide page and for a narrow one"


def test_a_run_without_any_epoch_yet(make_run):
    run = make_run(epochs=1, planned=3)
    (run.path / "metrics.jsonl").unlink()
    shutil.rmtree(run.path / "dynamics")
    page = report_page(run)
    assert "No epoch has ended yet" in page
    assert "sha256" in page
    assert data_of(page)["rows"] is None


def test_a_run_that_stopped_before_its_labels_were_made(make_run, tmp_path):
    run = make_run()
    (run.path / "noise" / "labels.parquet").unlink()
    with refused(where=run.path, key="noise/labels.parquet"):
        call("report", run.path)
    assert not (run.path / "report.html").exists()
    with refused(where=tmp_path / "nowhere"):
        call("report", tmp_path / "nowhere")
    with refused(where=tmp_path / "report.pdf"):
        call("report", run.path, "--out", tmp_path / "report.pdf")


def test_an_audit_of_an_earlier_state_is_made_anew_and_not_kept(make_run):
    run = make_run()
    corrected = make_corrected(run)
    audit(corrected, bootstrap=0)
    old = (run.path / "audit.json").read_bytes()
    state = corrected.state()
    corrected.write(state.with_given(state.changed), Step("revert", {"all": True}))
    found = judged(run)
    assert "judged it anew" in found.remark
    assert found.audit["corrections"]["rows"] == 0
    assert (run.path / "audit.json").read_bytes() == old


def test_listed_rows_are_the_changed_the_kept_and_the_most_doubtful(make_run, monkeypatch):
    monkeypatch.setattr(rows, "MOST_DOUBTED", 7)
    run = make_run(rows=300)
    corrected = make_corrected(run)
    state = corrected.state()
    taken, kept = np.flatnonzero(state.changed)[:3], np.flatnonzero(~state.changed)[[4, 9]]
    other = (state.given[taken] + 1) % 4
    state = state.with_labels(taken, other, PERSON).with_labels(kept, state.given[kept], PERSON)
    corrected.write(state, Step("apply", {"file": "answers.csv"}))
    labels = run.labels()
    found = listed_rows(run, labels, corrected_labels(run))
    assert sorted(found.row[found.kind == CHANGED].tolist()) == np.flatnonzero(state.changed).tolist()
    assert sorted(found.row[found.kind == KEPT].tolist()) == kept.tolist()
    doubt = {row: float(state.doubt[row]) for row in range(300) if not state.changed[row] and row not in kept}
    worst = sorted(doubt, key=lambda row: (-doubt[row], row))[:7]
    assert found.row[found.kind == DOUBTED].tolist() == worst
    for place, row in enumerate(found.row.tolist()):
        proposed = state.suggested[row] if found.kind[place] == DOUBTED else state.label[row]
        assert found.proposed[place] == proposed
        assert found.given[place] == labels.given[row]
        assert found.true[place] == labels.true[row]
        if proposed == state.suggested[row]:
            assert found.confidence[place] == pytest.approx(float(state.confidence[row]))
    people = {row for row, source in zip(found.row.tolist(), found.source.tolist(), strict=True) if source == PERSON}
    assert people == {*taken.tolist(), *kept.tolist()}
    pairs = frequent_pairs(labels, corrected_labels(run), 4)
    for given, now, count in pairs:
        assert count == sum(int(g == given and n == now) for g, n in zip(state.given, state.label, strict=True))
    assert [count for *_, count in pairs] == sorted((count for *_, count in pairs), reverse=True)


def test_of_many_classes_those_are_listed_whose_rows_change(make_run, monkeypatch):
    run = make_run()
    corrected = make_corrected(run)
    labels, now = run.labels(), corrected_labels(run)
    state, names = corrected.state(), run.label_names
    monkeypatch.setattr("clc_text.report.changes.MOST_LISTED", 2)
    page = str(by_class_html(labels, now, names))
    moved = [
        sum(
            int(given != label and place in (given, label))
            for given, label in zip(state.given, state.label, strict=True)
        )
        for place in range(len(names))
    ]
    assert len(set(moved)) > 2
    listed = [name for name in names if f">{escape(name)}<" in page]
    assert sorted(listed) == sorted(sorted(names, key=lambda name: -moved[names.index(name)])[:2])
    assert f"the 2 of {len(names)} that" in page


@pytest.mark.parametrize("ids", [False, True])
def test_rows_are_called_as_in_their_file(make_run, unpictured, monkeypatch, ids):
    run = make_run(rows=60)
    make_corrected(run)
    names = [{"source_row": row + 2} | ({"source_id": f"T{row}"} if ids else {}) for row in range(60)]
    monkeypatch.setattr("clc_text.corrections.identity.names_of", lambda _, rows: [names[row] for row in rows])
    listed = data_of(report_page(run))["rows"]
    expected = (
        {"Id": [f"T{row}" for row in listed["row"]]}
        if ids
        else {"Row of the file": [str(row + 2) for row in listed["row"]]}
    )
    assert listed["row"] and listed["called"] == expected


def test_more_changes_than_the_page_lists(make_run, monkeypatch, unpictured):
    monkeypatch.setattr(rows, "MOST_ROWS", 10)
    run = make_run(rows=200)
    changed = int(make_corrected(run).state().changed.sum())
    assert changed > 10
    listed = data_of(report_page(run))["rows"]
    assert listed["kind"].count(CHANGED) == 10
    assert listed["changedInAll"] == changed


def test_what_users_wrote_is_never_markup(make_run, undrawn):
    names = ["<i>one</i>", "two & more", EVIL, "# four"]
    run = make_run(names=names, rows=100, texts=[f"{EVIL} {row}" for row in range(100)])
    (run.path / "notices.json").write_text(
        json.dumps([{"name": "x", "severity": "note", "epoch": 3, "message": f"class '{EVIL}' `{EVIL}`"}])
    )
    audit(make_corrected(run), bootstrap=0)
    page = report_page(run)
    assert page.count("</script>") == 2
    assert page.count("<script") == 2
    assert "<i>one" not in page
    assert set(re.findall(r"<img[^>]*?src=\"([^\"]{11})", page)) == {"data:image/"}
    assert "# four" in page
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page).group(1)
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in page
    data = data_of(page)
    assert data["classes"] == names
    assert all(text.startswith(EVIL) for text in data["texts"])


def test_no_character_that_a_browser_obeys_gets_into_the_page(make_run, unpictured, monkeypatch):
    """A direction mark in a class's name or a text would turn around what stands beside it."""
    called = "clc_text.corrections.identity.names_of"
    monkeypatch.setattr(called, lambda _, rows: [{"source_id": f"{row}\u202ex"} for row in rows])
    names = ["a\u202eb", "\u2066c\x1b[2J", "d\ud7ff", "x" * 60, "x" * 30 + "y" + "x" * 29]
    run = make_run(names=names, rows=100, texts=[f"first \u202eline\nsecond {row}\x00" for row in range(100)])
    recipe = run.recipe()
    recipe["data"]["title"] = "t\u202e"
    (run.path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    audit(make_corrected(run), bootstrap=0)
    page = report_page(run)
    data = data_of(page)
    assert data["classes"][:2] == ["a b", " c [2J"]
    assert all(re.fullmatch(r"\d+ x", name) for name in data["rows"]["called"]["Id"])
    assert len(set(data["short"])) == 5
    assert max(map(len, data["short"])) == 40
    assert all(re.fullmatch(r"first  line\nsecond \d+ ", text) for text in data["texts"])
    assert not {char for char in page if unicodedata.category(char) in ("Cf", "Cc")} - {"\n"}
    assert not re.search(r"\\u(00[01]|20[26])", page.split('id="data">')[1].split("<script>")[0])


def test_without_true_labels_and_without_texts(make_run, unpictured):
    run = make_run(true_known=False)
    page = report_page(run)
    assert data_of(page)["rows"]["true"] is None
    assert "labels that would be right" not in page
    shutil.rmtree(run.path / "data")
    data = data_of(report_page(run))
    assert data["texts"] is None
    assert "keep_data: false" in data["remark"]
    assert data["rows"]["row"]


def test_without_test_rows_nothing_is_left_unfilled(make_run, undrawn):
    page = report_page(make_run(test_rows=None, true_known=False))
    words = re.sub(r"<code>.*?</code>|<pre.*?</pre>|<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"\bRUN\b", words), "in a command alone RUN stands for the run"
    assert "test accuracy" not in words.lower()
    said = re.sub(r"<[^>]*>", " ", words.split('id="curious"')[0])
    assert not re.search(r"true labels? (is|are) not known", said)


def test_a_picture_that_is_wide_at_its_narrowest_scrolls(make_run, undrawn):
    assert '<figure class="scrolls">' in picture_html(make_run(names=[f"name {n}" for n in range(40)]), "confusion")
    assert "<figure><picture>" in picture_html(make_run(), "confusion")


def test_a_sentence_loses_the_folder(make_run):
    run = make_run()
    sentence = f"{run.path} has no x; see {run.path}/y or `clc-text correct {run.path}`"
    assert anonymous(sentence, run) == "the run has no x; see the run's y or `clc-text correct RUN`"


def test_the_rate_is_a_range_where_there_are_several_estimates():
    one = {"rate": 0.1, "interval": [0.08, 0.12], "known_rate": None, "predictions": "out of sample"}
    assert "8.0 to 12.0 % of the given labels are wrong" in rate_html({"noise": one})
    several = [
        {"of": "<neighbours>", "method": "em", "rate": 0.2},
        {"of": "networks", "method": "confident_joint", "rate": 0.05},
    ]
    found = rate_html({"noise": one | {"interval": [0.04, 0.2], "readings": several}})
    assert "4.0 to 20.0 % of the given labels are wrong" in found
    assert "&lt;neighbours&gt;: expectation-maximisation" in found and "networks: confident joint" in found
    assert found.count("<tr>") == 3 and "20.0 %</td>" in found
    assert "more may be wrong" in rate_html({"noise": one | {"predictions": "in sample"}})
    assert rate_html(None) == "" and rate_html({"noise": one | {"nothing_learnt": True}}) == ""


def test_a_recipe_with_a_folder_of_this_machine_shows_its_name_only(make_run, unpictured):
    run = make_run()
    recipe = (run.path / "recipe.yaml").read_text().replace("name: made", "path: /home/ann/secret/made.csv", 1)
    (run.path / "recipe.yaml").write_text(recipe)
    page = report_page(run)
    assert "made.csv" in page
    assert "/home/ann" not in page


def test_long_texts_are_cut_to_the_budget_and_it_says_so(make_run):
    run = make_run(rows=60, texts=[f"<{row}>" * 1500 for row in range(60)])
    whole = read_contents(run, np.arange(3), 1_000_000)
    assert whole.texts == [f"<{row}>" * 1500 for row in range(3)] or "cut after 4,000" in whole.remark
    cut = read_contents(run, np.arange(60), 60_000)
    assert len({len(text) for text in cut.texts}) == 1
    assert len(json.dumps(cut.texts).replace("<", "\\u003c").replace(">", "\\u003e")) < 62_000
    assert cut.remark.startswith("60 texts are cut after 250 letters")


def image_run(run: RunDirectory, images: list[Any]) -> RunDirectory:
    """The same run with images for texts."""
    from datasets import ClassLabel, Dataset, Features, Image

    features = Features({"text": Image(), "label": ClassLabel(names=run.label_names)})
    columns = {"text": images, "label": run.labels().given.tolist()}
    Dataset.from_dict(columns, features=features).to_parquet(str(run.path / "data" / "train.parquet"))
    return run


def png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_images_have_thumbnails(make_run, monkeypatch, tmp_path, unpictured):
    from PIL import Image

    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (80, 8, 8, 3), dtype=np.uint8)
    images: list[Any] = [{"bytes": png(one), "path": None} for one in pixels]
    images[1] = {"bytes": png(random.integers(0, 256, (300, 200, 3), dtype=np.uint8)), "path": None}
    gone = tmp_path / "gone.png"
    gone.write_bytes(png(pixels[2]))
    images[2] = {"bytes": None, "path": str(gone)}
    run = image_run(make_run(rows=80), images)
    gone.unlink()
    found = read_contents(run, np.array([5, 1, 2, 0]), 1_000_000)

    def opened(uri: str) -> Image.Image:
        return Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))

    assert np.array_equal(np.array(opened(found.images[0])), pixels[5])
    assert opened(found.images[1]).size == (64, 96)
    assert found.images[2] is None
    assert "1 images could not be read" in found.remark
    assert np.array_equal(np.array(opened(found.images[3])), pixels[0])
    assert read_contents(run, np.array([5, 0]), 10).images == [None, None]
    monkeypatch.setattr(contents, "MOST_THUMBNAILS", 2)
    assert [image is not None for image in read_contents(run, np.array([5, 0, 7]), 1_000_000).images] == [
        True,
        True,
        False,
    ]
    assert data_of(report_page(run))["texts"] is None


def test_a_map_of_the_hidden_layer_on_request(tiny_run, tmp_path, unpictured, undrawn):
    plain, mapped = tmp_path / "plain.html", tmp_path / "mapped.html"
    call("report", tiny_run, "--out", plain)
    call("report", tiny_run, "--tsne", "--out", mapped)
    assert "t-SNE" not in plain.read_text()
    assert mapped.read_text().count("<figure>") == plain.read_text().count("<figure>") + 1
    assert "t-SNE" in mapped.read_text()


@pytest.mark.slow
def test_20_newsgroups_takes_less_than_half_a_minute_and_five_megabytes(recipes, tmp_path):
    recipe = Path(__file__).resolve().parents[2] / "recipes" / "news_sym05.yaml"
    call("train", recipe, "--set", "training.epochs=3", "--out", tmp_path / "run")
    call("correct", tmp_path / "run", "--policy", "agree")
    begin = time.perf_counter()
    call("report", tmp_path / "run")
    assert time.perf_counter() - begin < 30
    assert 1_000_000 < (tmp_path / "run" / "report.html").stat().st_size < 5_000_000


def test_a_sentence_begins_with_a_capital_letter_and_a_name_as_it_is() -> None:
    assert prose("networks see `it`") == "Networks see <code>it</code>."
    assert prose("clc_auto began!") == "clc_auto began!"
