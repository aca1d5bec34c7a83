"""`luthier transfer`: what somebody sings or plays, played by an instrument."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from luthier.apps.cli.failures import USERS_ERROR
from luthier.apps.cli.options import INSTRUMENT, Dry, Force, Gain, Json, Lufs, Room, SoundOutput, Stems, Wet, is_given
from luthier.apps.cli.output import print_json, say
from luthier.apps.cli.places import refuse_overwriting
from luthier.apps.cli.sounds import Level, check_sound, load_room, stem_names, stem_paths
from luthier.atomic import refuse_suffix
from luthier.errors import LuthierError, OutputError

if TYPE_CHECKING:
    from luthier.apps.transfer_run import TransferPlan
    from luthier.inference.morph import MorphWith

LOUDNESS_WORDS = ("auto", "standardise", "none")
Number = TypeVar("Number", int, float)


APPLY_TO_CURVES = {
    "input_", "instrument", "output", "dry", "room", "wet", "gain", "lufs", "stems", "force", "json",
}  # fmt: skip
"""Saved curves are played as they are: everything that fits or shapes a melody has nothing to work on."""

NEEDED = {"scale": "autotune", "morph_amount": "morph"}
"""Options that say something about another one only."""


def transfer(
    context: typer.Context,
    input_: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="Sound file: a voice, or any single melody; a folder of them; or curves written by --save-curves.",
        ),
    ],
    instrument: Annotated[Path, typer.Option("--to", help=INSTRUMENT)],
    output: SoundOutput,
    octave: Annotated[str, typer.Option(help="auto: into the instrument's range; or a number of octaves.")] = "auto",
    semitones: Annotated[float, typer.Option(help="Semitones to shift by, besides the octaves.")] = 0.0,
    cents: Annotated[str, typer.Option(help="Cents to shift by; auto: to A 440.")] = "0",
    autotune: Annotated[float, typer.Option(help="Put notes in tune: 0 not at all, 1 wholly.")] = 0.0,
    scale: Annotated[
        str, typer.Option(help="For --autotune: chromatic; auto, the key it seems to be in; or C-major, F#-minor.")
    ] = "chromatic",
    vibrato: Annotated[float, typer.Option(help="Times as wide a vibrato: 0 none, 1 as it is.")] = 1.0,
    glide: Annotated[float, typer.Option(help="Seconds that a slide from note to note takes at most.")] = 0.0,
    attack: Annotated[float, typer.Option(help="Seconds in which notes grow to their loudness.")] = 0.0,
    loudness: Annotated[
        str,
        typer.Option(
            help="auto: soft and loud as the instrument's notes; standardise: mean and spread of the instrument; "
            "none: as it is; or a number of dB to add."
        ),
    ] = "auto",
    dynamics: Annotated[
        float, typer.Option(help="1: each note as loud as the melody asks; 0: as loud as the instrument would play it.")
    ] = 1.0,
    gate: Annotated[float, typer.Option(help="What is so many dB below the loud notes is a rest.")] = 40.0,
    quiet: Annotated[float, typer.Option(help="dB by which rests are turned down at most.")] = 100.0,
    voicing: Annotated[bool, typer.Option(help="Play consonants and breaths as noise, or as notes.")] = True,
    expression: Annotated[
        str,
        typer.Option(
            help="How it is played. input: as bright, warm, noisy as the input, matched to the instrument's; predict: "
            "as the instrument would by itself; auto: as the input where that suits the instrument."
        ),
    ] = "auto",
    brightness: Annotated[float, typer.Option(help="Octaves by which the harmonics' centre is raised.")] = 0.0,
    warmth: Annotated[float, typer.Option(help="dB more of the fundamental against the other harmonics.")] = 0.0,
    hollowness: Annotated[float, typer.Option(help="dB more of the odd harmonics.")] = 0.0,
    noisiness: Annotated[float, typer.Option(help="dB more of noise against the harmonics of notes.")] = 0.0,
    air: Annotated[
        float, typer.Option(help="Octaves by which the instrument is told that the noise's centre is higher.")
    ] = 0.0,
    balance: Annotated[
        float, typer.Option(help="dB more of harmonics against noise, whatever the network says.")
    ] = 0.0,
    tilt: Annotated[float, typer.Option(help="dB for each octave by which high harmonics are raised.")] = 0.0,
    harmonics: Annotated[str, typer.Option(help="dB for single harmonics from the first on: 0,-6,3.")] = "",
    morph: Annotated[Path | None, typer.Option(help="Second instrument: play something between the two.")] = None,
    morph_amount: Annotated[float, typer.Option(help="0: the first instrument, 1: the second.")] = 0.5,
    dry: Dry = False,
    room: Room = None,
    wet: Wet = 1.0,
    gain: Gain = 0.0,
    lufs: Lufs = None,
    start: Annotated[float, typer.Option("--from", help="Begin there, seconds.")] = 0.0,
    stop: Annotated[float | None, typer.Option("--until", help="End there, seconds.")] = None,
    stems: Stems = False,
    save_curves: Annotated[
        Path | None, typer.Option(help="Write what is played, frame by frame, .csv or .npz.")
    ] = None,
    save_midi: Annotated[Path | None, typer.Option(help="Write the notes, .mid.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture of before and after, .png.")] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Play a melody with an instrument: pitch and loudness are kept, the timbre is the instrument's."""
    numbers = (
        _octave(octave),
        _number_or(cents, ("auto",), "--cents"),
        _number_or(loudness, LOUDNESS_WORDS, "--loudness"),
    )
    harmonics_db = _numbers(harmonics)
    check_sound(dry=dry, room=room, wet=wet, level=Level(gain, lufs))
    _refuse_what_cannot_apply(context, input_)
    pairs = _files(input_, output, [path for path in (save_curves, save_midi, plot) if path is not None])
    written = [save_curves, save_midi, plot, *(target for _, target in pairs)]
    read = [room, *(source for source, _ in pairs)]
    refuse_overwriting(written, read, force=force)
    import torch

    from luthier.apps.transfer_run import Beside, TransferPlan
    from luthier.dsp.signals import Expression
    from luthier.evaluation import plots
    from luthier.export import control_curves, midi_notes
    from luthier.inference.player import load_player
    from luthier.inference.rendering import RoomChoice
    from luthier.inference.wishes import Wishes

    for path, what, suffixes in (
        (save_curves, "curves", control_curves.SUFFIXES),
        (save_midi, "notes", midi_notes.SUFFIXES),
        (plot, "pictures", plots.SUFFIXES),
    ):
        if path is not None:
            refuse_suffix(path, what, suffixes)
    player = load_player(instrument)
    if stems:
        names = stem_names(player)
        parts = [part for _, target in pairs for part in stem_paths(target, names)]
        refuse_overwriting([*written, *parts], read, force=force)
    plan = TransferPlan(
        player,
        Wishes(
            octave=numbers[0], semitones=semitones, cents=numbers[1], autotune=autotune, scale=scale, vibrato=vibrato,
            glide=glide, attack=attack, loudness=numbers[2], dynamics=dynamics, gate_db=gate, quiet_db=quiet, voicing=voicing,
            expression=expression, balance_db=balance, tilt_db=tilt, harmonics_db=harmonics_db,
            offsets=Expression(*map(torch.tensor, (brightness, warmth, hollowness, noisiness, air))),
            morph=_morph(morph, morph_amount),
        ),
        RoomChoice(load_room(room, player.sample_rate), 0.0 if dry else wet, rings_out=True),
        Level(gain, lufs),
        (start, stop),
        Beside(stems, save_curves, save_midi, plot),
        force,
    )  # fmt: skip
    _play(pairs, plan, json=json, is_folder=input_.is_dir())


