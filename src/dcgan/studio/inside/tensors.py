"""All tensors between a latent and the discriminator's verdict, and the gradient on its way back.

B batch · Z latent · C channels · M feature maps · H, W sides
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dcgan.studio.inside.training_step import LOSS, Players


@dataclass(frozen=True)
class Tensors:
    """What both networks compute for one batch, without moving.

    Attributes
    ----------
    latent_BZ, real_BCHW : Tensor
        The batch.
    generator : list of Tensor (B, M, H, W)
        Output of each layer of G; the last one is the generated images.
    on_generated, on_real : list of Tensor (B, M, H, W)
        Output of each hidden layer of D.
    logit_generated_B, logit_real_B : Tensor
        D's verdicts.
    loss_generator, loss_discriminator : Tensor
    gradients : list of Tensor
        Gradient of G's loss with respect to the latents, the outputs of G's layers, and those of
        D's hidden layers on generated images, in this order.
    """

    latent_BZ: Tensor
    real_BCHW: Tensor
    generator: list[Tensor]
    on_generated: list[Tensor]
    on_real: list[Tensor]
    logit_generated_B: Tensor
    logit_real_B: Tensor
    loss_generator: Tensor
    loss_discriminator: Tensor
    gradients: list[Tensor]

    @property
    def image_gradient(self) -> Tensor:
        """Gradient of G's loss with respect to the generated images."""
        return self.gradients[len(self.generator)]


def tensors_of(players: Players, real_BCHW: Tensor, latent_BZ: Tensor) -> Tensors:
    """Compute all tensors for a batch with the networks as they are."""
    latent_BZ = latent_BZ.detach().requires_grad_()
    pixel = latent_BZ.reshape(-1, *players.generator.input_shape)
    generator = _outputs(players.generator.blocks, pixel)
    *on_generated, logit_generated = _outputs(players.discriminator.blocks, generator[-1])
    *on_real, logit_real = _outputs(players.discriminator.blocks, real_BCHW)
    logit_generated_B, logit_real_B = logit_generated.reshape(-1), logit_real.reshape(-1)
    loss_generator = LOSS.generator(logit_generated_B)
    gradients = torch.autograd.grad(loss_generator, [latent_BZ, *generator, *on_generated])
    return Tensors(
        latent_BZ.detach(),
        real_BCHW,
        _detached(generator),
        _detached(on_generated),
        _detached(on_real),
        logit_generated_B.detach(),
        logit_real_B.detach(),
        loss_generator.detach(),
        LOSS.discriminator(logit_real_B, logit_generated_B).detach(),
        list(gradients),
    )


def _outputs(blocks: nn.Sequential, x: Tensor) -> list[Tensor]:
    """The output of each block."""
    outputs = []
    for block in blocks:
        x = block(x)
        outputs.append(x)
    return outputs


def _detached(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor.detach() for tensor in tensors]
