"""Several listeners, one decision: swift-f0 at two speeds everywhere, CREPE tiny where they are not sure.

swift, as recorded  ──┐
swift, half speed   ──┼─► where they disagree or doubt: CREPE tiny ─► ratings summed as logarithms ─► one path
                      └─► where they are sure together: the register ─► doubtful octaves outside cost more
Heard at half speed, an octave lower, the same network makes other mistakes and follows fast notes better.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from luthier.dsp.framing import n_frames
from luthier.dsp.resampling import resample
from luthier.features.crepe import STEP_SAMPLES, STEPS_AT_ONCE, log_rating, rate_pitches
from luthier.features.decoding import RatedBlock
from luthier.features.pitch_grid import CENTS_PER_BIN, bin_range, hz_to_bins, read_blocks
from luthier.features.swift import track_swift
from luthier.features.track import TRACKER_RATE, Track

SPEEDS = (1, 2)
"""How many times slower each listener hears the clip."""

AGREEING_CENTS = 50.0
SURE_CONFIDENCE = 0.5
"""Listeners are sure together when they agree this closely and each is this confident."""

CONTEXT_STEPS = 1
"""Steps on either side of an unsure one that CREPE rates, too."""

OPINION_BINS = 1.5
"""Standard deviation, in bins, of the pitches for which an opinion speaks."""

DOUBT = 0.1
"""What an opinion leaves to every other pitch."""

REGISTER_PART, REGISTER_MARGIN_SEMITONES = 0.96, 2.0
"""The register: where this part of the sure steps lies, and so far beyond it."""

OUTSIDE_COST = 2.5
"""Price, in nats and for each step, of a pitch a semitone or more outside the register: two listeners who are sure
together outweigh it, one alone does not."""

FEWEST_SURE_STEPS = 600
"""Fewer than these ten seconds say nothing about a register: the next note may lie anywhere."""


def track_cascade(audio: Tensor, f0_min_hz: float, f0_max_hz: float) -> Track:
    """Decode one pitch line from the opinions of swift-f0 at two speeds and, where they are unsure, CREPE tiny.

    Args:
        audio: (n_samples,), 16 kHz.
        f0_min_hz: lowest answer wanted, Hz.
        f0_max_hz: highest answer wanted, Hz.

    Returns:
        A track of one step for every 16 ms; the periodicity is the greatest confidence with which a listener
        speaks for the decoded pitch.
    """
    opinions = [_listen(audio, speed, f0_min_hz, f0_max_hz) for speed in SPEEDS]
    bins = bin_range(f0_min_hz, f0_max_hz)
    return Track(*read_blocks(_blocks(audio, opinions, bins), bins[0]), STEP_SAMPLES)


def _listen(audio: Tensor, speed: int, f0_min_hz: float, f0_max_hz: float) -> np.ndarray:
    """What swift-f0 hears in the slowed clip: (2, n_steps), fractional bins and confidence."""
    slowed = resample(audio.unsqueeze(0), TRACKER_RATE, speed * TRACKER_RATE)[0]
    track = track_swift(slowed, f0_min_hz / speed, f0_max_hz / speed)
    steps = np.minimum(np.arange(n_frames(len(audio), STEP_SAMPLES)) * speed, len(track.f0_hz) - 1)
    return np.stack([hz_to_bins(track.f0_hz.numpy()[steps] * speed), track.periodicity.numpy()[steps]])


def _unsure_steps(opinions: list[np.ndarray]) -> np.ndarray:
    """(n_steps,), true where listeners disagree or doubt, and next to such steps."""
    bins, confidence = np.stack(opinions, axis=1)  # (n_listeners, n_steps) each
    unsure = (np.ptp(bins, axis=0) * CENTS_PER_BIN > AGREEING_CENTS) | (confidence.min(0) < SURE_CONFIDENCE)
    return np.convolve(unsure, np.ones(2 * CONTEXT_STEPS + 1))[CONTEXT_STEPS:-CONTEXT_STEPS] > 0.5


def _blocks(audio: Tensor, opinions: list[np.ndarray], bins: tuple[int, int]) -> Iterator[RatedBlock]:
    """All evidence, a bounded number of steps at a time."""
    unsure = _unsure_steps(opinions)
    register = -outside_cost(np.mean([opinion[0, ~unsure] for opinion in opinions], axis=0), bins)
    for start in range(0, len(unsure), STEPS_AT_ONCE):
        block = slice(start, start + STEPS_AT_ONCE)
        spoken = [_speak(opinion[:, block], bins) for opinion in opinions]
        asked = np.flatnonzero(unsure[block])
        rated = rate_pitches("tiny", audio, torch.from_numpy(asked + start))[:, slice(*bins)]
        likelihood = np.sum([np.log(one + DOUBT) for one in spoken], axis=0) + register
        likelihood[asked] += log_rating(rated)
        ratings = np.maximum.reduce(spoken)
        ratings[asked] = np.maximum(ratings[asked], rated)
        yield RatedBlock(likelihood, ratings)


def outside_cost(sure_bins: np.ndarray, bins: tuple[int, int]) -> np.ndarray:
    """What a pitch outside the register of the clip costs: an octave error usually lies there.

    Long audio has a register in each of its blocks.

    Args:
        sure_bins: (n_sure,), pitches that are beyond doubt, in bins.
        bins: first and one after the last bin that may be answered.

    Returns:
        (n_bins,), nats, 0 inside the register.
    """
    every_bin = np.arange(*bins, dtype=np.float32)
    if len(sure_bins) < FEWEST_SURE_STEPS:
        return np.zeros_like(every_bin)
    bins_per_semitone = 100.0 / CENTS_PER_BIN
    low, high = np.quantile(sure_bins, [(1.0 - REGISTER_PART) / 2.0, (1.0 + REGISTER_PART) / 2.0])
    beyond = np.maximum(low - every_bin, every_bin - high) / bins_per_semitone - REGISTER_MARGIN_SEMITONES
    return (OUTSIDE_COST * beyond.clip(0.0, 1.0)).astype(np.float32)


def _speak(opinion: np.ndarray, bins: tuple[int, int]) -> np.ndarray:
    """(2, n_steps) bins and confidence to (n_steps, n_bins) ratings: a bell around the pitch, as high as it is sure."""
    pitch, confidence = opinion[:, :, None].astype(np.float32)
    distance = (np.arange(*bins, dtype=np.float32) - pitch) / OPINION_BINS
    return confidence * np.exp(-0.5 * distance**2)
