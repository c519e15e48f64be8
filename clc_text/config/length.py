"""How long to train where nobody says."""

from __future__ import annotations

STEPS = 150_000  # rows times epochs: so much training is enough once the targets are corrected (`clc_auto`)
FEWEST, MOST = 10, 60  # epochs
MANY = 50_000  # rows: the likelihood of an epoch hardly scatters (measured: `recipes/results/size.md`)


def enough_epochs(rows: int) -> int:
    """Between 10 and 60, fewer for more rows."""
    return min(max(STEPS // max(rows, 1), FEWEST), MOST)


def enough_patience(rows: int) -> int | None:
    """Epochs without a better likelihood that end a round of cross-fitting; None: as many as are usual."""
    return 1 if rows > MANY else None
