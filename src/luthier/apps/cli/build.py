"""`luthier build`: recordings to an instrument in one go."""

from __future__ import annotations

import json as json_format
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from luthier.apps.build_places import BuildPlaces, BuildProgress
from luthier.apps.cli.check import check
from luthier.apps.cli.evaluate import evaluate
from luthier.apps.cli.options import Force, Json, Set
from luthier.apps.cli.output import print_json, results_only, say
from luthier.apps.cli.prepare import feature_definition, prepare
from luthier.apps.cli.train import train
from luthier.atomic import refuse_existing, refuse_unwritable
from luthier.errors import ConfigError, OutputError, TrainingError, TrainingIsOverError


def build(
    recordings: Annotated[list[Path], typer.Argument(help="Sound files, or folders to search for them.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Instrument file to write, .safetensors.")],
    preset: Annotated[str, typer.Option(help="What to train: fast, studio and others.")] = "fast",
    minutes: Annotated[
        float | None, typer.Option(help="Budget of the training: so many minutes. Without any: as suits the material.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Budget of the training: so many steps.")] = None,
    refit: Annotated[
        bool,
        typer.Option(
            help="Learn twice: then from the validation passages, too. Without, the training takes half as long."
        ),
    ] = True,
    credit: Annotated[str, typer.Option(help="Whom to name when sharing sounds of the instrument.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the recordings, for example CC-BY-4.0.")] = "",
    settings: Set = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the same command was interrupted.")] = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Check, prepare, train and evaluate: recordings to an instrument in one go."""
    places = BuildPlaces(output)
    if places.folder.exists() and not (resume or force):
        raise OutputError(f"{places.folder}: found an earlier build. --resume goes on with it, --force begins anew.")
    refuse_existing(output, force=force or resume)
    from luthier.data.recordings import collect_recordings
    from luthier.training.run_folder import default_run_folder, refuse_other_names

    refuse_other_names(output)
    refuse_unwritable(output)
    found = collect_recordings(recordings).recordings

    settings = settings or []
    measured = _measured_otherwise(preset, settings)
    told = _checked_settings(preset, settings, measured, {"minutes": minutes, "steps": steps})
    wanted = {
        "recordings": _known_by(recordings, found),
        "preset": preset,
        "settings": settings,
        "credit": credit,
        "licence": licence,
    }
    now = BuildProgress(wanted, {"minutes": minutes, "steps": steps, "refit": refit})
    now = now.resumed(places) if resume else now
    with results_only():
        if not (resume and places.check.exists()):
            say("1 of 4: are the recordings fit to train on?")
            check(recordings, places.check, force=force)
            if force and places.dataset.exists():  # of the build before
                shutil.rmtree(places.dataset)
        now.write(places)
        if not (resume and places.dataset.exists()):
            say("2 of 4: pitch, loudness and expression")
            prepare(recordings, places.dataset, preset, credit=credit, licence=licence, force=force, **measured)
        now = _without_other_training(now, places)
        if not now.is_trained:
            say("3 of 4: training")
            goes_on = now.is_begun and default_run_folder(output).checkpoint.is_file()
            anew = force or (resume and not goes_on)
            now = now._replace(is_begun=True)
            now.write(places)
            wish = [*told, f"refit={str(refit).lower()}"]
            with _may_be_over():
                train(places.dataset, output, preset, minutes, steps, resume=goes_on, settings=wish, force=anew)
            now._replace(is_trained=True).write(places)
        say("4 of 4: how good it is, on passages that it never heard")
        evaluate(output, places.dataset, places.report, force=True)
    if json:
        scores = json_format.loads((places.report / "scores.json").read_text(encoding="utf-8"))
        print_json({"output": output, "dataset": places.dataset, "report": places.report_page} | scores)
    else:
        print(places.report_page)
        print(output)


@contextmanager
def _may_be_over() -> Iterator[None]:
    """A build may have died between writing its instrument and noting that, or be given a smaller budget."""
    try:
        yield
    except TrainingIsOverError as over:
        say(str(over))


def _without_other_training(now: BuildProgress, places: BuildPlaces) -> BuildProgress:
    """Where somebody prepared the dataset anew since, with a pitch corrected by hand, training begins anew."""
    from luthier.data.dataset import Dataset
    from luthier.training.run_folder import default_run_folder, is_same_dataset

    run = default_run_folder(places.output)
    try:
        if not (now.is_begun and run.checkpoint.is_file()) or is_same_dataset(run, Dataset.open(places.dataset)):
            return now
    except TrainingError:  # a damaged checkpoint: what is trained is trained, and training says it where it needs it
        return now
    say(f"{places.dataset}: was prepared anew since it was trained on. Training begins anew, too.")
    return now._replace(is_begun=False, is_trained=False)


def _known_by(given: list[Path], found: Iterable[Path]) -> list[list[str | int]]:
    """Names and sizes of recordings; where their folder lies does not matter, it may have moved."""
    folders = [path for path in given if path.is_dir()]
    names = {
        path: next((path.relative_to(folder) for folder in folders if path.is_relative_to(folder)), Path(path.name))
        for path in found
    }
    return sorted([name.as_posix(), path.stat().st_size] for path, name in names.items())


def _measured_otherwise(preset: str, settings: list[str]) -> dict[str, Any]:
    """Of the settings those that preparation has to know: sample rate, tracker and so on."""
    from luthier.model.overrides import place_overrides
    from luthier.training.settings import PREPARED, SECTIONS, parse_settings

    features = place_overrides(parse_settings(settings), SECTIONS).get("instrument", {}).get("features", {})
    odd = [name for name in features if name not in PREPARED]
    if odd:
        raise ConfigError(
            f"--set {odd[0]}: a build measures it as {preset} does. What can be set is {', '.join(PREPARED)}."
        )
    return dict(features)


def _checked_settings(
    preset: str, settings: list[str], measured: dict[str, Any], budget: dict[str, float | None]
) -> list[str]:
    """Read all settings once before hours of work begin; the answer is what training is to be told."""
    from luthier.model.instrument import Instrument
    from luthier.training.settings import parse_settings, resolve_settings, settings_tables
    from luthier.training.start import start_path

    definition = feature_definition(preset, measured)
    if measured:  # one of the two follows from the other
        settings = [*settings, f"sample_rate={definition.sample_rate}", f"hop_length={definition.hop_length}"]
    given = {name: value for name, value in budget.items() if value is not None}
    tables = settings_tables(preset, overrides=parse_settings(settings) | given)
    resolved = resolve_settings(tables, definition)
    Instrument(resolved.instrument)
    if resolved.training.start:
        start_path(resolved.training.start)
    return settings
