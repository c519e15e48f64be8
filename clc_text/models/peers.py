"""k networks behind one `PreTrainedModel`: what goes in is one batch, what comes out is logits [P, B, C].

Peers never share a trainable parameter, so one backward pass over the sum of their losses gives each peer exactly the
gradient of its own loss.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import ModelOutput

from clc_text.errors import InputError
from clc_text.models.multi_label import PROBLEM, is_multi_label, log_odds_together, no_and_yes


@dataclass
class PeersOutput(ModelOutput):
    """What k peers make of a batch.

    Attributes:
        loss: the cross-entropy of `logits` [B, C] where labels were given; None without any, and while several learn.
        logits: of one network, and of several that are asked: [B, C], the log of their mean probability, or its
            log-odds where several classes may hold. While several learn: [P, B, C].
        hidden: [P, B, H], the last hidden layer; None where a network has none to show.
        peer_logits: [P, B, C], always.
        further: what one network gives beside its logits, by name, or of a tuple by place; None of several.
    """

    loss: Tensor | None = None
    logits: Tensor | None = None
    hidden: Tensor | None = None
    peer_logits: Tensor | None = None
    further: dict[Any, Any] | None = None


class PeersModel(PreTrainedModel):
    """Base of all k-peer models.

    A subclass sets ``config.peers`` and keeps every parameter with a leading peer dimension (a stacked model), or is a
    `SeparatePeersModel`.
    """

    def output(
        self,
        logits: Tensor,
        hidden: Tensor | None,
        labels: Tensor | None = None,
        further: dict[Any, Any] | None = None,
    ) -> PeersOutput:
        """What `forward` gives, of the peers' logits [P, B, C].

        Args:
            labels: int64 [B] or float [B, C]; None: no loss is asked for.
            further: as in `PeersOutput`.
        """
        if self.training and self.peers > 1:
            return PeersOutput(logits=logits, hidden=hidden, peer_logits=logits)
        together = self.ensemble(logits)
        loss = None
        if labels is not None and self.multi_label:
            loss = nn.functional.binary_cross_entropy_with_logits(together, labels.to(together.dtype))
        elif labels is not None:
            loss = nn.functional.cross_entropy(together, labels)
        return PeersOutput(loss=loss, logits=together, hidden=hidden, peer_logits=logits, further=further)

    def save_alone(self, folder: Path) -> None:
        """As `save_pretrained`, with nothing left out that lies elsewhere, such as the model below adapters."""
        self.save_pretrained(folder)

    def export_peer(self, peer: int) -> PreTrainedModel:
        """One peer as an ordinary model that knows nothing of the others.

        Raises:
            InputError: there is no such peer.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot give out a single peer")

    def peer_logits(self, peer: int, **inputs: Any) -> Tensor:
        """[B, C], what one peer alone says of a batch. Here all are asked; a subclass may ask only the one."""
        logits: Tensor = self(**inputs).peer_logits
        return logits[peer]

    def choose_main(self, classes: np.ndarray, together: np.ndarray) -> None:
        """For a model whose folder holds one network before the others; see `PeersOf.choose_main`."""

    def choose_main_by(self, log_probs: Tensor) -> None:
        """`choose_main`, by log-probabilities [P, N, C] of rows that were held out."""
        self.choose_main(log_probs.argmax(-1).T.numpy(), ensemble_log_probs(log_probs).argmax(-1).numpy())

    def check_peer(self, peer: int) -> None:
        if not 0 <= peer < self.peers:
            raise InputError(f"there is no peer {peer}; the model has {self.peers}, counted from 0", key="peer")

    def _init_weights(self, module: nn.Module) -> None:
        """Weights are drawn by the constructors, each peer's from its own generator."""

    @property
    def peers(self) -> int:
        return int(self.config.peers)

    @property
    def multi_label(self) -> bool:
        """Whether several classes may hold of one row (``config.problem_type``)."""
        return is_multi_label(self.config)

    def make_multi_label(self) -> None:
        """From now on several classes may hold of one row; saved networks say so, too."""
        self.config.problem_type = PROBLEM

    def log_probs(self, logits: Tensor) -> Tensor:
        """Logits [..., C] of any peers -> [..., C], or where several classes may hold [..., C, 2], no and yes."""
        return no_and_yes(logits) if self.multi_label else logits.log_softmax(-1)

    def mean_probs(self, logits: Tensor) -> Tensor:
        """[P, B, C] -> [B, C], the peers' mean probability of classes that exclude each other."""
        return ensemble_log_probs(logits.log_softmax(-1)).exp()

    def ensemble(self, logits: Tensor) -> Tensor:
        """[P, B, C] -> [B, C], logits of the peers' mean probability."""
        if self.multi_label:
            return log_odds_together(at_least_float32(logits))
        return ensemble_logits(logits)

    def peer_parameters(self, peer: int) -> Iterator[Tensor]:
        """The trainable tensors of one peer: views into the stacked parameters."""
        for parameter in self.parameters():
            if parameter.requires_grad:
                yield parameter[peer]

    def peer_grad_norms(self) -> Tensor:
        """[P], the 2-norm of each peer's gradient; 0 for a peer without one."""
        squares = [
            parameter.grad.flatten(1).square().sum(1) for parameter in self.parameters() if parameter.grad is not None
        ]
        if not squares:
            return torch.zeros(self.peers)
        return torch.stack(squares).sum(0).sqrt()

    @torch.no_grad()
    def clip_peer_grad_norms_(self, max_norm: float) -> Tensor:
        """Scales each peer's gradient to at most `max_norm`, by its own norm; gives the norms [P] before that.

        `Trainer` clips by the joint norm of all parameters, which would let one peer's gradient shrink another's.
        """
        norms = self.peer_grad_norms()
        scales = (max_norm / (norms + 1e-6)).clamp(max=1.0)
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.grad.mul_(scales.view(-1, *[1] * (parameter.grad.dim() - 1)))
        return norms


