from __future__ import annotations

import pytest
import torch
from torch import nn

from dsp.blocks import BLOCK_FRAMES, play_in_blocks
from luthier.errors import ConfigError
from luthier.model.config import DecoderConfig
from luthier.model.decoder import Decoder, dropout
from luthier.model.statistics import Statistics
from model.small import random_features

SMALL = DecoderConfig(inputs=("f0_octaves_z", "loudness_z"), input_width=4, gru_width=6, output_width=7)


def test_every_stack_is_a_network_of_its_own() -> None:
    decoder = Decoder(SMALL, 3)
    first, second = decoder.input_stacks
    assert first is not second
    assert not torch.equal(first[0].weight, second[0].weight)


@pytest.mark.parametrize("block", BLOCK_FRAMES)
def test_blocks_equal_the_whole(block: int) -> None:
    decoder, statistics, features = Decoder(SMALL, 3), Statistics(), random_features(130, batch=2)
    with torch.no_grad():
        whole, _ = decoder(features, statistics, decoder.start(2))
        blocks = play_in_blocks(
            lambda place, state: decoder(features.map(lambda value: value[:, place]), statistics, state),
            decoder.start(2),
            130,
            block,
        )
    assert (whole - blocks).abs().max() < 1e-5
    assert whole.std() > 1e-3


def test_the_past_counts_and_the_future_does_not() -> None:
    decoder, statistics, features = Decoder(SMALL, 3), Statistics(), random_features(20)
    features.loudness_db.requires_grad_()
    decoder(features, statistics, decoder.start(1))[0][0, 10].sum().backward()
    heard = features.loudness_db.grad.flatten() != 0
    assert heard[:11].all()
    assert not heard[11:].any()


def test_without_stacks_the_inputs_go_straight_in() -> None:
    decoder = Decoder(SMALL.model_copy(update={"input_depth": 0, "output_depth": 0}), 3)
    assert decoder.gru.input_size == 2
    assert decoder.head.in_features == 2 + 6
    raw, state = decoder(random_features(5), Statistics(), decoder.start(1))
    assert raw.shape == (1, 5, 3)
    assert state.hidden.shape == (1, 1, 6)


def test_an_unknown_input_is_refused_when_the_network_is_built() -> None:
    with pytest.raises(ConfigError, match="'vibe'"):
        Decoder(DecoderConfig(inputs=("loudness_z", "vibe")), 3)


def test_dropout_silences_its_share_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    found = dropout(torch.ones(300, 1000), 0.2)
    assert float((found == 0).float().mean()) == pytest.approx(51 / 256, abs=0.002)
    assert float(found.mean()) == pytest.approx(1.0, abs=0.003)
    assert len(found.unique()) == 2


def test_inputs_side_by_side_equal_each_stack_alone() -> None:
    torch.manual_seed(0)
    config = DecoderConfig(
        inputs=("f0_octaves_z", "loudness_z", "periodicity"), input_width=16, input_depth=1, gru_width=4
    )
    decoder = Decoder(config, 5)
    for parameter in decoder.parameters():
        nn.init.normal_(parameter)  # layer norms begin as ones and zeros
    values = [torch.randn(2, 7, 1) for _ in config.inputs]
    alone = torch.cat([stack(value) for stack, value in zip(decoder.input_stacks, values, strict=True)], dim=-1)
    torch.testing.assert_close(decoder._inputs(values), alone)
