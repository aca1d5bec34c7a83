"""`luthier prepare`: recordings to a dataset folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luthier.apps.cli.options import Force, Json
from luthier.apps.cli.output import print_json, print_table, results_only, say_next
from luthier.apps.cli.progress import counted

if TYPE_CHECKING:
    from luthier.data.prepare import PrepareReport


def prepare(
    recordings: Annotated[list[Path], typer.Argument(help="Sound files, or folders to search for them.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Dataset folder to make.")],
    preset: Annotated[str, typer.Option(help="Preset to train later: sets rate, hop, tracker and loudness.")] = "fast",
    sample_rate: Annotated[
        int | None, typer.Option(help="Sample rate of the instrument, Hz; frames a second stay.")
    ] = None,
    hop_length: Annotated[int | None, typer.Option(help="Samples from one feature frame to the next.")] = None,
    tracker: Annotated[
        str | None, typer.Option(help="Pitch tracker: auto (that is cascade), swift, crepe-tiny or crepe.")
    ] = None,
    f0_min_hz: Annotated[float | None, typer.Option(help="Lowest pitch of the instrument, Hz.")] = None,
    f0_max_hz: Annotated[float | None, typer.Option(help="Highest pitch of the instrument, Hz.")] = None,
    credit: Annotated[str, typer.Option(help="Whom to name when sharing sounds of the instrument.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the recordings, for example CC-BY-4.0.")] = "",
    save_f0: Annotated[
        Path | None,
        typer.Option(help="New folder for the pitch of each recording as a CSV file, to look at and to correct."),
    ] = None,
    use_f0: Annotated[
        Path | None,
        typer.Option(help="Folder of such files: their pitch is used; recordings without one are tracked."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Recordings worked on at once; one per core if absent.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Dask scheduler whose workers do the work, such as tcp://10.0.0.1:8786. They must see the "
            "recordings and the dataset folder under the same paths: a shared file system.",
        ),
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Turn recordings of one instrument in one room into a dataset."""
    from luthier.atomic import refuse_existing

    refuse_existing(output, force=force)
    from luthier.data.prepare import prepare as prepare_dataset

    given = {
        "sample_rate": sample_rate,
        "hop_length": hop_length,
        "tracker": tracker,
        "f0_min_hz": f0_min_hz,
        "f0_max_hz": f0_max_hz,
    }
    definition = feature_definition(preset, {key: value for key, value in given.items() if value is not None})
    with results_only(), counted("recordings") as on_progress:
        report = prepare_dataset(
            recordings,
            output,
            definition,
            n_jobs=jobs,
            cluster=cluster,
            force=force,
            credit=credit,
            licence=licence,
            save_f0=save_f0,
            use_f0=use_f0,
            on_progress=on_progress,
        )
    if json:
        print_json(_document(report))
    else:
        _print_report(report)
        chosen = ["--preset", preset] if preset != "fast" and _suits(preset, definition) else []
        say_next("train", output, "-o", "INSTRUMENT.safetensors", *chosen)


def feature_definition(preset: str, given: dict[str, Any]) -> Any:
    """The preset's feature definition with the values given on the command line; another rate keeps the frames a second."""
    from luthier.features.pitch import check_tracking
    from luthier.model.presets import instrument_config
    from luthier.training.settings import settings_tables

    if isinstance(given.get("sample_rate"), int) and "hop_length" not in given:
        usual = instrument_config(settings_tables(preset)["instrument"]).features
        given = given | {"hop_length": max(1, round(given["sample_rate"] / usual.frame_rate))}
    overrides = {f"instrument.features.{key}": value for key, value in given.items()}
    definition = instrument_config(settings_tables(preset, overrides=overrides)["instrument"]).features
    check_tracking(definition.tracker, definition.f0_min_hz, definition.f0_max_hz)
    return definition


def _suits(preset: str, definition: Any) -> bool:
    """Whether a preset takes features that were chosen by hand."""
    from luthier.errors import DatasetError
    from luthier.training.settings import resolve_settings, settings_tables

    try:
        resolve_settings(settings_tables(preset), definition)
    except DatasetError:
        return False
    return True


def _document(report: PrepareReport) -> dict[str, object]:
    return {
        "output": report.output,
        "recordings": report.n_recordings,
        "seconds": report.seconds,
        "skipped": [{"path": entry.path, "reason": entry.reason} for entry in report.skipped],
        "duplicates": [{"path": entry.path, "same_as": entry.same_as} for entry in report.duplicates],
        "ignored_files": report.n_ignored,
        "given_f0": report.n_given_f0,
        "split": {
            "method": report.split.method,
            **{part: len(getattr(report.split, part)) for part in ("train", "validation", "test")},
        },
    }


def _print_report(report: PrepareReport) -> None:
    rows: list[tuple[object, object]] = [
        ("recordings read", report.n_recordings),
        ("minutes", f"{report.seconds / 60:.2f}"),
        ("split by", report.split.method),
        ("blocks for training", len(report.split.train)),
        ("blocks for validation", len(report.split.validation)),
        ("blocks for test", len(report.split.test)),
        ("pitch from your files", report.n_given_f0),
        ("skipped as unusable", len(report.skipped)),
        ("skipped as duplicates", len(report.duplicates)),
        ("other files in the folders", report.n_ignored),
    ]
    print_table(("dataset", str(report.output)), rows)
    if report.skipped:
        print()
        print_table(("skipped", "why"), [(entry.path, entry.reason) for entry in report.skipped])
