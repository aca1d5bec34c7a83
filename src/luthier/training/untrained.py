"""An instrument that has learned nothing yet but what was measured before, and the batches it will learn from."""

from __future__ import annotations

import torch

from luthier.data.dataset import Dataset
from luthier.data.split import Part
from luthier.dsp.signals import Expression
from luthier.model.instrument import Instrument
from luthier.model.statistics import StatisticsValues
from luthier.training.batches import StepBatches, StepCounter
from luthier.training.module import TrainingModule
from luthier.training.room_start import settle_room, start_room
from luthier.training.settings import Settings
from luthier.training.start import start_network


def build(dataset: Dataset, settings: Settings, part: Part = "train") -> tuple[TrainingModule, StepBatches]:
    """Make an untrained instrument for a dataset, and the batches of one of its parts, that it will learn from.

    The weights follow from the seed, and the start if there is one; torch's global generator is left as it was.
    """
    settings = settle_room(settings, dataset)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.training.seed)
        instrument = Instrument(settings.instrument)
        start = settings.training.start
        fits = bool(start) and start_network(instrument, start)
    instrument.statistics.set(statistics_values(dataset))
    counter, batches = StepCounter(), StepBatches(dataset, settings.training, part=part)
    module = TrainingModule(instrument, settings.training, counter, batches)
    module.started_from = start if fits else ""
    module.quiet_db = start_room(instrument.room, dataset)
    module.fingerprints = dataset.fingerprints
    return module, batches


def statistics_values(dataset: Dataset) -> StatisticsValues:
    """The statistics of the training blocks, as an instrument stores them."""
    found = dataset.statistics
    return StatisticsValues(
        f0_octaves_mean=found.f0_octaves.mean,
        f0_octaves_std=found.f0_octaves.std,
        loudness_db_mean=found.loudness_db.mean,
        loudness_db_std=found.loudness_db.std,
        f0_octaves_quantiles=found.f0_octaves.quantiles,
        loudness_db_quantiles=found.loudness_pitched_db.quantiles,
        expression_quantiles=[found.expression[name].quantiles for name in Expression._fields],
    )
