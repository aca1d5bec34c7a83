"""What a failing command says and leaves behind as its exit code."""

from __future__ import annotations

import errno
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from luthier.apps.cli.failures import GuardedCommands
from luthier.errors import AudioFileError


def run(error: BaseException | None = None, arguments: tuple[str, ...] = ("work",)) -> tuple[int, str, str]:
    app = typer.Typer(cls=GuardedCommands, pretty_exceptions_enable=False)

    @app.callback()
    def start() -> None:
        pass

    @app.command()
    def work(count: int = 0) -> None:
        if error is not None:
            raise error

    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def test_success_is_silent() -> None:
    assert run() == (0, "", "")


def test_an_error_of_the_user_is_one_line_and_exit_code_1() -> None:
    found = run(AudioFileError("x.wav: not a\nsound file. Give WAV."))
    assert found == (1, "", "luthier: x.wav: not a sound file. Give WAV.\n")


def test_a_full_disk_is_one_line_and_exit_code_1() -> None:
    code, stdout, stderr = run(OSError(errno.ENOSPC, "No space left on device", "out.wav"))
    assert (code, stdout, stderr.count("\n")) == (1, "", 1)
    assert stderr.startswith("luthier: out.wav: No space left on device.")


def test_an_interruption_is_one_line_and_exit_code_130() -> None:
    assert run(KeyboardInterrupt()) == (130, "", "luthier: stopped.\n")


def test_an_interruption_that_lightning_turns_into_an_exit_is_one_too() -> None:
    stop = SystemExit(1)
    stop.__context__ = KeyboardInterrupt()
    assert run(stop) == (130, "", "luthier: stopped.\n")
    assert run(SystemExit(3)) == (3, "", "")


@pytest.mark.parametrize("error", [ValueError("surprise"), RuntimeError("surprise"), AssertionError("surprise")])
def test_a_mistake_of_ours_shows_the_traceback_and_asks_for_a_report(error: Exception) -> None:
    code, _, stderr = run(error)
    assert code not in (0, 1, 2)
    assert "Traceback" in stderr
    assert "surprise" in stderr
    assert "report" in stderr.splitlines()[-1]


@pytest.mark.parametrize("arguments", [("work", "--nonsense"), ("nothing",), ("work", "--count", "many")])
def test_wrong_usage_is_exit_code_2_without_a_traceback(arguments: tuple[str, ...]) -> None:
    code, stdout, stderr = run(arguments=arguments)
    assert (code, stdout) == (2, "")
    assert "Traceback" not in stderr
    assert "Usage" in stderr


def test_a_reader_that_goes_away_is_no_reason_to_complain() -> None:
    code = (
        "import sys; from luthier.apps.cli.main import main; sys.argv = ['luthier', 'info', 'tiny', '--json']; main()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
