"""Names of splits, and splits in ``data`` such as mnist:test. Needs no torch."""

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
"""The value of ``data.labels`` that reads no labels."""


def canonical(name: str) -> str:
    """One name for each split: ``valid`` and ``validation`` become ``val``.

    >>> canonical("Validation"), canonical("unlabeled")
    ('val', 'unlabeled')
    """
    return CANONICAL.get(name.lower(), name)


def with_split(data: str, split: str = AUTO) -> tuple[str, str]:
    """``data`` without the split at its end, and the split: of ``mnist:test``, or of ``photos:val``
    if there is a path ``photos`` and no ``photos:val``.

    Raises ``ConfigError`` if ``split`` is another one.
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
        raise ConfigError("data.split", split, f"`data` names the split {own}. Remove one")
    return name, own
