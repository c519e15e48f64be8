"""What is known of the datasets that this package can load by name, for the cards.

Only what their authors state; a dataset that is not here gets a card without these lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
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


def _cifar(title: str, name: str) -> Source:
    return Source(
        title=title,
        licence="unknown",
        ids=(name,),
        page="https://www.cs.toronto.edu/~kriz/cifar.html",
        reference="A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
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
    "cifar10": _cifar("CIFAR-10", "uoft-cs/cifar10"),
    "cifar100": _cifar("CIFAR-100", "uoft-cs/cifar100"),
    "clothing1m": Source(
        title="Clothing1M",
        reference="T. Xiao et al., Learning from Massive Noisy Labeled Data for Image Classification, CVPR 2015",
    ),
    "food101": Source(
        title="Food-101",
        page="https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
        reference="L. Bossard et al., Food-101: Mining Discriminative Components with Random Forests, ECCV 2014",
    ),
    "food101n": Source(
        title="Food-101N",
        reference="K.-H. Lee et al., CleanNet: Transfer Learning for Scalable Image Classifier Training with Label "
        "Noise, CVPR 2018",
    ),
}


def source_of(recipe: Mapping[str, Any], dataset: str) -> Source:
    """What is known of the data of a resolved recipe.

    Args:
        dataset: what the run calls it, for data of the user's own.
    """
    data = recipe["data"]
    if data["name"] in ("cifar10", "cifar100") and data.get("labels", "clean") != "clean":
        images = _KNOWN[data["name"]]
        return replace(
            images,
            title=f"{images.title}N ({data['labels']})",
            licence="cc-by-nc-4.0",  # of the labels
            reference=f"{images.reference}; labels by J. Wei et al., Learning with Noisy Labels Revisited, ICLR 2022",
        )
    if data["name"] in _KNOWN:
        return _KNOWN[data["name"]]
    if data["name"] == "hub":
        return Source(title=dataset, ids=(data["id"],), page=f"https://huggingface.co/datasets/{data['id']}")
    return Source(title=dataset)
