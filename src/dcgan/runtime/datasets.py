"""Datasets that have a name. To add one, write its opener and add a line here. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NamedDataset:
    """A dataset with a name.

    Attributes
    ----------
    opener : str
        ``module:function`` in ``dcgan.data.sources``. The function takes a
        :class:`~dcgan.data.sources.named.Request` and returns a ``Source``.
    splits : tuple of str or None
        The first is the default; empty without splits; None where only the opener knows them.
    """

    opener: str
    splits: tuple[str, ...] | None = ()


DATASETS = {
    "digits": NamedDataset("digits:open_digits"),
    "shapes": NamedDataset("shapes:open_shapes"),
    "mnist": NamedDataset("idx:open_idx", ("train", "test")),
    "fashion-mnist": NamedDataset("idx:open_idx", ("train", "test")),
    "cifar10": NamedDataset("cifar10:open_cifar10", ("train", "test")),
    "celeba": NamedDataset("celeba:open_celeba", ("train", "valid", "test", "all")),
    "lsun": NamedDataset("lsun:open_lsun", ("train", "val")),  # lsun/church_outdoor
    "hub": NamedDataset("hub:open_hub", None),  # hub:OWNER/NAME
}

DEFAULT_DATA = "digits, 1,797 built-in images of handwritten digits"
"""The dataset of commands and functions that are given none, in words."""
