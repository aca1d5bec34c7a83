from __future__ import annotations

import pytest
import torch

from luthier.errors import RangeError, ShapeError
from luthier.features.audio_checks import check_audio


def test_a_nan_is_named_with_its_place() -> None:
    audio = torch.zeros(2, 100)
    audio[1, 42] = float("nan")
    with pytest.raises(RangeError, match=r"nan at sample 42 of clip 1"):
        check_audio(audio, 16000, 160)


@pytest.mark.parametrize("shape", [(100,), (1, 0), (1, 1, 100)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="expected"):
        check_audio(torch.zeros(shape), 16000, 160)


@pytest.mark.parametrize(("rate", "hop"), [(0, 160), (16000, 0)])
def test_rates_that_are_not_positive_are_refused(rate: int, hop: int) -> None:
    with pytest.raises(RangeError, match="positive"):
        check_audio(torch.zeros(1, 10), rate, hop)
