"""A table, and how it is written: for a terminal, Markdown, LaTeX; a page's HTML takes its heads and rows as they are.

Whoever has figures to show makes rows of words and says nothing of borders, escapes or markup.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clc_text.utils.shown import for_rich, without_controls
from clc_text.utils.spreadsheet import harmless

if TYPE_CHECKING:
    from rich.table import Table as RichTable

NUMBER = "#"
_LATEX = {ord(character): f"\\{character}" for character in "&%$#_{}"} | {ord("\\"): r"\textbackslash{}"}
_LATEX_SIGNS = {" ± ": r" $\pm$ ", "†": r"$\dagger$", "–": "--"}


class Strong(str):
    """A cell that stands out from the others."""


class Lines(str):
    """A head or cell of several lines; what stands in any other is one line on a terminal, whatever it holds."""


@dataclass(frozen=True)
class Table:
    """Attributes:
    heads: of the columns; one of numbers, which stand right, begins with "#", which is not shown.
    rows: a cell for each head.
    title, caption: above and below.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    caption: str = ""

    @property
    def titles(self) -> list[str]:
        return [type(head)(head.removeprefix(NUMBER)) for head in self.heads]

    def on_screen(
        self,
        *,
        headless: bool = False,
        narrow: bool = False,
        one_line: bool = False,
        best: int | None = None,
        dim: Collection[str] = (),
        dim_rows: Collection[int] = (),
        ends: Collection[int] = (),
    ) -> RichTable:
        """For a terminal, what it would obey left out.

        Args:
            headless: no head is shown.
            narrow: a word of a head a line.
            one_line: numbers are not broken.
            best: the number of a row that stands out.
            dim: heads of columns that stand back; of rows their numbers.
            ends: numbers of rows below which a line is drawn.
        """
        from rich.table import Table as RichTable

        def lines(text: str) -> str:
            return "\n".join(map(for_rich, text.split("\n"))) if isinstance(text, Lines) else for_rich(text)

        made = RichTable(
            show_header=not headless, title=for_rich(self.title) or None, title_justify="left",
            caption=for_rich(self.caption) or None, caption_justify="left",
        )  # fmt: skip
        for head, title in zip(self.heads, self.titles, strict=True):
            number = head.startswith(NUMBER)
            words = Lines(title.replace(" ", "\n").replace("-", "-\n")) if narrow else title
            made.add_column(
                lines(words), justify="right" if number else "left",
                style="dim" if title in dim else None, no_wrap=one_line and number,
            )  # fmt: skip
        for place, row in enumerate(self.rows):
            cells = [f"[bold]{lines(cell)}[/bold]" if isinstance(cell, Strong) else lines(cell) for cell in row]
            style = "bold" if place == best else "dim" if place in dim_rows else None
            made.add_row(*cells, style=style, end_section=place in ends)
        return made

    def markdown(self) -> str:
        """With the caption as a paragraph below."""
        rule = "|" + "|".join("---:" if head.startswith(NUMBER) else "---" for head in self.heads) + "|"
        lines = [_markdown_row(self.titles), rule, *map(_markdown_row, self.rows)]
        return "\n".join([*lines, *(["", self.caption] if self.caption else []), ""])

    def latex(self) -> str:
        """A `tabular` for booktabs, the caption in a comment."""
        sides = "".join("r" if head.startswith(NUMBER) else "l" for head in self.heads)
        lines = [f"% {self.caption}"] if self.caption else []
        lines += [rf"\begin{{tabular}}{{{sides}}}", r"\toprule", _latex_row(self.titles), r"\midrule"]
        return "\n".join([*lines, *map(_latex_row, self.rows), r"\bottomrule", r"\end{tabular}", ""])


def csv_of(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Of texts and numbers, for programs and spreadsheets: no text is taken for a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(heads)
    for row in rows:
        writer.writerow([harmless(value) if isinstance(value, str) else value for value in row])
    return buffer.getvalue()


def _markdown_row(cells: Sequence[str]) -> str:
    shown = [without_controls(cell).replace("\\", "\\\\").replace("|", "\\|") for cell in cells]
    strong = [f"**{text}**" if isinstance(cell, Strong) else text for cell, text in zip(cells, shown, strict=True)]
    return "| " + " | ".join(strong) + " |"


def _latex_row(cells: Iterable[str]) -> str:
    shown = [rf"\textbf{{{_latex(cell)}}}" if isinstance(cell, Strong) else _latex(cell) for cell in cells]
    return " & ".join(shown) + r" \\"


def _latex(text: str) -> str:
    escaped = without_controls(text).translate(_LATEX)
    for sign, written in _LATEX_SIGNS.items():
        escaped = escaped.replace(sign, written)
    return escaped
