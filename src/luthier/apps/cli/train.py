"""`luthier train`: a dataset to an instrument."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luthier.apps.cli.options import Force, Json, Set
from luthier.apps.cli.output import print_json, results_only, say_next
from luthier.atomic import refuse_existing


def train(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder made by `luthier prepare`.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Instrument file to write, .safetensors.")],
    preset: Annotated[str, typer.Option(help="What to train: fast, tiny, string-along and others.")] = "fast",
    minutes: Annotated[
        float | None, typer.Option(help="Budget: so many minutes. Without any: as many steps as suit the material.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Budget: so many steps.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Budget: so many epochs.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the run folder.")] = False,
    refit: Annotated[
        bool | None,
        typer.Option(
            help="Then learn once more, from the validation passages, too. As long again, but for --minutes, which hold "
            "both. With --resume: refit a run that is over."
        ),
    ] = None,
    run_folder: Annotated[
        Path | None,
        typer.Option(help="Where checkpoints, sounds and pictures go; NAME-run beside the output if absent."),
    ] = None,
    example: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH[@SEMITONES]", help="A clip to play with the instrument as it learns; may be repeated."
        ),
    ] = None,
    settings: Set = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of settings that differ from the preset.")] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Train an instrument on a dataset."""
    refuse_existing(output, force=force or resume)
    from luthier.apps.cli.training_lines import say_end, say_epoch, say_refit, say_start
    from luthier.training.listening import parse_example
    from luthier.training.run import RunOptions
    from luthier.training.run import train as train_instrument
    from luthier.training.settings import parse_settings

    budget = {"minutes": minutes, "steps": steps, "epochs": epochs}
    overrides = parse_settings(settings or []) | {k: v for k, v in budget.items() if v is not None}
    if refit is not None:
        overrides["refit"] = refit
    options = RunOptions(
        run_folder=run_folder,
        resume=resume,
        force=force,
        examples=[parse_example(text) for text in example or []],
        on_start=say_start,
        on_epoch=say_epoch,
        on_refit=say_refit,
    )
    with results_only():
        result = train_instrument(dataset, output, preset=preset, config_file=config, options=options, **overrides)
    say_end(result)
    if json:
        print_json(result._asdict())
    else:
        print(output)
        if not result.refit_steps:
            place = ["--run-folder", run_folder] if run_folder else []
            once_more = ["train", dataset, "-o", output, *place, "--resume", "--refit"]
            say_next(*once_more, purpose="Once more, from all but the test")
        say_next("transfer", "VOICE.wav", "--to", output, "-o", "OUT.wav")
