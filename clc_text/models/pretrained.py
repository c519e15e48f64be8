"""Pre-trained models by name: a folder, a package that carries one, or the Hub; safetensors only, never their code."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clc_text.errors import InputError
from clc_text.utils.files import expanded, sha256_of_file
from clc_text.utils.offline import offline

PACKAGE = "package:"
SOURCES = f"a folder, a Hub id, or '{PACKAGE}NAME' for an installed package that carries a model"
_PATTERNS = ["*.json", "*.txt", "*.model", "*.safetensors"]  # no pickles, no code
_VOCABULARIES = ["tokenizer.json", "vocab.txt", "vocab.json", "*.model"]


def model_folder(name: str, key: str) -> Path:
    """The folder that holds a model's files; those of the Hub are downloaded, or taken from its cache.

    Args:
        name: a folder, a Hub id, or ``package:NAME``. The package is looked into, never imported.
        key: what a message calls the option that names it.

    Raises:
        InputError: there is no such model, or no network to fetch it.
    """
    if name.startswith(PACKAGE):
        return _in_package(name.removeprefix(PACKAGE), key)
    folder = expanded(name)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise InputError(
                f"{key}: the folder {folder} has no config.json, so it holds no model of transformers",
                where=folder,
                key=key,
            )
        return folder
    return _from_hub(name, key)


def _in_package(package: str, key: str) -> Path:
    module = package.replace("-", "_")
    if not re.fullmatch(r"[A-Za-z]\w*", module):
        raise InputError(f"{key}: '{package}' is no name of a package; write {PACKAGE}some-package", key=key)
    found = importlib.util.find_spec(module)  # finds a top-level package without running any of it
    if found is None or not found.submodule_search_locations:
        raise InputError(
            f"{key}: the package {package} is not installed; `pip install {package}`, or name {SOURCES}", key=key
        )
    for root in map(Path, found.submodule_search_locations):
        for config in [root / "config.json", *sorted(root.glob("*/config.json"))]:
            if config.is_file() and any(config.parent.glob("*.safetensors")):
                return config.parent
    raise InputError(
        f"{key}: the package {package} carries no model: no folder of it has config.json and safetensors", key=key
    )


def at_hand(name: str) -> Path | None:
    """The folder of a model that needs no network: a package that carries it, or the whole of it in the Hub's cache.

    Args:
        name: a Hub id, or ``package:NAME``.
    """
    if name.startswith(PACKAGE):
        try:
            return _in_package(name.removeprefix(PACKAGE), "encoder.model")
        except InputError:
            return None
    return _in_cache(name)


def _in_cache(name: str) -> Path | None:
    """The newest copy in the Hub's cache, None where it was not fetched to its end."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, local_files_only=True))
        indices = [json.loads(path.read_bytes())["weight_map"] for path in folder.glob("*.safetensors.index.json")]
    except (OSError, ValueError, KeyError):  # of the Hub's library too: what is not there, what is no id
        return None
    weights = {file for index in indices for file in index.values()} or {"*.safetensors"}
    needed = ["config.json", *weights]
    there = all(any(folder.glob(file)) for file in needed) and any(
        path for pattern in _VOCABULARIES for path in folder.glob(pattern)
    )
    return folder if there else None


def _from_hub(name: str, key: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    # A copy that is there stays what it is: a newer one would not be the model of the runs before.
    if (cached := _in_cache(name)) is not None:
        return cached
    try:
        return Path(snapshot_download(name, allow_patterns=_PATTERNS, ignore_patterns=["*/*"]))
    except HFValidationError:
        raise InputError(
            f"{key}: there is no folder {name}, and it is no Hub id either; give {SOURCES}", where=name, key=key
        ) from None
    except (OSError, ValueError, HfHubHTTPError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        network = "HF_HUB_OFFLINE forbids the network" if offline() else f"the Hub does not give it ({reason})"
        raise InputError(
            f"{key}: the model '{name}' is neither a folder nor in the Hub's cache on this machine, and {network}; "
            f"give {SOURCES}",
            where=name,
            key=key,
        ) from None


def model_hash(folder: Path) -> str:
    """A sha256 over the files that a model's output depends on: configuration, tokenizer and safetensors."""
    names = sorted(path.name for pattern in _PATTERNS for path in folder.glob(pattern) if path.is_file())
    files = {name: sha256_of_file(folder / name) for name in names}
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def load_model(auto: Any, folder: Path, key: str, **options: Any) -> Any:
    """``auto.from_pretrained(folder)`` in float32.

    Args:
        auto: an ``AutoModel...`` class.
        options: more arguments of it.

    Raises:
        InputError: the files are missing, damaged, pickles, or need code of their own.
    """
    import torch

    if not any(folder.glob("*.safetensors")):
        raise InputError(
            f"{key}: {folder} has no safetensors; a model in another format is not read, since it may run code",
            where=folder,
            key=key,
        )
    try:
        with _quiet():
            return auto.from_pretrained(
                folder,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                dtype=torch.float32,
                **options,
            )
    except Exception as error:  # safetensors' own errors, and whatever a damaged configuration leads to
        raise _unreadable(folder, key, error) from None


def load_tokenizer(folder: Path, key: str) -> Any:
    """The tokenizer beside a model.

    Raises:
        InputError: there is none, or it is damaged.
    """
    from transformers import AutoTokenizer

    if not any(path for pattern in _VOCABULARIES for path in folder.glob(pattern)):
        # `transformers` would make one that knows no word.
        raise InputError(
            f"{key}: {folder} has no tokenizer (no {', '.join(_VOCABULARIES)}); get its files again",
            where=folder,
            key=key,
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:
        raise _unreadable(folder, key, error) from None
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if tokenizer.pad_token is None:
        raise InputError(
            f"{key}: the tokenizer in {folder} has no padding token, so texts cannot be put in one batch",
            where=folder,
            key=key,
        )
    return tokenizer


def longest_text(folder: Path, tokenizer: Any) -> int:
    """Tokens that a model reads at most, by its tokenizer and its configuration, as far as they say."""
    positions = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("max_position_embeddings")
    return int(min(tokenizer.model_max_length, positions or tokenizer.model_max_length))


def check_length(max_length: int, folder: Path, tokenizer: Any) -> None:
    """Refuses more tokens than a model reads.

    Raises:
        InputError: `max_length` is larger.
    """
    longest = longest_text(folder, tokenizer)
    if max_length > longest:
        raise InputError(
            f"encoder.max_length is {max_length}, but the model in {folder} reads at most {longest} tokens; lower it",
            where=folder,
            key="encoder.max_length",
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the bar of `transformers`, and without its report on a head that is new because it is meant to be."""
    from transformers.utils import logging

    before, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bar:
            logging.enable_progress_bar()


def _unreadable(folder: Path, key: str, error: Exception) -> InputError:
    reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return InputError(
        f"{key}: the model in {folder} cannot be read ({reason}); give another, or get its files again",
        where=folder,
        key=key,
    )
