"""What one step needs: both networks, the rules of their losses, and a batch.

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
    """Both networks, their optimizers, the augmentation of D's input, and the processes that train
    the same networks on shares of the same batches."""

    generator: Generator
    discriminator: Discriminator
    generator_optimizer: torch.optim.Optimizer
    discriminator_optimizer: torch.optim.Optimizer
    augment: Augment = field(default_factory=Augment)
    ranks: Ranks = field(default_factory=Ranks)


@dataclass(frozen=True)
class Rules:
    """The losses of both networks, and how they are computed.

    Parameters
    ----------
    objective : Objective
    latent : LatentSpace
        Says which numbers of a latent are its class and its codes.
    targets : mapping
        ``real_target`` and ``fake_target`` of D's loss, where it has them.
    target_noise : mapping
        Spreads and flips of these targets, see :func:`dcgan.objectives.noisy_targets`; without
        any, all images have the same targets.
    penalties : mapping of name to float
        The weights (γ, λ) of those in use.
    penalty_interval : int
        Every so many D steps have penalties; their weights are multiplied by the same number.
    clip_weights : float, optional
        D's weights are clipped to ± this after each of its steps.
    clip_generator, clip_discriminator : float, optional
        Largest norm of a network's whole gradient.
    joint_batch : bool
        Whether D sees real and generated images in one batch, which its batch norm mixes.
    information, information_continuous : float
        Weight of InfoGAN's loss, and of its continuous codes within it.
    precision : torch.dtype
        Of matrix products; a step with penalties is always fp32.
    parts : int
        Equal parts in which a batch goes through the networks, one after the other.
    """

    objective: Objective
    latent: LatentSpace = field(default_factory=LatentSpace)
    targets: Mapping[str, float] = field(default_factory=dict)
    target_noise: Mapping[str, float] = field(default_factory=dict)
    penalties: Mapping[PenaltyName, float] = field(default_factory=dict)
    penalty_interval: int = 1
    clip_weights: float | None = None
    clip_generator: float | None = None
    clip_discriminator: float | None = None
    joint_batch: bool = False
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
        Whether G takes a step too.
    share : float in (0, 1]
        Share of the generated images from which G learns, those with the highest logits: top-k
        training, Sinha et al. 2020 (arXiv:2002.06224).
    penalty_scale : float
        Factor of the penalties' weights, which may fade during a run.
    """

    with_penalties: bool = False
    with_generator: bool = True
    share: float = 1.0
    penalty_scale: float = 1.0


@dataclass(frozen=True)
class Batch:
    """What one step is made of.

    Parameters
    ----------
    real_BCHW : Tensor
        Real images in [-1, 1].
    latent_BZ : Tensor
        Latents of as many generated images.
    class_BK : Tensor, optional
        One-hot classes of the real images, where training is conditional.
    fake_BCHW : Tensor, optional
        The generated images, once there are any.
    """

    real_BCHW: Tensor
    latent_BZ: Tensor
    class_BK: Tensor | None = None
    fake_BCHW: Tensor | None = None

    def paired(self, latent: LatentSpace) -> Batch:
        """The same, where the i-th generated image has the class of the i-th real one."""
        if self.class_BK is None:
            return self
        latent_BZ = self.latent_BZ.clone()
        latent_BZ[:, latent.class_slice] = self.class_BK
        return replace(self, latent_BZ=latent_BZ)

    def parts(self, count: int) -> Iterator[Batch]:
        """The same in so many equal parts."""
        if count == 1:
            yield self
            return
        tensors = (self.real_BCHW, self.latent_BZ, self.class_BK, self.fake_BCHW)
        chunks = ([None] * count if one is None else one.chunk(count) for one in tensors)
        for part in zip(*chunks, strict=True):
            yield Batch(*part)
