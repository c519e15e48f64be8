"""A recipe: everything a run depends on, as dataclasses, read from YAML and ``--set a.b=c``.

A recipe is untrusted input: it is read with YAML's safe loader, every key and type is checked, and a mistake is named
with its file and line. The sections `data`, `noise`, `encoder`, `network` and `method` are named parts (see
`clc_text.config.components`): their key `name` says which, the other keys are that part's options.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import yaml

from clc_text.config.components import Options, Registry, option, registry_of, types_of
from clc_text.config.typed_yaml import (
    Node,
    by_own_names,
    check_keys,
    construct,
    convert,
    describe,
    override,
    parse_yaml,
    read_yaml,
    to_dataclass,
)
from clc_text.errors import InputError, nearest
from clc_text.utils.printable_yaml import printable_yaml

# Keys that cannot change a result.
WITHOUT_EFFECT = ("name", "keep_data")
TRAINING_WITHOUT_EFFECT = (
    "threads", "workers", "checkpoint_epochs", "dynamics_epochs", "eval_batch_size", "logging_steps", "report_to",
)  # fmt: skip
# Options that came later: a fingerprint that an earlier version wrote down knows nothing of them.
_LATER = {
    "training": ("max_steps", "torch_compile", "beta2", "epsilon"), "method": ("fold_epoch_rows",),
    "network": ("activation", "normalization"), "encoder": ("segments",),
}  # fmt: skip
# What `report_to` may name: who is told the training's log, if the package is installed.
TRACKERS = (
    "azure_ml", "clearml", "codecarbon", "comet_ml", "dagshub", "dvclive", "flyte", "mlflow", "neptune", "swanlab",
    "tensorboard", "trackio", "wandb",
)  # fmt: skip


_SEED: dict[str, Any] = {"at_least": 0, "at_most": 2**32 - 1, "give": "a whole number from 0 to 4294967295"}


@dataclass(frozen=True)
class Seeds(Options):
    """Three seeds that never mix: what is drawn of the data, the flipped labels, and the networks."""

    section: ClassVar[str] = "seeds"

    data: int = option(0, "what is drawn of the data: a held-out part, a generated corpus, the canaries", **_SEED)
    noise: int = option(0, "which labels are flipped, and to what", **_SEED)
    network: int = option(0, "initial weights, dropout, the order of the batches, word vectors trained here", **_SEED)


@dataclass(frozen=True)
class Training(Options):
    """How the networks are trained; the defaults are the paper's for texts.

    `argument` is what `transformers.TrainingArguments` (or `NoisyLabelOptions`) call an option; a recipe may, too.
    """

    section: ClassVar[str] = "training"
    # What `TrainingArguments` have, and a recipe has elsewhere or otherwise.
    others: ClassVar[dict[str, str]] = {
        "bf16": "set training.precision: bf16",
        "fp16": "one loss scale would serve all peers; set training.precision: bf16",
        "optim": "set training.optimizer",
        "use_cpu": "set training.device: cpu",
        "seed": "set seeds.network",
        "data_seed": "set seeds.network",
        "warmup_ratio": "set training.warmup_steps",
        "label_smoothing_factor": "the method decides what each row is taught",
        "save_strategy": "set training.checkpoint_epochs",
        "save_steps": "set training.checkpoint_epochs",
        "save_total_limit": "a run keeps its two newest checkpoints",
        "eval_strategy": "the test rows are scored after every epoch",
        "eval_steps": "the test rows are scored after every epoch",
        "logging_strategy": "set training.logging_steps",
        "load_best_model_at_end": "the test labels would choose the networks; metrics.jsonl has every epoch",
        "output_dir": "name the run directory with --out",
        "run_name": "set name",
        "push_to_hub": "run clc-text push when the run has ended",
    }

    epochs: int = option(
        100, "passes over the training set", at_least=1, at_most=1_000_000, argument="num_train_epochs"
    )
    max_steps: int | None = option(
        None,
        "steps of the optimizer, in place of epochs; null: as many as the epochs take",
        at_least=1,
        argument="max_steps",
    )
    batch_size: int = option(
        128,
        "rows of a step; fewer where there are not as many rows, so that an epoch has some",
        at_least=1,
        argument="per_device_train_batch_size",
    )
    eval_batch_size: int = option(
        4096, "rows of a forward pass when nothing is learnt", at_least=1, argument="per_device_eval_batch_size"
    )
    learning_rate: float = option(3e-4, "step size of the optimizer", above=0, at_most=1_000, argument="learning_rate")
    optimizer: Literal["adam", "adamw", "sgd"] = option("adam", "what makes a step of a gradient")
    weight_decay: float = option(
        0.0, "decoupled for adamw, an L2 term for adam and sgd", at_least=0, at_most=1_000, argument="weight_decay"
    )
    momentum: float = option(
        0.9, "of sgd; β1 of adam and adamw", at_least=0, below=1, give="a number in [0, 1)", argument="adam_beta1"
    )
    beta2: float = option(
        0.999, "β2 of adam and adamw", at_least=0, below=1, give="a number in [0, 1)", argument="adam_beta2"
    )
    epsilon: float = option(
        1e-8, "what adam and adamw add to the denominator of a step", at_least=0, argument="adam_epsilon"
    )
    lr_schedule: Literal["constant", "linear", "cosine"] = option(
        "constant", "how the learning rate changes", argument="lr_scheduler_type"
    )
    warmup_steps: int = option(
        0, "steps over which the learning rate rises from 0", at_least=0, argument="warmup_steps"
    )
    decay_from_epoch: int | None = option(
        None,
        "with linear: constant up to this epoch, then down to 0",
        at_least=0,
        at_most=1_000_000,
        argument="decay_from_epoch",
    )
    momentum_after_decay: float | None = option(
        None,
        "β1 (momentum) from `decay_from_epoch` on",
        at_least=0,
        below=1,
        give="a number in [0, 1)",
        argument="momentum_after_decay",
    )
    max_grad_norm: float = option(
        0.0,
        "each peer's gradient is clipped to this norm by itself; 0: not clipped",
        at_least=0,
        argument="max_grad_norm",
    )
    gradient_accumulation: int = option(
        1, "batches of one optimizer step", at_least=1, argument="gradient_accumulation_steps"
    )
    class_weights: Literal["balanced"] | list[float] | None = option(
        None,
        "each row's loss times the weight of the class it is taught: balanced (by the given labels), or numbers",
        at_least=0,
        items_at_least=1,
    )
    precision: Literal["fp32", "bf16"] = option("fp32", "number format of the forward pass")
    device: Literal["auto", "cpu", "cuda"] = option("auto", "where the networks live")
    threads: int | None = option(
        None,
        "threads of PyTorch on the CPU; null: what OMP_NUM_THREADS or the machine says",
        at_least=1,
        at_most=1_024,
    )
    workers: int = option(
        0,
        "processes that fetch batches: for images that are decoded when needed; 0: none",
        at_least=0,
        at_most=256,
        argument="dataloader_num_workers",
    )
    checkpoint_epochs: int = option(
        10,
        "epochs between two checkpoints; 0: none, so that a run cannot be resumed",
        at_least=0,
        argument="checkpoint_epochs",
    )
    dynamics_epochs: int = option(
        1,
        "epochs between two files of the training dynamics; the last epoch always has one",
        at_least=1,
        argument="dynamics_epochs",
        earlier="ledger_epochs",
    )
    torch_compile: bool = option(False, "compile the networks before the first step", argument="torch_compile")
    logging_steps: int | None = option(
        None, "steps between two entries of the log for `report_to`; null: none", at_least=1, argument="logging_steps"
    )
    report_to: list[str] = option(
        [],
        "who is told that log, such as tensorboard or wandb, which must be installed",
        choices=TRACKERS,
        argument="report_to",
    )

    @classmethod
    def elsewhere(cls, key: str) -> str | None:
        """What to do in place of an option of `TrainingArguments` that recipes do not have; None: it is none."""
        if key in cls.others:
            return cls.others[key]
        from transformers import TrainingArguments  # takes seconds, and is asked on the way to a refusal only

        known = {each.name for each in dataclasses.fields(TrainingArguments)} | {"group_by_length"}  # before 5.0
        return (
            "of Trainer's options recipes lack this one; train in a script (docs/trainer.md)" if key in known else None
        )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_steps is not None and self.decay_from_epoch is not None:
            raise InputError(
                "training.decay_from_epoch counts epochs and training.max_steps ends by steps; leave one of them out",
                key="training.decay_from_epoch",
            )
        if self.decay_from_epoch is not None and self.decay_from_epoch >= self.epochs:
            raise InputError(
                f"training.decay_from_epoch is {self.decay_from_epoch}; give an epoch before the last, {self.epochs}",
                key="training.decay_from_epoch",
            )
        if isinstance(self.class_weights, list) and not any(self.class_weights):
            raise InputError(
                "training.class_weights are all 0, so that nothing would be learnt; give one above 0",
                key="training.class_weights",
            )

    @classmethod
    def arguments(cls) -> dict[str, str]:
        """What `TrainingArguments` call an option -> its name here."""
        return {
            each.metadata["argument"]: each.name for each in dataclasses.fields(cls) if "argument" in each.metadata
        }


@dataclass(frozen=True)
class Recipe(Options):
    """One run. `data`, `noise`, `encoder`, `network` and `method` are instances of the parts they name."""

    name: str = option("", "what results, tables and pictures call the run; the file's name when empty")
    modality: Literal["text", "vision"] = option("text", "which room the data, encoder and network come from")
    data: Any = option(None, "the dataset", registry="datasets")
    noise: Any = option(None, "how the labels are made noisy", registry="noise", default_name="none")
    encoder: Any = option(None, "what turns a row into numbers", registry="encoders")
    network: Any = option(None, "the network, of which every peer is one", registry="networks")
    method: Any = option(None, "how noisy labels are learnt from", registry="methods", default_name="clc_auto")
    peers: int | None = option(
        None, "networks that learn side by side; null: as many as the method wants", at_least=1, at_most=10_000
    )
    noise_rate: float | Literal["true", "estimate"] | None = option(
        None,
        "what methods that need the noise rate are told: true (side information), estimate, or a number",
        at_least=0,
        below=1,
        give="a rate in [0, 1), 'estimate' or 'true'",
    )
    class_shares: Literal["even"] | dict[str, float | str | list[float]] | None = option(
        None,
        "how common the true classes are, where you know it: even, or of some a share, or a range such as 0.1-0.3",
    )
    canaries: float = option(
        0.0,
        "share of labels flipped on purpose, to measure how many the run finds (0 … 0.2)",
        at_least=0,
        at_most=0.2,
        give="a share from 0 to 0.2 (0.02 is usual)",
    )
    monitor: Literal["off", "warn", "recover"] = option(
        "warn", "watch for collapse and memorised noise: say nothing, say so, or go back and mend it", earlier="guard"
    )
    training: Training = option(Training(), "how the networks are trained")
    seeds: Seeds = option(Seeds(), "seeds of the three sources of chance")
    keep_data: bool = option(True, "keep the rows in the run directory, for the report and corrected datasets")

    @property
    def num_peers(self) -> int:
        return self.peers or type(self.method).default_peers

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain values, every default resolved; `from_dict` reads it back."""
        plain: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if "registry" in field.metadata:
                plain[field.name] = {"name": value.name, **dataclasses.asdict(value)}
            elif dataclasses.is_dataclass(value) and not isinstance(value, type):
                plain[field.name] = dataclasses.asdict(value)
            else:
                plain[field.name] = value
        return plain

    def dump(self) -> str:
        return printable_yaml(self.to_dict(), width=110) + "\n"

    def fingerprint(self) -> str:
        """A sha256 over everything that can change a result: not the name, the device's threads or the saving."""
        plain = self.to_dict()
        for key in WITHOUT_EFFECT:
            plain.pop(key)
        for key in TRAINING_WITHOUT_EFFECT:
            plain["training"].pop(key)
        plain["guard"] = plain.pop("monitor")  # as it was called when the first fingerprints were written
        plain["network"].pop("head", None)  # it came later, and those of before are told by backbone and hidden alone
        if getattr(self.network, "adapts_own_head", False):
            plain["network"]["head"] = "own"
        if plain["class_shares"] is None:
            plain.pop("class_shares")
        for section, keys in _LATER.items():
            for key in keys:
                if key in plain[section] and plain[section][key] == getattr(type(getattr(self, section)), key):
                    plain[section].pop(key)
        encoder = type(self.encoder)
        if plain["method"].get("fold_rounds", 0) is None and not (encoder.settles or encoder.fitted.distances):
            plain["method"]["fold_rounds"] = 3  # as it was written before it could be left open
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


