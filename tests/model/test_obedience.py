from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from luthier.dsp.controls_loudness import controls_loudness_db
from luthier.dsp.signals import Controls, Expression, Features
from luthier.errors import ShapeError
from luthier.model.config import DecoderConfig
from luthier.model.inputs import EXPRESSION_INPUTS
from luthier.model.instrument import Instrument
from luthier.model.obedience import LOUDNESS_CORRECTION_DB
from luthier.units import db_to_amplitude
from model.small import expressive_features, random_features, small_config, small_instrument

EXPRESSIVE = DecoderConfig(inputs=("loudness_z", *EXPRESSION_INPUTS), input_width=4, gru_width=6, output_width=7)
BRIGHTNESS, WARMTH, HOLLOWNESS = 1.5, -6.0, 4.0


@pytest.fixture
def instrument() -> Instrument:
    return small_instrument(decoder=EXPRESSIVE, obeys=("loudness", "timbre"))


def wished(n_frames: int = 20) -> Features:
    wishes = {"air_octaves": 0.3, "brightness_octaves": BRIGHTNESS, "warmth_db": WARMTH, "hollowness_db": HOLLOWNESS}
    return expressive_features(n_frames, **wishes)


def timbre_of(controls: Controls) -> tuple[float, float, float]:
    """Of the first frame, by the definitions in `Expression`."""
    strengths = controls.harmonic_distribution[0, 0].detach().double()
    power, numbers = strengths.square(), torch.arange(1, len(strengths) + 1)
    odd, even = power[::2].sum(), power[1::2].sum()
    brightness = torch.log2((strengths * numbers).sum() / strengths.sum())
    return float(brightness), float(10 * torch.log10(power[0] / power.sum())), float(10 * torch.log10(odd / even))


def test_an_untrained_instrument_already_does_as_it_is_told(instrument: Instrument) -> None:
    features = wished()
    controls = instrument.controls(features)
    promised_db = controls_loudness_db(controls, instrument.config.features)
    torch.testing.assert_close(promised_db, features.loudness_db, atol=1e-3, rtol=0)
    assert timbre_of(controls) == pytest.approx((BRIGHTNESS, WARMTH, HOLLOWNESS), abs=0.01)


def test_softer_than_the_notes_it_knows_it_plays_as_it_plays_those_turned_down(instrument: Instrument) -> None:
    known_db = float(instrument.statistics.loudness_db_quantiles[10])
    steady = wished()._replace(periodicity=torch.full((1, 20, 1), 0.6))
    at_known, soft = (steady._replace(loudness_db=torch.full((1, 20, 1), known_db - less)) for less in (0.0, 15.0))
    expected, played = instrument.controls(at_known), instrument.controls(instrument.with_known_loudness(soft))
    torch.testing.assert_close(played.amplitude, db_to_amplitude(-15.0) * expected.amplitude)
    torch.testing.assert_close(played.noise_magnitudes, db_to_amplitude(-15.0) * expected.noise_magnitudes)
    torch.testing.assert_close(played.harmonic_distribution, expected.harmonic_distribution)
    rest = soft._replace(periodicity=torch.full((1, 20, 1), 0.4))
    torch.testing.assert_close(instrument.controls(instrument.with_known_loudness(rest)), instrument.controls(rest))


def test_who_does_not_obey_is_told_what_is_to_be_heard(instrument: Instrument) -> None:
    features, free = wished(), small_instrument(decoder=EXPRESSIVE)
    told = features._replace(told_loudness_db=torch.full((1, 20, 1), -10.0))
    torch.testing.assert_close(free.controls(told), free.controls(features))
    assert not torch.equal(instrument.controls(told).noise_magnitudes, instrument.controls(features).noise_magnitudes)
    assert told.without_expression().told_loudness_db is told.told_loudness_db


