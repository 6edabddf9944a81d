"""What to train with, given an inspection of the images, and why, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dcgan.config import load_recipe, parse_config
from dcgan.config.tree import DataConfig
from dcgan.data import HeldDataset, ImageDataset
from dcgan.data.pixels.values import SETTING, written
from dcgan.data.quality.decoded import count_blank_and_copies
from dcgan.data.quality.inspection import TINY_SIDE, Inspection
from dcgan.data.quality.survey import Survey
from dcgan.runtime.shell import DATA, call, command
from dcgan.runtime.wording import counted, size_text
from dcgan.training.planning.auto import choose_size
from dcgan.training.planning.classes import (
    choose_condition,
    in_place_of_classes,
    unlike_in_words,
)
from dcgan.vocabulary import Fit

FEW_IMAGES = 1000
"""With fewer, the discriminator soon overfits (Karras et al. 2020, arXiv:2006.06676, see it begin
at some thousands)."""

_SO_FEW_START_TRAINED = 2_500
"""With at most so many images, a start from a model of other images gives better samples, at any
length that was measured (benchmarks/transfer.md)."""

_STARTS = {(3, 32, 32): "cifar10-demo", (3, 64, 64): "emoji-demo"}
"""By (channels, height, width). Only models of varied images: digits do not help others."""

MINUTES = 10
"""A first run: long enough to see whether it works."""

REPORTED = 0.01
"""Share of the images from which training reports blank images, or copies."""

_COUNTED_BYTES = 2**28
"""Decoded images up to which both are counted. Takes about a second."""

MANY_COPIES = 0.05
UNBALANCED = 10.0
VERY_MIXED = 4.0
"""Ratio of the longer sides of the 95th and the 5th of 100 images."""

MUCH_LOST = 0.25
"""If a center crop cuts off more than this of the median image, its subject suffers."""

SAME_ASPECT = 0.02
"""A crop that cuts off less is not worth mentioning."""

_CLASSICS = ("small-mnist", "mlp-mnist", "imagenet-features", "celeba-rectangular", "paper")
"""Well-known recipes for a fixed size; the others are variants of these."""


@dataclass(frozen=True)
class Advice:
    """What to train with. Every ``..._reason`` is a phrase.

    Attributes
    ----------
    size : (height, width)
    is_size_set : bool
        Whether the command sets it; else training may choose a smaller one.
    channels : {1, 3}
    fit : {"crop", "pad", "stretch", "cover-random"}
    classics : tuple of str
        Recipes made for exactly such images, as alternatives to ``auto``.
    start : str or None
        A built-in model to start from, as an alternative to random weights.
    dangers : tuple of str
        What will harm the training, or may surprise; a sentence each.
    command : str
        For a shell.
    """

    size: tuple[int, int]
    is_size_set: bool
    size_reason: str
    channels: int
    channels_reason: str
    fit: Fit
    fit_reason: str
    classics: tuple[str, ...]
    recipe_reason: str
    start: str | None
    start_reason: str
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
        What the user has decided.
    data_root : str, optional
    split, labels : str, default "auto"
        The settings of the section ``data`` that the images were opened with.
    """
    chosen = size or choose_size(seen.median_size, device)
    channels, channels_reason = _channels(seen)
    best_fit, fit_reason = (fit, "as you asked") if fit else _fit(seen, chosen)
    classics = tuple(name for name in _CLASSICS if _is_made_for(name, seen, chosen, channels))
    recipe_reason = "fits networks, batch and length to these images and this machine"
    factor, learned = choose_condition(parse_config(load_recipe("auto")), seen.labels, seen.count)
    instead = in_place_of_classes(seen.count)
    if factor in seen.unlike:
        said = "with clusters of similar images as classes" if instead else "without their classes"
        recipe_reason += f", {said} (see the warning)"
    elif learned:
        recipe_reason += f"; {learned if factor is None else f'learns {learned}'}"
    if classics:
        recipe_reason += f"; well-known recipes for images of this size: {', '.join(classics)}"
    options = [] if split == "auto" else ["--data.split", split]
    options += [] if labels == "auto" else ["--data.labels", labels]
    options += [] if data_root is None else ["--data-root", data_root]
    is_size_set = size is not None or len(seen.sizes) > 1
    if is_size_set:
        options += ["--size", str(chosen[0]) if chosen[0] == chosen[1] else size_text(chosen)]
    options += _options(seen, channels, best_fit)
    options += ["--model.condition", instead or "none"] if factor in seen.unlike else []
    start = model_to_start_from(_different(seen), chosen, channels)
    return Advice(
        size=chosen,
        is_size_set=is_size_set,
        size_reason="as you asked" if size else _size_reason(seen, chosen, device),
        channels=channels,
        channels_reason=channels_reason,
        fit=best_fit,
        fit_reason=fit_reason,
        classics=classics,
        recipe_reason=recipe_reason,
        start=start,
        start_reason="" if start is None else start_hint(start, data),
        dangers=tuple(danger[0].upper() + danger[1:] for danger in _dangers(seen, chosen, factor)),
        command=command("train", data, *options, "--minutes", str(MINUTES)),
    )


