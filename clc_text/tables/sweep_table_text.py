"""A sweep's table on the screen, as Markdown, CSV or LaTeX."""

from __future__ import annotations

import csv
import io
from typing import Any

from rich.table import Table

from clc_text.analysis.sweep_table import SweepTable
from clc_text.tables.compare_text import SIGNIFICANT, TOLD
from clc_text.utils.shown import for_rich

TITLES = {
    "last10": "mean of the last 10 epochs",
    "last": "last epoch",
    "best_oracle": "best epoch (oracle: chosen by the test labels, no honest result)",
}
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
    found = []
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
        found.append(
            f"{recipe}: {reference} is {abs(lead.difference):.2f} points "
            f"{'above' if lead.difference >= 0 else 'below'} {lead.other}, the best of the others ({how})"
        )
    return found


def _p(value: float) -> str:
    return ("p < 0.001" if value < 0.001 else f"p = {value:.3f}") + " *" * (value < SIGNIFICANT)


def as_table(table: SweepTable, measure: str) -> Table:
    shown = Table(caption=caption(table, measure), caption_justify="left")
    for index, head in enumerate(_heads(table, measure)):
        shown.add_column(for_rich(head), justify="right" if index else "left", style="dim" if head == PAPER else None)
    for variant, values in _lines(table, measure):
        shown.add_row(for_rich(variant), *(f"[bold]{text}[/bold]" if best else text for text, best in values))
    return shown


def as_markdown(table: SweepTable, measure: str) -> str:
    def row(values: list[str]) -> str:
        return "| " + " | ".join(value.replace("|", "\\|") for value in values) + " |"

    heads = _heads(table, measure)
    lines = [row(heads), "|" + "|".join(["---", *["---:"] * (len(heads) - 1)]) + "|"]
    for variant, values in _lines(table, measure):
        lines.append(row([variant, *(f"**{text}**" if best else text for text, best in values)]))
    return "\n".join([*lines, "", caption(table, measure), ""])


def as_latex(table: SweepTable, measure: str) -> str:
    """A `tabular` for booktabs."""
    heads = _heads(table, measure)
    lines = [f"% {caption(table, measure)}", rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}", r"\toprule"]
    lines += [" & ".join(map(_latex, heads)) + r" \\", r"\midrule"]
    for variant, values in _lines(table, measure):
        texts = [rf"\textbf{{{_latex(text)}}}" if best else _latex(text) for text, best in values]
        lines.append(" & ".join([_latex(variant), *texts]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def as_csv(table: SweepTable) -> str:
    """One line a cell, with all three measures and every seed's figure."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    figures = [f"{measure}_{kind}" for measure in TITLES for kind in ("mean", "sd")]
    writer.writerow(["recipe", "variant", "method", "told_noise_rate", "seeds", *figures, "paper", "last10_by_seed"])
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
            writer.writerow([recipe, variant, cell.method, cell.told, seeds, *values, paper, each])
    return buffer.getvalue()


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
        heads += [recipe, PAPER] if recipe in with_paper else [recipe]
    return heads


def _lines(table: SweepTable, measure: str) -> list[tuple[str, list[tuple[str, bool]]]]:
    """Each variant with its cells' texts, and whether it is the best of its column."""
    best = {recipe: table.best(recipe, measure) for recipe in table.recipes}
    with_paper = _papers(table, measure)
    lines = []
    for variant in table.variants:
        values: list[tuple[str, bool]] = []
        told = False
        for recipe in table.recipes:
            cell = table.cells.get((variant, recipe))
            if cell is None:
                values.append(("–", False))
            else:
                told |= cell.told
                deviation = cell.deviation(measure)
                text = f"{cell.mean(measure):.2f}" + ("" if deviation is None else f" ± {deviation:.2f}")
                if len(cell.values) < table.most_seeds:
                    text += f" ({len(cell.values)})"
                values.append((text, best[recipe] == variant))
            if recipe in with_paper:
                paper = _paper(table, variant, recipe)
                values.append(("" if paper is None else f"{paper:.2f}", False))
        lines.append((f"{variant} {TOLD}" if told else variant, values))
    return lines


def _latex(text: str) -> str:
    text = text.translate(
        {ord(character): f"\\{character}" for character in "&%$#_{}"} | {ord("\\"): r"\textbackslash{}"}
    )
    return text.replace(" ± ", r" $\pm$ ").replace(TOLD, r"$\dagger$").replace("–", "--")