def _play(pairs: list[tuple[Path, Path]], plan: TransferPlan, *, json: bool, is_folder: bool) -> None:
    """Play file after file; one that cannot be played does not keep the others of a folder from it."""
    from luthier.apps.transfer_run import transfer_file

    reports, n_failed = [], 0
    for source, target in pairs:
        try:
            report = transfer_file(source, target, plan)
        except LuthierError as error:
            if not is_folder:
                raise
            say(f"luthier: {error}")
            n_failed += 1
            continue
        reports.append(report)
        for warning in report["warnings"]:
            say(f"luthier: {warning}")
        if not json:
            print("\n".join(str(path) for path in (report["output"], *report["stems"])))
    if json:
        print_json({"outputs": reports} if is_folder else reports[0])
    if n_failed:
        raise typer.Exit(USERS_ERROR)


def _files(input_: Path, output: Path, beside: list[Path]) -> list[tuple[Path, Path]]:
    """Which file is played into which."""
    if not input_.is_dir():
        return [(input_, output)]
    from luthier.data.audio_files import WRITABLE
    from luthier.data.recordings import collect_recordings

    if output.suffix.lower() in WRITABLE:
        raise typer.BadParameter(f"{input_}: is a folder, whose sounds go into a folder. {output} is a file's name.")
    if beside:
        raise typer.BadParameter(f"{input_}: is a folder; --save-curves, --save-midi and --plot are for one file.")
    if input_.resolve() in (output.resolve(), *output.resolve().parents):
        raise OutputError(
            f"{output}: lies in the folder that is played; the next time it would be played, too. Choose another."
        )
    sources = collect_recordings([input_]).recordings
    targets = [output / source.relative_to(input_).with_suffix(".wav") for source in sources]
    if len(set(targets)) < len(targets):
        raise OutputError(f"{input_}: two files differ in their suffix only. Rename one: both would become one .wav.")
    return list(zip(sources, targets, strict=True))


def _refuse_what_cannot_apply(context: typer.Context, input_: Path) -> None:
    """Stop where an option is given that would change nothing."""
    from luthier.export.control_curves import is_control_curves

    for name, needed in NEEDED.items():
        if is_given(context, name) and not is_given(context, needed):
            raise typer.BadParameter(f"--{name.replace('_', '-')} changes nothing without --{needed}.")
    if not is_control_curves(input_):
        return
    idle = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name not in APPLY_TO_CURVES and is_given(context, parameter.name or "")
    ]
    if idle:
        raise typer.BadParameter(f"{input_}: curves are played as they are; leave out {', '.join(idle)}.")


def _morph(path: Path | None, amount: float) -> MorphWith | None:
    if path is None:
        return None
    from luthier.inference.morph import MorphWith
    from luthier.inference.player import load_player

    return MorphWith(load_player(path).instrument, amount)


def _octave(text: str) -> str | int:
    return text if text == "auto" else _parsed(int, text, "auto or a whole number", "--octave")


def _number_or(text: str, words: tuple[str, ...], option: str) -> str | float:
    return text if text in words else _parsed(float, text, f"{', '.join(words)} or a number", option)


def _numbers(text: str) -> tuple[float, ...]:
    cells = text.split(",") if text else []
    return tuple(_parsed(float, cell, "numbers with commas between them", "--harmonics") for cell in cells)


def _parsed(kind: Callable[[str], Number], text: str, expected: str, option: str) -> Number:
    try:
        return kind(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r}: expected {expected}.", param_hint=option) from None