class SeparatePeersModel(PeersModel):
    """Base of models whose peers are whole networks with parameters of their own, in `networks`."""

    networks: Sequence[nn.Module]

    def make_multi_label(self) -> None:
        super().make_multi_label()
        network: Any
        for network in self.networks:
            network.config.problem_type = PROBLEM

    def peer_parameters(self, peer: int) -> Iterator[Tensor]:
        yield from (parameter for parameter in self.networks[peer].parameters() if parameter.requires_grad)

    def peer_grad_norms(self) -> Tensor:
        norms = []
        for peer in range(self.peers):
            grads = [values.grad for values in self.peer_parameters(peer) if values.grad is not None]
            norms.append(nn.utils.get_total_norm(grads) if grads else torch.zeros((), device=self.device))
        return torch.stack(norms)

    @torch.no_grad()
    def clip_peer_grad_norms_(self, max_norm: float) -> Tensor:
        norms = self.peer_grad_norms()
        for peer in range(self.peers):
            nn.utils.clip_grads_with_norm_(self.peer_parameters(peer), max_norm, norms[peer])
        return norms


class StackedLinear(nn.Module):
    """P linear layers side by side: [P, B, in] (or [B, in], shared) -> [P, B, out].

    Every peer's weights are drawn as `nn.Linear` draws them, U(-1/√in, 1/√in), from that peer's own generator, so
    peer k is the same network whether it trains alone or beside others.
    """

    def __init__(self, generators: list[torch.Generator], in_features: int, out_features: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(in_features)

        def draw(*shape: int) -> Tensor:
            drawn = [torch.empty(*shape).uniform_(-bound, bound, generator=generator) for generator in generators]
            return torch.stack(drawn)

        self.weight = nn.Parameter(draw(in_features, out_features))
        self.bias = nn.Parameter(draw(1, out_features))

    def forward(self, inputs: Tensor) -> Tensor:
        if inputs.dim() == 2:
            inputs = inputs.expand(self.weight.shape[0], *inputs.shape)
        return torch.baddbmm(self.bias, inputs, self.weight)

    def of_peer(self, peer: int, inputs: Tensor) -> Tensor:
        """One peer's layer alone: [B, in] -> [B, out]."""
        return torch.addmm(self.bias[peer], inputs, self.weight[peer])


def peer_seeds(seed: int, peers: int) -> list[int]:
    """One seed a peer, each from its own stream of `seed`; peer k has the same beside any number of others."""
    streams = np.random.SeedSequence(seed).spawn(peers)
    return [int(stream.generate_state(1, np.uint64)[0] >> 1) for stream in streams]


def peer_generators(seed: int, peers: int) -> list[torch.Generator]:
    """One generator a peer, of its seed."""
    return [torch.Generator().manual_seed(drawn) for drawn in peer_seeds(seed, peers)]


def ensemble_logits(logits: Tensor) -> Tensor:
    """[P, B, C] -> [B, C]: those of one peer as they are, of several the log of their mean probability."""
    logits = at_least_float32(logits)
    return logits[0] if len(logits) == 1 else ensemble_log_probs(logits.log_softmax(-1))


def at_least_float32(logits: Tensor) -> Tensor:
    """Half precision is too coarse for probabilities; anything wider stays as it is."""
    return logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits


def ensemble_log_probs(log_probs: Tensor) -> Tensor:
    """The log of the peers' mean probability: [P, B, C] -> [B, C]."""
    return log_probs.logsumexp(-3) - math.log(log_probs.shape[-3])
