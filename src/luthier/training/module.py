"""The training step, as Lightning wants it."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from luthier.data.windows import Batch, PlacedBatch
from luthier.dsp.signals import Controls
from luthier.dsp.spectral_distance import SpectralScales, multi_scale_distance
from luthier.errors import TrainingError
from luthier.model.instrument import Instrument, white_noise
from luthier.training.batches import Share, StepBatches, StepCounter
from luthier.training.budget import budget_used
from luthier.training.config import TrainingConfig
from luthier.training.doubt import doubt_pitch
from luthier.training.expression import mix_expression
from luthier.training.finite import LONGEST_STREAK, is_finite, name_cause
from luthier.training.losses import build_loss
from luthier.training.precision import has_fast_bfloat16
from luthier.training.rests import EVERY_STEPS, PLAYER_WEIGHT, free_decays, player_excess_db
from luthier.training.schedule import Progress, learning_rate
from luthier.training.weight_row import WeightRow

logger = logging.getLogger(__name__)

LOG_EVERY_STEPS = 25
"""Steps from one measured training MSS to the next, and from one logged to the next: neither is cheap."""
COLOUR_EVERY_STEPS = 3
"""The colour of the room is looked at in one of so many steps, and counts so many times as much."""
VALIDATION_SEED, FLOOR_SEED = 1, 2
"""Seeds of the noise in validation: always the same, so that only learning changes the numbers."""


class Played(NamedTuple):
    """A share of a batch, and what the instrument made of it.

    Attributes:
        batch: the windows.
        output: (batch, n_samples).
        loss: of the sound, a scalar.
        other_error: what cannot be heard in it, weighted: the predictor's error, who plays in rests, the room's colour.
    """

    batch: Batch
    output: Tensor
    loss: Tensor
    other_error: Tensor


class Helper(Protocol):
    """Another process that learns from its own share of every batch: see `training/companion.py`."""

    def begin(self, module: TrainingModule) -> bool:
        """Start on the step that the module does next, if that is not done yet; False if the helper is lost."""

    def add_gradients(self, module: TrainingModule) -> bool:
        """Wait, and make the gradients the mean of both's; False if the helper is lost."""


