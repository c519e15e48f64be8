"""A training on features that are there already, for benchmarks that bring their own tables."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from clc_text.artifacts.cross_fit import CrossFit
    from clc_text.config.recipe import Recipe
    from clc_text.crossfit.trainer import NoisyLabelTrainer
    from clc_text.data.votes import Votes
    from clc_text.runs.encoded import Encoded
    from clc_text.runs.prepare import Prepared


def fitted_as(frozen: np.ndarray, *, distances: bool) -> Any:
    """What stands for a fitted encoder where its features are there already, [N, D] as its model makes them;
    `distances`: see `FittedEncoder`."""
    import torch

    kept = torch.from_numpy(frozen)
    return SimpleNamespace(facts={}, augment=None, frozen=lambda _: kept, encodes_frozen=False, distances=distances)


def encoded_table(
    recipe: Recipe,
    texts: Sequence[Any],
    features: np.ndarray,
    frozen: np.ndarray,
    given: np.ndarray,
    test_features: np.ndarray,
    test: np.ndarray,
    classes: int,
    votes: Votes | None = None,
) -> Encoded:
    """A table as the recipe's encoder would have left it.

    Args:
        texts: of the training rows, or what stands for them.
        features: float32 [N, D], as networks read them; those of the test [M, D].
        frozen: float32 [N, D], as the encoder's model makes them.
        given: int64 [N], classes; of the test [M].
    """
    import torch
    from datasets import ClassLabel, Dataset, disable_progress_bars

    from clc_text.data.task import Task
    from clc_text.runs.encoded import Encoded

    disable_progress_bars()
    names = ClassLabel(names=[f"class {number}" for number in range(classes)])
    splits = [
        Dataset.from_dict({"text": said, "label": labels.tolist()}).cast_column("label", names)
        for said, labels in ((texts, given), (list(texts[:1]) * len(test), test))
    ]
    task = Task("set", splits[0], splits[1], "text", "label", votes=votes)
    inputs = [{"features": torch.from_numpy(values)} for values in (features, test_features)]
    encoder = fitted_as(frozen, distances=recipe.encoder.fitted.distances)
    return Encoded(task, encoder, inputs[0], inputs[1], recipe.encoder)


def trained(
    recipe: Recipe, prepared: Prepared, test: np.ndarray, without: CrossFit | None = None
) -> tuple[list[np.ndarray], NoisyLabelTrainer]:
    """Of each epoch the share of networks [M] that are right on each test row, and the trainer.

    Args:
        without: what cross-fitting found in these rows without answers; None: it is found, where it is needed.
    """
    from clc_text.runs.build import build_trainer

    right: list[np.ndarray] = []

    def listen(result: Any) -> None:
        right.append((result.test_log_probs.argmax(-1).numpy() == test).mean(0))

    with tempfile.TemporaryDirectory() as folder:
        if prepared.joined is not None:
            prepared.joined.save_cross_fit(Path(folder))
        trainer = build_trainer(recipe, Path(folder), prepared, [listen])
        trainer.without_answers = without
        trainer.train()
    return right, trainer
