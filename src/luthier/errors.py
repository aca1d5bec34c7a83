"""The errors that users can cause, and everything that says so in one line.

A message says what was found, what was expected and what to do next. The command
line prints it without a traceback and exits with 1.
"""


class LuthierError(Exception):
    """Base of every error that this package raises on purpose."""


class ShapeError(LuthierError):
    """A tensor has the wrong number of axes, or sizes that do not fit together."""


class RangeError(LuthierError):
    """A number lies outside the range in which it has a meaning."""


class AudioFileError(LuthierError):
    """An audio file cannot be read, is damaged, or holds nothing usable."""


class DatasetError(LuthierError):
    """A dataset folder is missing, damaged, or does not fit the instrument."""


class InstrumentFileError(LuthierError):
    """An instrument file is missing, damaged, foreign, or of an unknown version."""


class ConfigError(LuthierError):
    """A configuration has an unknown key, a wrong type or a value that is not allowed."""


class OutputError(LuthierError):
    """A result cannot be written: it exists already, or the place cannot be written to."""


class MissingExtraError(LuthierError):
    """A feature needs an optional package; the message holds the exact `pip install` line."""


class TrainingError(LuthierError):
    """Training cannot go on; the message names the cause."""


class TrainingIsOverError(TrainingError):
    """A run that is to go on is over, and its instrument written; the message names what would let it go on."""
