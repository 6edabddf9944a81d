"""``dcgan models``: list the trained models that come with the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcgan.cli.table import aligned
from dcgan.runtime.built_in import list_models
from dcgan.runtime.wording import CHANNELS

if TYPE_CHECKING:
    from dcgan.runtime.built_in import BuiltInModel

_SHOWN = 3


def models() -> None:
    """List the trained models that come with the package.

    You can use their names in place of a RUN.
    """
    rows = [["name", "images", "trained on", "classes (--label)", "directions (--move)"]]
    rows += [_row(model) for model in list_models()]
    print(*aligned(rows, "<<<<<"), sep="\n")
    print("\nYou can use a name in place of a RUN: dcgan sample mnist-demo")


def _row(model: BuiltInModel) -> list[str]:
    channels, height, width = model.image_shape
    return [
        model.name,
        f"{height}x{width} {CHANNELS[channels]}",
        model.data,
        _some(model.classes),
        ", ".join(model.directions) or "none",
    ]


def _some(names: tuple[str, ...]) -> str:
    """All names if they are few, else the first ones and how many there are."""
    if len(names) <= _SHOWN:
        return ", ".join(names) or "none"
    return f"{', '.join(names[: _SHOWN - 1])}, ... ({len(names)})"
