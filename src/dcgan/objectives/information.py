"""InfoGAN's loss: how well codes can be read from generated images.

B batch · N numbers of all codes
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn.functional import log_softmax


def code_loss(
    read_BN: Tensor, code_BN: Tensor, categorical: Sequence[int], *, continuous_weight: float = 0.1
) -> Tensor:
    """-log Q(c | x), which bounds the mutual information I(c; G(z, c)) from below.

    Chen et al. 2016 (arXiv:1606.03657), equation 5, up to the constant entropy of the codes: cross
    entropy for each categorical code, ½ (c - μ)² for each continuous one, a Gaussian of variance
    one.

    Parameters
    ----------
    read_BN : Tensor
        What was read: the logits of each categorical code, then the means μ.
    code_BN : Tensor
        The codes of the images, categorical ones one-hot.
    categorical : sequence of int
        How many values each categorical code has; the rest is continuous.
    continuous_weight : float, default 0.1
        Of the continuous codes; less than 1 in the paper, so that they do not outweigh the others.
    """
    start, loss = 0, read_BN.new_zeros(())
    for values in categorical:
        place = slice(start, start + values)
        loss = loss - (code_BN[:, place] * log_softmax(read_BN[:, place], dim=1)).sum(dim=1).mean()
        start += values
    apart = read_BN[:, start:] - code_BN[:, start:]
    return loss + continuous_weight * apart.square().sum(dim=1).mean() / 2
