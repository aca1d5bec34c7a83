"""What the inputs and outputs of a one-frame network are, and all that is needed to play them: a JSON document."""

from __future__ import annotations

from typing import Any

import luthier
from luthier.dsp.signals import Expression, Features
from luthier.inference.player import Player
from luthier.model.instrument import Instrument

DESCRIPTION_VERSION = 1
DIGITS = 7
"""Significant digits of a float32."""
LEFT_OUT = "NaN leaves it to the instrument"
INPUTS = {
    "f0_hz": ("Hz", "fundamental, positive; the last one or any other where there is no pitch"),
    "periodicity": ("", "confidence from 0 to 1 that there is a pitch"),
    "loudness_db": ("dB", "as `features` defines it"),
    "brightness_octaves": ("octaves", f"centroid of the harmonics above the fundamental; {LEFT_OUT}"),
    "warmth_db": ("dB", f"power of the fundamental against all harmonics; {LEFT_OUT}"),
    "hollowness_db": ("dB", f"power of the odd harmonics against the even ones; {LEFT_OUT}"),
    "noisiness_db": ("dB", f"power of the noise against the harmonics; {LEFT_OUT}"),
    "air_octaves": ("octaves", f"centroid of the noise above 1 kHz; {LEFT_OUT}"),
}
"""Name of an input -> its unit and its meaning."""
OUTPUTS = {
    "amplitude": ("linear", "sum of the harmonics' peak amplitudes"),
    "harmonic_distribution": ("", "share of each harmonic, 1 to n_harmonics; sums to 1 below half the sample rate"),
    "noise_magnitudes": ("linear", "gains of noise uniform in [-1, 1], n_bands from 0 Hz to half the sample rate"),
}
"""Name of an output -> its unit and its meaning."""


STATE, NEW_STATE = "state", "new_state"
"""What the memory is called on its way in and on its way out."""


def input_names(instrument: Instrument) -> tuple[str, ...]:
    """The features that an instrument can be given: those of expression only where it has them."""
    plain = Features._fields[: Features._fields.index(Expression._fields[0])]
    return plain if instrument.predictor is None else plain + Expression._fields


def describe(player: Player, *, state_size: int) -> dict[str, Any]:
    """Everything that somebody needs who plays the network without this package.

    Args:
        player: the instrument.
        state_size: numbers in the state.

    Returns:
        Plain JSON: names, units and shapes, rates, definitions, statistics, licence and credit.
    """
    instrument, summary = player.instrument, player.summary
    config = instrument.config
    sizes = {"amplitude": 1, "harmonic_distribution": config.n_harmonics, "noise_magnitudes": config.n_bands}
    return {
        "description_version": DESCRIPTION_VERSION,
        "luthier_version": luthier.__version__,
        "title": summary.title,
        "licence": summary.licence,
        "credit": summary.credit,
        "preset": config.preset,
        "sample_rate": config.sample_rate,
        "hop_length": config.hop_length,
        "frame_rate": config.features.frame_rate,
        "n_harmonics": config.n_harmonics,
        "n_bands": config.n_bands,
        "inputs": {name: _value(*INPUTS[name], 1) for name in input_names(instrument)},
        "outputs": {name: _value(*OUTPUTS[name], size) for name, size in sizes.items()},
        "state": {"input": STATE, "output": NEW_STATE, "shape": [1, 1, state_size], "start": 0.0},
        "synths": [{"kind": synth.kind, "gain": synth.gain} for synth in config.synths],
        "features": config.features.model_dump(mode="json"),
        "statistics": {name: _rounded(values.tolist()) for name, values in instrument.statistics.state_dict().items()},
        "room": _room(player),
    }


def _value(unit: str, meaning: str, size: int) -> dict[str, Any]:
    return {"unit": unit, "meaning": meaning, "shape": [1, 1, size]}


def _room(player: Player) -> dict[str, Any]:
    """The room is not in the network: what a sound of its impulse response has to be compared with."""
    impulse_response = player.room()
    return {
        "n_taps": len(impulse_response),
        "peak": _rounded(float(impulse_response.abs().max())),
        "direct_gain": _rounded(float(player.instrument.dry_gain())),
    }


def _rounded(values: Any) -> Any:
    if isinstance(values, list):
        return [_rounded(value) for value in values]
    return float(f"{values:.{DIGITS}g}")
