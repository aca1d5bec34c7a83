"""Running the command line inside the test process."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from luthier.apps.cli.main import app


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout; anything besides it is a failure."""
        return json.loads(self.stdout)


Command = Callable[..., Outcome]


@pytest.fixture
def luthier_command() -> Command:
    def run(*arguments: object) -> Outcome:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run