TABLES = (".csv", ".tsv", ".parquet", ".jsonl", ".xlsx")  # endings of what is often given in place of a recipe


def load(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Reads a recipe file.

    Args:
        path: a YAML file.
        overrides: ``"a.b=c"`` strings that replace or add keys; the value is read as YAML.

    Raises:
        InputError: the file is missing or no YAML, a key is unknown, a value has the wrong type or is out of range.
    """
    return from_tree(read_tree(Path(path)), overrides, default_name=Path(path).stem)


def read_tree(path: Path) -> Node:
    """A recipe file's values with their places, not yet checked, so that keys can be changed before `from_tree`."""
    if not path.exists():
        raise InputError(f"there is no recipe {path}{_near_recipe(path)}", where=path)
    if path.suffix.lower() in TABLES:
        raise InputError(f"{path} is a table, not a recipe; `clc-text init {path}` writes a recipe for it", where=path)
    return read_yaml(path, "recipe")


def loads(text: str, where: str = "recipe", overrides: Sequence[str] = (), default_name: str = "recipe") -> Recipe:
    """Reads a recipe from a string; `where` is what messages call it."""
    return from_tree(parse_yaml(text, where, "recipe"), overrides, default_name)


def from_tree(tree: Node, overrides: Sequence[str] = (), default_name: str = "recipe") -> Recipe:
    """The recipe of a tree, which is changed by the overrides in place."""
    for text in overrides:
        override(tree, text)
    recipe = _recipe(tree)
    return recipe if recipe.name else dataclasses.replace(recipe, name=default_name)


def from_dict(plain: dict[str, Any], where: str = "recipe", overrides: Sequence[str] = ()) -> Recipe:
    return loads(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True), where, overrides)


