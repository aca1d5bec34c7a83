"""CREPE's network in plain torch: 1024 samples at 16 kHz in, one activation for each of 360 pitches out."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from luthier.features.pitch_grid import N_BINS

FRAME_SAMPLES = 1024
"""Samples at 16 kHz that the network sees."""

CHANNELS = {"tiny": (128, 16, 16, 16, 32, 64), "full": (1024, 128, 128, 128, 256, 512)}
"""Output channels of the six blocks, for each size of the network."""

KERNELS = (512, 64, 64, 64, 64, 64)
FIRST_STRIDE = 4

BATCH_NORM_EPSILON = 0.0010000000474974513
"""The value that the published weights were trained with (float32 0.001)."""

SMALLEST_DEVIATION = 1e-10
"""Keeps silent frames finite when they are scaled to unit variance."""


class CrepeBlock(nn.Module):
    """Convolution, ReLU, batch norm, and every second value kept by max-pooling."""

    def __init__(self, n_in: int, n_out: int, kernel: int, stride: int) -> None:
        super().__init__()
        before = (kernel - stride) // 2
        self.padding = (before, kernel - stride - before)
        self.convolution = nn.Conv1d(n_in, n_out, kernel, stride)
        self.norm = nn.BatchNorm1d(n_out, eps=BATCH_NORM_EPSILON)

    def forward(self, signal: Tensor) -> Tensor:
        """(batch, n_in, n) -> (batch, n_out, n / stride / 2)."""
        activation = F.relu(self.convolution(F.pad(signal, self.padding)))
        return F.max_pool1d(self.norm(activation), 2)


class CrepeNetwork(nn.Module):
    """Six blocks and a linear layer.

    Source: Kim, Salamon, Li & Bello 2018, "CREPE: A Convolutional Representation for Pitch Estimation" (ICASSP),
    figure 1; sizes as in the published `tiny` and `full` weights.
    """

    def __init__(self, size: str) -> None:
        super().__init__()
        widths = CHANNELS[size]
        strides = (FIRST_STRIDE,) + (1,) * (len(widths) - 1)
        self.blocks = nn.ModuleList(
            CrepeBlock(n_in, n_out, kernel, stride)
            for n_in, n_out, kernel, stride in zip((1, *widths), widths, KERNELS, strides, strict=False)
        )
        self.classifier = nn.Linear(widths[-1] * FRAME_SAMPLES // FIRST_STRIDE // 2 ** len(widths), N_BINS)

    def forward(self, frames: Tensor) -> Tensor:
        """Rate all pitches.

        Args:
            frames: (batch, 1024), 16 kHz, any level: each is scaled to zero mean and unit variance.

        Returns:
            (batch, 360), logits; their sigmoid is the published activation.
        """
        centred = frames - frames.mean(-1, keepdim=True)
        signal = (centred / frames.std(-1, keepdim=True).clamp_min(SMALLEST_DEVIATION)).unsqueeze(1)
        for block in self.blocks:
            signal = block(signal)
        return self.classifier(signal.transpose(1, 2).flatten(1))
