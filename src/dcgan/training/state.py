"""Everything that changes while training, and how a checkpoint saves and restores it exactly."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dcgan.errors import CheckpointError
from dcgan.models.ema import AveragedGenerator
from dcgan.runs.checkpoints import read_part, read_state, verify_checkpoint
from dcgan.runtime import rng
from dcgan.training.planning.threads import Threads
from dcgan.training.rules import Players
from dcgan.training.running_means import RunningMeans


@dataclass
class TrainingState:
    """The state of a run between two steps.

    Attributes
    ----------
    players : Players
    average : AveragedGenerator
    latents : torch.Generator
        The stream that training latents are drawn from.
    device : torch.device
    images_seen : int
        Real images shown to D; also the position in the data.
    discriminator_steps : int
    seconds : float
        Time spent training, including what came before a resume.
    rollbacks : int
        How often the run diverged and returned to a checkpoint.
    rate_factor : float
        Factor of the learning rates because of that.
    threads : Threads
    means : RunningMeans
        Statistics of the steps since the last log line.
    waiting : float
        Seconds since then in which training waited for images; checkpoints do not keep it.
    """

    players: Players
    average: AveragedGenerator
    latents: torch.Generator
    device: torch.device
    images_seen: int = 0
    discriminator_steps: int = 0
    seconds: float = 0.0
    rollbacks: int = 0
    rate_factor: float = 1.0
    threads: Threads = field(default_factory=Threads)
    means: RunningMeans = field(default_factory=RunningMeans)
    waiting: float = 0.0

    def parts(self) -> dict[str, dict[str, Tensor]]:
        """All tensors by the checkpoint file they belong in; ``ema`` is ready to sample from."""
        ready = self.average.ready(self.players.generator)
        generators, _ = rng.capture(self.device)
        return {
            "generator": self.players.generator.state_dict(),
            "discriminator": self.players.discriminator.state_dict(),
            "ema": ready.state_dict(),
            "generator_optimizer": _optimizer_tensors(self.players.generator_optimizer),
            "discriminator_optimizer": _optimizer_tensors(self.players.discriminator_optimizer),
            "random": {**generators, "latents": self.latents.get_state()},
            "means": self.means.sums(),
        }

    def plain(self) -> dict[str, Any]:
        """Everything else, as JSON can hold it."""
        _, generators = rng.capture(self.device)
        return {
            "images_seen": self.images_seen,
            "discriminator_steps": self.discriminator_steps,
            "seconds": self.seconds,
            "rollbacks": self.rollbacks,
            "rate_factor": self.rate_factor,
            "augment": self.players.augment.state(),
            "means": self.means.counts,
            "device": self.device.type,
            "threads": self.threads.to_json(),
            "random": generators,
        }

    def restore(self, checkpoint: Path) -> None:
        """Restore everything from a checkpoint, into a fresh state.

        Raises
        ------
        CheckpointError
            It is incomplete, altered, or of other networks.
        """
        verify_checkpoint(checkpoint)
        try:
            self._put_back(checkpoint, read_state(checkpoint))
        except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise CheckpointError(
                f"{checkpoint}: holds no state of this run ({reason}). Choose another `out`"
            ) from error

    def _put_back(self, checkpoint: Path, plain: dict[str, Any]) -> None:
        players = self.players
        for name, module in (
            ("generator", players.generator),
            ("discriminator", players.discriminator),
            ("ema", self.average.module),
        ):
            _load_weights(module, checkpoint, name)
        for name, optimizer in (
            ("generator_optimizer", players.generator_optimizer),
            ("discriminator_optimizer", players.discriminator_optimizer),
        ):
            _load_optimizer(optimizer, read_part(checkpoint, name))
        generators = read_part(checkpoint, "random")
        if plain["device"] == self.device.type:
            self.latents.set_state(generators.pop("latents"))
        rng.restore(self.device, generators, plain["random"])
        players.augment.restore(plain["augment"])
        if "means" in plain:  # earlier versions kept none
            self.means.restore(read_part(checkpoint, "means"), plain["means"], self.device)
        self.images_seen = plain["images_seen"]
        self.discriminator_steps = int(plain["discriminator_steps"])
        self.seconds = float(plain["seconds"])
        self.rollbacks = int(plain["rollbacks"])
        self.rate_factor = float(plain["rate_factor"])


def _load_weights(module: nn.Module, checkpoint: Path, name: str) -> None:
    try:
        module.load_state_dict(read_part(checkpoint, name))
    except RuntimeError as error:
        raise CheckpointError(
            f"{checkpoint}: {name} has other layers than this configuration. Choose another `out`"
        ) from error


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Every tensor of an optimizer's state as ``INDEX.NAME``."""
    return {
        f"{index}.{name}": value
        for index, parameter in enumerate(_parameters(optimizer))
        for name, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def _load_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    parameters = _parameters(optimizer)
    optimizer.state.clear()
    for key, saved in tensors.items():
        index, name = key.split(".", 1)
        parameter = parameters[int(index)]
        # moments take their weight's device and memory layout; of fused optimizers so does the
        # step counter. Copies: a tensor of the file keeps it open, and Windows deletes no open file
        value = (
            torch.empty_like(parameter).copy_(saved)
            if saved.dim()
            else saved.to(parameter.device, copy=True)
        )
        optimizer.state[parameter][name] = value
