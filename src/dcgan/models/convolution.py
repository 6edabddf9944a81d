"""Convolutions from or to a single pixel, computed as matrix products.

B batch · I, O channels · H, W sides

That is several times as fast as a convolution. Weights have the shapes and names of PyTorch's own
modules, which spectral norm and saved runs rely on.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


class FromPixel(nn.ConvTranspose2d):
    """A transposed convolution, without padding, of a single pixel.

    Shape: (B, I, 1, 1) → (B, O, kernel height, kernel width).
    """

    def forward(self, pixel_BI11: Tensor, output_size: list[int] | None = None) -> Tensor:
        assert output_size is None, "a single pixel leaves no choice"
        # pixel by pixel, as channels-last weights lie in memory
        weight_IHWO = self.weight.permute(0, 2, 3, 1)
        image_BHWO = torch.matmul(pixel_BI11.flatten(1), weight_IHWO.flatten(1))
        image_BOHW = image_BHWO.view(-1, *weight_IHWO.shape[1:]).permute(0, 3, 1, 2)
        if image_BOHW.device.type == "mps":  # see runtime.device.placed
            image_BOHW = image_BOHW.contiguous()
        return image_BOHW if self.bias is None else image_BOHW + self.bias[:, None, None]


class ToPixel(nn.Conv2d):
    """A convolution, without padding, whose kernel is as large as its input.

    Shape: (B, I, kernel height, kernel width) → (B, O, 1, 1).
    """

    def forward(self, feature_BIHW: Tensor) -> Tensor:
        feature_BHWI = feature_BIHW.permute(0, 2, 3, 1).flatten(1)
        pixel_BO = linear(feature_BHWI, self.weight.permute(0, 2, 3, 1).flatten(1), self.bias)
        return pixel_BO[:, :, None, None]
