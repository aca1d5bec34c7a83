"""`luthier info`: what an instrument or a preset is made of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from luthier.apps.cli.options import Json, Set
from luthier.apps.cli.output import print_json, print_table
from luthier.errors import ConfigError

if TYPE_CHECKING:
    from luthier.model.instrument import Instrument


def info(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="FILE|PRESET", help="Instrument file, name of an instrument of the package, or of a preset."
        ),
    ],
    settings: Set = None,
    json: Json = False,
) -> None:
    """Show size, rates, preset and licence of an instrument, or of what a preset would make."""
    document = _preset(subject, settings or []) if _is_preset(subject) else _file(Path(subject), settings or [])
    if json:
        print_json(document)
    else:
        passages = document.get("learned_from")
        if isinstance(passages, dict) and passages:  # all of them are for programs
            document["learned_from"] = f"{sum(map(len, passages.values()))} passages of {len(passages)} recordings"
        shown = {key: value for key, value in document.items() if value not in ("", {}, None)}
        print_table(("instrument", subject), [(key.replace("_", " "), _text(value)) for key, value in shown.items()])


def _is_preset(subject: str) -> bool:
    """A name is a preset unless it looks like a file or is an instrument: a file called `fast` is read as ./fast."""
    from luthier.model.bundled import bundled_names

    looks_like_a_file = Path(subject).suffix or "/" in subject or "\\" in subject
    return not looks_like_a_file and subject not in bundled_names()


def _preset(name: str, settings: list[str]) -> dict[str, object]:
    from luthier.model.bundled import bundled_names, hint
    from luthier.model.instrument import Instrument
    from luthier.model.overrides import parse_assignments
    from luthier.model.presets import instrument_config, preset_names
    from luthier.training.settings import settings_tables

    if name not in preset_names():
        known = hint(name, [*bundled_names(), *preset_names()])
        raise ConfigError(f"{name}: neither a preset nor an instrument of this name. {known}")
    tables = settings_tables(name, overrides=parse_assignments(settings))
    return _describe(Instrument(instrument_config(tables["instrument"])))


def _file(path: Path, settings: list[str]) -> dict[str, object]:
    if settings:
        raise ConfigError(f"{path}: --set changes presets; a finished instrument is what it is. Leave it out.")
    from luthier.model.instrument_file import load_instrument

    loaded = load_instrument(path)
    return {**_describe(loaded.instrument), **loaded.summary.model_dump()}


def _describe(instrument: Instrument) -> dict[str, object]:
    config = instrument.config
    return {
        "preset": config.preset,
        "parameters": instrument.n_parameters,
        "sample_rate": config.sample_rate,
        "hop_length": config.hop_length,
        "n_harmonics": config.n_harmonics,
        "n_bands": config.n_bands,
        "licence": "",
    }


def _text(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}" if value >= 100_000 else str(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(entry)}" for key, entry in value.items())
    return str(value).replace("\n", " && ")  # of a recipe: commands one after the other
