"""The features of a recipe's texts, computed before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clc_text.config.recipe import Recipe
from clc_text.errors import InputError
from clc_text.runs.load import load_task
from clc_text.runs.prepare import texts_of
from clc_text.text.encoders.sentence import Sentence

if TYPE_CHECKING:
    from clc_text.text.encoders.features.ahead import Ahead


def encode_ahead(recipe: Recipe, engine: str, jobs: int | None) -> Ahead:
    """Computes and keeps what the recipe's encoder makes of its texts, those of training and of test.

    Args:
        engine, jobs: see `clc_text.text.encoders.features.ahead.encode_ahead`.

    Raises:
        InputError: the recipe's encoder is none whose features are kept.
    """
    from clc_text.text.encoders.features.ahead import encode_ahead as computed

    if not type(recipe.encoder).settles:
        _sentence(recipe.encoder)  # before the data is read
    task = load_task(recipe)
    train = list(texts_of(task, task.train))
    settled = _sentence(recipe.encoder.settle(train)[0])
    test = [] if task.test is None else list(texts_of(task, task.test))
    return computed(settled, train + test, engine, jobs)


def _sentence(encoder: Any) -> Sentence:
    """The encoder, as one whose features are kept."""
    if not isinstance(encoder, Sentence):
        raise InputError(
            f"encoder.name: of '{encoder.name}' nothing is kept from one command to the next; features are kept of "
            "'sentence', a pre-trained model that is not changed",
            key="encoder.name",
        )
    return encoder
