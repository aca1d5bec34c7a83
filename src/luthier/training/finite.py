"""Finding where numbers stopped being numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from luthier.data.windows import Batch
from luthier.model.instrument import Instrument

LONGEST_STREAK = 3
"""Steps in a row without finite numbers after which a run stops."""


def is_finite(instrument: Instrument, loss: Tensor) -> bool:
    """Say whether the loss and all gradients are finite."""
    gradients = [parameter.grad for parameter in instrument.parameters() if parameter.grad is not None]
    sums = torch.stack([loss.detach().double(), *(gradient.sum().double() for gradient in gradients)])
    return bool(torch.isfinite(sums).all())


@torch.no_grad()
def name_cause(instrument: Instrument, batch: Batch, noise: Tensor) -> str:
    """Follow a batch along the path and name the first tensor that is not finite.

    Returns:
        A sentence such as "audio of window 3 is not finite".
    """
    stages: dict[str, Tensor] = {"audio": batch.audio} | {
        name: values for name, values in batch.features._asdict().items() if values is not None
    }
    stages |= {f"weight {name}": parameter for name, parameter in instrument.named_parameters()}
    found = _first_not_finite(stages)
    if found:
        return found
    controls = instrument.controls(batch.features)
    dry = instrument.dry(controls, noise)
    played = {"dry audio": dry, "audio in the room": instrument.room(dry)}
    gradients = {f"gradient of {name}": value.grad for name, value in instrument.named_parameters()}
    given = {name: value for name, value in gradients.items() if value is not None}
    return _first_not_finite(controls._asdict() | played | given) or "the loss is not finite"


def _first_not_finite(stages: dict[str, Tensor]) -> str:
    for name, tensor in stages.items():
        bad = ~torch.isfinite(tensor)
        if bad.any():
            has_windows = not name.startswith(("weight", "gradient"))
            where = f" of window {int(bad.flatten(1).any(dim=1).nonzero()[0])}" if has_windows else ""
            return f"{name}{where} is not finite"
    return ""
