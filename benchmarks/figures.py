"""The figures of the first pages and of paper_setting.md, from the sweeps' tables (recipes/sweeps/results/*.csv) and
from the pages of recipes/results.

    python -m benchmarks.figures            # which cells are not those of the tables
    python -m benchmarks.figures --write    # and puts them right

A line of a page's table is found by its first cell, below a head; its other cells are made anew. Of sentences the
numbers alone are.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "recipes" / "sweeps" / "results"
TREC = ("trec_pair02", "trec_pair045", "trec_sym02", "trec_sym05")
NEWS = ("news_pair02", "news_pair045", "news_sym02", "news_sym05")

Numbers = dict[str, str]


@cache
def of_table(name: str) -> dict[tuple[str, str], Numbers]:
    """(recipe, variant) -> column -> text, of a sweep's CSV."""
    with (RESULTS / f"{name}.csv").open(encoding="utf-8", newline="") as opened:
        return {(line["recipe"], line["variant"]): line for line in csv.DictReader(opened)}


def mean(cell: Numbers, measure: str = "last10") -> str:
    return f"{float(cell[f'{measure}_mean']):.1f}"


def spread(cell: Numbers, measure: str = "last10") -> str:
    return f"{mean(cell, measure)} ± {float(cell[f'{measure}_sd']):.1f}"


def bold(cell: Numbers) -> str:
    return f"**{spread(cell)}**"


def best(cell: Numbers) -> str:
    return mean(cell, "best_oracle")


def best_spread(cell: Numbers) -> str:
    return spread(cell, "best_oracle")


def paper(cell: Numbers) -> str:
    return f"{float(cell['paper']):.1f}"


def beside_paper(cell: Numbers) -> str:
    return f"{mean(cell)} / {paper(cell)}"


@dataclass(frozen=True)
class Row:
    """A line of a page's table.

    Attributes:
        page: its path.
        head: the first cell of the table's head.
        first: of the line, as it is written.
        table, variant: of the sweep; its `recipes` are the other cells.
        shown: makes a cell.
    """

    page: str
    head: str
    first: str
    table: str
    variant: str
    recipes: tuple[str, ...] = TREC
    shown: Callable[[Numbers], str] = spread

    def in_page(self, text: str) -> str:
        """The page with this line made anew.

        Raises:
            ValueError: the page has no such line, or several.
        """
        cells = [self.shown(of_table(self.table)[recipe, self.variant]) for recipe in self.recipes]
        begin = re.search(rf"^\| {re.escape(self.head)} ?\|.*\n\|-.*\n", text, re.M)
        if begin is None:
            raise ValueError(f"{self.page} has no table with the head '{self.head}'")
        end = text.index("\n\n", begin.end())
        lines = text[begin.end() : end].split("\n")
        places = [place for place, line in enumerate(lines) if line.startswith(f"| {self.first} |")]
        if len(places) != 1:
            raise ValueError(f"{self.page}, table '{self.head}': {len(places)} lines begin with '{self.first}'")
        lines[places[0]] = "| " + " | ".join([self.first, *cells]) + " |"
        return text[: begin.end()] + "\n".join(lines) + text[end:]


@dataclass(frozen=True)
class Sentence:
    """Numbers in a sentence.

    Attributes:
        page: its path.
        words: a regular expression whose groups are the numbers; a space stands for a line's end, too.
        numbers: what the groups are to be.
    """

    page: str
    words: str
    numbers: Callable[[], list[str]]

    def in_page(self, text: str) -> str:
        """The page with these numbers made anew.

        Raises:
            ValueError: the page has no such sentence, or several.
        """
        found = list(re.finditer(self.words.replace(" ", r"\s+"), text))
        numbers = self.numbers()
        if len(found) != 1 or len(found[0].groups()) != len(numbers):
            raise ValueError(f"{self.page}: {len(found)} sentences are like '{self.words}'")
        for group in range(len(numbers), 0, -1):
            text = text[: found[0].start(group)] + numbers[group - 1] + text[found[0].end(group) :]
        return text


