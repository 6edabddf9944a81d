"""Who plays, by which rules, and what one step is made of.

B batch · Z latent · C channels · H, W sides · K classes
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from dcgan.augment import Augment
from dcgan.models.discriminator import Discriminator
from dcgan.models.generator import Generator
from dcgan.models.latents import LatentSpace
from dcgan.objectives import Objective, PenaltyName
from dcgan.runtime.ranks import Ranks

Statistics = dict[str, Tensor]
"""Named scalars of a step, detached and still on the device: reading one waits for the device."""


@dataclass(frozen=True)
class Players:
    """Both networks, their optimisers, what images go through before D sees them, and who else
    trains the same two on shares of the same batches."""

    generator: Generator
    discriminator: Discriminator
    generator_optimizer: torch.optim.Optimizer
    discriminator_optimizer: torch.optim.Optimizer
    augment: Augment = field(default_factory=Augment)
    ranks: Ranks = field(default_factory=Ranks)


@dataclass(frozen=True)
class Rules:
    """What the players minimise, and in which precision.

    Parameters
    ----------
    objective : Objective
    latent : LatentSpace
        Says which numbers of a latent are its class and its codes.
    targets : mapping
        ``real_target`` and ``fake_target`` of D's loss, where it has them.
    penalties : mapping of name to float
        The weights (γ, λ) of those in use.
    penalty_interval : int
        D steps from one with penalties to the next; their weights grow by the same factor.
    clip_weights : float, optional
        D's weights are put back into ± this after each of its steps.
    clip_generator, clip_discriminator : float, optional
        Greatest norm of a player's whole gradient.
    information, information_continuous : float
        Weight of the loss by which codes are read from generated images, and of the continuous
        ones within it.
    precision : torch.dtype
        Of matrix products; a step with penalties is always fp32.
    parts : int
        In how many equal parts a batch goes through the networks, one after the other.
    """

    objective: Objective
    latent: LatentSpace = field(default_factory=LatentSpace)
    targets: Mapping[str, float] = field(default_factory=dict)
    penalties: Mapping[PenaltyName, float] = field(default_factory=dict)
    penalty_interval: int = 1
    clip_weights: float | None = None
    clip_generator: float | None = None
    clip_discriminator: float | None = None
    information: float = 1.0
    information_continuous: float = 0.1
    precision: torch.dtype = torch.float32
    parts: int = 1


@dataclass(frozen=True)
class StepPlan:
    """What is due in one step.

    Parameters
    ----------
    with_penalties : bool
        Whether D's loss has its penalties.
    with_generator : bool
        Whether G moves too.
    share : float in (0, 1]
        Share of the generated images, the most convincing ones, from which G learns: Sinha et
        al. 2020 (arXiv:2002.06224), top-k training.
    penalty_scale : float
        What the penalties' weights are multiplied by: they may fade over a run.
    """

    with_penalties: bool = False
    with_generator: bool = True
    share: float = 1.0
    penalty_scale: float = 1.0


@dataclass(frozen=True)
class Batch:
    """What one update is made of.

    Parameters
    ----------
    real_BCHW : Tensor
        Real images in [-1, 1].
    latent_BZ : Tensor
        From which as many are generated.
    class_BK : Tensor, optional
        The classes of the real ones, one number being 1, where training is conditional.
    """

    real_BCHW: Tensor
    latent_BZ: Tensor
    class_BK: Tensor | None = None

    def paired(self, latent: LatentSpace) -> Batch:
        """The same, each generated image of the class of the real one beside it."""
        if self.class_BK is None:
            return self
        before, after = latent.class_slice.start, latent.class_slice.stop
        beside = (self.latent_BZ[:, :before], self.class_BK, self.latent_BZ[:, after:])
        return replace(self, latent_BZ=torch.cat(beside, dim=1))

    def parts(self, count: int) -> Iterator[Batch]:
        """The same in so many equal parts."""
        if count == 1:
            yield self
            return
        classes = [None] * count if self.class_BK is None else self.class_BK.chunk(count)
        pieces = (self.real_BCHW.chunk(count), self.latent_BZ.chunk(count), classes)
        for real_BCHW, latent_BZ, class_BK in zip(*pieces, strict=True):
            yield Batch(real_BCHW, latent_BZ, class_BK)
