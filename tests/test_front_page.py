"""The pages: their links lead somewhere, the first one is short, and its figures are those of the tables."""

from __future__ import annotations

import re
import statistics
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.ranking_picture import PAGE, draw, lines

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("recipes/**/*.md"), *ROOT.glob("data_cards/*.md")]
)
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_to_files(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.S)  # a call is no link
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:|#", target):
            assert (page.parent / target.partition("#")[0]).exists(), f"{page.name} links to {target}"


def test_the_first_page_is_short() -> None:
    assert len(README.splitlines()) <= 120


def test_its_ranking_is_that_of_the_results() -> None:
    found = lines(PAGE.read_text(encoding="utf-8"))
    assert len(found) == 16 and "sixteen" in README
    ours, best = (statistics.fmean(getattr(line, name) for line in found) for name in ("mixture", "cleanlab"))
    assert f"| average precision of the ranking | **{ours:.3f}** | {best:.3f} |".replace("0.", ".") in README
    worse = [sum(getattr(line, name) < line.given for line in found) for name in ("default", "relabelled")]
    assert f"| **{worse[0]}** (`default`) | {worse[1]} of {len(found)} |" in README
    above = sum(line.mixture > max(line.cleanlab, line.words) for line in found)
    assert above == 15 and "above cleanlab on fifteen" in README  # as the picture's text says


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    draw(lines(PAGE.read_text(encoding="utf-8")), tmp_path / "p.png")
    assert (tmp_path / "p.png").stat().st_size > 10_000


def test_the_citation_is_yaml_and_of_this_version() -> None:
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert f'version = "{found["version"]}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f"## {found['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_site_lists_pages_and_names_that_there_are() -> None:
    import importlib

    import clc_text

    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))

    def pages(entry: Any) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        return [page for part in (entry.values() if isinstance(entry, dict) else entry) for page in pages(part)]

    listed = pages(site["nav"])
    assert [page for page in listed if not (ROOT / page).is_file()] == []
    assert [page.name for page in ROOT.glob("docs/*.md") if f"docs/{page.name}" not in listed] == []
    names = re.findall(r"^::: (\S+)$", (ROOT / "docs/reference.md").read_text(encoding="utf-8"), flags=re.M)
    for name in names:
        module, _, attribute = name.rpartition(".")
        assert getattr(importlib.import_module(module), attribute).__doc__, name
    assert {name for name in clc_text.__all__ if not name.startswith("_")} <= {
        name.rpartition(".")[2] for name in names
    }