def means(table: str, variant: str) -> Callable[[], list[str]]:
    return lambda: [mean(of_table(table)[recipe, variant]) for recipe in TREC]


def of_minilm() -> list[str]:
    cells = [of_table("minilm")["trec_minilm_pair04", variant] for variant in ("clc_auto", "co_teaching", "standard")]
    return [spread(cells[0]), mean(cells[1]), mean(cells[2])]


def result(page: str) -> str:
    """A page of recipes/results."""
    return (ROOT / "recipes" / "results" / page).read_text(encoding="utf-8")


def lines_of(page: str, head: str) -> dict[str, list[str]]:
    """The lines of a page's table whose head begins so: the cells after the first by that one, without marks.

    Raises:
        ValueError: the page has no such table.
    """
    text = result(page)
    begin = re.search(rf"^{re.escape(head)}.*\n\|[-:|]+\n", text, re.M)
    if begin is None:
        raise ValueError(f"{page} has no table with the head '{head}'")
    rows = text[begin.end() :].partition("\n\n")[0].split("\n")
    cells = [[cell.replace("**", "").strip() for cell in row.strip("| ").split("|")] for row in rows]
    return {first: others for first, *others in cells}


def mean_of(cells: Iterable[str]) -> float:
    """Of cells such as ``76.8 ± 0.3``."""
    return fmean(float(cell.partition(" ")[0]) for cell in cells)


def said_in(page: str, words: str) -> list[str]:
    """The groups of a regular expression in a page; a space stands for a line's end, too.

    Raises:
        ValueError: the page has no such sentence, or several.
    """
    found = re.findall(words.replace(" ", r"\s+"), result(page))
    if len(found) != 1:
        raise ValueError(f"{page}: {len(found)} sentences are like '{words}'")
    return list(found[0]) if isinstance(found[0], tuple) else found


def rates() -> list[str]:
    """True and estimated shares of wrong labels, of the four settings on TREC."""
    page = result("noise_estimate.md")
    names = ("pairwise 0.2", "pairwise 0.45", "symmetric 0.2", "symmetric 0.5")
    lines = {name: next(line for line in page.splitlines() if line.startswith(f"| {name} |")) for name in names}
    return [number for name in names for number in re.findall(r"\d+\.\d", lines[name].removeprefix(f"| {name}"))[:2]]


def changed_sets() -> list[str]:
    """Of `default` on sets from sound to 30 % wrong: how many, with fewer right labels, by how much at most; then the
    same of sets of at least 75 rows a class."""
    table = lines_of("find_wrong_rows.md", "| sets | | any: mean |").values()
    worse = sum(int(cells[-1]) for cells in table)
    most = max(-float(cells[-2].replace("−", "-")) for cells in table)
    more = said_in(
        "find_wrong_rows.md",
        rf"Of (\d+) sets with more rows a class \d+ are changed, and (\d+) have fewer right labels, by {N} at most",
    )
    return [
        str(sum(int(cells[0]) for cells in table)), SMALL[worse], f"{most:.1f}".lstrip("0"), more[0],
        SMALL[int(more[1])], more[2],
    ]  # fmt: skip


def ranking() -> list[str]:
    """Average precision in the mean of the sixteen sets: the mixture of views, cleanlab."""
    table = lines_of("find_wrong_rows.md", "| set | wrong | cleanlab |").values()
    return [f"{mean_of(cells[place] for cells in table):.3f}".lstrip("0") for place in (3, 1)]


def with_answers() -> list[str]:
    """Test accuracy on weak labels of TREC without answers, with 25 and with a hundred."""
    cells = json.loads(result("answers.json"))
    without = 100 * fmean(cell["accuracy"] for name, cell in cells.items() if re.fullmatch(r"weak-\d+-none-0", name))
    some = rf"\*weak\*, draws 2 to 4: 25 answers of both kinds make {N} \(.*?, 100 {N} \("
    return [f"{without:.1f}", *said_in("answers.md", some)]


