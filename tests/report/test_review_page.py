"""Rows answered in a real browser: by keys alone, with hostile texts, in the dark, on a telephone, and very many."""

from __future__ import annotations

import csv
import io
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_run import corrected_of
from synthetic_run import make_run as synthetic

from clc_text.corrections.answers import Checked, apply_answers, lock_in
from clc_text.corrections.asking.asked import read_asked
from clc_text.corrections.state import PERSON
from clc_text.corrections.store import Corrected
from clc_text.report.page import asset, page, script
from clc_text.report.report_page import report_page
from clc_text.report.review import IN_REPORT, Questions, questions, report_questions, review_html, review_page

EVIL = '</script><script>window.broken = 1</script><img src="http://127.0.0.1:9/x.png" onerror="window.broken = 1">'
HOSTILE = ["=cmd()", "<b>bold</b>", 'a "quoted", one', " two  blanks ", "\u202eturned", "plain"]
SOME, MANY = 12, 100_000
READY = "return document.readyState === 'complete' && document.getElementById('review-count')?.textContent"
# Keeps what the button would save.
KEEP = """
  window.kept = null;
  const before = URL.createObjectURL;
  URL.createObjectURL = (blob) => { blob.text().then((text) => { window.kept = text; }); return before(blob); };
  HTMLAnchorElement.prototype.click = () => {};
  document.getElementById('review-save').click();
"""
PRESSED = """
  const pressed = document.querySelector('#review-classes [aria-pressed=true]');
  return pressed && pressed.querySelector('kbd').textContent
"""
# Whether nothing has to be scrolled sideways, and every button that is shown can be pressed.
INSIDE = """
  const box = document.getElementById('review'), buttons = [...box.querySelectorAll('button')];
  const places = buttons.filter((one) => one.offsetParent).map((one) => one.getBoundingClientRect());
  return [box.scrollWidth <= innerWidth, places.every((r) => r.left >= 0 && r.right <= innerWidth && r.height >= 24)]
"""
# The least contrast of a text to its ground, by WCAG 2, and that text.
CONTRAST = """
  const numbers = (css) => css.match(/[\\d.]+/g).map(Number);
  const light = (css) => {
    const linear = (one) => (one / 255 <= .04045 ? one / 255 / 12.92 : ((one / 255 + .055) / 1.055) ** 2.4);
    const [r, g, b] = numbers(css).slice(0, 3).map(linear);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = (one) => {
    for (; one; one = one.parentElement) {
      const css = getComputedStyle(one).backgroundColor;
      if (numbers(css).length === 3) return css;
    }
    return 'rgb(255, 255, 255)';
  };
  const says = (one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  return [...document.querySelectorAll('#review *')]
    .filter((one) => one.offsetParent && !one.closest(':disabled') && says(one))
    .map((one) => [light(getComputedStyle(one).color), light(ground(one)), one.textContent])
    .map(([a, b, words]) => [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), words])
    .sort((a, b) => a[0] - b[0])[0]
"""
# Counts what the page's script touches from now on.
TOUCHED = """
  window.touched = 0;
  const all = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver((seen) => { for (const one of seen) window.touched += 1 + one.addedNodes.length; })
    .observe(document.body, all);
  for (const name of ['getItem', 'setItem', 'removeItem']) {
    const before = Storage.prototype[name];
    Storage.prototype[name] = function (...given) { window.touched += 1; return before.apply(this, given); };
  }
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Corrected:
    """400 rows of six classes, whose names and texts would like to be something else."""
    texts = [f"{EVIL if row % 3 == 0 else 'What'} is number {row}?" for row in range(400)]
    made = synthetic(
        tmp_path_factory.mktemp("review") / "a run's", names=HOSTILE, more_columns={"text": texts}, true_known=False
    )
    return corrected_of(made)


@pytest.fixture(scope="module")
def report(run: Corrected, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(report_page(run.run), encoding="utf-8")
    return path


def open_page(browser, path: Path) -> None:
    browser.open(path)
    for _ in range(1000):
        if browser.run(READY):
            return
        time.sleep(0.1)
    raise AssertionError(f"the page's script did not run: {browser.complaints()}")


@pytest.fixture
def opened(browser, report):
    """The report with its review begun, and nothing answered yet."""
    open_page(browser, report)
    browser.run("localStorage.clear()")
    open_page(browser, report)
    browser.complaints()
    browser.requests()
    browser.run("document.querySelector('.review-open').click()")
    return browser


def text_of(browser, name: str) -> str:
    return browser.run("return document.getElementById(arguments[0]).textContent", name)


def shown_row(browser) -> int:
    return int(text_of(browser, "review-place").split()[1])


def asked_in(browser) -> dict[str, Any]:
    return browser.run("return JSON.parse(document.getElementById('data').textContent).review")


def saved(browser) -> list[dict[str, str]]:
    """The lines of the file that the button saves."""
    browser.run(KEEP)
    for _ in range(600):
        if (text := browser.run("return window.kept")) is not None:
            return list(csv.DictReader(io.StringIO(text, newline="")))
        time.sleep(0.05)
    raise AssertionError("nothing was saved")


def test_hostile_rows_are_text_and_nothing_is_asked_for(opened) -> None:
    asked = asked_in(opened)
    assert len(asked["row"]) == IN_REPORT
    for row in asked["row"]:
        assert shown_row(opened) == row
        if row % 3 == 0:
            assert "</script><script>" in text_of(opened, "review-shown")
        opened.keys("s")
    assert opened.run("return window.broken") is None
    assert opened.complaints() == []
    assert [url for url in opened.requests() if not url.startswith(("data:", "chrome", "file:"))] == []
    assert text_of(opened, "review-done-title") == "All rows looked at"
    assert text_of(opened, "review-command") == """clc-text apply 'a run'"'"'s' answers.csv"""


def test_by_keys_alone_and_back_again(opened) -> None:
    asked = asked_in(opened)
    rows, given, suggested = asked["row"], asked["given"], asked["suggested"]
    opened.keys("y", "n", "3", "s", "N")
    assert shown_row(opened) == rows[5]
    assert text_of(opened, "review-count") == f"4 of {IN_REPORT} answered, 1 skipped"
    opened.keys("u")
    assert shown_row(opened) == rows[4]
    assert text_of(opened, "review-count") == f"3 of {IN_REPORT} answered, 1 skipped"
    opened.keys("ArrowLeft", "ArrowLeft")
    assert shown_row(opened) == rows[2]
    assert opened.run(PRESSED) == "3"
    opened.keys("6")  # another mind
    assert shown_row(opened) == rows[4]
    opened.keys("ArrowRight", "8", "0", "x", "?")  # no such class, and keys that mean nothing
    assert shown_row(opened) == rows[5] and text_of(opened, "review-count") == f"3 of {IN_REPORT} answered, 1 skipped"
    lines = saved(opened)
    assert [int(line["row"]) for line in lines] == rows[:3]
    assert [line["answer"] for line in lines] == [
        "'" + HOSTILE[label] if HOSTILE[label][0] == "=" else HOSTILE[label] for label in (given[0], suggested[1], 5)
    ]
    # Tab reaches every button that can be seen, and Escape closes.
    reached = set()
    for _ in range(40):
        opened.keys("Tab")
        reached.add(opened.run("return document.activeElement.id || document.activeElement.textContent"))
    assert {"review-save", "review-close", "review-shown", "review-yes", "review-no", "review-skip"} <= reached
    opened.keys("Escape")
    assert not opened.run("return document.getElementById('review').open")
    opened.keys("y", "1")
    assert text_of(opened, "review-count") == f"3 of {IN_REPORT} answered, 1 skipped"


def test_answers_outlive_the_page_and_are_taken_over_as_they_were_drawn(opened, report, run, tmp_path: Path) -> None:
    opened.keys(*"ynynyn", "1", "2", "s", "4")
    open_page(opened, report)
    assert text_of(opened, "review-count") == f"9 of {IN_REPORT} answered, 1 skipped"
    asked, lines = asked_in(opened), saved(opened)
    path = tmp_path / "answers.csv"
    with open(path, "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(lines[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(lines)
    done = apply_answers(run, path)
    assert done["answers"] == 9
    state, how = Corrected(run.run).state(), read_asked(run.run.path)
    rows = [int(line["row"]) for line in lines]
    expected = [*asked["given"][0:6:2], *asked["suggested"][1:6:2], 0, 1, 3]
    assert state.label[[*rows[0:6:2], *rows[1:6:2], *rows[6:]]].tolist() == expected
    assert (state.source[rows] == PERSON).all()
    for row in rows:
        place = asked["row"].index(row)
        assert (how[row].why, how[row].inclusion) == (asked["why"][place], asked["inclusion"][place])
        assert how[row].asked == asked["step"]


def standalone(run: Corrected, path: Path, **more: Any) -> Path:
    """A review of its own, whatever is in it."""
    found = questions(run, SOME, "both", 100_000)
    body = review_html(found, dialog=False)
    style = asset("tokens.css") + asset("review.css")
    path.write_text(page("t", body, style, script("review.js"), {"review": found.data | more}), encoding="utf-8")
    return path


def test_where_the_classes_are_yes_and_no_the_keys_are_these(browser, run, tmp_path: Path) -> None:
    given = [place % 2 for place in range(SOME)]
    others = [1 - one for one in given]
    path = standalone(
        run, tmp_path / "yes.html", names=["no", "Yes"], csvNames=["no", "Yes"], given=given, suggested=others,
        current=given, near=[], runId="yes",
    )  # fmt: skip
    open_page(browser, path)
    keys = "return ['yes', 'no'].map(id => document.querySelector(`#review-${id} kbd`).textContent).join(' ')"
    for place in range(2):  # no was given, then yes
        assert browser.run(keys) == ("y n" if given[place] else "n y")
        row = shown_row(browser)
        browser.keys("y")
        assert text_of(browser, "review-said") == f"Row {row}: Yes."
    row = shown_row(browser)
    browser.keys("n")
    assert text_of(browser, "review-said") == f"Row {row}: no."
    browser.run("document.getElementById('review-yes').click()")  # the button is the given label as ever
    assert text_of(browser, "review-said").endswith(f": {['no', 'Yes'][given[3]]}.")


def test_many_classes_are_found_by_their_names(browser, run, tmp_path: Path) -> None:
    names = [f"class {number}" for number in range(150)] + ["Ünique name"]
    near = [[["another", 77, 0.5], ["one more", 77, 0.4]]] * SOME
    path = standalone(run, tmp_path / "many.html", names=names, csvNames=names, near=near, runId="many")
    open_page(browser, path)
    listed = "return [...document.querySelectorAll('#review-classes span')].map(one => one.textContent)"
    assert "class 77" in browser.run(listed)
    first = shown_row(browser)
    browser.keys("/", *"class 14")
    assert browser.run(listed)[:3] == ["class 14", "class 140", "class 141"] and len(browser.run(listed)) == 9
    assert shown_row(browser) == first  # 1 and 4 were letters, not answers
    browser.keys("Escape", "/", *"ünique", "Enter")
    assert text_of(browser, "review-said") == f"Row {first}: Ünique name."
    browser.keys("/", *"no such", "Enter")
    assert text_of(browser, "review-other") == "No class matches"
    assert text_of(browser, "review-count").startswith("1 of")


@pytest.mark.parametrize("width", [390, 1400])
@pytest.mark.parametrize("dark", [False, True])
def test_all_is_there_in_any_width_and_light(opened, width: int, dark: bool) -> None:
    opened.devtools("Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=False)
    opened.dark(dark)
    try:
        assert opened.run(INSIDE) == [True, True]
        least, words = opened.run(CONTRAST)
        assert least >= 4.5, words
    finally:
        opened.dark(False)
        opened.devtools("Emulation.clearDeviceMetricsOverride")


def test_a_row_of_very_many_costs_what_a_row_of_few_does(browser, run, tmp_path: Path) -> None:
    """Counted in what the page touches, so that no load of the machine matters."""
    work = {}
    for rows in (SOME, MANY):
        plain = questions(run, SOME, "both", 100_000).data
        times = rows // SOME + 1
        data = {key: (value * times)[:rows] if isinstance(value, list) and len(value) == SOME else value
                for key, value in plain.items()}  # fmt: skip
        data |= {"row": list(range(rows)), "names": HOSTILE, "csvNames": HOSTILE, "runId": f"run of {rows}"}
        found = Questions(data["row"], len(HOSTILE), data)
        path = tmp_path / f"{rows}.html"
        style = asset("tokens.css") + asset("review.css")
        path.write_text(
            page("t", review_html(found, dialog=False), style, script("review.js"), {"review": data}), encoding="utf-8"
        )
        open_page(browser, path)
        browser.run(TOUCHED)
        browser.keys(*"yns1u2")
        assert text_of(browser, "review-count").startswith("3 of ")
        work[rows] = browser.run("return [window.touched, document.querySelectorAll('*').length]")
    assert work[SOME] == work[MANY]


def test_where_all_is_answered_nothing_is_asked(tmp_path: Path) -> None:
    corrected = corrected_of(synthetic(tmp_path / "run"))
    given = corrected.state().given
    lock_in(corrected, Checked(np.arange(400), given, [], 0, {}), "all.csv")
    corrected = Corrected(corrected.run)
    assert report_questions(corrected.run) is None
    found = questions(corrected, SOME, "both", 100_000)
    assert len(found) == 0 and found.data["near"] == []


def test_a_report_does_not_wait_for_very_many_rows(run: Corrected, monkeypatch: pytest.MonkeyPatch) -> None:
    assert report_questions(run.run) is not None
    monkeypatch.setattr("clc_text.report.review.MOST_ROWS", 399)
    assert report_questions(run.run) is None


def test_what_is_asked_is_the_same_as_of_next_and_says_why(run: Corrected) -> None:
    found = questions(run, SOME, "both", 100_000, features=lambda: np.eye(400, 3, dtype=np.float32) + 0.1)
    data = found.data
    assert len(set(found.row)) == SOME == len(found)
    for name in ("given", "suggested", "current", "belief", "why", "inclusion", "copies", "texts", "near"):
        assert len(data[name]) == SOME, name
    assert set(data["why"]) == {"random", "doubt"}
    chance = {inclusion for why, inclusion in zip(data["why"], data["inclusion"], strict=True) if why == "random"}
    assert len(chance) == 1 and 0 < chance.pop() < 1
    assert all(0 < len(one) <= 3 and all(0 <= label < 6 for _, label, _ in one) for one in data["near"])
    text = review_page(found, "run", "token", {found.row[0]: 2})
    sent = json.loads(text.partition('id="data">')[2].partition("</script>")[0])["review"]
    assert (sent["token"], sent["answers"], sent["path"]) == ("token", {str(found.row[0]): 2}, "run")
