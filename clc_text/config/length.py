"""How long to train where nobody says."""

from __future__ import annotations

STEPS = 150_000  # rows times epochs: so much training is enough once the targets are corrected (`clc_auto`)
FEWEST, MOST = 10, 60  # epochs
STEPS_OF_MANY, FEWEST_OF_MANY = 1_500_000, 5  # rows times epochs, and epochs, of tables that have more than `FEWEST`
MANY = 50_000  # rows: the likelihood of an epoch hardly scatters (measured: `recipes/results/size.md`)
VERY_MANY, ROWS_OF_AN_EPOCH = 200_000, 100_000  # rows, of which an epoch of cross-fitting takes so many


def enough_epochs(rows: int) -> int:
    """Between 5 and 60, fewer for more rows."""
    fewest = min(max(STEPS_OF_MANY // max(rows, 1), FEWEST_OF_MANY), FEWEST)
    return min(max(STEPS // max(rows, 1), fewest), MOST)


def enough_patience(rows: int) -> int | None:
    """Epochs without a better likelihood that end a round of cross-fitting; None: as many as are usual."""
    return 1 if rows > MANY else None


def enough_epoch_rows(rows: int) -> int | None:
    """Rows of an epoch of cross-fitting; None: all."""
    return ROWS_OF_AN_EPOCH if rows > VERY_MANY else None
