"""Seeds of the rounds of cross-fitting, none of which is that of another round or of another run."""

from __future__ import annotations

import numpy as np

SCHEME = (
    "spawned"  # as a run's facts name it; runs that say nothing have the run's seed and the round's number added up
)


def seeds_of_rounds(seed: int, rounds: int) -> list[tuple[int, int]]:
    """Of each round that of its folds and that of its networks, by NumPy's `SeedSequence.spawn`.

    Added up, the second round of a run with seed 0 would deal its rows as the first round of a run with seed 1 does,
    and its first round would begin with that run's own first weights: runs would be less apart than they should be. A
    longer list begins as a shorter one does.
    """
    children = np.random.SeedSequence(seed).spawn(2 * rounds)
    drawn = [int(child.generate_state(1)[0]) for child in children]
    return list(zip(drawn[::2], drawn[1::2], strict=True))
