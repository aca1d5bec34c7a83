from __future__ import annotations

import luthier


def test_version_is_the_packages(luthier_command) -> None:
    assert luthier_command("--version").stdout == f"luthier {luthier.__version__}\n"


def test_help_names_every_command_of_the_contract(luthier_command) -> None:
    listed = {line.split()[0] for line in luthier_command("--help").stdout.split("Commands:")[1].splitlines() if line}
    assert {"demo", "prepare", "train", "evaluate", "resynth", "transfer", "room", "synth", "info", "doctor"} <= listed


def test_nothing_at_all_shows_the_help(luthier_command) -> None:
    outcome = luthier_command()
    assert "Commands:" in outcome.stdout + outcome.stderr
