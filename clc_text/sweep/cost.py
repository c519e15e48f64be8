"""What a sweep has cost, and how much of it its networks' matrix products take by themselves: `cost.json`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from clc_text.artifacts.run_files import Result, RunCost
from clc_text.errors import InputError
from clc_text.sweep.grid import Cell
from clc_text.utils.files import write_json
from clc_text.utils.typed_json import read_json

FILE = "cost.json"


@dataclass(frozen=True)
class SweepCost:
    """Of the cells whose runs tell all of it; see `clc_text.artifacts.results`.

    Attributes:
        cells: how many these are.
        processor_seconds: of their processes.
        flops: of their training steps' products.
        products_seconds: what these take by themselves.
    """

    cells: int
    processor_seconds: float
    flops: int
    products_seconds: float

    @property
    def sentence(self) -> str:
        share = self.products_seconds / self.processor_seconds
        return (
            f"{so_many(self.cells)} in all: {duration(self.processor_seconds)} of processor time; {self.flops:.2g} "
            f"floating point operations of their networks' products take {duration(self.products_seconds)} by "
            f"themselves, {share:.0%} of it"
        )


def cost_of(cells: Iterable[Cell], directory: Path) -> SweepCost | None:
    """Of the cells that are done and tell of it, written into the sweep's directory, too; None: there are none."""
    told = [cost for cell in cells if (cost := _told(directory / cell.path)) is not None]
    if not told:
        return None
    found = SweepCost(
        len(told),
        round(sum(cost["processor_seconds"] for cost in told), 3),
        sum(cost["flops"] or 0 for cost in told),
        round(sum(cost["products_seconds"] or 0.0 for cost in told), 3),
    )
    write_json(directory / FILE, asdict(found))
    return found


def _told(run: Path) -> RunCost | None:
    if not (run / "result.json").is_file():
        return None
    try:
        cost = read_json(run / "result.json", Result).get("cost")  # runs of earlier versions do not tell it
    except InputError:
        return None
    return None if cost is None or cost["flops"] is None or cost["products_seconds"] is None else cost


def so_many(cells: int) -> str:
    return "1 cell" if cells == 1 else f"{cells:,} cells"


def duration(seconds: float, digits: int = 1) -> str:
    """In words; hours with one digit, whatever is asked of the others."""
    if seconds < 90:
        return f"{seconds:.{digits}f} s"
    return f"{seconds / 60:.{digits}f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
