"""The network: features in, raw controls out, one frame after another."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from luthier.dsp.signals import Features
from luthier.model.config import DecoderConfig
from luthier.model.gru import run_gru
from luthier.model.inputs import require_input, scaled_input
from luthier.model.rounding import Linear
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
        input_width = config.input_width if config.input_depth else 1
        joined = input_width * len(config.inputs)
        self.input_stacks = nn.ModuleList(mlp(1, config.input_width, config.input_depth) for _ in config.inputs)
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
        scaled = [scaled_input(name, features, statistics) for name in self.input_names]
        inputs = torch.cat([stack(value) for stack, value in zip(self.input_stacks, scaled, strict=True)], dim=-1)
        remembered, hidden = run_gru(self.gru, inputs, state.hidden)
        joined = F.dropout(torch.cat([inputs, remembered], dim=-1), self.dropout, self.training)
        joined = self.output_stack(joined)
        return self.head(joined), DecoderState(hidden)