def cropped(seen: Survey, size: tuple[int, int], fit: Fit) -> str | None:
    """What a center crop cuts off, in words; None if it is little."""
    if fit != "crop" or not seen.sizes:
        return None
    lost = seen.lost_to_cropping(size)
    most = float(np.quantile(lost, 0.95))
    if most < SAME_ASPECT:
        return None
    return (
        f"cropping to {size_text(size)} cuts {np.median(lost):.0%} off a typical image, and"
        f" {most:.0%} or more off one image in twenty. `data.fit=pad` keeps images whole"
    )


def few_images(count: int, reason: str = "") -> str | None:
    """What to expect of so few different images; None if there are enough.

    ``reason`` says how they were counted, if there are more images than different ones.
    """
    if count >= FEW_IMAGES:
        return None
    if count == 1:
        return (
            "only 1 image: the generator can only learn to repeat it. For new images, use at least"
            f" some hundred different ones, better {FEW_IMAGES:,}"
        )
    found = (
        f"only about {count:,} different images ({reason})" if reason else f"only {count:,} images"
    )
    return (
        f"{found}: a GAN repeats so few. Use {FEW_IMAGES:,} or more; `data.flip=true` doubles them"
        " if left and right are alike"
    )


def model_to_start_from(count: int, size: tuple[int, int], channels: int) -> str | None:
    """The built-in model from which a run on so many images should start, if any."""
    if not 1 < count <= _SO_FEW_START_TRAINED:
        return None
    return _STARTS.get((channels, *size))


def start_hint(model: str, data: str = DATA) -> str:
    """When to start from a built-in model, in words."""
    better = call("train", data, init=model)
    return (
        f"from random weights; with so few images, {better} gives better ones sooner, unless yours"
        " are like those of that model"
    )


def blank_or_copied(dataset: ImageDataset) -> str | None:
    """How many images are blank or copies, in words; None if few are, or if counting takes long."""
    if not isinstance(dataset, HeldDataset) or dataset.images.nbytes > _COUNTED_BYTES:
        return None
    blank, copies = count_blank_and_copies(dataset.images)
    parts, options = [], []
    if blank > REPORTED * len(dataset.images):
        parts.append(f"{blank:,} are blank")
        options.append("`data.blank=drop`")
    if copies > REPORTED * len(dataset.images):
        parts.append(f"{copies:,} are copies of another image")
        options.append("`data.duplicates=drop`")
    if not parts:
        return None
    verb = "drops" if len(options) == 1 else "drop"
    return (
        f"of {len(dataset.images):,} images, {' and '.join(parts)}. The generator learns to make"
        f" them too; {' and '.join(options)} {verb} them"
    )


def _size_reason(seen: Survey, size: tuple[int, int], device: str) -> str:
    which = "all images are" if len(seen.sizes) == 1 else "the median image is"
    native = f"{which} {size_text(seen.median_size)}"
    if max(size) < max(seen.median_size):
        machine = {"cpu": "a CPU", "cuda": "one GPU", "mps": "this Mac"}[device]
        return f"{native}; about what {machine} trains in reasonable time"
    return native


