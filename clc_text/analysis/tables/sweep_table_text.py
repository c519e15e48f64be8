"""A sweep's table on the screen, as Markdown, CSV or LaTeX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clc_text.analysis.compare import TITLES
from clc_text.analysis.sweep_table import SweepTable
from clc_text.analysis.tables.compare_text import SIGNIFICANT, TOLD
from clc_text.utils.table import Strong, Table, csv_of

if TYPE_CHECKING:
    from rich.table import Table as RichTable

PAPER = "paper"


def caption(table: SweepTable, measure: str) -> str:
    """How the numbers are to be read."""
    seeds = table.most_seeds
    fewer = any(len(cell.values) < seeds for cell in table.cells.values())
    told = any(cell.told for cell in table.cells.values())
    return (
        f"Test accuracy in percent, {TITLES[measure]}, {'mean of the peers' if table.of == 'peers' else 'ensemble'}; "
        f"mean ± standard deviation over {seeds} seed{'s' * (seeds > 1)}"
        + (", or over as many as stand in brackets." if fewer else ".")
        + (f" {TOLD} told the noise rate or matrix." if told else "")
        + (" Beside it the paper's figure (Wu et al. 2019)." if _papers(table, measure) else "")
        + "".join(f" {clause}." for clause in table.absent)
    )


def leads(table: SweepTable, reference: str, measure: str = "last10") -> list[str]:
    """One sentence a column: the reference beside the best of the others."""
    sentences = []
    for recipe in table.recipes:
        lead = table.lead(recipe, reference, measure)
        if lead is None:
            continue
        if lead.p is not None:
            how = f"{_p(lead.p)} over seeds, on these test rows alone: {lead.test.kind} t-test, Holm-corrected"
        elif min(len(table.cells[variant, recipe].values) for variant in (reference, lead.other)) == 1:
            how = "one seed, no test"
        else:
            how = "no test, since seeds do not change it"
        if lead.over_rows is not None:
            rows = lead.over_rows
            how += f"; over the {rows.rows:,} test rows, last epoch: {rows.difference:+.1f}, 95 % "
            how += f"{rows.low:+.1f} to {rows.high:+.1f}, paired bootstrap"
        sentences.append(
            f"{recipe}: {reference} is {abs(lead.difference):.2f} points "
            f"{'above' if lead.difference >= 0 else 'below'} {lead.other}, the best of the others ({how})"
        )
    return sentences


def _p(value: float) -> str:
    return ("p < 0.001" if value < 0.001 else f"p = {value:.3f}") + " *" * (value < SIGNIFICANT)


def _table(table: SweepTable, measure: str) -> Table:
    return Table(_heads(table, measure), _lines(table, measure), caption=caption(table, measure))


def as_table(table: SweepTable, measure: str) -> RichTable:
    return _table(table, measure).on_screen(dim=[PAPER])


def as_markdown(table: SweepTable, measure: str) -> str:
    return _table(table, measure).markdown()


def as_latex(table: SweepTable, measure: str) -> str:
    """A `tabular` for booktabs."""
    return _table(table, measure).latex()


def as_csv(table: SweepTable) -> str:
    """One line a cell, with all three measures and every seed's figure."""
    figures = [f"{measure}_{kind}" for measure in TITLES for kind in ("mean", "sd")]
    heads = ["recipe", "variant", "method", "told_noise_rate", "seeds", *figures, "paper", "last10_by_seed"]
    lines = []
    for recipe in table.recipes:
        for variant in table.variants:
            cell = table.cells.get((variant, recipe))
            if cell is None:
                continue
            values: list[Any] = []
            for measure in TITLES:
                deviation = cell.deviation(measure)
                values += [f"{cell.mean(measure):.4f}", "" if deviation is None else f"{deviation:.4f}"]
            seeds = " ".join(map(str, sorted(cell.values)))
            each = " ".join(f"{value:.4f}" for value in cell.of("last10"))
            paper = "" if cell.paper is None else cell.paper
            lines.append([recipe, variant, cell.method, cell.told, seeds, *values, paper, each])
    return csv_of(heads, lines)


def _papers(table: SweepTable, measure: str) -> list[str]:
    """The recipes of which the paper has a figure; it has none of one epoch alone, nor of an ensemble."""
    if measure != "last10" or table.of != "peers":
        return []
    return [recipe for recipe in table.recipes if any(_paper(table, v, recipe) is not None for v in table.variants)]


def _paper(table: SweepTable, variant: str, recipe: str) -> float | None:
    cell = table.cells.get((variant, recipe))
    return None if cell is None else cell.paper


def _heads(table: SweepTable, measure: str) -> list[str]:
    heads, with_paper = ["variant"], _papers(table, measure)
    for recipe in table.recipes:
        heads += [f"#{recipe}", f"#{PAPER}"] if recipe in with_paper else [f"#{recipe}"]
    return heads


def _lines(table: SweepTable, measure: str) -> list[list[str]]:
    """Each variant with its cells' texts; the best of its column stands out."""
    best = {recipe: table.best(recipe, measure) for recipe in table.recipes}
    with_paper = _papers(table, measure)
    lines = []
    for variant in table.variants:
        values: list[str] = []
        told = False
        for recipe in table.recipes:
            cell = table.cells.get((variant, recipe))
            if cell is None:
                values.append("–")
            else:
                told |= cell.told
                deviation = cell.deviation(measure)
                text = f"{cell.mean(measure):.2f}" + ("" if deviation is None else f" ± {deviation:.2f}")
                if len(cell.values) < table.most_seeds:
                    text += f" ({len(cell.values)})"
                values.append(Strong(text) if best[recipe] == variant else text)
            if recipe in with_paper:
                paper = _paper(table, variant, recipe)
                values.append("" if paper is None else f"{paper:.2f}")
        lines.append([f"{variant} {TOLD}" if told else variant, *values])
    return lines
