"""The report in a real browser: by mouse, by keys, for a screen reader, in print, in the dark and on a telephone."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clc_text.corrections.correct import correct
from clc_text.corrections.policy import policy_named
from clc_text.corrections.predictions import in_sample
from clc_text.corrections.source import kept_rows
from clc_text.report.report_page import report_page

EVIL = '</script><script>window.broken = 1</script><img src="http://127.0.0.1:9/x.png" onerror="window.broken = 1">'
NAMES = ["comp.sys", "zoo", "<b>person</b>", "art & craft"]


@pytest.fixture(scope="module")
def page_file(build_run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 rows, of which some 200 are changed; every text ends in a row's own word, and one is hostile."""
    folder = tmp_path_factory.mktemp("report")
    texts = [f"What is number {row}? " + "word " * (row % 100) + f"end{row}." for row in range(600)]
    run = build_run(folder / "run", rows=600, names=NAMES, texts=texts)
    given, last = run.labels().given, run.dynamics().prediction.numpy()
    hostile = int(np.flatnonzero((last == last[0]).all(0) & (last[0] != given))[0])
    texts[hostile] = EVIL
    run = build_run(folder / "evil", rows=600, names=NAMES, texts=texts)
    source = kept_rows(run)
    assert source is not None
    correct(run, policy_named("agree"), in_sample(run), source)
    path = folder / "report.html"
    path.write_text(report_page(run), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def data(page_file: Path) -> dict[str, Any]:
    return json.loads(re.search(r'id="data">(.*?)</script>', page_file.read_text(), re.DOTALL).group(1))


def open_page(browser, path: Path) -> None:
    """Opens a page and waits for its script: on a busy machine the driver may answer a little early."""
    browser.open(path)
    for _ in range(1000):
        if browser.run("return document.readyState === 'complete' && document.getElementById('status')?.textContent"):
            return
        time.sleep(0.1)
    raise AssertionError(f"the page's script did not run: {browser.complaints()}")


@pytest.fixture
def opened(browser, page_file):
    open_page(browser, page_file)
    return browser


def text_of(browser, name: str) -> str:
    return browser.run("return document.getElementById(arguments[0]).textContent", name)


def shown(browser) -> list[int]:
    """The numbers of the rows that the table shows, in its order."""
    return browser.run("return [...document.querySelectorAll('#lines tr th')].map(cell => Number(cell.textContent))")


def set_field(browser, name: str, value: object) -> None:
    browser.run(
        "const field = document.getElementById(arguments[0]); field.value = arguments[1];"
        "for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, {bubbles: true}))",
        name,
        str(value),
    )


def count_shown(browser) -> int:
    found = re.match(r"Rows [\d,]+ to [\d,]+ of ([\d,]+)|No row", text_of(browser, "status"))
    return int(found.group(1).replace(",", "")) if found.group(1) else 0


def places(data: dict[str, Any], **wanted: int) -> list[int]:
    """Places of the rows that have these values."""
    rows = data["rows"]
    return [i for i in range(len(rows["row"])) if all(rows[key][i] == value for key, value in wanted.items())]


def test_the_page_runs_clean_and_asks_for_nothing(browser, page_file):
    browser.requests()
    open_page(browser, page_file)
    assert len(shown(browser)) == 25
    asked = [url for url in browser.requests() if not url.startswith(("data:", "chrome"))]
    assert asked == [page_file.resolve().as_uri()]
    assert browser.complaints() == []
    loaded = browser.run("return [...document.images].map(image => image.naturalWidth > 100)")
    assert loaded == [True] * 5


def test_hostile_text_is_shown_and_not_run(opened, data):
    place = data["texts"].index(EVIL)
    set_field(opened, "find", f"#{data['rows']['row'][place]}")
    assert shown(opened) == [data["rows"]["row"][place]]
    assert opened.run("return document.querySelector('#lines .text').textContent") == EVIL
    set_field(opened, "find", "<SCRIPT>")
    assert shown(opened) == [data["rows"]["row"][place]]
    assert opened.run("return [...document.querySelectorAll('#lines mark')].map(mark => mark.textContent)") == [
        "<script>"
    ]
    assert opened.run("return document.querySelectorAll('#lines script, #lines img, #lines b').length") == 0
    assert opened.run("return window.broken ?? null") is None
    assert "<b>person</b>" in text_of(opened, "given")


def test_filters_show_the_rows_that_they_name(opened, data):
    rows = data["rows"]
    changed = places(data, kind=0)
    assert count_shown(opened) == len(changed) > 100
    set_field(opened, "given", 1)
    assert count_shown(opened) == len(places(data, kind=0, given=1))
    set_field(opened, "proposed", 2)
    both = places(data, kind=0, given=1, proposed=2)
    assert count_shown(opened) == len(both) > 0
    assert shown(opened) == [rows["row"][i] for i in both][:25]
    opened.run("document.querySelector('#filters [type=reset]').click()")
    opened.run("return new Promise(done => setTimeout(done, 50))")
    assert count_shown(opened) == len(changed)

    set_field(opened, "truth", "broken")
    broken = [i for i in changed if rows["true"][i] == rows["given"][i] != rows["proposed"][i]]
    assert count_shown(opened) == len(broken) > 0
    set_field(opened, "truth", "")
    set_field(opened, "from", 0.6)
    set_field(opened, "to", 0.9)
    assert count_shown(opened) == len([i for i in changed if 0.6 <= rows["confidence"][i] <= 0.9])
    set_field(opened, "from", "")
    set_field(opened, "to", "")
    set_field(opened, "find", "number 1")
    assert count_shown(opened) == len([i for i in changed if "number 1" in data["texts"][i]])
    set_field(opened, "find", "")
    set_field(opened, "kind", "")
    assert count_shown(opened) == len(rows["row"])
    set_field(opened, "kind", 2)
    assert count_shown(opened) == len(places(data, kind=2))
    set_field(opened, "find", "there is no such text")
    assert text_of(opened, "status").startswith("No row")
    assert shown(opened) == []


def test_a_frequent_change_is_a_button(opened, data):
    given, proposed, count = opened.run(
        "const button = document.querySelector('.pair'); button.click();"
        "return [button.dataset.given, button.dataset.proposed, button.querySelector('b').textContent].map(Number)"
    )
    opened.run("return new Promise(done => setTimeout(done, 50))")
    assert count_shown(opened) == count == len(places(data, kind=0, given=given, proposed=proposed))
    assert opened.run("return document.activeElement.id") == "given"


def test_columns_sort_both_ways_and_say_so(opened, data):
    rows = data["rows"]
    changed = places(data, kind=0)

    def click(title: str) -> dict[str, str]:
        return opened.run(
            "const heads = [...document.querySelectorAll('#heads th')];"
            "heads.find(head => head.textContent === arguments[0]).querySelector('button').click();"
            "return Object.fromEntries(heads.map(head => [head.textContent, head.getAttribute('aria-sort')]))",
            title,
        )

    assert shown(opened) == [rows["row"][i] for i in changed[:25]]
    sorts = click("Confidence")
    assert sorts.pop("Confidence") == "descending"
    assert set(sorts.values()) == {"none"}
    by_confidence = sorted(changed, key=lambda i: (-rows["confidence"][i], i))
    assert shown(opened) == [rows["row"][i] for i in by_confidence[:25]]
    assert click("Confidence")["Confidence"] == "ascending"
    rising = sorted(changed, key=lambda i: (rows["confidence"][i], i))
    assert shown(opened) == [rows["row"][i] for i in rising[:25]]
    assert click("Row, from 0")["Row, from 0"] == "ascending"
    assert shown(opened) == sorted(rows["row"][i] for i in changed)[:25]
    click("Given")
    first = min(range(4), key=lambda number: NAMES[number].strip("<"))
    of_first = [rows["row"][i] for i in changed if rows["given"][i] == first]
    assert set(shown(opened)) <= {
        rows["row"][i] for i in changed if NAMES[rows["given"][i]] in ("<b>person</b>", NAMES[first])
    }
    assert of_first


def test_pages_keep_the_table_short(opened, data):
    changed = places(data, kind=0)
    pages = -(-len(changed) // 25)
    assert text_of(opened, "place") == f"Page 1 of {pages}"
    seen = shown(opened)
    for _ in range(pages - 1):
        opened.run("document.getElementById('next').click()")
        seen += shown(opened)
    assert seen == [data["rows"]["row"][i] for i in changed]
    assert opened.run("return document.getElementById('next').disabled")
    opened.run("document.getElementById('first').click()")
    set_field(opened, "size", 10)
    assert len(shown(opened)) == 10


def test_names_that_break_pages_elsewhere(browser, build_run, tmp_path):
    """Right to left, empty, far too long; and no true labels, so nothing speaks of them."""
    names = ["\u05e9\u05dc\u05d5\u05dd", "", "long_name_" * 30, "plain"]
    path = tmp_path / "odd.html"
    path.write_text(report_page(build_run(tmp_path / "odd", names=names, true_known=False)), encoding="utf-8")
    browser.complaints()
    open_page(browser, path)
    assert browser.complaints() == []
    assert "(no name) (" in text_of(browser, "given")
    assert (
        max(browser.run("return [...document.querySelectorAll('td.class')].map(one => one.textContent.length)")) <= 40
    )
    assert browser.run("return document.querySelector('td.class[title]').title") == names[2]
    assert browser.run("return getComputedStyle(document.getElementById('truth-label')).display") == "none"
    heads = browser.run("return [...document.querySelectorAll('#heads th')].map(head => head.textContent)")
    assert heads == ["Row, from 0", "Text", "Given", "Corrected", "Confidence", "Entropy", "Source"]
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")


def test_long_texts_unfold(opened, data):
    place = next(i for i in places(data, kind=0) if len(data["texts"][i]) > 400)
    set_field(opened, "find", f"#{data['rows']['row'][place]}")
    whole = data["texts"][place]
    cell = "document.querySelector('#lines .text')"
    assert len(opened.run(f"return {cell}.firstChild.textContent")) < 250
    opened.run(f"{cell}.querySelector('button').click()")
    assert opened.run(f"return {cell}.firstChild.textContent") == whole
    assert opened.run(f"return {cell}.querySelector('button').getAttribute('aria-expanded')") == "true"
    # A word at the end is shown where it is found, without unfolding.
    word = whole.split()[-1]
    set_field(opened, "find", word)
    assert opened.run(f"return {cell}.querySelector('mark').textContent") == word


def test_row_numbers_are_copied_as_revert_reads_them(opened, data):
    from clc_text.cli.commands import revert

    opened.run(
        "window.copied = []; Object.defineProperty(navigator, 'clipboard', {configurable: true, value: "
        "{writeText: async text => { window.copied.push(text) }}})"
    )
    set_field(opened, "given", 0)
    opened.run("document.getElementById('copy').click()")
    (copied,) = opened.run("return new Promise(done => setTimeout(() => done(window.copied), 50))")
    numbers = []
    for part in copied.split(","):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    assert numbers == sorted(data["rows"]["row"][i] for i in places(data, kind=0, given=0))
    assert "such as 3,8,10-12" in Path(revert.__file__).read_text()


def test_keys_reach_everything(opened, data):
    for _ in range(3):  # the first may come before the window has the focus
        opened.keys("Tab")
        if opened.run("return document.activeElement !== document.body"):
            break
    assert opened.run("return document.activeElement.className") == "skip"
    box = opened.run("const box = document.activeElement.getBoundingClientRect(); return [box.left, box.top]")
    assert min(box) >= 0
    opened.keys("Enter", "Tab")
    assert opened.run("return document.activeElement.closest('main') !== null")
    reached = set()
    for _ in range(60):
        found = opened.run(
            "const one = document.activeElement, style = getComputedStyle(one);"
            "return [one.id || one.className || one.textContent, style.outlineStyle]"
        )
        if opened.run("return document.activeElement === document.body"):  # round once, by way of the browser's own
            opened.keys("Tab")
            continue
        reached.add(found[0])
        assert found[1] == "solid", f"{found[0]} shows no focus"
        opened.keys("Tab")
    assert {
        "pair",
        "kind",
        "given",
        "proposed",
        "source",
        "truth",
        "from",
        "to",
        "find",
        "copy",
        "Row, from 0",
        "Confidence",
    } <= reached
    opened.run(
        "[...document.querySelectorAll('#heads button')].find(one => one.textContent === 'Row, from 0').focus()"
    )
    opened.keys("Enter")
    assert shown(opened) == sorted(data["rows"]["row"][i] for i in places(data, kind=0))[:25]


def test_a_screen_reader_finds_names(opened):
    nodes = opened.devtools("Accessibility.getFullAXTree")["nodes"]
    asked = {
        "button",
        "combobox",
        "searchbox",
        "spinbutton",
        "link",
        "image",
        "img",
        "region",
        "navigation",
        "table",
        "form",
    }
    unnamed, seen = [], set()
    for node in nodes:
        role = node.get("role", {}).get("value")
        if role in asked and not node.get("ignored"):
            seen.add(role)
            if not node.get("name", {}).get("value"):
                unnamed.append(role)
    assert unnamed == []
    assert {"button", "combobox", "searchbox", "link", "table", "region"} <= seen
    levels = opened.run("return [...document.querySelectorAll('h1, h2, h3')].map(head => Number(head.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert max(np.diff(levels)) <= 1
    assert opened.run("return document.documentElement.lang") == "en"
    assert opened.run("return [...document.querySelectorAll('#heads th')].every(head => head.scope === 'col')")
    assert opened.run("return document.getElementById('status').getAttribute('aria-live')") == "polite"
    ids = opened.run("return [...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))


def contrast(one: str, other: str) -> float:
    """By WCAG 2, of two colours `rgb(r, g, b)`."""

    def light(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted([light(one), light(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [True, False])
def test_dark_and_light_can_be_read(opened, dark):
    opened.dark(dark)
    try:
        back = opened.run("return getComputedStyle(document.body).backgroundColor")
        assert (contrast(back, "rgb(0, 0, 0)") < 2) == dark
        colours = opened.run(
            "const probe = document.createElement('i'); document.body.append(probe);"
            "const names = ['text', 'soft', 'link', 'good', 'care', 'bad', 'back', 'box', 'mark'];"
            "return Object.fromEntries(names.map(name => {"
            "probe.style.color = `var(--${name})`; return [name, getComputedStyle(probe).color]}))"
        )
        for name in ("text", "soft", "link", "good", "care", "bad"):
            for behind in ("back", "box"):
                assert contrast(colours[name], colours[behind]) >= 4.5, (name, behind)
        assert contrast(colours["text"], colours["mark"]) >= 4.5
    finally:
        opened.dark(False)


def test_it_prints(opened):
    opened.devtools("Emulation.setEmulatedMedia", media="print")
    try:
        gone = opened.run(
            "const parts = ['#filters', '#pages', 'header nav'].map(one => document.querySelector(one));"
            "return parts.map(one => getComputedStyle(one).display)"
        )
        assert gone == ["none"] * 3
        assert opened.run("return getComputedStyle(document.querySelector('#rows')).display") == "table"
        assert opened.run(
            "dispatchEvent(new Event('beforeprint'));"
            "const parts = [...document.querySelectorAll('details')], open = parts.map(one => one.open);"
            "dispatchEvent(new Event('afterprint'));"
            "return [open.length > 3, open.every(Boolean), parts.some(one => one.open)]"
        ) == [True, True, False]
    finally:
        opened.devtools("Emulation.setEmulatedMedia", media="")


def test_on_a_telephone_nothing_runs_out_of_the_page(opened):
    opened.devtools("Emulation.setDeviceMetricsOverride", width=360, height=700, deviceScaleFactor=1, mobile=False)
    try:
        assert opened.run("return document.documentElement.scrollWidth") <= 360
    finally:
        opened.devtools("Emulation.clearDeviceMetricsOverride")


def test_twenty_thousand_rows_stay_light(browser, page_file, data, tmp_path):
    rows = data["rows"]
    times = 20_000 // len(rows["row"]) + 1
    many = {key: value * times if isinstance(value, list) else value for key, value in rows.items()}
    large = data | {"rows": many, "texts": [text.replace("<", "(") for text in data["texts"]] * times}
    whole = page_file.read_text()
    start = whole.index('id="data">') + len('id="data">')
    path = tmp_path / "large.html"
    path.write_text(
        whole[:start] + json.dumps(large).replace("<", "\\u003c") + whole[whole.index("</script>", start) :]
    )
    browser.complaints()
    open_page(browser, path)
    assert browser.complaints() == []
    assert browser.run("return document.querySelectorAll('#lines tr').length") == 25
    spent = browser.run(
        "const begin = performance.now(), field = document.getElementById('find'); field.value = 'number 17';"
        "field.dispatchEvent(new Event('input', {bubbles: true}));"
        "[...document.querySelectorAll('#heads button')].find(one => one.textContent === 'Text').click();"
        "return performance.now() - begin"
    )
    assert spent < 2000
    assert count_shown(browser) == times * len([i for i in places(data, kind=0) if "number 17" in data["texts"][i]])
