"""Output files without ``--out``: an existing file is never replaced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dcgan.runtime.files import expanded, free_file


@dataclass(frozen=True)
class Output:
    """A file to write. As a str, its path for the user, and which file is kept.

    Parameters
    ----------
    path : Path
    kept : Path, optional
        The existing file with the default name.
    """

    path: Path
    kept: Path | None = None

    def __str__(self) -> str:
        return f"{self.path}" + (f" ({self.kept} exists and is kept)" if self.kept else "")


def choose_output(out: Path | None, default: str) -> Output:
    """``out`` if it is given, else ``default``, or ``NAME-2`` and so on if that exists."""
    if out is not None:
        return Output(expanded(out))  # shells expand no ~ in --out=~/a.png
    usual = Path(default)
    free = free_file(usual)
    return Output(free, usual if free != usual else None)
