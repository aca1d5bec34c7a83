"""What one may wish for when a melody is given to an instrument."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from luthier.dsp.signals import Expression
from luthier.inference.morph import MorphWith


class Wishes(TypedDict, total=False):
    """How a melody is fitted to an instrument; what is left out is chosen automatically, or left as it is.

    Attributes:
        octave: whole octaves to shift by; "auto": those that bring it into the instrument's range.
        semitones: to shift by besides.
        cents: to shift by besides; "auto": those that bring the input to A 440.
        autotune: 0 leaves the notes, 1 puts each on the scale.
        scale: of the autotune: "chromatic", "auto" for the key that the melody seems to be in, or "C-major".
        vibrato: factor of its width.
        glide: seconds that a slide from note to note takes.
        attack: seconds in which notes grow to their loudness.
        loudness: "auto": distributed as that of the instrument's notes, see `match_loudness`; "standardise": mean and
            spread of all frames become the instrument's, as in the assignment; "none"; or dB to add.
        dynamics: 1 plays every note as loud as the melody asks, 0 as loud as the instrument would, see `follow_level`.
        expression: "input": that of the input, matched to the instrument's; "predict": as the instrument would at
            this pitch and loudness; "auto" chooses, see `fit_expression`.
        offsets: added to the expression, octaves and dB; an instrument that obeys changes its brightness, warmth,
            hollowness and noisiness by exactly as much.
        gate_db, quiet_db, voicing: as in `GateSettings`.
        balance_db, tilt_db, harmonics_db: as in `Colour`.
        morph: a second instrument.
    """

    octave: str | int
    semitones: float
    cents: str | float
    autotune: float
    scale: str
    vibrato: float
    glide: float
    attack: float
    loudness: str | float
    dynamics: float
    expression: str
    offsets: Expression | None
    gate_db: float
    quiet_db: float
    voicing: bool
    balance_db: float
    tilt_db: float
    harmonics_db: Sequence[float]
    morph: MorphWith | None
