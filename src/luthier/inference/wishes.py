"""What one may wish for when a melody is given to an instrument."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from numbers import Real
from types import NoneType
from typing import TypedDict, cast

import numpy as np

from luthier.dsp.signals import Expression
from luthier.errors import RangeError
from luthier.inference.morph import MorphWith
from luthier.inference.scales import scale_classes

LONGEST_SECONDS = 5.0
MOST = {"autotune": 1.0, "dynamics": 1.0, "vibrato": 10.0, "glide": LONGEST_SECONDS, "attack": LONGEST_SECONDS}
"""The largest value of each wish that begins at zero."""
MOST_DB, MOST_OCTAVES = 120.0, 8
"""What is changed by more is gone, or the only thing that is left."""
FARTHEST = {
    "balance_db": MOST_DB,
    "tilt_db": MOST_DB / 2,
    "semitones": 12.0 * MOST_OCTAVES,
    "cents": 1200.0 * MOST_OCTAVES,
    "loudness": MOST_DB,
}
"""How far the other wishes may lie from zero; the tilt is per octave, and there are six of them."""


class Wishes(TypedDict, total=False):
    """How a melody is fitted to an instrument; what is left out is chosen automatically, or left as it is.

    Attributes:
        octave: whole octaves to shift by; "auto": those that bring it into the instrument's range.
        semitones: to shift by besides.
        cents: to shift by besides; "auto": those that bring the input to A 440.
        autotune: 0 leaves the notes, 1 puts each on the scale.
        scale: of the autotune: "chromatic", "auto" for the key that the melody seems to be in, or "C-major".
        vibrato: factor of its width.
        glide: seconds that a slide from note to note takes at most.
        attack: seconds in which notes grow to their loudness.
        loudness: "auto": distributed as that of the instrument's notes, see `match_loudness`; "standardise": mean and
            spread of all frames become the instrument's, as in the assignment; "none"; or dB to add.
        dynamics: 1 plays every note as loud as the melody asks, 0 as loud as the instrument would, see `follow_level`;
            one that obeys its loudness would play it nearly as the melody asks.
        expression: "input": that of the input, matched to the instrument's; "predict": as the instrument would at
            this pitch and loudness; "auto" chooses, see `fit_expression`.
        offsets: added to the expression, octaves and dB; an instrument that obeys, or has no expression, changes its
            brightness, warmth, hollowness and noisiness by exactly as much.
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


NUMBER, WORD = (Real, "a number"), (str, "a word, see `Wishes`")
EITHER = ((str, Real), "a word, see `Wishes`, or a number")
KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    **dict.fromkeys(Wishes.__annotations__, NUMBER),
    **dict.fromkeys(("octave", "cents", "loudness"), EITHER),
    **dict.fromkeys(("scale", "expression"), WORD),
    "harmonics_db": ((Sequence, np.ndarray), "numbers in a list"),
    "offsets": ((Expression, NoneType), "Expression(...) or None"),
    "morph": ((MorphWith, NoneType), "MorphWith(...) or None"),
}
"""What each wish may be, and how it is called."""


def noisiness_db(wishes: Wishes) -> float:
    """How much noise is asked for beyond what there is."""
    offsets = wishes.get("offsets")
    return 0.0 if offsets is None else float(offsets.noisiness_db)


def check_wishes(wishes: Wishes) -> None:
    """Refuse names that there are not, and numbers outside their range.

    Raises:
        TypeError: an unknown name, as Python does for one; says which may have been meant. Or a value of another kind.
        RangeError: a number that makes no sense.
    """
    for name in wishes:
        if name not in Wishes.__annotations__:
            raise TypeError(f"unknown wish {name!r}: {_meant(name)}")
    _check_kinds(wishes)
    for name, most in MOST.items():
        value = cast("float", wishes.get(name, 0.0))
        if not 0.0 <= value <= most:
            raise RangeError(f"{name} {value}: expected a number from 0 to {most:g}.")
    for name, most in FARTHEST.items():
        wish = wishes.get(name, 0.0)
        if not isinstance(wish, str):
            _check_distance(name, cast("float", wish), most)
    for gain_db in wishes.get("harmonics_db", ()):
        _check_distance("harmonics_db", gain_db, MOST_DB)
    offsets = wishes.get("offsets")
    for name, offset in ({} if offsets is None else offsets._asdict()).items():
        _check_distance(f"offset of {name}", float(offset), MOST_DB if name.endswith("_db") else MOST_OCTAVES)
    scale = wishes.get("scale", "chromatic")
    if scale != "auto":
        scale_classes(scale)


def _check_kinds(wishes: Wishes) -> None:
    """Refuse words in the place of numbers, and single values in the place of groups of them."""
    for name, value in wishes.items():
        kind, expected = KINDS[name]
        if not isinstance(value, kind):
            raise TypeError(f"{name} {value!r}: expected {expected}.")
    gains: Sequence[object] = wishes.get("harmonics_db", ())
    for index, gain_db in enumerate(gains):
        if not isinstance(gain_db, Real):
            raise TypeError(f"harmonics_db[{index}] {gain_db!r}: expected a number.")


def _check_distance(name: str, value: float, most: float) -> None:
    if not abs(value) <= most:
        raise RangeError(f"{name} {value:g}: expected a number from -{most:g} to {most:g}.")


def _meant(name: str) -> str:
    """Which wish somebody may have meant who wrote this."""
    if name in ("gain", "gain_db", "lufs"):
        return "the level is chosen afterwards, with at_level() of the result."
    if any(field.startswith(name) for field in Expression._fields):
        return "it is a part of offsets, see `Wishes`."
    known = [*Wishes.__annotations__]
    near = [wish for wish in known if wish.startswith(name)] or difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}."
