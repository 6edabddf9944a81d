"""What ``dcgan inspect`` found, as a dictionary for programs, as text, and as example images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from dcgan.cli.flags import with_flags
from dcgan.data import Source
from dcgan.data.pixels.color import has_alpha, to_channels
from dcgan.data.pixels.values import written
from dcgan.data.quality.inspection import TINY_SIDE, Inspection
from dcgan.errors import UnreadableImage, printable
from dcgan.runtime.wording import counted
from dcgan.training.planning.advice import Advice, beyond_the_first

_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_UNREADABLE_NAMED = 20
_KINDS_NAMED = 5
_LABEL_WIDTH = 13
_SAME = " "
"""The label of a line that goes on with what the line before says."""

_MODES = {
    "1": "black and white",
    "L": "gray",
    "LA": "gray with transparency",
    "P": "palette",
    "PA": "palette with transparency",
    "RGB": "color",
    "RGBA": "color with transparency",
    "CMYK": "CMYK color",
    "I": "32-bit integers",
    "I;16": "16-bit integers",
    "F": "floats",
}
"""Pillow's color modes in words."""

_GROUPS_SHOWN, _OF_A_GROUP, _OF_A_KIND = 24, 6, 12
_EXAMPLE_SIDE = 96


def as_dict(data: str, source: Source, seen: Inspection, advice: Advice) -> dict[str, Any]:
    """The whole report in JSON types; images by their titles."""

    def titles(indices: Iterable[int]) -> list[str]:
        return [source.title(index) for index in indices]

    aspects = np.quantile(seen.aspects(), _QUANTILES).round(3)
    return {
        "data": data,
        "count": seen.count,
        "looked_at": seen.looked_at,
        "readable": seen.readable,
        "modes": seen.modes,
        "sizes": {f"{h}x{w}": times for (h, w), times in seen.sizes.items()},
        "median_size": list(seen.median_size),
        "aspect": {
            f"{quantile:g}": float(aspect)
            for quantile, aspect in zip(_QUANTILES, aspects, strict=True)
        },
        "labels": seen.labels,
        "colored": seen.colored,
        "colorless": seen.readable - seen.colored,
        "transparent": seen.transparent,
        "animated": seen.animated,
        "values": {
            spread.kind: {
                "found": [spread.low, spread.high],
                "black_to_white": list(getattr(seen.values, spread.kind)),
            }
            for spread in seen.spreads
            if getattr(seen.values, spread.kind) is not None
        },
        "remarks": seen.remarks.to_json(),
        "channel_mean": [round(value, 2) for value in seen.channel_mean],
        "channel_deviation": [round(value, 2) for value in seen.channel_deviation],
        "copies": {  # beyond the first of each group
            kind: beyond_the_first(groups)
            for kind, groups in (("exact", seen.exact), ("near", seen.near))
        },
        "exact_duplicates": [titles(group) for group in seen.exact],
        "near_duplicates": [titles(group) for group in seen.near],
        "blank": titles(seen.blank),
        "vanishing": titles(seen.vanishing),
        "tiny": titles(seen.tiny),
        "unreadable": {one.title: one.reason for one in seen.skipped},
        "notes": source.notes,
        "ignored": seen.ignored,
        "others": dict(sorted(source.others.items(), key=lambda item: -item[1])),
        "size": list(advice.size),
        "is_size_set": advice.is_size_set,
        "channels": advice.channels,
        "fit": advice.fit,
        "recipe": "auto",
        "classics": list(advice.classics),
        "reasons": {
            key: with_flags(getattr(advice, f"{key}_reason"))
            for key in ("size", "channels", "fit", "recipe", "start")
            if getattr(advice, f"{key}_reason")
        },
        "start": advice.start,
        "dangers": [with_flags(danger) for danger in advice.dangers],
        "warnings": [_without_options(danger) for danger in advice.dangers],
        "command": advice.command,
    }


def _without_options(danger: str) -> str:
    """The sentences that name no option, for a page that has none; all if each names one."""
    kept = [one for one in danger.split(". ") if "`" not in one]
    return ". ".join(kept) or with_flags(danger)


