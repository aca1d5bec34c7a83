"""The command `luthier`: one file per command, heavy imports inside the commands."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated

import typer

import luthier
from luthier.apps.cli.build import build
from luthier.apps.cli.check import check
from luthier.apps.cli.demo import demo
from luthier.apps.cli.doctor import doctor
from luthier.apps.cli.evaluate import evaluate
from luthier.apps.cli.export import export
from luthier.apps.cli.failures import GuardedCommands
from luthier.apps.cli.info import info
from luthier.apps.cli.instruments import instruments
from luthier.apps.cli.output import show_logs
from luthier.apps.cli.prepare import prepare
from luthier.apps.cli.ratings import ratings
from luthier.apps.cli.resynth import resynth
from luthier.apps.cli.room import room
from luthier.apps.cli.studio import studio
from luthier.apps.cli.synth import synth
from luthier.apps.cli.train import train
from luthier.apps.cli.transfer import transfer

COMMANDS: tuple[Callable[..., None], ...] = (
    demo,
    build,
    check,
    prepare,
    train,
    evaluate,
    ratings,
    resynth,
    transfer,
    room,
    synth,
    export,
    studio,
    instruments,
    info,
    doctor,
)

app = typer.Typer(
    name="luthier",
    cls=GuardedCommands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"luthier {luthier.__version__}")
        raise typer.Exit


@app.callback()
def start(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Turn recordings of an instrument into an instrument that you can play.

    Start with: luthier demo
    """
    show_logs()
    # Read when torch is loaded, which the commands do later. Threads that spin for milliseconds while they wait for each
    # other take the cores from whatever else runs: on a busy machine a command lasted up to eight times as long. These
    # spins last microseconds, which is as fast on an idle machine. (Linux; elsewhere nobody reads it.)
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")


for command in COMMANDS:
    app.command(command.__name__)(command)


def main() -> None:
    """Run the command line."""
    app()