def mixed_seed(*numbers: int) -> int:
    """One seed from several numbers, 0 or more each: neighbours give unrelated seeds."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


class TrainingModule(lightning.LightningModule):
    """An instrument that learns.

    Attributes:
        instrument: what learns.
        counter: steps done, shared with the sampler of the batches.
        batches: what it learns from, this process's share of each.
        seconds_before: time spent in earlier parts of a resumed run, s.
        skipped: what was skipped because it was not finite, one sentence each.
        fingerprints: of the dataset that it learns from.
        quiet_db: loudness of the quietest frames of the training material; None where rests say nothing.
        started_from: name of the network that it began from; empty if it began from chance.
        helper: another process that learns from the rest.
        row: the weights and their gradients; empty until there is an optimiser.
        recent: batch losses and, now and then, batch MSS since the last validation, by name.
    """

    def __init__(
        self, instrument: Instrument, config: TrainingConfig, counter: StepCounter, batches: StepBatches
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.instrument, self.config, self.counter, self.batches = instrument, config, counter, batches
        self.loss = build_loss(config, instrument.config.sample_rate)
        self.relative_scales = SpectralScales.relative(instrument.config.sample_rate)
        self.seconds_before, self.started = 0.0, time.monotonic()
        self.validation_began = self.validation_seconds = self.listening_seconds = 0.0
        self.fingerprints: dict[str, str] = {}
        self.quiet_db: float | None = None
        self.skipped: list[str] = []
        self.started_from = ""
        self.helper: Helper | None = None
        self.row = WeightRow(torch.empty(0), torch.empty(0))
        self.recent: dict[str, list[Tensor]] = {"loss": [], "mss": []}
        self.streak = 0

    @property
    def seconds(self) -> float:
        """Time spent training, earlier parts of a resumed run included."""
        return self.seconds_before + time.monotonic() - self.started

    def progress(self, later_seconds: float = 0.0) -> Progress:
        """How far the run has come, or, with the same steps, will have come so many seconds later."""
        steps, config = self.counter.steps, self.config
        # A budget holds the last validation, too, which takes as long as the one before, and is listened to.
        seconds = self.seconds + later_seconds + self.validation_seconds + self.listening_seconds
        used = budget_used(config, steps=steps, steps_per_epoch=self.batches.steps_per_epoch, seconds=seconds)
        return Progress(steps, steps / self.batches.steps_per_epoch, used)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam, or AdamW where weights decay; its step size is set before every step."""
        network, room = self._network(), self.instrument.room
        self.row = WeightRow.of(self.weights())
        sizes = [sum(weight.numel() for weight in network), *(weight.numel() for weight in room.parameters())]
        speeds = [room.learning_speeds.get(name, 1.0) for name, _ in room.named_parameters()]
        # A room is no habit to be unlearned: its levels and decay times have no reason to be zero.
        decays = [self.config.weight_decay, *(0.0 for _ in speeds)]
        groups = [
            {"params": [part], "weight_decay": decay, "speed": speed}
            for part, decay, speed in zip(self.row.parts(sizes), decays, [1.0, *speeds], strict=True)
        ]
        return torch.optim.AdamW(groups, lr=self.config.learning_rate, fused=True)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; those in a row are written over, since they are views of it."""
        if len(self.row.gradients):
            self.row.gradients.zero_()
        else:
            super().zero_grad(set_to_none)

    def weights(self) -> list[nn.Parameter]:
        """Everything that learns, in the order of `row`."""
        return [*self._network(), *self.instrument.room.parameters()]

    def _network(self) -> list[nn.Parameter]:
        predictor = self.instrument.predictor
        return [*self.instrument.decoder.parameters(), *(() if predictor is None else predictor.parameters())]

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Bring a batch to where it is learned from; on a CPU it is there already, and looking for it takes time."""
        return batch if device.type == "cpu" else super().transfer_batch_to_device(batch, device, dataloader_idx)

    def on_fit_start(self) -> None:
        """Start the clock when learning starts, and draw what Lightning says is this process's."""
        if self.trainer.world_size > 1:
            self.batches.share = Share(self.global_rank, self.trainer.world_size)
        self.started = time.monotonic()

    def on_validation_start(self) -> None:
        """Look at the clock; a validation after which there is no time to learn is the last one."""
        self.validation_began = self.seconds
        if self.progress(later_seconds=self.validation_seconds).budget_used >= 1.0:
            self.trainer.should_stop = True

    def note_listening(self, seconds: float) -> None:
        """Note what sounds and pictures took; the clock of the validation that they belong to stands still meanwhile."""
        self.listening_seconds = seconds
        self.validation_began += seconds

    def on_train_epoch_end(self) -> None:
        """Note what a validation and its report took, and stop where that used the budget up."""
        if self.validation_began:
            self.validation_seconds = self.seconds - self.validation_began
        if self.progress().budget_used >= 1.0:
            self.trainer.should_stop = True

    def training_step(self, batch: Batch, batch_index: int) -> None:
        """Learn from one batch, unless it is not finite."""
        optimizer = self.optimizers()
        assert not isinstance(optimizer, list)
        self.zero_grad()
        self._with_helper(lambda helper: helper.begin(self))
        played = self.play_share(batch)
        self.manual_backward(played.loss + played.other_error)
        self._with_helper(lambda helper: helper.add_gradients(self))
        if is_finite(played.loss, self.row.gradients):
            self._learn(optimizer)
            self._log_step(played)
        else:
            self._skip(batch)
        self.counter.steps += 1
        if self.progress().budget_used >= 1.0:
            self.trainer.should_stop = True
        else:
            self._with_helper(lambda helper: helper.begin(self))  # while the trainer draws the next batch

    def _with_helper(self, work: Callable[[Helper], bool]) -> None:
        """Go on without a helper that is lost: from the next step on this process learns from whole batches."""
        if self.helper is not None and not work(self.helper):
            self.helper, self.batches.share = None, Share(0, 1)

    def play_share(self, batch: Batch) -> Played:
        """Play this process's share of a batch, as the step that the counter stands at."""
        share, step = self.batches.share, self.counter.steps
        noise = self._noise(batch.audio, self.config.seed, step)
        torch.manual_seed(mixed_seed(self.config.seed, step, share.rank))  # for dropout
        output, other_error = self._play(batch, noise, share)
        return Played(batch, output, self.loss(output, batch.audio, step), other_error)

    def rehearse(self, batch: Batch) -> None:
        """Do everything that a step does but learn."""
        self._error(batch, self._noise(batch.audio, self.config.seed, 0)).backward()

    def _error(self, batch: Batch, noise: Tensor) -> Tensor:
        output, other_error = self._play(batch, noise, Share(0, 1))
        return self.loss(output, batch.audio, self.counter.steps) + other_error

    def _learn(self, optimizer: Any) -> None:
        for group in optimizer.param_groups:
            group["lr"] = group["speed"] * learning_rate(self.config, self.progress())
        if self.config.gradient_clip:
            gradients = self.row.gradients
            gradients.mul_((self.config.gradient_clip / gradients.norm()).clamp_max(1.0))
        optimizer.step()
        self.streak = 0

    def _skip(self, batch: Batch) -> None:
        if self.batches.share.of > 1:
            batch = self.batches.whole(self.counter.steps)  # the cause may lie in another process's windows
        noise = self._noise(batch.audio, self.config.seed, self.counter.steps)
        cause = f"step {self.counter.steps} skipped: {name_cause(self.instrument, batch, noise, self._error)}"
        logger.warning(cause)
        self.skipped.append(cause)
        self.streak += 1
        if self.streak >= LONGEST_STREAK:
            raise TrainingError(
                f"{cause}; {LONGEST_STREAK} steps in a row were not finite. Check the recordings with "
                "`luthier prepare`, or lower the learning rate with --set learning_rate=..."
            )

    def _play(self, batch: Batch, noise: Tensor, share: Share) -> tuple[Tensor, Tensor]:
        """The audio, and the errors that cannot be heard in it, weighted, summed."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._rounds_matrices()):
            n_predicted = self._n_predicted(share.of * len(batch.audio))  # the first of all shares'
            mine = range(share.rank, n_predicted, share.of)
            features, error = mix_expression(self.instrument, batch.features, len(mine))
            told = doubt_pitch(features, self.config.pitch_doubt) if self.config.pitch_doubt else features
            controls = self.instrument.controls(told, features.f0_hz)
        error = self.config.predictor_weight * error
        if self.config.rest_weight and self.quiet_db is not None and self.counter.steps % EVERY_STEPS == 0:
            weight = EVERY_STEPS * PLAYER_WEIGHT * self.config.rest_weight
            error = error + weight * self._rest_error(controls, batch, self.quiet_db)
        if self.config.room_colour_weight and self.counter.steps % COLOUR_EVERY_STEPS == 0:
            colour_db = self.instrument.room.colour_db()
            if colour_db is not None:
                error = error + COLOUR_EVERY_STEPS * self.config.room_colour_weight * colour_db.square().mean()
        return self.instrument.room(self.instrument.dry(controls, noise)), error

    def _n_predicted(self, n_windows: int) -> int:
        """How many windows of this step are played with predicted expression, as whole numbers that add up over steps."""
        each, step = self.config.predicted_windows * n_windows, self.counter.steps
        return math.floor((step + 1) * each) - math.floor(step * each)

    def _rest_error(self, controls: Controls, batch: Batch, quiet_db: float) -> Tensor:
        is_free = free_decays(batch, frame_rate=self.instrument.config.features.frame_rate, quiet_db=quiet_db)
        return player_excess_db(controls, batch.audio, is_free)

    def _rounds_matrices(self) -> bool:
        return self.config.precision == "bfloat16" or (
            self.config.precision == "auto" and has_fast_bfloat16(self.device.type)
        )

    def _noise(self, like: Tensor, seed: int, step: int) -> Tensor:
        generator = torch.Generator().manual_seed(mixed_seed(seed, step, self.batches.share.rank))
        return white_noise(len(like), like.shape[-1], generator, like.device)

    def _log_step(self, played: Played) -> None:
        self.recent["loss"].append(played.loss.detach())
        if self.counter.steps % LOG_EVERY_STEPS == 0:
            self.recent["mss"].append(multi_scale_distance(played.output.detach(), played.batch.audio).mean())
        if (self.counter.steps + 1) % LOG_EVERY_STEPS == 0:  # when the trainer writes; it repeats what it has
            self.log_dict({f"train/{name}": values[-1] for name, values in self.recent.items() if values})
            self.log("train/learning_rate", learning_rate(self.config, self.progress()))

    def take_recent_means(self) -> dict[str, float]:
        """Mean batch loss and MSS since this was last asked for; NaN where there was none."""
        means = {
            name: float(torch.stack(values).mean()) if values else math.nan for name, values in self.recent.items()
        }
        for values in self.recent.values():
            values.clear()
        return means

    def validation_step(self, placed: PlacedBatch, batch_index: int) -> None:
        """Compare held-out windows with what the instrument makes of them."""
        features, audio = placed.batch.features, placed.batch.audio
        noise, other_noise = (self._noise(audio, seed, batch_index) for seed in (VALIDATION_SEED, FLOOR_SEED))
        outputs = {"": self.instrument(features, noise), "_floor": self.instrument(features, other_noise)}
        if self.instrument.predictor is not None:
            outputs["_predicted"] = self.instrument(features.without_expression(), noise)
        for row, block in enumerate(placed.blocks):
            window = (slice(row, row + 1), slice(block.n_frames * self.instrument.config.hop_length))
            for suffix, output in outputs.items():
                # The floor is what two noises with the same controls differ by.
                target = outputs[""] if suffix == "_floor" else audio
                scores = {
                    "mss": multi_scale_distance(output[window], target[window]),
                    "mss_rel": multi_scale_distance(output[window], target[window], self.relative_scales),
                }
                for name, score in scores.items():
                    key = f"validation/{name}{suffix}"
                    self.log(key, score.mean(), on_epoch=True, batch_size=block.n_frames, sync_dist=True)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what a resumed run needs beside weights and optimiser."""
        checkpoint["luthier"] = {
            "steps": self.counter.steps,
            "seconds": self.seconds,
            "validation_seconds": self.validation_seconds,
            "listening_seconds": self.listening_seconds,
            "skipped": self.skipped,
            **self.fingerprints,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on where the run stopped.

        Raises:
            TrainingError: a run of another version, whose network or optimiser has other weights.
        """
        own, found = self.state_dict(), checkpoint["state_dict"]
        shapes = [{name: value.shape for name, value in weights.items()} for weights in (own, found)]
        groups = checkpoint["optimizer_states"][0]["param_groups"]
        if shapes[0] != shapes[1] or any(len(group["params"]) != 1 for group in groups):
            raise TrainingError(
                "the run was begun by another version of Luthier, whose network has other weights. Begin anew: leave out "
                "--resume. The run's best.safetensors is a whole instrument and still plays."
            )
        kept = checkpoint["luthier"]
        self.counter.steps, self.seconds_before, self.skipped = kept["steps"], kept["seconds"], kept["skipped"]
        self.validation_seconds = kept.get("validation_seconds", 0.0)
        self.listening_seconds = kept.get("listening_seconds", 0.0)
