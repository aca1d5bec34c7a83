"""Lightning without what it says about itself: a musician reads our lines, not a framework's."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

HARMLESS = (
    ".*does not have many workers.*",  # our loaders read memory maps: worker processes would only cost
    ".*Checkpoint directory .* exists and is not empty.*",  # a resumed run keeps its one checkpoint there
    ".*LeafSpec.*",  # Lightning 2.6 on torch 2.13
    ".*number of training batches.*smaller than the logging interval.*",  # short runs are meant
    ".*is not in `trainer.callback_metrics`.*",
    ".*no `val_dataloader`.*",  # a refit validates nothing
    ".*The dirpath has changed from.*",  # a run folder may be moved before its run is resumed
    ".*callbacks used to create the checkpoint.*",  # patience may be taken away when a run is resumed
)
"""Warnings of Lightning that a user can do nothing about."""


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hold back Lightning's notices and harmless warnings; everything is as before afterwards."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for message in HARMLESS:
                warnings.filterwarnings("ignore", message)
            yield
    finally:
        logger.setLevel(level)
