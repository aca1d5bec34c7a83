"""The check-up of one recording: everything that is measured, in one go."""

from __future__ import annotations

from typing import NamedTuple

from luthier.analysis.checkup_bandwidth import Bandwidth, measure_bandwidth
from luthier.analysis.checkup_hum import Hum, measure_hum
from luthier.analysis.checkup_level import Level, measure_level
from luthier.analysis.checkup_material import Material
from luthier.analysis.checkup_noise import Noise, measure_noise
from luthier.analysis.checkup_range import Seconds, note_seconds
from luthier.analysis.checkup_room import measure_room
from luthier.analysis.checkup_sources import SoundPrint, sound_print
from luthier.analysis.checkup_spectra import Spectra, measure_spectra
from luthier.analysis.checkup_tuning import Tuning, measure_tuning
from luthier.analysis.checkup_voices import Voices, measure_voices


class Checkup(NamedTuple):
    """What is known of a recording.

    Attributes:
        seconds: its length.
        sample_rate: Hz.
        cancelled_db: by how much the file's channels cancel each other.
        f0_range_hz: lowest and highest pitch looked for.
        sounding_seconds: without rests.
        pitched_seconds: with a pitch that an instrument can learn from.
        note_seconds: (128,), seconds of each MIDI note.
        level, noise, hum, bandwidth, tuning, voices: see there.
        t60_seconds: of the room; None where notes never end freely.
        spectra: mean and floor.
        sound_print: for comparison with other recordings; None without pitch.
    """

    seconds: float
    sample_rate: int
    cancelled_db: float
    f0_range_hz: tuple[float, float]
    sounding_seconds: float
    pitched_seconds: float
    note_seconds: Seconds
    level: Level
    noise: Noise
    hum: Hum
    bandwidth: Bandwidth
    tuning: Tuning
    voices: Voices
    t60_seconds: float | None
    spectra: Spectra
    sound_print: SoundPrint | None

    @property
    def unpitched_share(self) -> float:
        """Part of what sounds that has no pitch."""
        return 1.0 - self.pitched_seconds / self.sounding_seconds if self.sounding_seconds > 0 else 1.0


def measure(material: Material, cancelled_db: float = 0.0) -> Checkup:
    """Measure a recording of any length; takes a few hundredths of its duration."""
    spectra = measure_spectra(material.audio, material.sample_rate)
    t60_seconds = measure_room(material)
    return Checkup(
        seconds=material.seconds,
        sample_rate=material.sample_rate,
        cancelled_db=cancelled_db,
        f0_range_hz=material.f0_range_hz,
        sounding_seconds=float(material.is_sounding.sum()) * material.seconds_per_frame,
        pitched_seconds=float(material.is_pitched.sum()) * material.seconds_per_frame,
        note_seconds=note_seconds(material),
        level=measure_level(material.audio),
        noise=measure_noise(spectra),
        hum=measure_hum(material),
        bandwidth=measure_bandwidth(spectra),
        tuning=measure_tuning(material),
        voices=measure_voices(material),
        t60_seconds=t60_seconds,
        spectra=spectra,
        sound_print=sound_print(material, spectra, t60_seconds),
    )
