"""What is known of the datasets that this package can load by name, for the cards.

Only what their authors state; a dataset that is not here gets a card without these lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Source:
    """A dataset that corrections start from.

    Attributes:
        title: its name for people.
        language: ISO 639-1 codes.
        licence: the Hub's identifier; "unknown" where the authors state none; None where it is not known here.
        ids: what the Hub calls it; ``extended`` says that the rows are another dataset's which is not there.
        page: where it is published.
        reference: whom to cite.
    """

    title: str
    language: tuple[str, ...] = ()
    licence: str | None = None
    ids: tuple[str, ...] = ("extended",)
    page: str | None = None
    reference: str | None = None


_TREC = Source(
    title="TREC question classification",
    language=("en",),
    licence="unknown",
    ids=("CogComp/trec",),
    page="https://cogcomp.seas.upenn.edu/Data/QA/QC/",
    reference="X. Li and D. Roth, Learning Question Classifiers, COLING 2002",
)

_KNOWN = {
    "trec": _TREC,
    "news": Source(
        title="20 Newsgroups",
        language=("en",),
        licence="unknown",
        page="http://qwone.com/~jason/20Newsgroups/",
        reference="K. Lang, NewsWeeder: Learning to Filter Netnews, ICML 1995; the split by date is by J. Rennie",
    ),
    "quickstart": Source(title="Questions from a grammar", language=("en",), ids=("original",)),
    "cifar10": Source(
        title="CIFAR-10",
        licence="unknown",
        ids=("uoft-cs/cifar10",),
        page="https://www.cs.toronto.edu/~kriz/cifar.html",
        reference="A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
    ),
}


def source_of(recipe: Mapping[str, Any], dataset: str) -> Source:
    """What is known of the data of a resolved recipe.

    Args:
        dataset: what the run calls it, for data of the user's own.
    """
    data = recipe["data"]
    if data["name"] in _KNOWN:
        return _KNOWN[data["name"]]
    if data["name"] == "hub":
        return Source(title=dataset, ids=(data["id"],), page=f"https://huggingface.co/datasets/{data['id']}")
    return Source(title=dataset)
