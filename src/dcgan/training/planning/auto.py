"""What ``auto`` becomes for the images and the machine, and why in one line."""

from __future__ import annotations

from typing import Any

import torch

from dcgan.config import RunConfig, forget_unused, parse_config, resolved, with_settings
from dcgan.config.model import NetworkConfig
from dcgan.data.pixels.values import SETTING, Values, decided, written
from dcgan.data.quality.survey import Survey
from dcgan.models.geometry import halvings
from dcgan.runtime.wording import counted, size_text
from dcgan.training.planning.classes import choose_condition

_TINY = 16
_TINY_TARGET = 32
"""Images below 16 pixels are enlarged to 32, so that people can see them; networks need 16."""

_LONGEST = {"cpu": 64, "mps": 64, "cuda": 128}
"""Longest side by kind of device: twice the side takes about four times as long."""

_SMALL = 100_000
_AUGMENTED = "color+translation+cutout"
"""Below so many images the discriminator may overfit, which augmentation prevents."""

_USUAL, _NARROW = 32, 16
"""Channels next to the image on a CPU. Narrow networks, with their higher rate, learn two to three
times as many images in the same time, but end worse in long runs (benchmarks/search.md)."""

_HIDDEN = 8
"""Features of D's linear layer for each channel of its first layer."""

_BATCH = {"cpu": 32, "mps": 64, "cuda": 64}
"""Small batches teach more per image (benchmarks/search.md); a GPU needs larger ones to be busy."""

_LEAST_SHARE = 8
"""Images of a batch for each of several processes: with fewer, they would mostly wait."""

_RATE, _RATE_WIDTH = 2e-3, 16
"""The best rate falls as the width grows, because Adam's steps do not shrink and add up over more
inputs (Yang & Hu 2021, arXiv:2011.14522). Measured at a width of 16 on MNIST and 32 on CIFAR-10
(benchmarks/search.md)."""

_RATE_HALVINGS = 3
"""Of images of 32x32. Larger images have wider layers at the seed, which need half the rate: at
128x128, the whole rate destroys the images (benchmarks/search.md). Less has not been tried."""

_R1, _R1_GRAY = 1.0, 3.0
"""Three times the penalty helps gray images without classes, and harms all others
(benchmarks/search.md)."""

_SHORT = 10.0
"""In fewer minutes, a wide generator sees too few images to be worth its time."""

_EPOCHS = 100
_LEAST_IMAGES = 100_000
_MOST_IMAGES = {"cpu": 400_000, "mps": 1_000_000, "cuda": 5_000_000}
"""100 epochs, but not too few images to learn from, nor more than a person waits for."""


_OF_INTERVAL = ("metric", "extractor", "images", "share")
"""Settings on which the interval between scores depends."""


