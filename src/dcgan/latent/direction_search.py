"""Finding directions in a run: by groups, by what samples show, or by the generator alone.

N samples · K directions
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from dcgan.errors import ConfigError, DcganError, nearest_of
from dcgan.latent.arithmetic import Concept, open_concepts
from dcgan.latent.choice import Choice
from dcgan.latent.directions import (
    Direction,
    between,
    by_class,
    by_value,
    components,
    explained,
    factorised,
    first_activations,
    without,
)
from dcgan.latent.labelling import Reader
from dcgan.latent.noise import to_normal
from dcgan.latent.store import read_direction, refuse_name, stored_names
from dcgan.models.latents import LatentSpace
from dcgan.runs.run import Run
from dcgan.runtime.isolation import isolated
from dcgan.runtime.rng import derived_seed
from dcgan.runtime.shell import command

SAMPLES = 2000
_MOST_SAMPLES = 1_000_000

LEAST_ACCURACY, LEAST_R2 = 0.7, 0.2
"""Of directions that are kept; chance is 0.5 and 0."""

_ANY = Choice()

_RANDOM = 100
"""Directions that stand for chance."""

Method = Literal["sefa", "pca"]


@dataclass(frozen=True)
class Request:
    """How a direction is to be found; nothing of it: the one that is stored.

    Parameters
    ----------
    plus, minus : str, optional
        From the second group to the first, see :func:`from_groups`.
    reads : str, optional
        See :func:`from_samples`.
    method : {"sefa", "pca"}, optional
        See :func:`from_generator`.
    count, leave, samples, least
        See there.
    """

    plus: str | None = None
    minus: str | None = None
    reads: str | None = None
    method: Method | None = None
    count: int = 5
    leave: tuple[str, ...] = ()
    samples: int = SAMPLES
    least: float | None = None

    @property
    def ways(self) -> list[str]:
        """What is asked for, by the names of its options."""
        asked = {
            "--plus and --minus": self.plus or self.minus,
            "--reads": self.reads,
            "--method": self.method,
        }
        return [way for way, value in asked.items() if value]


@isolated()
def find(
    run: Run, name: str | None, request: Request, reader: Reader, choice: Choice
) -> list[Direction]:
    """Directions as asked for, or the stored one of that name.

    Raises
    ------
    ConfigError
        No name, more than one way, half of one, or a bound that is exceeded.
    DcganError
        See the ways.
    """
    if name is None:
        raise ConfigError("name", None, "say what to call it: dcgan directions RUN NAME …")
    refuse_name(name)
    if len(request.ways) > 1:
        raise ConfigError("name", name, f"find it in one way, not by {' and '.join(request.ways)}")
    if not 100 <= request.samples <= _MOST_SAMPLES:
        raise ConfigError("samples", request.samples, f"from 100 to {_MOST_SAMPLES:,}")
    if request.leave and not request.reads:
        raise ConfigError("without", list(request.leave), "goes with --reads")
    if request.plus or request.minus:
        if not (request.plus and request.minus):
            raise ConfigError("plus", request.plus, "a turn needs two groups: --plus and --minus")
        plus, minus = open_concepts(
            run, [request.plus], [request.minus], choice=choice, reader=reader
        )
        return [from_groups(run, name, plus, minus)]
    if request.reads:
        found = from_samples(
            run,
            name,
            request.reads,
            reader,
            choice,
            samples=request.samples,
            least=request.least,
            leave=request.leave,
        )
        return [found]
    if request.method:
        return from_generator(
            run,
            name,
            request.method,
            choice,
            count=request.count,
            samples=request.samples,
        )
    known = stored_names(run)
    if name not in known:
        near = nearest_of(name, known)
        meant = f"; did you mean {near!r}?" if near else "."
        raise ConfigError(
            "name",
            name,
            f"{run.path} has no such direction{meant} To find one, add what it is found by: --reads"
            " (a class such as label=7, or brightness, area, x, y, slant or stroke), --plus and"
            f" --minus, or --method. Such as: {reading_call(run, name)}",
        )
    return [read_direction(run, name)]


def reading_call(run: Run, name: str) -> str:
    """The command that finds a direction of any run."""
    return command("directions", run.path, name, "--reads", "brightness")


@isolated()
def from_groups(run: Run, name: str, plus: Concept, minus: Concept) -> Direction:
    """The turn vector from one group of samples to another, see :func:`between`."""
    vector_D = between(run.networks.latent, minus.latent_KZ, plus.latent_KZ)
    sizes = f"{len(minus.latent_KZ)} to {len(plus.latent_KZ)} samples"
    return Direction(
        name, vector_D, f"from the mean of {minus.name} to that of {plus.name}, {sizes}"
    )


@isolated()
def from_samples(
    run: Run,
    name: str,
    concept: str,
    reader: Reader,
    choice: Choice,
    *,
    samples: int = SAMPLES,
    least: float | None = None,
    leave: Sequence[str] = (),
) -> Direction:
    """The direction along which samples come to show something, by a linear probe.

    Parameters
    ----------
    run : Run
    name : str
    concept : str
        A class, as for :meth:`Reader.conditions`, a measured factor such as ``size``, or an
        appearance, see :data:`dcgan.latent.appearance.APPEARANCES`.
    reader : Reader
        Says what samples show.
    choice : Choice
    samples : int
        Of which a quarter is held out.
    least : float, optional
        The held-out balanced accuracy (R² of a measured factor) below which it is refused;
        default 0.7 (0.2).
    leave : sequence of str
        Stored directions to take out of it.

    Raises
    ------
    DcganError
        Below ``least``, or hardly any sample shows it.
    """
    latent_NZ = choice.latents(run, 0, samples)
    images = run.draw(latent_NZ)
    noise_ND = to_normal(run.networks.latent, latent_NZ)
    probe: Callable[[Tensor], tuple[Tensor, float]]
    if reader.is_measured(concept):
        value_N = reader.values(images, concept)
        probe = partial(by_value, value_N=value_N, seed=choice.seed)
        measure, least = "held-out R²", LEAST_R2 if least is None else least
    else:
        shows_N = reader.agreement(images, reader.conditions(concept)) > 0.5
        probe = partial(by_class, shows_N=shows_N, seed=choice.seed)
        measure, least = "held-out accuracy", LEAST_ACCURACY if least is None else least
    vector_D, score = probe(noise_ND)
    method = f"linear probe of {concept} on {samples:,} samples"
    if leave:
        others = torch.stack([read_direction(run, other).vector_D for other in leave])
        vector_D = without(vector_D, others)
        _, score = probe((noise_ND @ vector_D)[:, None])  # by what is left of it
        method += f", without {', '.join(leave)}"
    if score < least:
        raise DcganError(
            f"{concept}: {measure} {score:.2f}, below {least:g}: no direction of this latent is it;"
            " train longer, give more --samples, or accept it with a lower --least"
        )
    return Direction(name, vector_D, method, {measure: round(score, 4)})


@isolated()
def from_generator(
    run: Run,
    name: str,
    method: Method,
    choice: Choice = _ANY,
    *,
    count: int = 5,
    samples: int = SAMPLES,
) -> list[Direction]:
    """Directions the generator's first layer singles out, strongest first, named ``name-1``, ….

    Parameters
    ----------
    run : Run
    name : str
    method : {"sefa", "pca"}
        See :func:`factorised` and :func:`components`.
    choice : Choice
        Which samples.
    count : int
    samples : int
        On which explained variance is measured, and components are found.
    """
    space, generator = run.networks.latent, run.generator
    latent_NZ = choice.latents(run, 0, samples)
    if method == "sefa":
        found_KD = factorised(generator, space, count)
    else:
        found_KD = components(generator, space, latent_NZ, count)
    activation_NF = first_activations(generator, latent_NZ)
    noise_ND = to_normal(space, latent_NZ)
    share_K = explained(activation_NF, noise_ND, found_KD)
    chance = LatentSpace(space.dim).numbered(derived_seed(choice.seed, "chance"), 0, _RANDOM)
    chance = torch.nn.functional.normalize(chance, dim=1)
    random = float(explained(activation_NF, noise_ND, chance).mean())
    how = {"sefa": "closed-form factorisation (SeFa)", "pca": "principal components (GANSpace)"}
    return [
        Direction(
            f"{name}-{number}",
            vector_D,
            f"{how[method]} of the first layer",
            {"variance explained": round(share, 4), "by a random direction": round(random, 4)},
        )
        for number, (vector_D, share) in enumerate(zip(found_KD, share_K.tolist(), strict=True), 1)
    ]
