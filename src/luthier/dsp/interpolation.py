"""From frame rate to audio rate, linearly, and the shift that lets a block need no future."""

from __future__ import annotations

import torch
from torch import Tensor


def upsample_linear(frames: Tensor, previous: Tensor, *, hop_length: int) -> Tensor:
    """Draw straight lines from the previous frame through all the frames.

        previous    frame 0     frame 1
           *-----------*-----------*       each span holds hop_length samples and
           0           hop         2 hop   includes its left end

    Args:
        frames: (batch, n_frames, n_channels).
        previous: (batch, 1, n_channels), the frame before.
        hop_length: samples from one frame to the next.

    Returns:
        (batch, n_frames * hop_length, n_channels).
    """
    starts = torch.cat([previous, frames[:, :-1]], dim=1)
    ramp = torch.arange(hop_length, dtype=frames.dtype, device=frames.device) / hop_length
    lines = torch.lerp(starts.unsqueeze(2), frames.unsqueeze(2), ramp.view(1, 1, -1, 1))
    return lines.flatten(1, 2)


def following_frames(frames: Tensor) -> Tensor:
    """Shift frames one earlier and hold the last: what a renderer that has seen frame 0 hears next.

    Args:
        frames: (batch, n_frames, n_channels).

    Returns:
        (batch, n_frames, n_channels): frames 1, 2, ..., last, last.
    """
    return torch.cat([frames[:, 1:], frames[:, -1:]], dim=1)