def resolve_auto(
    config: RunConfig, seen: Survey, device: torch.device, processes: int = 1
) -> tuple[RunConfig, str | None]:
    """Fill every ``auto`` that depends on data or machine, of one process or several.

    Returns
    -------
    (RunConfig, str or None)
        The configuration without ``auto``, except for settings that depend on the machine alone,
        and one line that says what was chosen and why; None if nothing was left open.
    """
    reasons = []

    def fill(section: str, key: str, value: Any, reason: str | None = None) -> None:
        nonlocal config
        if getattr(getattr(config, section), key) == "auto":
            config = with_settings(config, {section: {key: value}})
            if reason:
                reasons.append(reason)

    kind = device.type
    height, width = seen.median_size
    size = choose_size((height, width), kind)
    fill("data", "size", size, f"{size_text(size)} (images are {height}x{width})")
    fill(
        "data",
        "channels",
        3 if seen.is_color else 1,
        "color" if seen.is_color else "grayscale",
    )
    values = decided(seen.spreads, stated_values(config))
    for spread in seen.spreads:
        found = getattr(values, spread.kind)
        if found is None:
            continue  # a few images of another kind
        said = f"{written(found)} as black to white (images hold {spread.in_words()})"
        fill("data", SETTING[spread.kind].removeprefix("data."), written(found, ":"), said)
    fill("model", "condition", *choose_condition(config, seen.labels, seen.count))
    config, chosen = resolve_without_images(config, device, processes)
    reasons += chosen
    batch = resolved(config.optim.batch)
    is_small = seen.count < _SMALL
    fill(
        "augment",
        "policy",
        _AUGMENTED if is_small else "none",
        "augmentation if the discriminator overfits" if is_small else None,
    )
    images = _length_in_images(config, seen.count, kind)
    fill(
        "length",
        "images",
        images,
        f"{images:,} images ({counted(round(images / seen.count), 'epoch')})",
    )
    fill("records", "log_every", min(50 * batch, max(batch, images // 100)))
    fill("records", "checkpoint_every", max(batch, images // 10))
    config = _without_unused(config)
    if not reasons:
        return config, None
    return config, f"auto chose {', '.join(reasons)}, for {counted(seen.count, 'image')} on {kind}"


def resolve_without_images(
    config: RunConfig, device: torch.device, processes: int = 1
) -> tuple[RunConfig, list[str]]:
    """Fill every ``auto`` that follows from size, channels and the kind of device.

    These are the widths of both networks, the features of D's linear layer, the learning rates, the
    weight of R1 and the batch. Size and channels must be known. Labels are not used: the classes
    are those of images.

    Returns
    -------
    (RunConfig, list of str)
        The configuration, and what was chosen in words.
    """
    reasons = []
    if config.model.condition == "auto":
        config = with_settings(config, {"model": {"condition": None}})
    widths = choose_widths(
        resolved(config.data.size),
        resolved(config.data.channels),
        device.type,
        config.length.minutes,
        has_classes=config.model.condition is not None,
    )
    networks = {"generator": config.model.generator, "discriminator": config.model.discriminator}
    planned = [n for n, net in networks.items() if net.layers is None and net.width == "auto"]
    if planned:
        reasons += [f"{name} width {widths[name]}" for name in planned]
        config = with_settings(
            config, {"model": {name: {"width": widths[name]} for name in planned}}
        )
    network = config.model.discriminator
    if network.layers is None and network.hidden == "auto":
        hidden = _HIDDEN * resolved(network.width)
        config = with_settings(config, {"model": {"discriminator": {"hidden": hidden}}})
    for player in networks:
        if getattr(config.optim, player).lr == "auto":
            rate = choose_rate(getattr(config.model, player), resolved(config.data.size))
            config = with_settings(config, {"optim": {player: {"lr": rate}}})
    if config.objective.r1 == "auto":
        is_gray = resolved(config.data.channels) <= 2
        r1 = _R1_GRAY if is_gray and not config.model.condition else _R1
        config = with_settings(config, {"objective": {"r1": r1}})
    if config.optim.batch == "auto":
        share = max(_LEAST_SHARE if processes > 1 else 1, -(-_BATCH[device.type] // processes))
        config = with_settings(config, {"optim": {"batch": share * processes}})
        reasons.append(f"batch {share * processes}")
    return config, reasons


def stated_values(config: RunConfig) -> Values:
    """Black and white in images of more than 8 bits, where the settings say so."""
    whole, floats = config.data.integer_range, config.data.float_range
    return Values(None if whole == "auto" else whole, None if floats == "auto" else floats)


def _without_unused(config: RunConfig) -> RunConfig:
    """Without settings that lost their effect, such as ``augment.target`` without a policy."""
    return parse_config(forget_unused(config.model_dump(mode="json"), {}))


def fill_auto(config: RunConfig, stored: RunConfig) -> RunConfig:
    """Replace each ``auto`` by what it was in an earlier start of the same run."""

    def fill(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
        filled = {}
        for key, value in ours.items():
            if isinstance(value, dict):
                filled[key] = fill(value, theirs[key])
            else:
                filled[key] = theirs[key] if value == "auto" else value
        return filled

    asked, earlier = config.model_dump(mode="json"), stored.model_dump(mode="json")
    filled = fill(asked, earlier)
    ours, theirs = asked["metrics"], earlier["metrics"]
    is_changed = any(ours[key] != theirs[key] for key in _OF_INTERVAL)
    if is_changed and ours["every"] in {"auto", theirs["every"]}:
        filled["metrics"]["every"] = "auto"  # the earlier one no longer fits
    if config.length.images == "auto":  # the three lengths are one choice
        filled["length"] = earlier["length"]
    return _without_unused(parse_config(filled))


def choose_size(native: tuple[int, int], device: str) -> tuple[int, int]:
    """A size near that of the images which this kind of device trains in reasonable time.

    Nearly square images become square; others keep their aspect ratio. Sides are multiples of four,
    or of eight for square images that must change, so that networks can halve them.

    >>> choose_size((218, 178), "cpu")
    (64, 52)
    >>> choose_size((62, 62), "cpu"), choose_size((28, 28), "cpu"), choose_size((8, 8), "cpu")
    ((64, 64), (28, 28), (32, 32))
    """
    height, width = native
    if max(native) < _TINY:
        return _TINY_TARGET, _TINY_TARGET
    scale = min(1.0, _LONGEST[device] / max(native))
    if max(native) <= 1.1 * min(native):
        side = round(max(native) * scale)
        if side % 4:
            side = min(_LONGEST[device], 8 * round(side / 8))
        return max(_TINY, side), max(_TINY, side)
    return (
        max(_TINY, 4 * round(height * scale / 4)),
        max(_TINY, 4 * round(width * scale / 4)),
    )


def choose_widths(
    size: tuple[int, int],
    channels: int,
    device: str,
    minutes: float | None = None,
    *,
    has_classes: bool = False,
) -> dict[str, int]:
    """Widths of both networks: the paper's 64 on a GPU, less on a CPU.

    For small gray images a generator four times as wide as the discriminator reduces the distance
    by two thirds and takes nearly twice as long, which pays from ten ``minutes`` on; one of twice
    the width takes a fifth longer, and is enough where the networks know classes. In color, wide
    ones learn too slowly (benchmarks/search.md).
    """
    if device != "cpu":
        return {"generator": 64, "discriminator": 64}
    if channels <= 2 and max(size) <= 32:
        is_short = minutes is not None and minutes < _SHORT
        return {"generator": 32 if is_short or has_classes else 64, "discriminator": 16}
    return {"generator": _USUAL, "discriminator": _USUAL}


def choose_rate(network: NetworkConfig, size: tuple[int, int]) -> float:
    """The learning rate of Adam, which falls with the width next to the image and with how many
    times wider the widest planned layer is; the latter halves it at most."""
    if network.width == "auto":
        return _RATE
    rate = _RATE * min(1.0, _RATE_WIDTH / network.width)
    if network.layers is not None:
        return rate
    wider = 1 << (len(halvings(size)) - 2)
    widest = max(network.width, min(network.max_width, network.width * wider))
    usual = network.width << (_RATE_HALVINGS - 1)
    return rate * max(0.5, min(1.0, usual / widest))


def narrowed(config: RunConfig, usual: RunConfig) -> RunConfig | None:
    """The configuration with two narrow networks, for a run that is short for the ``usual`` ones.

    None where widths or learning rates are set, or where ``auto`` chooses other widths.

    Parameters
    ----------
    config : RunConfig
        As asked for.
    usual : RunConfig
        The same without ``auto``.
    """
    for player in ("generator", "discriminator"):
        network, rate = getattr(config.model, player), getattr(config.optim, player).lr
        is_open = network.layers is None and network.width == rate == "auto"
        if not is_open or getattr(usual.model, player).width != _USUAL:
            return None
    narrow = {"width": _NARROW}
    return with_settings(config, {"model": {"generator": narrow, "discriminator": narrow}})


def _length_in_images(config: RunConfig, count: int, device: str) -> int:
    """Images of the whole run; a guess if it is bounded by time."""
    if isinstance(config.length.images, int):
        return config.length.images
    if config.length.epochs is not None:
        return config.length.epochs * count
    return min(_MOST_IMAGES[device], max(_LEAST_IMAGES, _EPOCHS * count))
