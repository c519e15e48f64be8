"""The figures of the first pages are those of the sweeps' tables, and so are those of the tables' own pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import figures
from benchmarks.figures import RESULTS, Row, Sentence, differences, of_table


def test_lines_of_a_result_s_page_are_found_below_their_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recipes" / "results").mkdir(parents=True)
    (tmp_path / "recipes" / "results" / "one.md").write_text(
        "Of 12\nsets.\n\n| a | b | c |\n|---|---:|---|\n"
        "| x | **1.5** ± 0.1 | 2 |\n| y | 2.5 | **3** |\n\n| x | 9 | 9 |\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    found = figures.lines_of("one.md", "| a | b |")
    assert found == {"x": ["1.5 ± 0.1", "2"], "y": ["2.5", "3"]}
    assert figures.mean_of(cells[0] for cells in found.values()) == 2.0
    assert figures.said_in("one.md", r"Of (\d+) sets") == ["12"]
    with pytest.raises(ValueError, match="no table with the head"):
        figures.lines_of("one.md", "| b |")
    with pytest.raises(ValueError, match="0 sentences are like"):
        figures.said_in("one.md", r"In (\d+) sets")


def test_the_pages_say_what_the_tables_have() -> None:
    assert list(differences()) == [], "run: python -m benchmarks.figures --write"


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.csv")), ids=lambda path: path.stem)
def test_a_table_s_page_shows_its_csv(path: Path) -> None:
    lines = path.with_suffix(".md").read_text(encoding="utf-8").splitlines()
    assert of_table(path.stem)
    for (recipe, variant), cell in of_table(path.stem).items():
        expected = [float(cell[f"last10_{kind}"]) for kind in ("mean", "sd") if cell[f"last10_{kind}"]]
        shown = [
            [float(number) for number in found.groups() if number]
            for line in lines
            if line.startswith((f"| {variant} |", f"| {variant} † |"))
            for found in re.finditer(r"(\d+\.\d\d)(?: ± (\d+\.\d\d))?", line)
        ]
        # The CSV has four digits, which the page's two were not rounded from.
        assert any(numbers == pytest.approx(expected, abs=0.0051) for numbers in shown), f"{recipe}/{variant}"


PAGE = """# A page

| TREC | a | b |
|---|---:|---:|
| CLC | 1.0 | **2.0** |
| CLC told | 1.0 | 2.0 |

| other | a | b |
|---|---:|---:|
| CLC | 7.0 | 7.0 |

It reaches
(1.0, 2.0), they say.
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A root of one page and one table, and what stands in it."""
    (tmp_path / "page.md").write_text(PAGE, encoding="utf-8")
    (tmp_path / "one.csv").write_text(
        "recipe,variant,last10_mean,last10_sd,paper\na,clc,3.16,0.26,9\nb,clc,4.0,0.1,8\n", encoding="utf-8"
    )
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    monkeypatch.setattr(
        figures,
        "FIGURES",
        (
            Row("page.md", "TREC", "CLC", "one", "clc", ("a", "b")),
            Sentence("page.md", r"It reaches \((\d\.\d), (\d\.\d)\)", lambda: ["3.0", "4.0"]),
        ),
    )
    of_table.cache_clear()
    yield tmp_path
    of_table.cache_clear()


def test_cells_and_numbers_are_put_right_where_they_stand(small: Path) -> None:
    assert len(list(figures.differences())) == 2
    figures.main(write=True)
    expected = PAGE.replace("| CLC | 1.0 | **2.0** |", "| CLC | 3.2 ± 0.3 | 4.0 ± 0.1 |")
    assert (small / "page.md").read_text(encoding="utf-8") == expected.replace("(1.0, 2.0)", "(3.0, 4.0)")
    assert list(figures.differences()) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (Row("page.md", "Trec", "CLC", "one", "clc", ("a",)), "has no table with the head 'Trec'"),
        (Row("page.md", "TREC", "SLC", "one", "clc", ("a",)), "0 lines begin with 'SLC'"),
        (Sentence("page.md", r"It had \((\d)\)", lambda: ["1"]), "0 sentences are like"),
    ],
)
def test_a_page_without_the_figure_is_told(
    small: Path, monkeypatch: pytest.MonkeyPatch, wrong: Row | Sentence, said: str
) -> None:
    monkeypatch.setattr(figures, "FIGURES", (wrong,))
    with pytest.raises(ValueError, match=said):
        list(figures.differences())
