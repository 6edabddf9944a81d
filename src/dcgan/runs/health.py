"""The health of a run, from the files in its folder: also of unfinished, copied and older runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from math import log
from pathlib import Path
from typing import Any

from dcgan.errors import DcganError
from dcgan.health import Diagnosis
from dcgan.health.diagnosis import diagnose
from dcgan.health.expectation import images_needed
from dcgan.health.history import History, ScoreLine, Setup
from dcgan.health.step import Step
from dcgan.objectives import OBJECTIVES
from dcgan.runs.dataset import FROM_PYTHON, IMPORTED
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import of_events, of_training
from dcgan.runs.networks import Networks
from dcgan.runs.scores import read_scores
from dcgan.runs.settings import flat, section_of, stored_settings
from dcgan.runtime.files import free_file, with_ending
from dcgan.runtime.reading import read_json
from dcgan.runtime.run_names import is_exported
from dcgan.runtime.shell import command

_GUESSING = {
    "non-saturating": 2 * log(2),
    "non-saturating-on-probabilities": 2 * log(2),
    "saturating": 2 * log(2),
    "hinge": 2.0,
}
"""D's loss where all its logits are 0."""

WHICH = {"root": None, "split": "auto", "labels": "auto", "frames": "first"}
"""Settings of the section ``data`` that say which images a source has, and their defaults."""

HOW = {
    "size": "auto",
    "channels": "auto",
    "fit": "crop",
    "background": "#ffffff",
    "integer_range": "auto",
    "float_range": "auto",
}
"""Those that say how images become those that the networks see, and their defaults."""

_PREPARED = Path("prepared")

_IMPORTED = "An imported model: it was not trained here, so there is no training to judge."
_EXPORTED = "An exported model: it has no log of its training, so there is no training to judge."


def diagnosis_of(folder: RunFolder) -> Diagnosis:
    """What is right and wrong with a run, and the command that does something about it.

    Missing or damaged files only make for fewer findings.
    """
    history = history_of(folder)
    found = diagnose(history)
    source = history.setup.settings.get("data.source")
    if not history.log and is_exported(folder.path):
        found = replace(found, verdict=_EXPORTED, step=Step("Score its images", "evaluate"))
    elif not history.log and folder.is_imported():
        found = replace(found, verdict=_IMPORTED)
    return replace(
        found,
        findings=[
            replace(one, step=_with_command(one.step, folder, source)) for one in found.findings
        ],
        step=_with_command(found.step, folder, source),
    )


def _with_command(step: Step, folder: RunFolder, source: Any) -> Step:
    return replace(step, command=_command(step, folder, source))


def _command(step: Step, folder: RunFolder, source: Any) -> str:
    """The command line that does a step; empty without one.

    A run of images from a Python program is trained by that program only.
    """
    if step.action in {"sample", "evaluate"}:
        return command(step.action, folder.path)
    if not step.action or not isinstance(source, str) or source in {FROM_PYTHON, IMPORTED}:
        return ""
    if step.action == "continue":
        return command("train", "--out", folder.path, "--resume", "--images", str(step.images))
    if step.action == "prepare":
        options = _data_options(folder, WHICH | HOW)
        return command("prepare", source, *options, "--out", free_file(_PREPARED))
    if step.action == "afresh":
        return command("train", source, *_data_options(folder, WHICH), "--out", _free(folder.path))
    options = [word for key, value in step.changes.items() for word in _option(key, value)]
    return command("train", "--recipe", folder.config, *options, "--out", _free(folder.path))


def _free(path: Path) -> Path:
    """A folder beside another one that does not exist: ``run-2``, ``run-3``."""
    numbered = (with_ending(path, f"-{number}") for number in count(2))
    return next(one for one in numbered if not one.exists())


def _data_options(folder: RunFolder, defaults: Mapping[str, str | None]) -> list[str]:
    """The options of a command that uses the same images: those settings that differ from their
    defaults. ``prepare`` cannot crop anew each epoch: such images are cropped in the center."""
    stored = section_of(_settings_of(folder), "data")
    options = {name: f"data.{name.replace('_', '-')}" for name in defaults} | {"root": "data-root"}
    return [
        f"--{options[name]}={stored[name]}"  # joined: a range may begin with a minus
        for name, default in defaults.items()
        if isinstance(stored.get(name), str | int) and stored[name] not in (default, "cover-random")
    ]


