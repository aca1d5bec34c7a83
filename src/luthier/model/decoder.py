"""The network: features in, raw controls out, one frame after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from luthier.dsp.signals import Features
from luthier.model.config import DecoderConfig
from luthier.model.gru import run_gru
from luthier.model.inputs import n_channels, require_input, scaled_inputs
from luthier.model.rounding import Linear, linear
from luthier.model.statistics import Statistics


class DecoderState(NamedTuple):
    """What the network remembers from one block to the next.

    Attributes:
        hidden: (batch, 1, gru_width).
    """

    hidden: Tensor


def mlp(n_inputs: int, width: int, depth: int) -> nn.Sequential:
    """Layers of Linear, LayerNorm and LeakyReLU; none at depth 0."""
    layers: list[nn.Module] = []
    for index in range(depth):
        layers += [Linear(n_inputs if index == 0 else width, width), nn.LayerNorm(width), nn.LeakyReLU(inplace=True)]
    return nn.Sequential(*layers)


def dropout(values: Tensor, share: float) -> Tensor:
    """Silence this share of the numbers at random, and raise the others so that their mean stays.

    A byte decides on each number, so that the share is one of 256ths: torch's own draws four times as long.
    """
    threshold = round(256 * share)
    is_kept = torch.randint(256, values.shape, dtype=torch.uint8, device=values.device) >= threshold
    return values * is_kept * (256 / (256 - threshold))


class Decoder(nn.Module):
    """Each input through its own stack, all into a GRU, all of it and the GRU into a stack and one linear layer.

        f0 ------- mlp --+--------------------+
        loudness - mlp --+--- GRU ------------+--- mlp --- linear --- raw controls
        ...        mlp --+--------------------+

    Source: Engel et al. 2020, section B.1.
    """

    def __init__(self, config: DecoderConfig, n_outputs: int) -> None:
        super().__init__()
        for name in config.inputs:
            require_input(name)
        self.input_names, self.dropout = config.inputs, config.dropout
        sizes = [n_channels(name) for name in config.inputs]
        joined = sum(config.input_width if config.input_depth else size for size in sizes)
        self.input_stacks = nn.ModuleList(mlp(size, config.input_width, config.input_depth) for size in sizes)
        self.gru = nn.GRU(joined, config.gru_width, batch_first=True)
        self.output_stack = mlp(joined + config.gru_width, config.output_width, config.output_depth)
        self.head = Linear(config.output_width if config.output_depth else joined + config.gru_width, n_outputs)

    def start(self, batch: int) -> DecoderState:
        """A network that has heard nothing yet."""
        return DecoderState(self.head.weight.new_zeros(batch, 1, self.gru.hidden_size))

    def forward(self, features: Features, statistics: Statistics, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """Say what to play.

        Args:
            features: (batch, n_frames, 1) each.
            statistics: of the training material, to scale them.
            state: `start(batch)` or what the last block returned.

        Returns:
            (batch, n_frames, n_outputs), any real numbers, and the new state.
        """
        inputs = self._inputs(scaled_inputs(self.input_names, features, statistics))
        remembered, hidden = run_gru(self.gru, inputs, state.hidden)
        joined = torch.cat([inputs, remembered], dim=-1)
        if self.training and self.dropout:
            joined = dropout(joined, self.dropout)
        joined = self.output_stack(joined)
        return self.head(joined), DecoderState(hidden)

    def _inputs(self, scaled: list[Tensor]) -> Tensor:
        """Each input (batch, n_frames, n_channels) through its stack, side by side: (batch, n_frames, n_joined)."""
        stacks = [tuple(stack) for stack in self.input_stacks if isinstance(stack, nn.Sequential)]
        if any(len(stack) != 3 for stack in stacks):
            return torch.cat([stack(value) for stack, value in zip(self.input_stacks, scaled, strict=True)], dim=-1)
        # Stacks of one layer all at once: a few numbers a frame cost less than the calls that work them out.
        layers, norm, _ = zip(*stacks, strict=True)
        weights = torch.block_diag(*(layer.get_parameter("weight") for layer in layers))
        wide = linear(torch.cat(scaled, dim=-1), weights, _rows(layers, "bias").flatten()).unflatten(
            -1, (len(layers), -1)
        )
        wide = F.layer_norm(wide, wide.shape[-1:], eps=norm[0].eps)
        wide = torch.addcmul(_rows(norm, "bias"), wide, _rows(norm, "weight"))
        return F.leaky_relu(wide, inplace=True).flatten(-2)


def _rows(layers: Sequence[nn.Module], name: str) -> Tensor:
    """A parameter of each layer, flat: (n_layers, size)."""
    return torch.stack([layer.get_parameter(name).flatten() for layer in layers])
