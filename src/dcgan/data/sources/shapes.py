"""Shapes: rendered images whose factors are known exactly."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw

from dcgan.data.labels import Labels
from dcgan.data.sources.base import Source
from dcgan.data.sources.named import Request
from dcgan.data.sources.paths import digest

SHAPES = ("circle", "square", "triangle")
COLORS = {
    "red": (220, 50, 47),
    "green": (70, 160, 60),
    "blue": (50, 90, 200),
    "yellow": (225, 190, 50),
}
SIDE = 32
"""Pixels per side."""

_OVERSAMPLING = 4
"""Rendered this much larger and reduced, for smooth edges."""


def open_shapes(_: Request) -> ShapesSource:
    """10,000 shapes."""
    return ShapesSource()


class ShapesSource(Source):
    """One filled shape per image on white, 32×32 in color.

    Labels: ``shape`` and ``color`` (classes); ``size`` (circumradius, 0.2 to 0.4 of the side),
    ``x`` and ``y`` (center, 0.4 to 0.6 of the side) and ``angle`` (radians, 0 to 2π; meaningless
    for the circle). All factors are independent and uniform.
    """

    def __init__(self, count: int = 10_000, seed: int = 0) -> None:
        random = np.random.Generator(np.random.Philox(seed))
        super().__init__(
            "shapes",
            labels={
                "shape": Labels(random.integers(len(SHAPES), size=count), SHAPES),
                "color": Labels(random.integers(len(COLORS), size=count), tuple(COLORS)),
                "size": Labels(random.uniform(0.2, 0.4, count)),
                "x": Labels(random.uniform(0.4, 0.6, count)),
                "y": Labels(random.uniform(0.4, 0.6, count)),
                "angle": Labels(random.uniform(0, 2 * pi, count)),
            },
        )
        self._factors = self.labels.copy()  # drawn from, also when no labels are wanted
        self._count = count
        self._seed = seed

    def __len__(self) -> int:
        return self._count

    def read(
        self,
        index: int,
        at_least: tuple[int, int] | None = None,  # noqa: ARG002 (has one size)
    ) -> Image.Image:
        factor = {name: labels.values[index] for name, labels in self._factors.items()}
        return draw_shape(
            SHAPES[factor["shape"]],
            tuple(COLORS)[factor["color"]],
            size=float(factor["size"]),
            x=float(factor["x"]),
            y=float(factor["y"]),
            angle=float(factor["angle"]),
        )

    def title(self, index: int) -> str:
        return f"shapes[{index}]"

    def stamp(self) -> str:
        return digest(("shapes", self._count, self._seed))


def draw_shape(
    shape: str, color: str, *, size: float, x: float, y: float, angle: float
) -> Image.Image:
    """One shape as an RGB image; lengths in shares of the side, the angle in radians."""
    large = SIDE * _OVERSAMPLING
    canvas = Image.new("RGB", (large, large), (255, 255, 255))
    pen = ImageDraw.Draw(canvas)
    radius, center_x, center_y = size * large, x * large, y * large
    if shape == "circle":
        box = (center_x - radius, center_y - radius, center_x + radius, center_y + radius)
        pen.ellipse(box, fill=COLORS[color])
    else:
        corners = {"square": 4, "triangle": 3}[shape]
        turns = [angle + 2 * pi * corner / corners for corner in range(corners)]
        points = [(center_x + radius * cos(t), center_y + radius * sin(t)) for t in turns]
        pen.polygon(points, fill=COLORS[color])
    return canvas.resize((SIDE, SIDE), Image.Resampling.BOX)
