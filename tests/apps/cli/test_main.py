from __future__ import annotations

import os
import subprocess
import sys

import luthier


def test_version_is_the_packages(luthier_command) -> None:
    assert luthier_command("--version").stdout == f"luthier {luthier.__version__}\n"


def test_python_runs_it_where_the_command_is_not_on_the_path() -> None:
    command = [sys.executable, "-m", "luthier", "info", "nothing.safetensors"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (outcome.returncode, outcome.stdout, outcome.stderr.count("\n")) == (1, "", 1)
    assert outcome.stderr.startswith("luthier: ")


def test_help_names_every_command_of_the_contract(luthier_command) -> None:
    listed = {line.split()[0] for line in luthier_command("--help").stdout.split("Commands:")[1].splitlines() if line}
    assert {"demo", "prepare", "train", "evaluate", "resynth", "transfer", "room", "synth", "info", "doctor"} <= listed


def test_nothing_at_all_shows_the_help(luthier_command) -> None:
    outcome = luthier_command()
    assert "Commands:" in outcome.stdout + outcome.stderr


def test_threads_spin_shortly_which_torch_has_to_know_before_it_is_loaded() -> None:
    code = (
        "import os, sys; from luthier.apps.cli import main; main.start();"
        "assert 'torch' not in sys.modules; print(os.environ['GOMP_SPINCOUNT'])"
    )
    for own, used in ((None, "2000"), ("7", "7")):
        environment = {key: value for key, value in os.environ.items() if key != "GOMP_SPINCOUNT"}
        environment |= {"GOMP_SPINCOUNT": own} if own else {}
        found = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        assert found.stdout.strip() == used
