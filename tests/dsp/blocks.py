"""Playing in blocks what can be played at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor

State = TypeVar("State")

BLOCK_FRAMES = (1, 3, 7, 64)


def cut(length: int, block: int) -> Iterator[slice]:
    """Slices of `block`, the last one shorter."""
    return (slice(start, min(start + block, length)) for start in range(0, length, block))


def play_in_blocks(
    play: Callable[[slice, State], tuple[Tensor, State]], state: State, length: int, block: int
) -> Tensor:
    """Call `play(slice, state)` for one block after another and join what it returns along time."""
    outputs = []
    for place in cut(length, block):
        output, state = play(place, state)
        outputs.append(output)
    return torch.cat(outputs, dim=1)