def check_modality(modality: str) -> None:
    """Raises:
    InputError: it is none.
    """
    if modality not in _DEFAULT_PARTS:
        raise InputError(f"there is no modality '{modality}'{nearest(modality, _DEFAULT_PARTS)}", key=modality)


def settled_as(recipe: Recipe, begun: Recipe) -> Recipe:
    """The recipe with what a run of it settled on where it leaves that open (`encoder: auto`)."""
    open_ = type(recipe.encoder).settles and recipe.modality == begun.modality
    return dataclasses.replace(recipe, encoder=begun.encoder) if open_ else recipe


def is_run_of(begun: Recipe, recipe: Recipe) -> bool:
    """Whether the first is the second, but for what has no effect and what the second leaves open."""
    return begun.fingerprint() == settled_as(recipe, begun).fingerprint()


def left_open(recipe: Recipe) -> Recipe:
    """The recipe with its encoder left open, as it may have been before the run settled on one."""
    known = registries(recipe.modality)["encoders"]
    return dataclasses.replace(recipe, encoder=known.get("auto")()) if "auto" in known.names() else recipe


def registries(modality: str) -> dict[str, Registry[Any]]:
    """The registries that a recipe's sections look their names up in."""
    return {
        "datasets": registry_of(f"clc_text.{modality}.datasets.base", "dataset"),
        "encoders": registry_of(f"clc_text.{modality}.encoders.base", "encoder"),
        "networks": registry_of(f"clc_text.{modality}.networks.base", "network"),
        "noise": registry_of("clc_text.noise.base", "noise"),
        "methods": registry_of("clc_text.methods.base", "method"),
    }


