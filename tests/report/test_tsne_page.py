"""The interactive page: what users wrote is data in it, and in a real browser it works by mouse and by keys."""

from __future__ import annotations

import dataclasses
import json
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from clc_text.analysis.hidden import HiddenRows
from clc_text.analysis.maps import Maps, Panel
from clc_text.analysis.tsne import Map, quality
from clc_text.report.page import json_in_html, page
from clc_text.report.tsne_page import page_data, tsne_page

EVIL = '</script><script>window.broken = 1</script><img src="http://127.0.0.1:9/x.png" onerror="window.broken = 1">'


@pytest.fixture(scope="module")
def maps() -> Maps:
    """Two panels of 300 rows in three clusters; rows are the even numbers, row 20 has a hostile text."""
    random = np.random.default_rng(0)
    labels = np.arange(300) % 3
    given = np.where(np.arange(300) % 5 == 0, (labels + 1) % 3, labels)
    texts = [f"text number {row}" for row in range(300)]
    texts[10] = EVIL
    hidden = HiddenRows(
        rows=np.arange(300) * 2, layers=np.zeros((2, 300, 1), np.float32), entropy=np.linspace(0, 1.0, 300),
        predicted=labels, labels={"given": given, "corrected": labels, "true": labels}, texts=texts,
    )  # fmt: skip
    panels = []
    for peer in (0, 1):
        points = (random.normal(0, 1, (300, 2)) + 12 * np.eye(3)[labels][:, :2]).astype(np.float32)
        found = Map(points, points, 0.5)
        panels.append(
            Panel("a <b>run</b>", f"CLC, peer {peer}", peer, hidden, found, quality(found, hidden.labels, 0))
        )
    return Maps(["<i>one</i>", "two & more", EVIL], "made <u>noise</u>", {"perplexity": 30, "seed": 0}, panels)


@pytest.fixture(scope="module")
def page_file(maps: Maps, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "tsne.html"
    path.write_text(tsne_page(maps), encoding="utf-8")
    return path


def test_what_users_wrote_is_never_markup(page_file):
    text = page_file.read_text()
    assert text.count("</script>") == 2
    assert "<img" not in text
    assert "<i>one" not in text
    assert "made &lt;u&gt;noise&lt;/u&gt;" in text
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL).group(1))
    assert data["samples"][0]["texts"][10] == EVIL
    assert data["classes"][2] == EVIL


def test_no_character_that_a_browser_obeys_gets_into_the_page(maps):
    mark = "\u202e\x1b[2J"
    [panel, _] = maps.panels
    rows = dataclasses.replace(panel.rows, texts=[f"one{mark}\ntwo"] * 300)
    panel = dataclasses.replace(panel, run=f"run{mark}", title=f"title{mark}", rows=rows)
    odd = dataclasses.replace(
        maps, label_names=[f"class{mark}", "two", "three"], subject=f"noise{mark}", panels=[panel]
    )
    data = page_data(odd)
    assert data["classes"][0] == "class  [2J"
    assert data["samples"][0]["texts"][0] == "one  [2J\ntwo"
    page = tsne_page(odd)
    assert not {char for char in page if unicodedata.category(char) in ("Cf", "Cc")} - {"\n"}
    assert not re.search(r"\\u(00[01]|20[26])", page.split('id="data">')[1].split("<script>")[0])


def test_nothing_is_asked_from_elsewhere(page_file):
    text = page_file.read_text()
    assert "default-src 'none'" in text
    assert "unsafe" not in text
    assert re.findall(r"https?://", text.replace(EVIL.split('"')[1], "")) == []


def test_json_in_html_comes_back_as_it_was():
    value = {"a": "<!--</script>&\u2028\u2029'\"\\", "b": [1.5, None]}
    text = json_in_html(value)
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == value
    with pytest.raises(ValueError):
        json_in_html(float("nan"))
    assert "&lt;x&gt;" in page("<x>", "", "", "", None)


def test_data_hold_every_row_once_and_points_within_the_grid(maps):
    data = page_data(maps)
    assert len(data["samples"]) == 1
    assert [panel["sample"] for panel in data["panels"]] == [0, 0]
    for panel, made in zip(data["panels"], maps.panels, strict=True):
        points = np.array(panel["points"]).reshape(-1, 2)
        assert points.shape == (300, 2)
        assert points.min() >= 0
        assert points.max() <= 10_000
        # The same scale for both axes, y downwards.
        for row in (5, 250):
            wide, high = made.map.points[row] - made.map.points[0]
            span = np.ptp(made.map.points, axis=0).max()
            assert (points[row] - points[0]).tolist() == pytest.approx(
                [wide / span * 1e4, -high / span * 1e4], abs=1.01
            )
    assert tsne_page(maps) == tsne_page(maps)


