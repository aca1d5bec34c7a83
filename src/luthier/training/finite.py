"""Finding where numbers stopped being numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import Parameter

from luthier.data.windows import Batch
from luthier.model.instrument import Instrument

Error = Callable[[Batch, Tensor], Tensor]
"""Function of a batch and its noise (batch, n_samples): a number."""
LONGEST_STREAK = 3
"""Steps in a row without finite numbers after which a run stops."""


def is_finite(loss: Tensor, gradients: Tensor) -> bool:
    """Say whether a loss, a scalar, and all gradients (n_weights,) are finite."""
    return bool(torch.isfinite(loss.detach().double() + gradients.sum(dtype=torch.float64)))


def name_cause(instrument: Instrument, batch: Batch, noise: Tensor, error: Error) -> str:
    """Follow a batch along the path and name the first tensor that is not finite, and where it came from.

    Args:
        instrument: what was learning, with the gradients of the step.
        batch: what it learned from.
        noise: (batch, n_samples), what it played with.
        error: what was to become smaller: function of a batch and its noise.

    Returns:
        A sentence such as "audio of movement_6.flac at 12.40 s is not finite".
    """
    sample_rate = instrument.config.sample_rate
    with torch.no_grad():
        rows = batch.features._asdict().items()
        given = {"audio": batch.audio} | {name: values for name, values in rows if values is not None}
        found = _first_in_windows(given, batch, sample_rate) or _first_weight(
            instrument, "weight ", lambda weight: weight
        )
        if not found:
            controls = instrument.controls(batch.features)
            dry = instrument.dry(controls, noise)
            played = {"dry audio": dry, "audio in the room": instrument.room(dry)}
            found = _first_in_windows(controls._asdict() | played, batch, sample_rate)
    if found:
        return found
    cause = _first_weight(instrument, "gradient of ", lambda weight: weight.grad) or "the loss is not finite"
    culprit = _first_alone(instrument, batch, noise, error)
    return cause if culprit is None else f"{cause}, from {_stretch(batch, culprit, sample_rate)}"


def _first_in_windows(stages: Mapping[str, Tensor], batch: Batch, sample_rate: int) -> str:
    """Name the first of some tensors (batch, time, ...) that is not finite, and its window."""
    for name, tensor in stages.items():
        bad = ~torch.isfinite(tensor)
        if bad.any():
            in_time = bad.flatten(2).any(-1) if bad.ndim > 2 else bad
            row, place = in_time.nonzero()[0].tolist()
            return f"{name} of {_moment(batch, row, place / tensor.shape[1], sample_rate)} is not finite"
    return ""


def _first_weight(instrument: Instrument, what: str, value: Callable[[Parameter], Tensor | None]) -> str:
    """Name the first weight with whose value something is wrong."""
    for name, parameter in instrument.named_parameters():
        found = value(parameter)
        if found is not None and not torch.isfinite(found).all():
            return f"{what}{name} is not finite"
    return ""


def _first_alone(instrument: Instrument, batch: Batch, noise: Tensor, error: Error) -> int | None:
    """The first window whose error or gradients are not finite when it is learned from alone; None if all are."""
    learned = [parameter for parameter in instrument.parameters() if parameter.requires_grad]
    for row in range(len(batch.audio)):
        mine = slice(row, row + 1)
        loss = error(_windows(batch, mine), noise[mine])
        # Not `backward`: it would meet the hooks with which several processes share their gradients.
        gradients = torch.autograd.grad(loss, learned, allow_unused=True)
        if not all(torch.isfinite(one).all() for one in (loss, *gradients) if one is not None):
            return row
    return None


def _windows(batch: Batch, chosen: slice) -> Batch:
    return Batch(batch.audio[chosen], batch.features.map(lambda values: values[chosen]), batch.origins[chosen])


def _moment(batch: Batch, row: int, share: float, sample_rate: int) -> str:
    """The place of a window in its recording that lies after a share of the window."""
    if not batch.origins:
        return f"window {row}"
    name, start_seconds = batch.origins[row]
    return f"{name} at {start_seconds + share * batch.audio.shape[1] / sample_rate:.2f} s"


def _stretch(batch: Batch, row: int, sample_rate: int) -> str:
    """A whole window as a stretch of its recording."""
    if not batch.origins:
        return f"window {row}"
    name, start_seconds = batch.origins[row]
    return f"{name}, {start_seconds:.2f} to {start_seconds + batch.audio.shape[1] / sample_rate:.2f} s"
