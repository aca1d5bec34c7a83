"""What a step does with gradients."""

import pytest
import torch
from torch import nn

from luthier.data.dataset import Dataset
from luthier.model.rooms import DecayingRoom
from luthier.training.settings import resolve_settings, settings_tables
from luthier.training.untrained import build


def test_gradients_are_limited_as_torch_does_it(dataset: Dataset) -> None:
    module, _ = build(dataset, resolve_settings(settings_tables("fast", overrides={"steps": 9}), dataset.definition))
    optimizer = module.configure_optimizers()
    for level in (1e-3, 1.0):
        module.row.gradients.normal_().mul_(level)
        plain = torch.nn.Parameter(module.row.weights.clone())
        plain.grad = module.row.gradients.clone()
        nn.utils.clip_grad_norm_([plain], 3.0)
        module._learn(optimizer)
        torch.testing.assert_close(module.row.gradients, plain.grad)


def test_a_room_that_colours_the_tone_costs_by_its_weight(dataset: Dataset) -> None:
    errors, colour = [], 0.0
    for weight in (0.0, 0.01, 0.02):
        overrides = {"steps": 9, "room.kind": "decaying", "room_colour_weight": weight, "predictor_weight": 0.0}
        module, _ = build(dataset, resolve_settings(settings_tables("fast", overrides=overrides), dataset.definition))
        room = module.instrument.room
        assert isinstance(room, DecayingRoom)
        with torch.no_grad():
            room.early_taps[:8] = 0.3  # a low-pass
        colour = float(room.colour_db().detach().square().mean())
        each = []
        for step in range(6):
            module.counter.steps = step
            each.append(float(module.play_share(module.batches.whole(step)).other_error.detach()))
        errors.append(sum(each) / 6)
    assert colour > 10
    assert errors == pytest.approx([0.0, 0.01 * colour, 0.02 * colour], rel=1e-4)
