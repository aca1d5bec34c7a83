"""What an instrument would do of its own accord: the expression that suits a pitch and a loudness."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from luthier.dsp.signals import Expression, Features
from luthier.model.gru import run_gru
from luthier.model.inputs import n_channels, scaled_inputs
from luthier.model.rounding import Linear
from luthier.model.statistics import Statistics

INPUTS = ("f0_octaves_z", "loudness_z", "periodicity")
WIDTH = 32


class Predictor(nn.Module):
    """A small causal GRU from pitch, loudness and periodicity to the expression that the recordings had there.

    It knows the pitch as finely as the decoder does: each note of a violin has its own hollowness.
    """

    def __init__(self, decoder_inputs: Sequence[str] = ()) -> None:
        super().__init__()
        self.input_names = INPUTS + (("f0_waves",) if "f0_waves" in decoder_inputs else ())
        self.gru = nn.GRU(sum(map(n_channels, self.input_names)), WIDTH, batch_first=True)
        self.head = Linear(WIDTH, len(Expression._fields))

    def start(self, batch: int) -> Tensor:
        """What it remembers before the first frame: (batch, 1, 32)."""
        return self.head.weight.new_zeros(batch, 1, WIDTH)

    def forward(self, features: Features, statistics: Statistics, hidden: Tensor) -> tuple[Expression, Tensor]:
        """Predict how a tone is played.

        Args:
            features: (batch, n_frames, 1) each; an expression in them is not looked at.
            statistics: of the training material.
            hidden: `start(batch)` or what the last block returned.

        Returns:
            Expression in physical units, (batch, n_frames, 1) each, and the new `hidden`.
        """
        inputs = torch.cat(scaled_inputs(self.input_names, features, statistics), dim=-1)
        remembered, hidden = run_gru(self.gru, inputs, hidden)
        scores = self.head(remembered).to(features.f0_hz.dtype)
        values = scores * statistics.expression_std() + statistics.expression_mean()
        return Expression(*values.split(1, dim=-1)), hidden
