"""Which models are made for a classification of rows."""

from __future__ import annotations

from typing import Any

from torch import nn

from clc_text.errors import InputError
from clc_text.models.peers_of import PeersOf

_OTHERS = {
    "TOKEN_CLASSIFICATION": "token classification, a label for each token",
    "QUESTION_ANSWERING": "question answering, a place in a text",
    "MULTIPLE_CHOICE": "multiple choice, one of several texts",
    "CAUSAL_LM": "a language model, the next token",
    "MASKED_LM": "a language model, masked tokens",
    "SEQ_TO_SEQ_CAUSAL_LM": "a language model, a text of a text",
}
_OURS = ("SEQUENCE_CLASSIFICATION", "IMAGE_CLASSIFICATION", "AUDIO_CLASSIFICATION", "VIDEO_CLASSIFICATION")


def check_task(model: nn.Module | None) -> None:
    """Refuses a model that is made for something else, before it is trained as a classifier without a word.

    Raises:
        InputError: names what it is made for.
    """
    network: Any = model.networks[0] if isinstance(model, PeersOf) else model
    network = getattr(network, "get_base_model", lambda: network)()  # of a peft model
    config = getattr(network, "config", None)
    if config is None:
        return
    names = [kind.__name__ for kind in type(network).__mro__]
    if not any(_known(task, names) for task in _OURS):
        for task, what in _OTHERS.items():
            if _known(task, names):
                raise InputError(
                    f"{type(network).__name__} is made for {what}, and here each row has one class; take a model with "
                    "a classification head, such as AutoModelForSequenceClassification",
                    key=type(network).__name__,
                )
    problem = getattr(config, "problem_type", None)
    if problem == "regression" or (problem is None and getattr(config, "num_labels", None) == 1):
        raise InputError(
            f"the model is made for regression ({'problem_type' if problem else 'num_labels is 1'}), and labels are "
            "corrected as classes here; make it with num_labels set to the number of classes",
            key="problem_type" if problem else "num_labels",
        )


def _known(task: str, names: list[str]) -> bool:
    from transformers.models.auto import modeling_auto

    mapping = getattr(modeling_auto, f"MODEL_FOR_{task}_MAPPING_NAMES", {})
    known = {name for value in mapping.values() for name in ([value] if isinstance(value, str) else value)}
    return not known.isdisjoint(names)