def test_a_timbre_that_nobody_gives_is_the_networks(instrument: Instrument) -> None:
    features = wished()
    left, free = features.without_expression(), small_instrument(decoder=EXPRESSIVE, obeys=("loudness",))
    weights = instrument.state_dict()
    rows = free.decoder.head.out_features
    weights |= {name: weights[name][:rows] for name in ("decoder.head.weight", "decoder.head.bias")}
    free.load_state_dict(weights)
    torch.testing.assert_close(instrument.controls(left), free.controls(left))
    only_warm = instrument.controls(left._replace(warmth_db=features.warmth_db))
    assert timbre_of(only_warm)[1] == pytest.approx(WARMTH, abs=0.01)
    assert timbre_of(only_warm)[2] != pytest.approx(HOLLOWNESS, abs=0.1)


def test_what_is_predicted_is_no_wish(instrument: Instrument) -> None:
    features = wished()
    features = features._replace(**instrument.expression(features)._asdict())
    nothing = torch.zeros(1, 20, len(Expression._fields), dtype=torch.bool)
    torch.testing.assert_close(
        instrument.controls(features._replace(is_wish=nothing)), instrument.controls(features.without_expression())
    )
    assert not torch.equal(
        instrument.controls(features).harmonic_distribution,
        instrument.controls(features.without_expression()).harmonic_distribution,
    )


@torch.no_grad()
def test_the_network_corrects_what_it_is_told(instrument: Instrument) -> None:
    n_corrections = instrument.obedience.n_outputs
    assert n_corrections == 4
    assert not any(weights[-n_corrections:].any() for weights in instrument.decoder.head.parameters())
    instrument.decoder.head.bias[-n_corrections] = 0.5
    features = wished()
    louder_db = controls_loudness_db(instrument.controls(features), instrument.config.features) - features.loudness_db
    assert float(louder_db.mean()) == pytest.approx(0.5 * LOUDNESS_CORRECTION_DB, abs=1e-3)


def test_gradients_reach_every_weight_with_and_without_wishes(instrument: Instrument) -> None:
    noise = torch.rand(1, 30 * 160) * 2 - 1
    for features in (wished(30), random_features(30)):
        instrument.zero_grad()
        instrument(features, noise).square().sum().backward()
        learned = dict(instrument.named_parameters())
        if features.warmth_db is not None:
            learned = {name: value for name, value in learned.items() if not name.startswith("predictor.")}
            assert instrument.decoder.head.weight.grad[-4:].abs().sum(-1).all()
        assert [name for name, value in learned.items() if value.grad is None or not value.grad.any()] == []


@pytest.mark.parametrize("block", [1, 7])
def test_obeying_in_blocks_equals_obeying_at_once(instrument: Instrument, block: int) -> None:
    features, state, parts = wished(21), instrument.start(1), []
    whole = instrument.controls(features)
    for start in range(0, 21, block):
        frames = slice(start, start + block)
        controls, state = instrument.controls_block(features.map(lambda value, frames=frames: value[:, frames]), state)
        parts.append(controls)
    for field, wanted in zip(zip(*parts, strict=True), whole, strict=True):
        torch.testing.assert_close(torch.cat(field, dim=1), wanted, atol=1e-5, rtol=1e-4)


def test_a_timbre_that_the_network_does_not_hear_cannot_be_obeyed() -> None:
    with pytest.raises(ValidationError, match=r"decoder\.inputs lack brightness_z, hollowness_z, warmth_z"):
        small_config(obeys=("timbre",))
    assert small_instrument(obeys=("loudness",)).obedience.n_outputs == 1


def test_a_synth_that_is_louder_than_its_controls_say_cannot_obey() -> None:
    synths = [{"kind": "harmonic", "gain": 0.5}, {"kind": "filtered_noise"}]
    with pytest.raises(ValidationError, match="another gain than 1"):
        small_config(obeys=("loudness",), synths=synths)
    assert small_config(synths=synths).synths[0].gain == 0.5


@pytest.mark.parametrize("shape", [(1, 20, 1), (1, 19, 5), (20, 5)])
def test_wishes_of_another_shape_are_named(instrument: Instrument, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"is_wish has the shape .*: expected \(1, 20, 5\)"):
        instrument.controls(wished()._replace(is_wish=torch.ones(shape, dtype=torch.bool)))
