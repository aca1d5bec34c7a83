"""What every comparison of two clips asks of them first."""

from __future__ import annotations

from torch import Tensor

from luthier.errors import RangeError, ShapeError


def check_pair(output: Tensor, reference: Tensor) -> None:
    """Refuse two clips that cannot be compared.

    Raises:
        ShapeError: the shapes differ, are not (batch, n_samples), or hold no sample.
        RangeError: a sample is not a finite number.
    """
    if output.shape != reference.shape or output.dim() != 2 or output.numel() == 0:
        raise ShapeError(
            f"output {tuple(output.shape)} and reference {tuple(reference.shape)}: "
            "expected two equal shapes (batch, n_samples) with at least one sample."
        )
    for name, audio in (("output", output), ("reference", reference)):
        if not bool(audio.isfinite().all()):
            raise RangeError(f"{name}: holds NaN or infinite samples, which no metric can score.")
