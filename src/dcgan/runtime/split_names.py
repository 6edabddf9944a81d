"""Names of splits, and how DATA asks for one; needs no torch."""

from __future__ import annotations

from dcgan.errors import ConfigError
from dcgan.runtime.arguments import is_address, is_name
from dcgan.runtime.files import expanded

AUTO, ALL, TRAIN = "auto", "all", "train"

ALIASES = {
    TRAIN: ("train", "training", "trainset"),
    "val": ("val", "valid", "validation", "valset", "dev"),
    "test": ("test", "testing", "testset"),
}
CANONICAL = {word: split for split, words in ALIASES.items() for word in words}

NONE = "none"
"""The setting ``data.labels`` that reads no labels."""


def canonical(name: str) -> str:
    """One name for each split: ``valid`` and ``validation`` are ``val``; others stay.

    >>> canonical("Validation"), canonical("unlabeled")
    ('val', 'unlabeled')
    """
    return CANONICAL.get(name.lower(), name)


def with_split(data: str, split: str = AUTO) -> tuple[str, str]:
    """DATA without the split at its end, and the split: ``mnist:test``, or ``photos:val`` where
    there is a folder or file ``photos`` and no ``photos:val``.

    Raises
    ------
    ConfigError
        Two splits are asked for.
    """
    name, colon, own = data.rpartition(":")
    if not colon or not own or "/" in own or is_address(data):
        return data, split
    if is_name(data):
        if name.startswith("hub") or not is_name(name):
            return data, split
    elif expanded(data).exists() or not expanded(name).exists():
        return data, split
    if split != AUTO and canonical(split) != canonical(own):
        raise ConfigError("data.split", split, f"DATA asks for the split {own}; leave one out")
    return name, own
