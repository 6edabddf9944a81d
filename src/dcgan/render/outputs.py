"""What the suffix of an output file may be. Needs no torch."""

from __future__ import annotations

from pathlib import Path

from dcgan.errors import ConfigError
from dcgan.render.animation import SUFFIXES as ANIMATIONS
from dcgan.render.sheet import SUFFIXES

SHEETS = (*SUFFIXES, ".webp")
"""Suffixes of a sheet of samples."""

PACKED = (".npz", ".zip")


def samples_suffix(out: Path) -> str:
    """The suffix of an output of samples, empty for a folder; ConfigError for another kind."""
    suffix = "" if out.is_dir() else out.suffix.lower()
    if suffix not in {*SHEETS, *PACKED, ""}:
        kinds = ", ".join((*SHEETS, *PACKED))
        raise ConfigError("out", str(out), f"use a folder, or a file that ends in one of {kinds}")
    return suffix


def refuse_film(out: Path, *, fps: float, side: int | None, beside: bool) -> None:
    """Raise ConfigError for options that no animation or sheet can have."""
    if out.suffix.lower() not in {*SUFFIXES, *ANIMATIONS}:
        films, sheets = ", ".join(ANIMATIONS), ", ".join(SUFFIXES)
        raise ConfigError("out", str(out), f"use {films} for an animation, {sheets} for a sheet")
    if beside and out.suffix.lower() not in SUFFIXES:
        raise ConfigError("neighbors", True, f"only on a sheet, not in a {out.suffix}. Use .png")
    if not 0.1 <= fps <= 100:
        raise ConfigError("fps", fps, "must be 0.1 to 100 frames per second")
    if side is not None and not 1 <= side <= 4096:
        raise ConfigError("side", side, "must be 1 to 4096 pixels")