def _recipe(tree: Node) -> Recipe:
    known = {field.name: field for field in dataclasses.fields(Recipe)}
    values = by_own_names(tree.value, known, "")
    check_keys(values, known, "")
    modality = "text"
    if "modality" in values:
        modality = convert(values["modality"], types_of(Recipe)["modality"], "modality")
    parts = registries(modality)
    hints = types_of(Recipe)
    arguments: dict[str, Any] = {}
    for key, field in known.items():
        if "registry" in field.metadata:
            default = field.metadata.get("default_name") or _DEFAULT_PARTS[modality].get(key)
            if key == "encoder":
                # A section with options but no name meant word vectors before data could choose its encoder.
                unnamed = key in values and isinstance(values[key].value, dict) and bool(values[key].value)
                default = default if unnamed else arguments["data"].default_encoder or default
            arguments[key] = _part(values.get(key), parts[field.metadata["registry"]], key, default, tree.where)
        elif key in values:
            if key == "noise_rate" and values[key].value is True:
                values[key] = Node("true", values[key].where)
            if key == "monitor" and values[key].value is False:
                values[key] = Node("off", values[key].where)  # what YAML 1.1 makes of an unquoted off
            arguments[key] = convert(values[key], hints[key], key)
    return construct(Recipe, arguments, tree.where, values)


_DEFAULT_PARTS: dict[str, dict[str, str]] = {
    "text": {"encoder": "word_vectors", "network": "mlp"},
    "vision": {"encoder": "pixels", "network": "cnn9"},
}


def _part(node: Node | None, registry: Registry[Any], key: str, default: str | None, where: str) -> Any:
    if node is None or node.value is None:
        if default is None:
            raise InputError(
                f"{where}: the section '{key}' is missing; write `{key}:` with a `name:` below it",
                where=where,
                key=key,
            )
        node = Node({}, where)
    if isinstance(node.value, str):
        node = Node({"name": Node(node.value, node.where)}, node.where)
    if not isinstance(node.value, dict):
        raise InputError(
            f"{node.where}: '{key}' must be a section with a `name:`, not {describe(node.value)}",
            where=node.where,
            key=key,
        )
    values = dict(node.value)
    chosen = values.pop("name", None)
    name = default if chosen is None else chosen.value
    if name is None:
        raise InputError(
            f"{node.where}: '{key}' has no `name:`; known: {', '.join(registry.names())}", where=node.where, key=key
        )
    try:
        cls = registry.get(str(name))
    except InputError as error:
        where = chosen.where if chosen else node.where
        raise InputError(f"{where}: {key}.name: {error}", where=where, key=f"{key}.name") from None
    return to_dataclass(cls, Node(values, node.where), key)


def _near_recipe(path: Path) -> str:
    folder = path.parent if path.parent.is_dir() else Path("recipes")
    known = [str(other) for other in sorted(folder.glob("*.yaml"))] if folder.is_dir() else []
    return nearest(str(path), known) if known else "; give the path of a YAML file"