def _option(key: str, value: Any) -> tuple[str, str]:
    written = f"{value:g}" if isinstance(value, float) else str(value)
    return f"--{key.removeprefix('length.').replace('_', '-')}", written


def _settings_of(folder: RunFolder) -> Mapping[str, Any]:
    """The settings of a run, which may be damaged."""
    try:
        found = stored_settings(folder)
        flat(found)
    except (DcganError, TypeError):  # keys of damaged YAML are not always text
        return {}
    return found


def history_of(folder: RunFolder) -> History:
    """What a run has logged."""
    entries = read_scores(folder)
    protocol = entries[-1].score.protocol if entries else None
    return History(
        log=of_training(folder.log.read()),
        scores=[
            ScoreLine(
                entry.images,
                entry.score.value,
                entry.score.baseline or 0.0,
                entry.signs,
                entry.checkpoint,
                entry.score.error or 0.0,
            )
            for entry in entries
            if entry.score.protocol == protocol
        ],
        events=of_events(folder.events.read()),
        setup=_setup_of(folder),
        metric=entries[-1].score.label if entries else "score",
    )


def _setup_of(folder: RunFolder) -> Setup:
    settings = _settings_of(folder)
    networks: Networks | None = None
    dataset_images = 0
    try:
        networks = Networks.from_json(read_json(folder.networks))
        dataset_images = int(read_json(folder.provenance)["data"]["count"])
    except (DcganError, OSError, ValueError, LookupError, TypeError):
        pass  # of a damaged run, what is known suffices
    loss = section_of(settings, "objective").get("loss")
    optim = section_of(settings, "optim")
    batch = optim.get("batch")
    images = section_of(settings, "length").get("images")
    objective = next((one for name, one in OBJECTIVES.items() if name == loss), None)
    return Setup(
        dataset_images=dataset_images,
        batch=batch if isinstance(batch, int) and batch > 0 else 32,
        images=images if isinstance(images, int) else None,
        usual=_needed(networks),
        needed=None if _has_table(settings) or _has_begun(settings) else _needed(networks),
        has_level=objective is None or objective.has_level,
        loss_of_guessing=_GUESSING.get(str(loss)),
        uneven=_uneven(networks),
        needs_batch_norm=optim.get("joint_batch") is True or _has_fixed_batch_norm(settings),
        settings={key: _plain(value) for key, value in flat(settings).items()},
    )


def _plain(value: Any) -> Any:
    """A setting without what is in a layer table: that there is one says enough."""
    return "table" if isinstance(value, list) and value and isinstance(value[0], dict) else value


def _has_table(settings: Mapping[str, Any]) -> bool:
    """Whether a recipe describes the generator's layers: how long it needs is not known."""
    generator = section_of(settings, "model").get("generator")
    return isinstance(generator, dict) and generator.get("layers") is not None


def _has_fixed_batch_norm(settings: Mapping[str, Any]) -> bool:
    """Whether a row of D's layer table has batch norm of its own."""
    discriminator = section_of(settings, "model").get("discriminator")
    rows = discriminator.get("layers") if isinstance(discriminator, dict) else None
    return any(
        "batch" in str(row.get("norm")).split("+")
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict)
    )


def _has_begun(settings: Mapping[str, Any]) -> bool:
    """Whether the run started from the weights of another one."""
    return section_of(settings, "start").get("weights") is not None


def _needed(networks: Networks | None) -> int | None:
    if networks is None:
        return None
    channels, height, width = networks.image_shape
    return images_needed((height, width), channels)


def _uneven(networks: Networks | None) -> list[str]:
    """Layers whose windows overlap unevenly."""
    rows = networks.generator if networks else ()
    return [
        f"{number} (kernel {layer.kernel[0]}, stride {layer.stride[0]})"
        for number, layer in enumerate(rows, start=1)
        if layer.operation == "conv_transpose"
        and any(kernel % stride for kernel, stride in zip(layer.kernel, layer.stride, strict=True))
    ]
