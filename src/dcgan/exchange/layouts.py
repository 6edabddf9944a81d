"""A known network: its layer table, as rows of a recipe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dcgan.exchange.conventions import Convention

Row = dict[str, Any]

LOGIT = {"norm": "none", "activation": "none"}
"""The end of a discriminator's output layer."""


@dataclass(frozen=True)
class Layout:
    """A known network.

    Parameters
    ----------
    name : str
        In words, for notes and ``run.json``.
    rows : list of dict
        The layer table, as in a recipe.
    latent : dict
        Settings of the latent, for a generator.
    convention : Convention, optional
        Of arrays without names.
    slope : float
        Negative slope of leaky ReLU.
    """

    name: str
    rows: list[Row]
    latent: dict[str, Any] = field(default_factory=dict)
    convention: Convention | None = None
    slope: float = 0.2

    def settings(self) -> dict[str, Any]:
        """The network as a section of a recipe."""
        leaks = any(row.get("activation") == "leaky_relu" for row in self.rows)
        return {"layers": self.rows} | ({"slope": self.slope} if leaks else {})


def normal(dim: int) -> dict[str, Any]:
    """A latent of normal numbers."""
    return {"dim": dim, "distribution": "normal"}
