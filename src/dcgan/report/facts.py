"""What a run folder says of the run in words and numbers: verdict, dataset, settings, versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dcgan.config import RunConfig
from dcgan.report.content import Command, Fact, Setting, Settings
from dcgan.runs.dataset import FROM_PYTHON, IMPORTED
from dcgan.runs.exported import is_exported
from dcgan.runs.folder import RunFolder
from dcgan.runs.networks import Networks
from dcgan.runs.scores import Measured
from dcgan.runs.settings import flat, section_of
from dcgan.runtime.shell import as_line, command
from dcgan.runtime.wording import CHANNELS, digits
from dcgan.vocabulary import CLUSTERS

_NOT_SETTINGS = ("recipe", "data.source", "seed", "device", "length")
"""Stated elsewhere on the page."""


_NAMED = 10
"""Classes that are listed."""

_SOURCES = {
    FROM_PYTHON: "images from a Python program",
    IMPORTED: "not known: the model was imported",
}
"""Words for sources that are no dataset."""


def summary(
    seen: int,
    records: Sequence[Mapping[str, Any]],
    best: Measured | None,
    stored: Mapping[str, Any],
) -> list[Fact]:
    """The numbers that sum a run up."""
    facts = [Fact(f"{seen:,}", "images seen")]
    seconds = records[-1].get("seconds", 0.0) if records else 0.0
    if seconds:
        facts.append(Fact(_duration(seconds), "of training"))
    if best is not None:
        facts.append(Fact(digits(best.score.value), f"best {best.score.label}"))
        if best.score.baseline is not None:
            facts.append(Fact(digits(best.score.baseline), "real images score"))
    count = section_of(stored, "data").get("count")
    if isinstance(count, int):
        facts.append(Fact(f"{count:,}", "training images"))
    return facts


def dataset_facts(
    stored: Mapping[str, Any], settings: Mapping[str, Any], networks: Networks | None
) -> list[Fact]:
    """Source, count and form of the training images, and the classes or clusters that the run has
    learned."""
    data, section = section_of(stored, "data"), section_of(settings, "data")
    source = str(data.get("source") or section.get("source") or "")
    facts = []
    if source:
        facts.append(Fact(_SOURCES.get(source, source), "dataset"))
    if isinstance(data.get("count"), int):
        facts.append(Fact(f"{data['count']:,}", "images"))
    if data.get("skipped"):
        facts.append(Fact(str(data["skipped"]), "unreadable, skipped"))
    if data.get("split") not in (None, "auto"):  # of a damaged file, it may be a list
        facts.append(Fact(str(data["split"]), "split"))
    if networks is not None:
        channels, height, width = networks.image_shape
        facts.append(Fact(f"{height}×{width}", "height × width"))
        facts.append(Fact(CHANNELS.get(channels, str(channels)), "channels"))
        if section_of(settings, "model").get("condition") == CLUSTERS:  # their names say nothing
            facts.append(Fact(f"{len(networks.class_names)}", "clusters learned"))
        elif networks.class_names:
            facts.append(Fact(_first(networks.class_names), "classes learned"))
    if section.get("fit"):
        facts.append(Fact(str(section["fit"]), "fit"))
    if data.get("fingerprint"):
        facts.append(Fact(str(data["fingerprint"])[-12:], "end of the fingerprint"))
    return facts


def _first(names: Sequence[str]) -> str:
    """Names of classes; of many, their number and the first."""
    if len(names) <= _NAMED:
        return ", ".join(names)
    return f"{len(names):,}: {', '.join(names[:_NAMED])}, …"


def settings_of(settings: Mapping[str, Any], text: str) -> Settings:
    """Settings that differ from the defaults, apart from those that default to ``auto``."""
    defaults = flat(RunConfig().model_dump(mode="json"))
    changed: list[Setting] = []
    chosen: list[Setting] = []
    for key, value in flat(settings).items():
        default = defaults.get(key, "not a setting of this version")
        if value == default or key.startswith(_NOT_SETTINGS):
            continue
        row = Setting(key, in_short(value), in_short(default))
        (chosen if default == "auto" else changed).append(row)
    return Settings(changed, chosen, text)


def in_short(value: Any) -> str:
    """A setting's value in one line; a layer table by its number of layers.

    >>> in_short([0.5, 0.999]), in_short(None), in_short(True)
    ('0.5, 0.999', 'none', 'true')
    """
    if isinstance(value, list):
        if value and isinstance(value[0], dict):
            return f"table of {len(value)} layers"
        return ", ".join(map(in_short, value))
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return digits(value, 6) if isinstance(value, float) else str(value)


def commands_of(
    folder: RunFolder, stored: Mapping[str, Any], settings: Mapping[str, Any], seen: int
) -> list[Command]:
    """The command that started the run, and one that repeats it from its configuration."""
    commands = []
    words = stored.get("command")
    if isinstance(words, list) and words and all(isinstance(one, str) for one in words):
        name = Path(words[0]).name
        is_ours = name in {"dcgan", "dcgan.exe", "__main__.py"}
        line = as_line(["dcgan", *words[1:]] if is_ours else words)
        commands.append(Command(line, "how the run was started" if is_ours else "the program"))
    if (
        seen
        and folder.config.is_file()
        and str(section_of(settings, "data").get("source")) not in _SOURCES
    ):
        again = command(
            *("train", "--recipe", folder.config, "--images", str(seen)),
            *("--out", f"{folder.path.resolve().name}-again"),
        )
        commands.append(Command(again, "the same settings again, as many images"))
    if seen and (folder.latest_checkpoint() is not None or is_exported(folder.path)):
        more = command("sample", folder.path, "-n", "100")
        commands.append(Command(more, "more samples of the best checkpoint"))
    return commands


def repeat_facts(stored: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Fact]:
    """Seed, length, device, and when the run began."""
    hardware = section_of(stored, "hardware")
    facts = [
        Fact(str(settings[key]), key) for key in ("recipe", "seed") if settings.get(key) is not None
    ]
    facts += [
        Fact(in_short(value), f"length in {key}")
        for key, value in section_of(settings, "length").items()
        if value is not None
    ]
    facts += [Fact(str(value), key) for key, value in hardware.items() if value is not None]
    if stored.get("created"):
        # such as 2026-11-30 13:37, of 2026-11-30T13:37:24+00:00
        facts.append(Fact(str(stored["created"])[:16].replace("T", " "), "started (UTC)"))
    return facts


def version_facts(stored: Mapping[str, Any]) -> list[Fact]:
    """Versions of the packages that the run was trained with."""
    return [Fact(str(value), str(name)) for name, value in section_of(stored, "versions").items()]


def _duration(seconds: float) -> str:
    """
    >>> _duration(59.6), _duration(150), _duration(7260)
    ('60 s', '2.5 min', '2.0 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