def _channels(seen: Inspection) -> tuple[int, str]:
    if not seen.is_color:
        stored = ", although some are stored in color" if seen.has_color_modes else ""
        which = "none of those that training looks at has" if seen.colored else "no image has"
        return 1, f"{which} color{stored}"
    share = _share(seen.colored, seen.readable)
    return 3, "all images have color" if share == "100%" else f"{share} of the images have color"


def _fit(seen: Inspection, size: tuple[int, int]) -> tuple[Fit, str]:
    lost = seen.lost_to_cropping(size)
    median = float(np.median(lost))
    if lost.max() < SAME_ASPECT:
        return "crop", "all images have this aspect ratio already"
    if seen.transparent > seen.readable / 2:
        return "pad", "most images are transparent: padding is invisible, a cut is not"
    if median > MUCH_LOST:
        return (
            "cover-random",
            f"a center crop would cut {median:.0%} off a typical image; this shows another part of"
            " it each epoch",
        )
    return "crop", (
        f"it cuts {median:.0%} off a typical image, and {np.quantile(lost, 0.95):.0%} or more off"
        " one image in twenty"
    )


def _is_made_for(name: str, seen: Survey, size: tuple[int, int], channels: int) -> bool:
    """Whether a recipe works at this size, or at that of the images or their aspect, smaller."""
    data = parse_config(load_recipe(name)).data
    if data.channels != channels or isinstance(data.size, str):
        return False
    height, width = seen.median_size
    same_aspect = abs(data.size[0] / data.size[1] * width / height - 1) < SAME_ASPECT
    is_rectangle = data.size[0] != data.size[1]
    return data.size in {size, seen.median_size} or (
        is_rectangle and same_aspect and data.size[0] <= height
    )


def _different(seen: Inspection) -> int:
    """About how many different images can be read."""
    return round(seen.count * (seen.readable - seen.spare) / seen.looked_at)


def _how_different(seen: Inspection) -> str:
    """Where the number of different images comes from; empty if it is simply that of all."""
    exact, near = beyond_the_first(seen.exact), beyond_the_first(seen.near)
    parts = []
    if exact or near or seen.skipped:
        parts.append(f"{seen.readable:,} can be read")
    if exact:
        parts.append(
            "1 is an exact copy of another one" if exact == 1 else f"{exact:,} are exact copies"
        )
    if near:
        parts.append(f"{near:,} {'looks' if near == 1 else 'look'} nearly like another one")
    if parts and seen.looked_at < seen.count:
        parts.insert(0, f"of {seen.looked_at:,} that were looked at")
    return "; ".join(parts)


def _dangers(seen: Inspection, size: tuple[int, int], learned: str | None) -> Iterator[str]:
    """What may go wrong; ``learned`` is the factor whose classes training learns."""
    few = few_images(_different(seen), _how_different(seen))
    if few:
        yield few
    exact, near = beyond_the_first(seen.exact), beyond_the_first(seen.near)
    if exact > MANY_COPIES * seen.readable:
        yield (
            f"{_share(exact, seen.readable)} are exact copies of others, which samples will repeat."
            " `data.duplicates=drop` keeps one of each"
            + (f", and also drops {counted(near, 'near copy', 'near copies')}" if near else "")
        )
    if near > MANY_COPIES * seen.readable:
        yield (
            f"{_share(near, seen.readable)} look nearly like others. They may be different images,"
            " such as flags. `html=copies.html` shows them. `data.duplicates=drop` drops exact and"
            " near copies"
        )
    bound = DataConfig().max_unreadable
    if len(seen.skipped) > bound * seen.looked_at:
        yield (
            f"{_share(len(seen.skipped), seen.looked_at)} are unreadable: training allows"
            f" {bound:.0%}. `data.max_unreadable` allows more"
        )
    if seen.blank:
        yield (
            f"{counted(len(seen.blank), 'blank image')}, which samples will contain, too."
            " `data.blank=drop` leaves them out"
        )
    if seen.vanishing:
        yield (
            f"{counted(len(seen.vanishing), 'transparent image')}, white, cannot be seen on white."
            " `data.background=#000000` shows them on black"
        )
    if learned is not None and learned in seen.unlike:
        instead = in_place_of_classes(seen.count) or "none"
        yield (
            f"{unlike_in_words(learned, seen.unlike[learned])} The command below ignores them:"
            f" `model.condition={instead}`"
        )
    yield from _size_dangers(seen, size)
    for spread in seen.spreads:
        if spread.is_unknown:
            yield (
                f"images hold {spread.in_words()}: which values are black and white is unknown."
                f" Training needs `{SETTING[spread.kind]}`: the command below sets it to all values"
                " found"
            )
    yield from seen.remarks.lines()
    yield from _mixtures(seen)