def told_share() -> list[str]:
    """Test accuracy on the same labels where one class's share is told within .05."""
    lines = [line.split(" | ") for line in result("told_shares.md").splitlines()]
    (found,) = (cells[3] for cells in lines if cells[:2] == ["| minilm weak", "one class"])
    return [f"{mean_of([found]):.1f}"]


def of_rules() -> list[str]:
    """And where each of the rules is heard, instead of their majority."""
    return [f"{mean_of([lines_of('votes.md', '| Right on TREC')['clc_auto'][2]]):.1f}"]


def of_language_model() -> list[str]:
    """On the sets that a language model labelled: test accuracy of clc_auto and Standard, average precision of the
    mixture of views and of cleanlab."""
    trained = lines_of("llm_labels.md", "|  | clc_auto | standard |").values()
    ranked = lines_of("llm_labels.md", "| set | rows | classes | wrong | cleanlab |").values()
    return [
        *(f"{mean_of(cells[place] for cells in trained):.1f}" for place in (0, 1)),
        *(f"{mean_of(cells[place] for cells in ranked):.3f}".lstrip("0") for place in (5, 3)),
    ]


N, P = r"(\d+\.\d)", r"(\.\d+)"
SMALL = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
README, PAGE = "README.md", "docs/results.md"
STATED = "as the paper states:"
SETTING = "recipes/sweeps/results/paper_setting.md"
FIGURES: tuple[Row | Sentence, ...] = (
    Row(README, "", "Standard", "table4", "standard"),
    Row(README, "", "Co-teaching, told the rate", "table4", "co_teaching_warmed"),
    Row(README, "", "CLC / in the paper", "table4", "clc", shown=beside_paper),
    Row(README, "", "**clc_auto**", "table4", "clc_auto", shown=bold),
    Row(README, "", f"{STATED} Co-teaching, told the rate", "table4_paper", "co_teaching"),
    Row(README, "", f"{STATED} CLC / in the paper", "table4_paper", "clc", shown=beside_paper),
    Row(README, "", f"{STATED} **clc_auto**", "table4_paper", "clc_auto", shown=bold),
    Sentence(
        README,
        r"Of \[(\d+) further sets\]\([^)]*\) \([^)]*\) `default` leaves (\w+) with fewer right labels than they were "
        rf"given, by at most {P} points; of (\d+) of at least 75 rows a class (\w+), one of them by {N}\.",
        changed_sets,
    ),
    Sentence(README, rf"bring the classifier from {N} to {N} %, a hundred to {N} \(", with_answers),
    Sentence(README, rf"told within \.05 \(`[^`]*`\), to {N} \(\[shares\]", told_share),
    Sentence(README, rf"as \[several labels a row\]\(docs/votes\.md\), to {N} \(two seeds\)", of_rules),
    Sentence(
        README,
        rf"trains best in the mean \({N}, Standard {N}\), and wrong rows are ranked with an average precision of {P} "
        rf"for {P} of cleanlab's",
        of_language_model,
    ),
    Sentence(PAGE, rf"average precision of {P} in the mean; the best of four [^.]* has {P}, and", ranking),
    Sentence(
        PAGE,
        rf"Of (\d+) further sets, `default` left (\w+) with fewer right labels than they were given, by at most {P} "
        rf"points, of (\d+) of at least 75 rows a class (\w+), one of them by {N}\.",
        changed_sets,
    ),
    Sentence(PAGE, rf"{N} % of the test questions without answers, {N} % with 25 and {N} with 100", with_answers),
    Sentence(PAGE, rf"truly is, within \.05, {N} with none \(\[shares\]", told_share),
    Sentence(PAGE, rf"labelled by 68 rules has {N} % on test rows \(two seeds\)", of_rules),
    Row(PAGE, "TREC", f"{STATED} Standard", "table4_paper", "standard"),
    Row(PAGE, "TREC", f"{STATED} MentorNet, told the rate", "table4_paper", "mentornet"),
    Row(PAGE, "TREC", f"{STATED} Co-teaching, told the rate", "table4_paper", "co_teaching"),
    Row(PAGE, "TREC", f"{STATED} CLC", "table4_paper", "clc"),
    Row(PAGE, "TREC", f"{STATED} **clc_auto**", "table4_paper", "clc_auto", shown=bold),
    Row(PAGE, "TREC", "Standard", "table4", "standard"),
    Row(PAGE, "TREC", "Standard's best epoch, chosen by test labels", "table4", "standard", shown=best_spread),
    Row(PAGE, "TREC", "MentorNet, told the rate", "table4", "mentornet"),
    Row(PAGE, "TREC", "Co-teaching, told the rate", "table4", "co_teaching"),
    Row(PAGE, "TREC", "Co-teaching, told the rate, with CLC's warm-up", "table4", "co_teaching_warmed"),
    Row(PAGE, "TREC", "CLC", "table4", "clc"),
    Row(PAGE, "TREC", "CLC in the paper", "table4", "clc", shown=paper),
    Row(PAGE, "TREC", "**clc_auto**", "table4", "clc_auto", shown=bold),
    Sentence(PAGE, "true / estimated" + rf" \| {N} / {N} %" * 4, rates),
    Sentence(PAGE, rf"four settings \({N}, {N}, {N}, {N};", means("table4_200", "clc")),
    Sentence(PAGE, rf"stays where it is \({N}, {N}, {N}, {N}\)", means("table4_200", "clc_auto")),
    Sentence(PAGE, rf"pairwise 0\.4: `clc_auto` {N[:-1]} ± \d+\.\d), Co-teaching {N}, Standard {N}:", of_minilm),
    Row(PAGE, "20 Newsgroups", "Standard", "table4_news", "standard", NEWS),
    Row(PAGE, "20 Newsgroups", "Standard's best epoch, chosen by test labels", "table4_news", "standard", NEWS, best),
    Row(PAGE, "20 Newsgroups", "Co-teaching, told the rate", "table4_news", "co_teaching", NEWS),
    Row(PAGE, "20 Newsgroups", "CLC", "table4_news", "clc", NEWS),
    Row(PAGE, "20 Newsgroups", "CLC in the paper", "table4_news", "clc", NEWS, paper),
    Row(PAGE, "20 Newsgroups", "**clc_auto**", "table4_news", "clc_auto", NEWS, bold),
    Row(
        PAGE,
        "20 Newsgroups",
        "clc_auto on [vectors trained on the articles](../recipes/sweeps/results/news_trained.md), two seeds",
        "news_trained",
        "clc_auto",
        NEWS,
    ),
    Sentence(SETTING, rf"its figures there are {N}, {N}, {N} and {N} with", means("table4_paper", "clc_auto")),
)


def made_anew() -> dict[str, str]:
    """Each page with all its figures as the tables have them."""
    pages: dict[str, str] = {}
    for one in FIGURES:
        pages[one.page] = one.in_page(pages.get(one.page) or (ROOT / one.page).read_text(encoding="utf-8"))
    return pages


def differences() -> Iterator[str]:
    """The lines that are not as the tables have them, and how they would be."""
    for page, text in made_anew().items():
        before = (ROOT / page).read_text(encoding="utf-8").split("\n")
        for number, (old, new) in enumerate(zip(before, text.split("\n"), strict=True), 1):
            if old != new:
                yield f"{page}:{number}\n  - {old}\n  + {new}"


def main(write: bool) -> None:
    found = list(differences())
    sys.stdout.write("\n".join([*found, f"{len(found)} lines differ"]) + "\n")
    if write:
        for page, text in made_anew().items():
            (ROOT / page).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main("--write" in sys.argv[1:])
