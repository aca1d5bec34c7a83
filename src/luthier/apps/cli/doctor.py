"""`luthier doctor`: is everything here that is needed, and what could be added?"""

from __future__ import annotations

import typer

from luthier.apps.cli.options import Json
from luthier.apps.cli.output import print_json, print_table
from luthier.errors import LuthierError


def doctor(json: Json = False) -> None:
    """Show versions, devices and extras, and test the installation with a tone."""
    try:
        from luthier.apps import diagnosis
    except ImportError as error:
        raise LuthierError(f"{error}. Install it again: pip install --force-reinstall luthier") from error

    versions, machine, extras = diagnosis.versions(), diagnosis.machine(), diagnosis.extras()
    test = diagnosis.self_test()
    missing = [name for name, version in versions.items() if version is None]
    document = {
        "versions": versions,
        "machine": machine,
        "extras": {
            extra.name: {"installed": extras[extra.name], "gives": extra.gives, "install": extra.install}
            for extra in diagnosis.EXTRAS
        },
        "self_test": test._asdict(),
        "missing": missing,
    }
    if json:
        print_json(document)
    else:
        print_table(("what", "found"), [(name, version or "missing") for name, version in versions.items()])
        print()
        print_table(("machine", ""), [(name, _text(value)) for name, value in machine.items()])
        print()
        rows = [
            (extra.name, "yes" if extras[extra.name] else f"no: {extra.install}", extra.gives)
            for extra in diagnosis.EXTRAS
        ]
        print_table(("extra", "installed", "gives"), rows)
        print()
        print(f"self test {'passed' if test.passed else 'FAILED'} in {test.seconds:.1f} s: {test.detail}")
    if missing or not test.passed:
        raise typer.Exit(1)


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)