def _size_dangers(seen: Inspection, size: tuple[int, int]) -> Iterator[str]:
    smaller = sum(n for (h, w), n in seen.sizes.items() if h < size[0] or w < size[1])
    if smaller:
        yield (
            f"{_share(smaller, seen.readable)} are smaller than {size_text(size)} and will be"
            " enlarged, which blurs them"
        )
    low, high = np.quantile(
        np.repeat([max(one) for one in seen.sizes], list(seen.sizes.values())), [0.05, 0.95]
    )
    if high > VERY_MIXED * low:
        yield (
            f"very mixed sizes: longer sides from {low:.0f} to {high:.0f} (5% to 95%), so some"
            " are sharp and some blurred"
        )
    if seen.tiny:
        yield f"{counted(len(seen.tiny), 'image')} with a side below {TINY_SIDE}"


def _mixtures(seen: Inspection) -> Iterator[str]:
    gray = seen.readable - seen.colored
    if seen.colored and not seen.is_color:
        yield (
            f"{counted(seen.colored, 'image')} of {seen.readable:,} have color, which training in"
            " gray drops. `data.channels=3` keeps it"
        )
    elif seen.colored and gray:
        yield f"{_share(gray, seen.readable)} have no color, so some samples will have none"
    if seen.transparent > seen.readable / 2:
        yield (
            "most images are transparent: training puts them on white. `data.channels=4` keeps"
            " transparency; `data.background=#rrggbb` sets another background"
        )
    if seen.animated:
        yield (
            f"{counted(seen.animated, 'animated image')}: only first frames are used."
            " `data.frames=all` uses all"
        )
    for factor, counts in seen.labels.items():
        largest, smallest = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
        if counts[largest] > UNBALANCED * counts[smallest]:
            yield (
                f"unbalanced {factor}: {counts[largest]:,} {largest} but {counts[smallest]:,}"
                f" {smallest}"
            )


def _options(seen: Inspection, channels: int, fit: Fit) -> list[str]:
    """What ``train`` would not choose itself from a look at a few hundred images."""
    options = []
    if len(seen.modes) > 1 or seen.has_color_modes != seen.is_color:
        options += ["--data.channels", str(channels)]
    if beyond_the_first(seen.exact) > MANY_COPIES * seen.readable and not seen.near:
        options += ["--data.duplicates", "drop"]  # near copies may be different images
    if len(seen.blank) > MANY_COPIES * seen.readable:
        options += ["--data.blank", "drop"]
    for spread in seen.spreads:
        if spread.is_unknown:  # joined: a value may begin with a minus
            values = written((spread.low, spread.high), ":")
            options.append(f"--{SETTING[spread.kind].replace('_', '-')}={values}")
    if fit != "crop":
        options += ["--data.fit", fit]
    if len(seen.skipped) > DataConfig().max_unreadable * seen.looked_at:
        share = np.ceil(100 * len(seen.skipped) / seen.looked_at) / 100
        options += ["--data.max-unreadable", f"{share:g}"]
    return options


def beyond_the_first(groups: Sequence[Sequence[int]]) -> int:
    """How many images of groups of copies could be dropped."""
    return sum(len(group) - 1 for group in groups)


def _share(some: int, of: int) -> str:
    """In percent, neither rounded to 0 nor to 100."""
    percent = 100 * some / of
    if 0 < percent < 1 or 99 < percent < 100:
        return f"{min(99.9, max(0.1, percent)):.1f}%"
    return f"{percent:.0f}%"
