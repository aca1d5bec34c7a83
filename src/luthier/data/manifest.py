"""The manifest of a dataset: one JSON file that says what is in the folder. Read with suspicion."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError, model_validator

from luthier.atomic import atomic_file
from luthier.data.split import Block, Split, SplitMethod
from luthier.data.statistics import Statistics
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.framing import n_frames
from luthier.errors import DatasetError
from luthier.strict_json import parse_json

FORMAT_VERSION = 2
MANIFEST_NAME = "manifest.json"
MAX_MANIFEST_BYTES = 64 << 20
"""Some hundred thousand recordings. Read, the worst text of this size needs thirty times the memory."""
MAX_SAMPLES = 1 << 40
Entry = TypeVar("Entry")
Many = Annotated[tuple[Entry, ...], FailFast()]
"""Any number of entries, checked up to the first wrong one: noting millions of mistakes would take all memory."""

RecordingId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
"""Start of the content hash. File names are made from it, and nothing else in a manifest."""


class Strict(BaseModel):
    """Frozen, without unknown keys, NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Recording(Strict):
    """One recording of a dataset."""

    id: RecordingId
    name: str = Field(max_length=4096, description="original file name, for people; never used as a path")
    content_hash: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the original file")
    source_rate: int = Field(ge=1, le=10_000_000, description="sample rate of the original file, Hz")
    source_channels: int = Field(ge=1, le=65_536, description="channels of the original file")
    n_samples: int = Field(ge=1, le=MAX_SAMPLES, description="samples at the dataset's rate")
    n_frames: int = Field(ge=1, le=MAX_SAMPLES, description="feature frames")


class SplitEntry(Strict):
    """The split, as stored."""

    method: SplitMethod
    train: Many[Block] = Field(min_length=1)
    validation: Many[Block] = Field(min_length=1)
    test: Many[Block] = Field(min_length=1)


class Manifest(Strict):
    """Everything about a dataset but the arrays."""

    format_version: Literal[2] = 2
    definition: FeatureDefinition
    recordings: Many[Recording] = Field(min_length=1)
    split: SplitEntry
    statistics: Statistics
    credit: str = Field("", max_length=100_000, description="whom to name")
    licence: str = Field("", max_length=100_000, description="licence of the recordings")

    @model_validator(mode="after")
    def _fits_together(self) -> Manifest:
        lengths = {recording.id: recording.n_frames for recording in self.recordings}
        if len(lengths) != len(self.recordings):
            raise ValueError("a recording is listed twice")
        for recording in self.recordings:
            if recording.n_frames != n_frames(recording.n_samples, self.definition.hop_length):
                raise ValueError(f"recording {recording.id}: n_frames does not fit n_samples")
        for block in (*self.split.train, *self.split.validation, *self.split.test):
            _check_block(block, lengths.get(block.recording, 0))
        return self


def _check_block(block: Block, n_frames: int) -> None:
    if block.start_frame < 0 or block.n_frames < 1 or block.start_frame + block.n_frames > n_frames:
        raise ValueError(f"split: block {tuple(block)} lies outside its recording")


def split_entry(split: Split) -> SplitEntry:
    """A split as it is stored."""
    return SplitEntry(**split._asdict())


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest into a dataset folder, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_file(folder / MANIFEST_NAME, force=True) as temporary:
        temporary.write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_content(folder: Path) -> dict[str, Any]:
    """Read the manifest of a dataset folder as it stands there: a table of a version that is known.

    Raises:
        DatasetError: it is missing, damaged, too large or of an unknown version.
    """
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise DatasetError(f"{folder}: no dataset (no {MANIFEST_NAME} in it). Make one with: luthier prepare")
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise DatasetError(f"{path}: too large to be a manifest of ours. Prepare the dataset again.")
        content = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, error) from error
    _check_version(path, content)
    return content


def check_content(folder: Path, content: dict[str, Any]) -> Manifest:
    """Make sure that a manifest of today's version is all right.

    Raises:
        DatasetError: it is damaged or contradicts itself.
    """
    try:
        return Manifest.model_validate(content)
    except (ValueError, RecursionError) as error:
        raise damaged(folder / MANIFEST_NAME, error) from error


def damaged(path: Path, error: Exception) -> DatasetError:
    """What to tell a user about something in a dataset that cannot be used."""
    return DatasetError(f"{path}: damaged ({_reason(error)}). Prepare the dataset again.")


def _check_version(path: Path, content: Any) -> None:
    version = content.get("format_version") if isinstance(content, dict) else None
    if type(version) is int and version > FORMAT_VERSION:
        raise DatasetError(
            f"{path}: dataset format {str(version)[:20]} is newer than this luthier knows ({FORMAT_VERSION}). "
            "Update luthier."
        )
    if type(version) is not int or version < 1:  # True is no version, though it equals 1
        found = _one_line(repr(version)[:80])
        raise damaged(path, ValueError(f"format_version is {found}: expected a number from 1 to {FORMAT_VERSION}"))


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "manifest"
        return _one_line(f"{place}: {first['msg']}")
    return _one_line(str(error) or type(error).__name__)


def _one_line(text: str) -> str:
    """The start of a text that may quote keys of a stranger's file."""
    return " ".join(text.split())[:300]