def test_long_texts_are_cut_so_that_the_page_stays_small(maps):
    from dataclasses import replace

    rows = replace(maps.panels[0].rows, texts=["x" * 50_000] * 300)
    data = page_data(replace(maps, panels=[replace(maps.panels[0], rows=rows)]))
    assert {len(text) for text in data["samples"][0]["texts"]} == {1000}


def chosen(browser) -> str:
    return browser.run("return document.getElementById('row-id').textContent")


def focus_map(browser) -> None:
    browser.run("document.querySelectorAll('.stack canvas[tabindex]')[0].focus()")


def test_the_page_runs_clean_and_asks_for_nothing(browser, page_file):
    browser.requests()
    browser.open(page_file)
    assert browser.run("return document.querySelectorAll('.panel').length") == 2
    assert browser.run("return document.getElementById('count').textContent") == "300 rows shown"
    assert browser.run("return window.broken ?? null") is None
    asked = [url for url in browser.requests() if not url.startswith(("data:", "chrome"))]
    assert asked == [page_file.resolve().as_uri()]
    assert browser.complaints() == []


def test_hostile_text_is_shown_as_text(browser, page_file):
    browser.open(page_file)
    browser.run("document.getElementById('find').focus()")
    browser.keys("#", "2", "0")
    assert browser.run("return document.getElementById('count').textContent") == "1 rows shown"
    focus_map(browser)
    browser.keys("ArrowRight")
    assert chosen(browser) == "20"
    assert browser.run("return document.getElementById('row-text').textContent") == EVIL
    assert browser.run("return document.querySelectorAll('img, #row-text *').length + (window.broken ?? 0)") == 0
    assert EVIL in browser.run("return document.getElementById('legend').textContent")


def test_keys_walk_copy_and_let_go(browser, page_file):
    browser.open(page_file)
    browser.run(
        "window.copied = []; Object.defineProperty(navigator, 'clipboard', {configurable: true, value: "
        "{writeText: async text => { window.copied.push(text) }}})"
    )
    focus_map(browser)
    browser.keys("ArrowRight")
    first = chosen(browser)
    browser.keys("ArrowLeft", "ArrowUp")
    second = chosen(browser)
    assert first.isdigit()
    assert second.isdigit()
    assert first != second
    said = browser.run("return document.getElementById('said').textContent")
    assert said.startswith(f"Row {second}: given label ")
    browser.keys("c")
    assert browser.run("return window.copied") == [second]
    assert browser.run("return document.getElementById('said').textContent") == f"Copied {second}"
    browser.keys("+", "-", "0", "Escape")
    assert chosen(browser) == "–"


def test_tab_reaches_every_control(browser, page_file):
    browser.open(page_file)
    reached = []
    for _ in range(20):
        browser.keys("Tab")
        reached.append(
            browser.run(
                "const e = document.activeElement; return e.id || e.name || e.tagName.toLowerCase() + (e.type || '')"
            )
        )
    for name in ("colour", "only-changed", "find", "canvas", "inputcheckbox", "summary"):
        assert name in reached, reached


def test_hovering_shows_a_row_on_both_maps(browser, page_file):
    browser.open(page_file)
    box = browser.run(
        "const box = document.querySelector('.stack').getBoundingClientRect(); return [box.x, box.y, box.width]"
    )
    found = None
    data = browser.run("return JSON.parse(document.getElementById('data').textContent).panels[0].points")
    for row in (7, 100, 200):
        x, y = (box[2] * (0.94 * (value / 10_000 - 0.5) + 0.5) for value in data[2 * row : 2 * row + 2])
        browser.move(round(box[0] + x), round(box[1] + y))
        found = chosen(browser)
        assert found.isdigit()
        facts = browser.run("return document.getElementById('row-facts').textContent")
        assert "given label" in facts
        assert "entropy" in facts
    marked = browser.run(
        "return [...document.querySelectorAll('.stack canvas[tabindex]')].map(canvas => canvas.getContext('2d')"
        ".getImageData(0, 0, canvas.width, canvas.height).data.some(value => value > 0))"
    )
    assert marked == [True, True]


def test_filters_count_rows(browser, page_file, maps):
    browser.open(page_file)
    browser.run("document.getElementById('only-changed').click()")
    rows = maps.panels[0].rows
    changed = int((rows.labels["given"] != rows.labels["corrected"]).sum())
    assert browser.run("return document.getElementById('count').textContent") == f"{changed} rows shown"
    browser.run("document.querySelector('#legend input').click()")
    left = int(((rows.labels["given"] != rows.labels["corrected"]) & (rows.labels["true"] != 0)).sum())
    assert browser.run("return document.getElementById('count').textContent") == f"{left} rows shown"


def test_dark_and_light(browser, page_file):
    browser.open(page_file)
    backs = []
    for wanted in (True, False):
        browser.dark(wanted)
        backs.append(browser.run("return getComputedStyle(document.body).backgroundColor"))
    assert backs == ["rgb(22, 24, 27)", "rgb(255, 255, 255)"]
