"""What to do next: one thing, never a choice between several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from dcgan.health.history import History, Network, Setup
from dcgan.runtime.wording import duration, rounded

Action = Literal["retrain", "afresh", "continue", "sample", "evaluate", "prepare", "inspect", ""]
"""What the command does: a new run with changed settings, or with none but the defaults; more
training of the same run; the other commands. Empty without a command."""

_SLOWER, _FASTER = 0.25, 4.0
"""Factors of a learning rate to try."""

_AUGMENTED = {
    "augment.policy": "color+translation+cutout",
    "augment.probability": "adaptive",
}

_ADD = "Add training images: 500 in all, better thousands."

_APART = 20.0
"""Ratio of learning rates that needs a reason: recipes and papers have up to 10."""

_COMMON_RATE = 5e-4
"""A learning rate that Adam learns well with; that of `auto` at most sizes."""

_NETWORKS: tuple[Network, ...] = ("generator", "discriminator")


@dataclass(frozen=True)
class Step:
    """What to do next.

    Parameters
    ----------
    advice : str
        A sentence without its period, with settings in backticks; empty if there is nothing to do.
    action : str
        What kind of command does it; empty if none does.
    changes : mapping of str to value
        The settings of a new run that differ from this one's.
    images : int, optional
        Images seen, in total, up to which to continue.
    cause : str
        What it removes, in words that end a sentence.
    command : str
        The command, for a shell; empty where the run folder is not known.
    """

    advice: str = ""
    action: Action = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    images: int | None = None
    cause: str = ""
    command: str = ""


NOTHING = Step()


def retrain(setup: Setup, changes: Mapping[str, Any], cause: str = "") -> Step:
    """A new run with the same settings but for some. ``cause`` is that of unequal rates, where
    they are far apart."""
    if not changes:
        return afresh()
    phrases = [_in_words(setup, key, value) for key, value in changes.items()]
    *first, last = [phrase for phrase in phrases if phrase]
    words = f"{', '.join(first)} and {last}" if first else last
    lopsided = apart(setup)
    if lopsided and any(key.endswith(".lr") for key in changes):
        cause = unequal(*lopsided)
    return Step(f"Start a new run with {words}", "retrain", changes, cause=cause)


def afresh() -> Step:
    """A new run on the same images with default settings."""
    return Step(
        "Start a new run with the default settings. If it goes well, add your settings one at a"
        " time",
        "afresh",
    )


def onward(history: History, images: int | None = None) -> Step:
    """More training of the same run: by default twice as long in total, or as long as planned."""
    seen = history.images_seen
    images = images or max(2 * seen, history.setup.images or 0)
    minutes = (images - seen) * history.seconds_per_image / 60
    long = f" (about {duration(minutes)} more)" if 60 * minutes >= 1 else ""
    return Step(
        f"Continue training to {images:,} images seen{long}, in the same folder",
        "continue",
        images=images,
    )


def sample(advice: str) -> Step:
    """Use the run as it is."""
    return Step(advice, "sample")


def with_few_images(setup: Setup) -> Step:
    """Augmentation; with augmentation, nothing but more images helps."""
    if setup.is_augmented:
        return sample(f"{_ADD} Until then, use the best checkpoint, as all commands do")
    found = retrain(setup, _AUGMENTED)
    return replace(found, advice=f"{_ADD} Without more, {_lowered(found.advice)}")


def slower(setup: Setup, *networks: Network) -> dict[str, Any]:
    """A quarter of the learning rates; where they are far apart, a common one instead, and Adam
    where a network has SGD, whose good rates differ from run to run."""
    return even_rates(setup) or _scaled(setup, _SLOWER, networks)


def faster(setup: Setup, network: Network) -> dict[str, Any]:
    """Four times a learning rate; where they are far apart, a common one instead."""
    return even_rates(setup) or _scaled(setup, _FASTER, [network])


def even_rates(setup: Setup) -> dict[str, Any]:
    """A common learning rate for both networks where theirs are far apart; else nothing."""
    if apart(setup) is None or setup.get("optim.generator.algorithm") == "sgd":
        return {}
    keys = [f"optim.{name}.lr" for name in _NETWORKS]
    return {key: _COMMON_RATE for key in keys if setup.get(key) != _COMMON_RATE}


def unequal(network: Network, ratio: float) -> str:
    """What is wrong with rates that are so far apart."""
    other = "generator" if network == "discriminator" else "discriminator"
    times = f"{rounded(ratio):,} times"
    return f"the learning rate of the {network} is {times} that of the {other}"


def apart(setup: Setup) -> tuple[Network, float] | None:
    """The network that learns much faster than the other, and how many times; else None."""
    of_g, of_d = setup.rate("generator"), setup.rate("discriminator")
    algorithms = [setup.get(f"optim.{name}.algorithm") for name in _NETWORKS]
    if not of_g or not of_d or algorithms[0] != algorithms[1]:
        return None
    ratio = of_d / of_g
    if max(ratio, 1 / ratio) < _APART:
        return None
    return ("discriminator", ratio) if ratio > 1 else ("generator", 1 / ratio)


def restrained(setup: Setup) -> dict[str, Any]:
    """A penalty on D's gradient where there is none, and a loss with which a certain D still
    teaches G.

    A penalty is refused with batch norm in D, which spectral norm then replaces.
    """
    changes: dict[str, Any] = {}
    if setup.get("objective.loss") == "saturating":
        changes["objective.loss"] = "non-saturating"
    penalties = [setup.get(f"objective.{name}") or 0 for name in ("r1", "wgan_gp", "dragan")]
    if max(penalties) >= 1 or setup.needs_batch_norm:
        return changes
    is_critic = setup.get("objective.loss") == "wasserstein"
    changes |= {"objective.wgan_gp": 10} if is_critic else {"objective.r1": 1}
    key = "model.discriminator.norm"
    if "batch" in str(setup.get(key)).split("+"):
        changes[key] = "spectral"
    return changes


def with_adam(setup: Setup, *networks: Network) -> dict[str, Any]:
    """Adam and a common learning rate for networks that have SGD."""
    changes: dict[str, Any] = {}
    for name in networks:
        if setup.get(f"optim.{name}.algorithm") == "sgd":
            changes |= {f"optim.{name}.algorithm": "adam", f"optim.{name}.lr": _COMMON_RATE}
    return changes


def _scaled(setup: Setup, factor: float, networks: Sequence[Network]) -> dict[str, Any]:
    rates = {name: setup.rate(name) for name in networks}
    scaled = {
        f"optim.{name}.lr": float(f"{rate * factor:.2g}") for name, rate in rates.items() if rate
    }
    return scaled | with_adam(setup, *networks)


def _in_words(setup: Setup, key: str, value: Any) -> str:
    """What a setting means, and what it was; empty for one that another one says."""
    now = setup.get(key)
    was = "" if now in (None, "none", 0) else f" (was {_shown(now)})"
    network, name = key.split(".")[1:] if key.count(".") == 2 else ("", key)
    if network in _NETWORKS:
        return _OF_NETWORK[name].format(_shown(value), network) + was
    return _OF_RUN[key].format(_shown(value)) + was if _OF_RUN[key] else ""


def _shown(value: Any) -> str:
    match value:
        case float():
            return f"{value:g}"
        case int():
            return f"{value:,}"
    return str(value)


_OF_NETWORK = {
    "lr": "a learning rate of {} for the {}",
    "algorithm": "the optimizer {} for the {}",
    "norm": "{} norm in the {}",
    "activation": "the activation {} in the {}",
    "dropout": "a dropout of {} in the {}",
    "noise": "noise of {} in the {}",
    "upsampling": "{} upsampling in the {}",
    "pack": "a {1} that judges {0} images at once",
}
_OF_RUN = {
    "objective.r1": "an R1 penalty of {}, which keeps the discriminator from becoming too certain",
    "objective.wgan_gp": "a gradient penalty of {}, which keeps the discriminator stable",
    "objective.loss": "the loss {}",
    "model.latent.dim": "a latent of {} numbers",
    "model.condition": "{} in place of its classes",
    "optim.batch": "batches of {} images",
    "length.images": "{} images seen",
    "data.scaling": "{} scaling of pixel values, from -1 to 1 like the generator's output",
    "augment.policy": "augmented images ({})",
    "augment.probability": "",
}
"""Settings that a step may change, in words, with the new value."""


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
