"""Datasets of the Hugging Face Hub, from the cache or the network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc_text.data.task import describe_file
from clc_text.data.where import NO_DOWNLOAD, Place
from clc_text.errors import InputError
from clc_text.utils.offline import offline

if TYPE_CHECKING:
    import datasets


def hub_place(identity: str, revision: str | None) -> Place:
    """The Hub as a place to look in; found means that this machine has a copy of the dataset's files."""
    from huggingface_hub.constants import HF_HUB_CACHE

    cached = Path(HF_HUB_CACHE, f"datasets--{identity.replace('/', '--')}").exists()
    at = f" at {revision}" if revision else ""
    how = " (offline: only a copy in the cache is used)" if offline() else ""
    return Place(f"the Hub's dataset {identity}{at}{how}", cached, "Parquet files")


def load_splits(identity: str, config: str | None, revision: str | None) -> datasets.DatasetDict:
    """All splits of a Hub dataset, from the cache or the network.

    Raises:
        InputError: there is no such dataset, configuration or network.
    """
    import datasets
    from datasets.exceptions import DatasetsError
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return datasets.load_dataset(identity, config, revision=revision)
    except (OSError, ValueError, RuntimeError, DatasetsError, HfHubHTTPError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        network = "HF_HUB_OFFLINE forbids the network" if offline() else "is the network there and the id right?"
        raise InputError(
            f"the Hub's dataset '{identity}' cannot be read ({reason}); {network}; {NO_DOWNLOAD}", where=identity
        ) from None


def cached_sources(rows: datasets.Dataset) -> list[dict[str, Any]]:
    """The `sources` entries of the files in the cache that hold a split."""
    return [describe_file(Path(entry["filename"])) for entry in rows.cache_files]
