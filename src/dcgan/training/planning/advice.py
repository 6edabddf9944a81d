"""What to train with, given what an inspection found, and why, in words."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dcgan.config import load_recipe, parse_config
from dcgan.config.tree import DataConfig
from dcgan.data.inspection import TINY_SIDE, Inspection
from dcgan.data.survey import Survey
from dcgan.data.values import SETTING, written
from dcgan.training.planning.auto import choose_size
from dcgan.vocabulary import Fit

FEW_IMAGES = 1000
"""Below, the discriminator soon knows every picture by heart (Karras et al. 2020,
arXiv:2006.06676, see it begin at some thousands)."""

_VERY_FEW = 100

MANY_COPIES = 0.05
UNBALANCED = 10.0
VERY_MIXED = 4.0
"""Times that the longer side of the 95th of 100 pictures is that of the 5th."""

MUCH_LOST = 0.25
"""Of the median picture, cut off by a centre crop: more, and the subject suffers."""

SAME_ASPECT = 0.02
"""A crop that loses less is not worth a thought."""

_CLASSICS = ("small-mnist", "mlp-mnist", "imagenet-features", "celeba-rectangular", "paper")
"""Recipes for a fixed size that somebody may have in mind; the others are variants of these."""


@dataclass(frozen=True)
class Advice:
    """What to train with. Every ``..._reason`` is a phrase.

    Attributes
    ----------
    size : (height, width)
    channels : {1, 3}
    fit : {"crop", "pad", "stretch", "cover-random"}
    classics : tuple of str
        Recipes made for exactly such pictures, beside ``auto``.
    dangers : tuple of str
        What will spoil the training, or may surprise; a sentence each.
    command : str
        For a shell.
    """

    size: tuple[int, int]
    size_reason: str
    channels: int
    channels_reason: str
    fit: Fit
    fit_reason: str
    classics: tuple[str, ...]
    recipe_reason: str
    dangers: tuple[str, ...]
    command: str


def advise(
    seen: Inspection,
    device: str,
    *,
    data: str,
    size: tuple[int, int] | None = None,
    fit: Fit | None = None,
    data_root: str | None = None,
    split: str = "auto",
    labels: str = "auto",
) -> Advice:
    """Recommend size, channels, fit and recipe.

    Parameters
    ----------
    seen : Inspection
    device : {"cpu", "cuda", "mps"}
    data : str
        What the command trains on.
    size : (height, width), optional
    fit : optional
        What is already decided.
    data_root : str, optional
    split, labels : str, default "auto"
        The settings of the section ``data`` that the images were opened with.
    """
    chosen = size or choose_size(seen.median_size, device)
    channels, channels_reason = _channels(seen)
    best_fit, fit_reason = (fit, "as you asked") if fit else _fit(seen, chosen)
    classics = tuple(name for name in _CLASSICS if _is_made_for(name, seen, chosen, channels))
    recipe_reason = "fits networks, batch and length to these pictures and this machine"
    if classics:
        recipe_reason += f"; classics at such a size: {', '.join(classics)}"
    return Advice(
        size=chosen,
        size_reason="as you asked" if size else _size_reason(seen, chosen, device),
        channels=channels,
        channels_reason=channels_reason,
        fit=best_fit,
        fit_reason=fit_reason,
        classics=classics,
        recipe_reason=recipe_reason,
        dangers=tuple(_dangers(seen, chosen)),
        command=shlex.join(
            [
                *("dcgan", "train", data),
                *(() if split == "auto" else ("--data.split", split)),
                *(() if labels == "auto" else ("--data.labels", labels)),
                *_options(seen, chosen, size, channels, best_fit, data_root),
            ]
        ),
    )


def _size_reason(seen: Survey, size: tuple[int, int], device: str) -> str:
    if len(seen.sizes) == 1:
        native = f"all pictures are {_by(seen.median_size)}"
    else:
        native = f"the median picture is {_by(seen.median_size)}"
    if max(size) < max(seen.median_size):
        machine = {"cpu": "a CPU", "cuda": "one GPU", "mps": "this Mac"}[device]
        return f"{native}; about what {machine} trains in reasonable time"
    return native


def _channels(seen: Inspection) -> tuple[int, str]:
    if not seen.is_colour:
        stored = ", although some are stored in colour" if seen.has_colour_modes else ""
        which = "none of those that train looks at has" if seen.coloured else "no picture has"
        return 1, f"{which} colour{stored}"
    reason = f"{_share(seen.coloured, seen.readable)} of the pictures have colour"
    return 3, reason.replace("100% of the", "all")


def _fit(seen: Inspection, size: tuple[int, int]) -> tuple[Fit, str]:
    lost = seen.lost_to_cropping(size)
    median = float(np.median(lost))
    if lost.max() < SAME_ASPECT:
        return "crop", "all pictures have this aspect already"
    if seen.transparent > seen.readable / 2:
        return "pad", "most pictures are transparent: a rim around them is unseen, a cut is not"
    if median > MUCH_LOST:
        return (
            "cover-random",
            f"a centre crop would lose {median:.0%} of the median picture; this shows all of it"
            " in turn",
        )
    return "crop", (
        f"a centre crop loses {median:.0%} of the median picture,"
        f" {np.quantile(lost, 0.95):.0%} of the 95th in 100"
    )


def _is_made_for(name: str, seen: Survey, size: tuple[int, int], channels: int) -> bool:
    """Whether a recipe works at this size, or at that of the pictures or their aspect, smaller."""
    data = parse_config(load_recipe(name)).data
    if data.channels != channels or isinstance(data.size, str):
        return False
    height, width = seen.median_size
    same_aspect = abs(data.size[0] / data.size[1] * width / height - 1) < SAME_ASPECT
    is_rectangle = data.size[0] != data.size[1]
    return data.size in {size, seen.median_size} or (
        is_rectangle and same_aspect and data.size[0] <= height
    )


def _dangers(seen: Inspection, size: tuple[int, int]) -> list[str]:
    found = [
        *_too_little(seen),
        *_spoiled(seen),
        *_sizes(seen, size),
        *_values(seen),
        *_mixtures(seen),
    ]
    return [danger[0].upper() + danger[1:] for danger in found]


def _too_little(seen: Inspection) -> list[str]:
    found = []
    usable = round(seen.count * (seen.readable - seen.spare) / seen.looked_at)
    few = few_images(usable)
    if few:
        found.append(few)
    if seen.spare > MANY_COPIES * seen.readable:
        found.append(
            f"{_share(seen.spare, seen.readable)} are copies of others: samples will repeat them;"
            " --data.duplicates drop keeps one of each"
        )
    return found


def cropped(seen: Survey, size: tuple[int, int], fit: Fit) -> str | None:
    """What a center crop cuts off, in words; None where it is little."""
    if fit != "crop" or not seen.sizes:
        return None
    lost = seen.lost_to_cropping(size)
    most = float(np.quantile(lost, 0.95))
    if most < SAME_ASPECT:
        return None
    return (
        f"a center crop to {_by(size)} cuts {np.median(lost):.0%} off the median image and"
        f" {most:.0%} off one in twenty; --data.fit pad keeps images whole"
    )


def few_images(count: int) -> str | None:
    """What to expect of so few different images; None where there are enough."""
    if count >= FEW_IMAGES:
        return None
    if count == 1:
        return (
            "only 1 image: the generator can only learn to repeat it. For new images, give at least"
            f" some hundred different ones, better {FEW_IMAGES:,}"
        )
    repeats = "expect near-copies of them" if count < _VERY_FEW else "expect many near-copies"
    return (
        f"only {count:,} images: {repeats}, because a GAN repeats its images below some"
        f" {FEW_IMAGES:,}. More images help most; --data.flip true doubles them where"
        " left and right are alike"
    )


def _spoiled(seen: Inspection) -> list[str]:
    found = []
    bound = DataConfig().max_unreadable
    if len(seen.skipped) > bound * seen.looked_at:
        found.append(
            f"{_share(len(seen.skipped), seen.looked_at)} are unreadable, more than the"
            f" {bound:.0%} that train allows without --data.max-unreadable"
        )
    if seen.blank:
        found.append(
            f"{_dataset(len(seen.blank), 'blank ')}: samples will hold such, too;"
            " --data.blank drop leaves them out"
        )
    if seen.vanishing:
        found.append(
            f"{_dataset(len(seen.vanishing), 'transparent ')}, white, cannot be seen on white: try"
            " --data.background '#000000'"
        )
    return found


def _sizes(seen: Inspection, size: tuple[int, int]) -> list[str]:
    found = []
    smaller = sum(n for (h, w), n in seen.sizes.items() if h < size[0] or w < size[1])
    if smaller:
        found.append(
            f"{_share(smaller, seen.readable)} are smaller than {_by(size)} and will be enlarged,"
            " which blurs them"
        )
    low, high = np.quantile(
        np.repeat([max(one) for one in seen.sizes], list(seen.sizes.values())), [0.05, 0.95]
    )
    if high > VERY_MIXED * low:
        found.append(
            f"very mixed sizes: longer sides from {low:.0f} to {high:.0f} (5 % to 95 %), so some"
            " are sharp and some blurred"
        )
    if seen.tiny:
        found.append(f"{_dataset(len(seen.tiny))} with a side below {TINY_SIDE}")
    return found


def _values(seen: Inspection) -> list[str]:
    """What black and white are, where that is not plain."""
    found = [
        f"images hold {spread.in_words()}: which values are black and white is unknown, so train"
        f" wants --{SETTING[spread.kind].replace('_', '-')}; the command below takes all that was"
        " found"
        for spread in seen.spreads
        if spread.is_unknown
    ]
    return found + seen.remarks.lines()


def _mixtures(seen: Inspection) -> list[str]:
    found = []
    grey = seen.readable - seen.coloured
    if seen.coloured and not seen.is_colour:
        found.append(
            f"{_dataset(seen.coloured)} of {seen.readable:,} have colour, which grey training"
            " drops; --data.channels 3 keeps it"
        )
    elif seen.coloured and grey:
        found.append(f"{_share(grey, seen.readable)} have no colour: so will some samples")
    if seen.transparent > seen.readable / 2:
        found.append(
            "most images are transparent: this command lays them on white. To keep transparency,"
            " add --data.channels 4; for another background, --data.background '#rrggbb'"
        )
    if seen.animated:
        found.append(
            f"{_dataset(seen.animated, 'animated ')}: only first frames count without"
            " --data.frames all"
        )
    for factor, counts in seen.labels.items():
        largest, smallest = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
        if counts[largest] > UNBALANCED * counts[smallest]:
            found.append(
                f"unbalanced {factor}: {counts[largest]:,} {largest} but {counts[smallest]:,}"
                f" {smallest}"
            )
    return found


def _options(
    seen: Inspection,
    size: tuple[int, int],
    asked: tuple[int, int] | None,
    channels: int,
    fit: Fit,
    data_root: str | None,
) -> Sequence[str]:
    """What ``train`` would not choose itself from a glance at a few hundred pictures."""
    options = []
    if data_root is not None:
        options += ["--data-root", data_root]
    if asked or len(seen.sizes) > 1:
        side = str(size[0]) if size[0] == size[1] else _by(size)
        options += ["--size", side]
    if len(seen.modes) > 1 or seen.has_colour_modes != seen.is_colour:
        options += ["--data.channels", str(channels)]
    if seen.spare > MANY_COPIES * seen.readable:
        options += ["--data.duplicates", "drop"]
    if len(seen.blank) > MANY_COPIES * seen.readable:
        options += ["--data.blank", "drop"]
    for spread in seen.spreads:
        if spread.is_unknown:
            found = written((spread.low, spread.high), ":")
            options.append(f"--{SETTING[spread.kind].replace('_', '-')}={found}")
    if fit != "crop":
        options += ["--data.fit", fit]
    if len(seen.skipped) > DataConfig().max_unreadable * seen.looked_at:
        share = np.ceil(100 * len(seen.skipped) / seen.looked_at) / 100
        options += ["--data.max-unreadable", f"{share:g}"]
    return options


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _dataset(count: int, which: str = "") -> str:
    return f"{count:,} {which}picture{'' if count == 1 else 's'}"


def _share(some: int, of: int) -> str:
    """In percent, neither rounded to nothing nor to all."""
    percent = 100 * some / of
    if 0 < percent < 1 or 99 < percent < 100:
        return f"{min(99.9, max(0.1, percent)):.1f}%"
    return f"{percent:.0f}%"
