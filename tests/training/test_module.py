"""What a step does with gradients."""

import torch
from torch import nn

from luthier.data.dataset import Dataset
from luthier.training.run import build
from luthier.training.settings import resolve_settings, settings_tables


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
