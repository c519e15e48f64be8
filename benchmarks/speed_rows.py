"""What the benchmark of speed trains, and who trains it; see `benchmarks.training_speed`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.interleaved import in_turns
from benchmarks.matrix_products import products_of, replay
from clc_text.data.rows import Rows
from clc_text.methods.base import TrainingState
from clc_text.methods.clc import CLC

METHOD, LEARNING_RATE = CLC(), 3e-4

OURS, BARE = "CLCTrainer, all recording on", "CLCTrainer, nothing recorded"
STOCK, PLAIN, STACKED = "stock Trainer, twin model", "plain loop, two networks", "plain loop, stacked"
COMPILED, BOUND = "plain loop, stacked, compiled", "matrix products alone"


@dataclass(frozen=True)
class Row:
    """A training of two networks.

    Attributes:
        title: what is trained, in words.
        train, test: the rows.
        batch: B.
        classes: C.
        epochs: of a slice.
        checkpoints: whether a run that records saves one in each slice.
        networks: makes the two networks, as one would write them; each takes inputs by name and gives logits.
        ours: makes what `CLCTrainer` is given.
        stacked: the two networks as one model of batched products; None: there is no such model.
    """

    title: str
    train: Rows
    test: Rows
    batch: int
    classes: int
    epochs: int
    networks: Callable[[], list[nn.Module]]
    ours: Callable[[], nn.Module]
    stacked: Callable[[], nn.Module] | None
    checkpoints: bool = True

    @property
    def steps(self) -> int:
        """Of a slice."""
        return -(-len(self.train) // self.batch) * self.epochs


# ---- what is trained ----


def perceptrons(features: int, rows: int = 5452, epochs: int = 10) -> Row:
    """Two perceptrons of TREC's size; 300 inputs as word vectors have them, 384 as a small sentence encoder."""
    from clc_text.text.networks.stacked_mlp import StackedMLP, StackedMLPConfig

    classes = 6

    def one() -> nn.Module:
        return _Named(
            "features",
            nn.Sequential(
                nn.Linear(features, 300), nn.ReLU(), nn.Linear(300, 300), nn.ReLU(), nn.Linear(300, classes)
            ),
        )

    def stacked() -> nn.Module:
        return StackedMLP(StackedMLPConfig(input_size=features, num_labels=classes, peers=2, seed=0))

    title = f"two perceptrons {features}-300-300-{classes}, {rows:,} rows, batch 128"
    train, test = _features(rows, features, classes, 1), _features(rows // 11, features, classes, 2)
    return Row(title, train, test, 128, classes, epochs, lambda: [one(), one()], stacked, stacked)


def encoders(layers: int = 2, rows: int = 1024, tokens: int = 16, batch: int = 32) -> Row:
    """Two fine-tuned encoders of MiniLM's width, with random weights; batches as the recipes of fine-tuning have."""
    from transformers import BertConfig, BertForSequenceClassification

    classes, words = 6, 2000
    config = BertConfig(
        vocab_size=words,
        hidden_size=384,
        num_attention_heads=12,
        intermediate_size=1536,
        num_hidden_layers=layers,
        num_labels=classes,
    )

    def one() -> Any:
        return BertForSequenceClassification(config)

    def drawn(count: int, seed: int) -> Rows:
        generator = torch.Generator().manual_seed(seed)
        ids = torch.randint(5, words, (count, tokens), generator=generator)
        labels = torch.randint(classes, (count,), generator=generator)
        return Rows({"input_ids": ids, "attention_mask": torch.ones_like(ids)}, labels)

    title = f"two encoders of {layers} layers of MiniLM's width, {rows:,} texts of {tokens} tokens, batch {batch}"
    return Row(title, drawn(rows, 1), drawn(rows // 11, 2), batch, classes, 1, lambda: [one(), one()], one, None)


def images(width: int = 32, rows: int = 128) -> Row:
    """Two nine-layer networks of Co-teaching's shape on images of 32 x 32."""
    from clc_text.vision.models.stacked_cnn import StackedCNN, StackedCNNConfig

    classes = 10

    def drawn(count: int, seed: int) -> Rows:
        generator = torch.Generator().manual_seed(seed)
        pixels = torch.randint(256, (count, 3, 32, 32), generator=generator, dtype=torch.uint8)
        return Rows({"pixels": pixels}, torch.randint(classes, (count,), generator=generator))

    def stacked() -> nn.Module:
        return StackedCNN(StackedCNNConfig(width=width, num_labels=classes, peers=2, seed=0))

    title = f"two nine-layer CNNs, {width} channels, {rows} images of 32 x 32, batch 32"
    nets = lambda: [_cnn(width, classes), _cnn(width, classes)]  # noqa: E731
    return Row(title, drawn(rows, 1), drawn(rows // 11, 2), 32, classes, 1, nets, stacked, stacked)


ROWS: dict[str, Callable[[], Row]] = {
    "mlp": lambda: perceptrons(300),
    "features384": lambda: perceptrons(384),
    "encoder": encoders,
    "cnn9": images,
}


class _Named(nn.Module):
    """A network that takes its one input by name."""

    def __init__(self, name: str, inner: nn.Module) -> None:
        super().__init__()
        self.name, self.inner = name, inner

    def forward(self, **inputs: Tensor) -> Any:
        return self.inner(inputs[self.name])


class _Scaled(nn.Module):
    def forward(self, pixels: Tensor) -> Tensor:
        return (pixels.float() / 255 - 0.5) / 0.25


def _cnn(width: int, classes: int) -> nn.Module:
    layers: list[nn.Module] = [_Scaled()]
    before = 3
    for number, factor in enumerate((1, 1, 1, 2, 2, 2, 4, 2, 1)):
        channels = factor * width
        layers += [
            nn.Conv2d(before, channels, 3, padding=0 if number > 5 else 1),
            nn.BatchNorm2d(channels),
            nn.LeakyReLU(0.01, inplace=True),
        ]
        if number in (2, 5):
            layers += [nn.MaxPool2d(2), nn.Dropout2d(0.25)]
        before = channels
    return _Named("pixels", nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes)))


def _features(count: int, width: int, classes: int, seed: int) -> Rows:
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(classes, width, generator=torch.Generator().manual_seed(0))
    labels = torch.randint(classes, (count,), generator=generator)
    return Rows({"features": 0.3 * centres[labels] + torch.randn(count, width, generator=generator)}, labels)


# ---- who trains it ----


def contestants(row: Row, folder: Path, compiled: bool) -> dict[str, Iterator[None]]:
    """Each makes its preparations first, and then a slice at a time.

    Args:
        folder: for what is written.
        compiled: whether a compiler is there.
    """
    found = {OURS: trained_by_ours(row, folder / "ours", True), BARE: trained_by_ours(row, folder / "bare", False)}
    found |= {STOCK: _stock(row, folder / "stock"), PLAIN: _plain(row)}
    if row.stacked is not None:
        found[STACKED] = _stacked(row)
        if compiled:
            found[COMPILED] = _stacked(row, compiled=True)
    return found | {BOUND: _bound(row)}


def _batches(rows: Rows, size: int) -> Iterator[tuple[dict[str, Tensor], Tensor]]:
    """One epoch's inputs and labels."""
    for ids in torch.randperm(len(rows)).split(size):
        yield {name: values[ids] for name, values in rows.inputs.items()}, rows.labels[ids]


def _logits(found: Any) -> Tensor:
    logits: Tensor = found if isinstance(found, Tensor) else found.logits
    return logits


def _clc_loss(logits: Tensor, labels: Tensor | None) -> Tensor:
    """By the package's own method, of both networks' logits [2, B, C]."""
    state = TrainingState(num_classes=logits.shape[-1], memory={"threshold": torch.tensor([0.5, 0.5])})
    return METHOD.supervise(logits.log_softmax(-1), labels, state).loss  # type: ignore[arg-type]


def _own_loss(own: Tensor, peer: Tensor, labels: Tensor, threshold: float = 0.5) -> Tensor:
    """CLC's loss of one network, as a reader of the paper would write it."""
    log_p, q = own.log_softmax(-1), peer.detach().softmax(-1)
    p = log_p.exp()
    own_entropy, peer_entropy = -(p * log_p).sum(-1), -(q * q.clamp_min(1e-12).log()).sum(-1)
    low_own, low_peer = own_entropy.detach() <= threshold, peer_entropy <= threshold
    taught = -(q * log_p).sum(-1)[low_peer].sum()
    given = F.cross_entropy(own[~low_peer], labels[~low_peer], reduction="sum")
    return (taught + 0.1 * own_entropy[low_own].sum() + 0.5 * given) / len(labels)


def fused_adamw(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.0, fused=True)


def _plain_step(row: Row) -> Callable[[dict[str, Tensor], Tensor], None]:
    nets = [net.train() for net in row.networks()]
    optimizers = [fused_adamw(net) for net in nets]

    def step(inputs: dict[str, Tensor], labels: Tensor) -> None:
        outputs = [_logits(net(**inputs)) for net in nets]
        for k, optimizer in enumerate(optimizers):
            optimizer.zero_grad()
            _own_loss(outputs[k], outputs[1 - k], labels).backward()
            optimizer.step()

    return step


def _stacked_step(row: Row, compiled: bool = False) -> Callable[[dict[str, Tensor], Tensor], None]:
    assert row.stacked is not None
    model = row.stacked().train()
    optimizer = fused_adamw(model)

    def loss_of(inputs: dict[str, Tensor], labels: Tensor) -> Tensor:
        return _clc_loss(model(**inputs).peer_logits, labels)

    loss: Any = torch.compile(loss_of) if compiled else loss_of

    def step(inputs: dict[str, Tensor], labels: Tensor) -> None:
        optimizer.zero_grad()
        loss(inputs, labels).backward()
        optimizer.step()

    return step


def _slices(row: Row, step: Callable[[dict[str, Tensor], Tensor], None]) -> Iterator[None]:
    yield
    while True:
        for _ in range(row.epochs):
            for inputs, labels in _batches(row.train, row.batch):
                step(inputs, labels)
        yield


def _plain(row: Row) -> Iterator[None]:
    yield from _slices(row, _plain_step(row))


def _stacked(row: Row, compiled: bool = False) -> Iterator[None]:
    step = _stacked_step(row, compiled)
    if compiled:
        for _ in range(2):  # each shape of a batch is compiled anew, the last one's also as one of any size
            for inputs, labels in _batches(row.train, row.batch):
                step(inputs, labels)
    yield from _slices(row, step)


def _bound(row: Row) -> Iterator[None]:
    step = _plain_step(row) if row.stacked is None else _stacked_step(row)
    products = [products_of(lambda batch=batch: step(*batch)) for batch in _batches(row.train, row.batch)]  # type: ignore[misc]
    whole, last = products[0], products[-1]
    yield
    while True:
        for number in range(row.steps):
            replay(last if (number + 1) % len(products) == 0 else whole)
        yield


def _stock(row: Row, folder: Path) -> Iterator[None]:
    from datasets import Dataset
    from transformers import Trainer, TrainerCallback, TrainingArguments

    columns = {name: values.numpy() for name, values in row.train.inputs.items()}
    data = Dataset.from_dict({**columns, "labels": row.train.labels.numpy()}).with_format("torch")
    arguments = TrainingArguments(**_arguments(row, folder))

    def train(pause: Callable[[], None]) -> None:
        Trainer(_Twin(row), arguments, train_dataset=data, callbacks=[_pausing(TrainerCallback, row, pause)]).train()

    return in_turns(train)


class _Twin(nn.Module):
    """Two networks in one module, as one would write it for the stock `Trainer`."""

    def __init__(self, row: Row) -> None:
        super().__init__()
        self.first, self.second = row.networks()

    def forward(self, labels: Tensor | None = None, **inputs: Tensor) -> dict[str, Tensor]:
        logits = torch.stack([_logits(self.first(**inputs)), _logits(self.second(**inputs))])
        return {"loss": _clc_loss(logits, labels), "logits": logits.mean(0)}


def trained_by_ours(row: Row, folder: Path, records: bool) -> Iterator[None]:
    """All that a run of the command records: dynamics on disk, test accuracy after every epoch, checkpoints."""
    from transformers import TrainerCallback

    from clc_text.crossfit.trainer import CLCTrainer
    from clc_text.training.arguments import NoisyLabelArguments

    saves = records and row.checkpoints
    more: dict[str, Any] = {"checkpoint_epochs": row.epochs, "save_total_limit": 2} if saves else {}
    arguments = NoisyLabelArguments(**_arguments(row, folder / "checkpoints"), **more)

    def train(pause: Callable[[], None]) -> None:
        CLCTrainer(
            row.ours(),
            arguments,
            method=CLC(warmup_epochs=1),
            train_dataset=row.train,
            eval_dataset=row.test if records else None,
            dynamics_dir=folder / "dynamics" if records else None,
            epoch_listeners=[lambda result: None] if records else None,
            callbacks=[_pausing(TrainerCallback, row, pause)],
        ).train()

    return in_turns(train)


def _arguments(row: Row, folder: Path) -> dict[str, Any]:
    return {
        "output_dir": str(folder),
        "num_train_epochs": 1_000_000,
        "per_device_train_batch_size": row.batch,
        "per_device_eval_batch_size": 4096,
        "learning_rate": LEARNING_RATE,
        "save_strategy": "no",
        "logging_strategy": "no",
        "disable_tqdm": True,
        "use_cpu": True,
        "report_to": "none",
        "remove_unused_columns": False,
    }


def _pausing(base: Any, row: Row, pause: Callable[[], None]) -> Any:
    threads = torch.get_num_threads()

    class Pausing(base):
        """Stands still before each slice: what belongs to the last epoch of one is done by then."""

        begun = 0

        def on_epoch_begin(self, *positional: Any, **named: Any) -> None:
            if self.begun == 0:
                torch.set_num_threads(threads)  # of this thread
            if self.begun % row.epochs == 0:
                pause()
            self.begun += 1

    return Pausing()
