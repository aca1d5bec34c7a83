"""What a failing command says, and the exit code it leaves behind."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

import typer
from typer.core import TyperGroup

from luthier.apps.cli.output import say
from luthier.errors import LuthierError

USERS_ERROR = 1
INTERRUPTED = 130
"""128 + SIGINT, as shells count."""
OUR_ERROR = 70
"""EX_SOFTWARE of sysexits.h: a mistake of this program, not of its user."""
REPORT = (
    "luthier: this is a mistake in Luthier, not yours. Please report the lines above, with `luthier doctor --json`."
)


class GuardedCommands(TyperGroup):
    """A group of commands that turns what they raise into one line and an exit code.

    Usage errors never come here: the parser answers them with exit code 2.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except SystemExit as stop:
            # Lightning answers Ctrl-C by leaving the process by itself.
            if isinstance(stop.__context__, KeyboardInterrupt):
                raise typer.Exit(explain(stop.__context__)) from None
            raise
        except (Exception, KeyboardInterrupt) as error:
            if _is_of_the_parser(error):
                raise
            raise typer.Exit(explain(error)) from None


def explain(error: BaseException) -> int:
    """Say on stderr what happened; the answer is the exit code."""
    if isinstance(error, BrokenPipeError):
        _forget_stdout()
        return USERS_ERROR
    if isinstance(error, KeyboardInterrupt):
        say("luthier: stopped.")
        return INTERRUPTED
    if isinstance(error, LuthierError):
        say(f"luthier: {_one_line(str(error))}")
        return USERS_ERROR
    if isinstance(error, OSError):
        say(f"luthier: {_one_line(_describe(error))}")
        return USERS_ERROR
    traceback.print_exception(error)
    say(REPORT)
    return OUR_ERROR


def _describe(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}. Check the name, the rights and the free space."


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _is_of_the_parser(error: BaseException) -> bool:
    """Whether the command line parser raised it and knows itself what to say."""
    return any(kind.__module__.split(".")[0] in ("typer", "click") for kind in type(error).__mro__)


def _forget_stdout() -> None:
    """Whoever read our output has gone: keep Python from complaining about it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