def as_text(report: Mapping[str, Any]) -> str:
    """The report as text of about forty lines at most, for any number of sizes and classes."""
    return "\n".join(
        f"{label:<{_LABEL_WIDTH}}{text}" if label else text for label, text in as_lines(report)
    )


def as_lines(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The report as labels and sentences. A sentence without a label begins a part; one whose label
    is a space belongs to the line before."""
    lines: list[tuple[str, str]] = [("", _headline(report))]

    def line(label: str, text: str) -> None:
        lines.append((label, text))

    for note in report["notes"]:
        line("note", printable(with_flags(note)))
    for factor, counts in report["labels"].items():
        line(_short(factor, _LABEL_WIDTH - 1), _classes(counts))
    lines += [("", ""), ("", f"Of the {counted(report['readable'], 'image')} that could be read:")]
    line("stored as", _counts({_MODES.get(mode, mode): n for mode, n in report["modes"].items()}))
    line("color", f"{report['colored']:,} color, {report['colorless']:,} gray")
    line("sizes", _sizes(report))
    line("aspect", _aspects(report["aspect"]))
    for kind, one in report["values"].items():
        (low, high), chosen = one["found"], written(tuple(one["black_to_white"]))
        line("values", f"{kind} from {low:g} to {high:g}; {chosen} become black to white")
    mean, deviation = (
        " ".join(f"{value:.1f}" for value in report[f"channel_{key}"])
        for key in ("mean", "deviation")
    )
    line("channels", f"mean {mean}, standard deviation {deviation} (0 to 255, all pixels)")
    for label, text in _oddities(report):
        line(label, text)
    lines += [*_unreadable(report), ("", "")]
    height, width = report["size"]
    color = "color" if report["channels"] == 3 else "gray"
    up_to = "" if report["is_size_set"] or len(report["expectations"]) < 2 else "up to "
    line(
        "recommended",
        f"{up_to}{height}x{width} {color}, fit {report['fit']}, recipe {report['recipe']}",
    )
    for key, reason in report["reasons"].items():
        line(f"  {key}", reason)
    for number, danger in enumerate(report["dangers"]):
        line(_SAME if number else "warning", danger)
    for label, key in (("train", "command"), ("sheet", "sheet"), ("page", "html")):
        if key in report:
            line(label, printable(report[key]))
    return lines


def examples(source: Source, seen: Inspection) -> dict[str, list[list[tuple[str, Image.Image]]]]:
    """Thumbnails with their titles, in groups, by kind of problem."""

    def group(indices: Sequence[int], most: int) -> list[tuple[str, Image.Image]]:
        shown = []
        for index in indices[:most]:
            try:
                image = source.read(index)
                image = to_channels(image, 4 if has_alpha(image) else 3, values=seen.values)
            except (UnreadableImage, OSError, ValueError):
                continue
            image.thumbnail((_EXAMPLE_SIDE, _EXAMPLE_SIDE))
            shown.append((source.title(index), image))
        return shown

    kinds = {"blank": seen.blank, "vanishing": seen.vanishing, "tiny": seen.tiny}
    return {
        "exact": [group(one, _OF_A_GROUP) for one in seen.exact[:_GROUPS_SHOWN]],
        "near": [group(one, _OF_A_GROUP) for one in seen.near[:_GROUPS_SHOWN]],
    } | {kind: [group(indices, _OF_A_KIND)] for kind, indices in kinds.items() if indices}


def _headline(report: Mapping[str, Any]) -> str:
    """How many images there are, of these read, of these unreadable; and files of other kinds."""
    text = f"{printable(report['data'])}: {counted(report['count'], 'image')}"
    if report["looked_at"] < report["count"]:
        text += f", {report['looked_at']:,} of them read (spread evenly)"
    if unreadable := len(report["unreadable"]):
        text += f", {unreadable:,} of these unreadable ({unreadable / report['looked_at']:.1%})"
    if report["ignored"]:
        text += f". Other files: {report['ignored']:,}"
    if report["others"]:
        kinds = [f"{times:,} {_short(kind)}" for kind, times in report["others"].items()]
        more = ", …" if len(kinds) > _KINDS_NAMED else ""
        text += f" ({', '.join(kinds[:_KINDS_NAMED])}{more})"
    return text


def _sizes(report: Mapping[str, Any]) -> str:
    sizes = report["sizes"]
    if len(sizes) <= 4:
        return f"{_counts(sizes)}, height x width"
    height, width = report["median_size"]
    return f"{len(sizes):,} sizes, median {height}x{width}; {_counts(sizes, 4)}, height x width"


def _aspects(quantiles: Mapping[str, float]) -> str:
    low, middle, high = (quantiles[key] for key in ("0.05", "0.5", "0.95"))
    if quantiles["0"] == quantiles["1"]:
        return f"{middle:.2f} (width / height), all"
    return (
        f"{quantiles['0']:.2f} to {quantiles['1']:.2f} (width / height), median {middle:.2f},"
        f" 90% from {low:.2f} to {high:.2f}"
    )


def _classes(counts: Mapping[str, int]) -> str:
    if len(set(counts.values())) == 1:
        each = next(iter(counts.values()))
        names = ", ".join(_short(name) for name in list(counts)[:8])
        more = ", …" if len(counts) > 8 else ""
        return f"{len(counts):,} classes of {each:,} each: {names}{more}"
    ordered = dict(sorted(counts.items(), key=lambda item: -item[1]))
    if len(ordered) <= 6:
        return _counts(ordered)
    ends = list(ordered.items())
    first, last = (
        ", ".join(f"{_short(name)} ({times:,})" for name, times in some)
        for some in (ends[:3], ends[-2:])
    )
    return f"{len(counts):,} classes: {first}, … {last}"


def _oddities(report: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Lines that appear only where they apply."""
    for kind, words in (("exact", "identical"), ("near", "nearly identical")):
        if groups := report[f"{kind}_duplicates"]:
            yield (
                f"{kind} copies",
                f"{counted(report['copies'][kind], 'extra image')} in"
                f" {counted(len(groups), 'group')} of {words} images, such as"
                f" {_named(groups[0], 2)}",
            )
    if not report["exact_duplicates"] and not report["near_duplicates"]:
        yield "copies", "none, neither exact nor near"
    for key, words in (
        ("blank", "of one color only"),
        ("vanishing", "that are invisible on the white background"),
        ("tiny", f"with a side below {TINY_SIDE} pixels"),
    ):
        if report[key]:
            yield key, f"{len(report[key]):,} {words}: {_named(report[key], 3)}"
    for key in ("transparent", "animated"):
        if report[key]:
            yield key, f"{report[key]:,}"


def _unreadable(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    unreadable = report["unreadable"]
    if not unreadable:
        return []
    lines = ["", f"The {counted(len(unreadable), 'unreadable image')}:"]
    for title, reason in list(unreadable.items())[:_UNREADABLE_NAMED]:
        lines.append(f"  {_short(title, 60)}: {printable(with_flags(reason))}")
    if len(unreadable) > _UNREADABLE_NAMED:
        lines.append(f"  and {len(unreadable) - _UNREADABLE_NAMED:,} more (--json lists all)")
    return [("", line) for line in lines]


def _named(titles: Sequence[str], most: int) -> str:
    named = ", ".join(_short(title) for title in titles[:most])
    return f"{named}, …" if len(titles) > most else named


def _counts(counts: Mapping[str, int], most: int = 8) -> str:
    """The most frequent first, the rest as a number."""
    listed = [f"{_short(name)} ({times:,})" for name, times in list(counts.items())[:most]]
    if len(counts) > most:
        listed.append(f"and {len(counts) - most:,} more")
    return ", ".join(listed)


def _short(text: str, most: int = 32) -> str:
    """A long name without its middle."""
    text = printable(text)
    return text if len(text) <= most else f"{text[: most // 3]}…{text[1 - most + most // 3 :]}"
