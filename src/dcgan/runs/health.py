"""The health of a run, from the files in its folder: also of unfinished, copied and older runs."""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import Any

from dcgan.errors import DcganError
from dcgan.health import Diagnosis
from dcgan.health.diagnosis import diagnose
from dcgan.health.expectation import images_needed
from dcgan.health.history import History, ScoreLine, Setup
from dcgan.objectives import OBJECTIVES
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import of_training
from dcgan.runs.networks import Networks
from dcgan.runs.scores import read_scores
from dcgan.runs.settings import stored_settings
from dcgan.runtime.reading import read_json

_GUESSING = {
    "non-saturating": 2 * log(2),
    "non-saturating-on-probabilities": 2 * log(2),
    "saturating": 2 * log(2),
    "hinge": 2.0,
}
"""D's loss where all its logits are 0."""


def diagnosis_of(folder: RunFolder) -> Diagnosis:
    """What is right and wrong with a run.

    Missing or damaged files only make for fewer findings.
    """
    return diagnose(history_of(folder))


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
            )
            for entry in entries
            if entry.score.protocol == protocol
        ],
        events=folder.events.read(),
        setup=_setup_of(folder),
    )


def _setup_of(folder: RunFolder) -> Setup:
    settings: Mapping[str, Any] = {}
    networks: Networks | None = None
    count = 0
    try:
        settings = stored_settings(folder)
        networks = Networks.from_json(read_json(folder.networks))
        count = int(read_json(folder.provenance)["data"]["count"])
    except (DcganError, OSError, ValueError, LookupError, TypeError):
        pass  # of a damaged run, what is known suffices
    loss = _section(settings, "objective").get("loss")
    optim = _section(settings, "optim")
    batch = optim.get("batch")
    images = _section(settings, "length").get("images")
    objective = next((one for name, one in OBJECTIVES.items() if name == loss), None)
    return Setup(
        dataset_images=count,
        batch=batch if isinstance(batch, int) and batch > 0 else 32,
        images=images if isinstance(images, int) else None,
        usual=_needed(networks),
        needed=None if _has_table(settings) else _needed(networks),
        has_level=objective is None or objective.has_level,
        loss_of_guessing=_GUESSING.get(str(loss)),
        generator_lr=_rate(optim, "generator"),
        discriminator_lr=_rate(optim, "discriminator"),
        has_comparable_rates=_algorithm(optim, "generator") == _algorithm(optim, "discriminator"),
        is_augmented=_section(settings, "augment").get("policy") not in (None, "none"),
        uneven=_uneven(networks),
    )


def _algorithm(optim: Mapping[str, Any], network: str) -> Any:
    return _section(optim, network).get("algorithm")


def _section(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = settings.get(name)
    return section if isinstance(section, dict) else {}


def _rate(optim: Mapping[str, Any], player: str) -> float | None:
    rate = _section(optim, player).get("lr")
    return float(rate) if isinstance(rate, int | float) and rate > 0 else None


def _has_table(settings: Mapping[str, Any]) -> bool:
    """Whether a recipe describes the generator's layers: how long it needs is not known."""
    generator = _section(settings, "model").get("generator")
    return isinstance(generator, dict) and generator.get("layers") is not None


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
