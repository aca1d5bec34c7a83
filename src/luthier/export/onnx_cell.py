"""ONNX: one frame of the network as a cell with explicit state, for people who embed instruments elsewhere.

Torch's own exporter follows the same `controls_block` that plays everywhere else; a graph written by hand would be a
second network to keep equal to the first.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

import luthier
from luthier.dsp.signals import Features
from luthier.errors import MissingExtraError
from luthier.export.cell_description import NEW_STATE, OUTPUTS, STATE, describe, input_names
from luthier.inference.player import Player
from luthier.model.decoder import DecoderState
from luthier.model.instrument import Instrument, InstrumentState

OPSET = 18
METADATA_KEY = "luthier"
PACKAGES = ("onnx", "onnxscript")


def export(player: Player) -> bytes:
    """The one-frame network as an ONNX file; the room is not in it.

    Raises:
        MissingExtraError: the packages of the extra `onnx` are not installed.
    """
    if any(importlib.util.find_spec(name) is None for name in PACKAGES):
        raise MissingExtraError("ONNX files need an extra. Run: pip install 'luthier[onnx]'")
    cell = OneFrame(player.instrument)
    names = input_names(player.instrument)
    with torch.no_grad(), _without_remarks():
        cell(*cell.example())  # tables that are made once and kept, such as mel bands, must not be the exporter's
        program = torch.onnx.export(
            cell,
            cell.example(),
            input_names=[*names, STATE],
            output_names=[*OUTPUTS, NEW_STATE],
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
            optimize=False,  # it takes an epsilon of 1e-8 for nothing: 0 / (0 + epsilon) would be NaN
            custom_translation_table={torch.ops.aten.sigmoid.default: _precise_sigmoid()},
        )
    assert program is not None
    _tidy(program.model)
    model = program.model_proto
    _forget_this_computer(model)
    model.producer_name, model.producer_version = "luthier", luthier.__version__
    description = describe(player, state_size=sum(cell.sizes))
    model.metadata_props.add(key=METADATA_KEY, value=json.dumps(description))
    content: bytes = model.SerializeToString()
    return content


class OneFrame(nn.Module):
    """An instrument's network on frames that come one by one, its state one tensor.

    Attributes:
        sizes: of the decoder's and the predictor's part of the state.
    """

    def __init__(self, instrument: Instrument) -> None:
        super().__init__()
        self.instrument = instrument
        start = instrument.start(1)
        self.sizes = [start.decoder.hidden.shape[-1], start.predictor.shape[-1]]

    def example(self) -> tuple[Tensor, ...]:
        """Inputs of the right shapes: (1, 1, 1) each, and the state before the first frame."""
        return (*(torch.ones(1, 1, 1) for _ in input_names(self.instrument)), torch.zeros(1, 1, sum(self.sizes)))

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Decide what to play in one frame.

        Args:
            *inputs: what `input_names` lists, (1, 1, 1) each, and the state, (1, 1, n). An expression that is NaN is
                left to the instrument.

        Returns:
            amplitude, harmonic_distribution, noise_magnitudes, each (1, 1, ...), and the new state.
        """
        instrument = self.instrument
        f0_hz, periodicity, loudness_db, *given, state = inputs
        features = Features(f0_hz, periodicity, loudness_db)
        hidden, predictor = state.split(self.sizes, dim=-1)
        if instrument.predictor is not None:
            own, predictor = instrument.predictor(features, instrument.statistics, predictor)
            is_wish = [~wish.isnan() for wish in given]
            values = (torch.where(*each) for each in zip(is_wish, given, own, strict=True))
            features = Features(f0_hz, periodicity, loudness_db, *values)._replace(is_wish=torch.cat(is_wish, dim=-1))
        features = instrument.with_known_loudness(features)
        controls, after = instrument.controls_block(features, InstrumentState(DecoderState(hidden), predictor))
        new_state = torch.cat([after.decoder.hidden, after.predictor], dim=-1)
        return controls.amplitude, controls.harmonic_distribution, controls.noise_magnitudes, new_state


def _precise_sigmoid() -> Callable[..., Any]:
    """How a sigmoid is written in ONNX: onnxruntime's own is 0.2 % off where it is small, as gains of noise are."""
    from onnxscript import opset18

    def sigmoid(raw: Any) -> Any:
        return opset18.Reciprocal(opset18.Add(opset18.Exp(opset18.Neg(raw)), 1.0))

    return sigmoid


def _tidy(model: Any) -> None:
    """Work out what does not depend on the inputs, in place."""
    from onnxscript import optimizer

    optimizer.fold_constants(model, onnx_shape_inference=True)
    optimizer.remove_unused_nodes(model)


def _forget_this_computer(model: Any) -> None:
    """Leave out where the code lay on this computer and what its lines were."""
    del model.graph.metadata_props[:]
    del model.graph.value_info[:]
    for part in (*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del part.metadata_props[:]


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Without what the exporter says of itself and of packages that it does not need; failures are raised anyway."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
