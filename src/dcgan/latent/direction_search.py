"""Finding directions: from two groups, from what samples show, or from the generator alone.

N samples · K directions
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dcgan.errors import ConfigError, DcganError
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
from dcgan.latent.labeling import Reader
from dcgan.latent.noise import to_normal
from dcgan.latent.store import read_direction, refuse_name, stored_names
from dcgan.models.latents import LatentSpace
from dcgan.runs.run import Run
from dcgan.runtime.isolation import isolated
from dcgan.runtime.rng import derived_seed
from dcgan.runtime.run_names import refuse_no_direction
from dcgan.runtime.shell import command
from dcgan.runtime.signatures import checked

SAMPLES = 2000
_MOST_SAMPLES = 1_000_000

_AT_ONCE = 1024
"""Images in memory at a time: 50 MB at 128x128 in color, and 0.4 GB in float64."""

LEAST_ACCURACY, LEAST_R2 = 0.7, 0.2
"""Least held-out scores of a direction; chance is 0.5 and 0."""

_ANY = Choice()

_RANDOM = 100
"""Random directions, for comparison."""

Number = TypeVar("Number", np.float32, np.float64)

Method = Literal["sefa", "pca"]


@dataclass(frozen=True)
class Request:
    """How to find a direction. Without ``plus``, ``reads`` or ``method``, it is a stored one.

    Parameters
    ----------
    plus, minus : str, optional
        Two groups, see :func:`from_groups`.
    reads, leave, samples, least
        See :func:`from_samples`.
    method, count
        See :func:`from_generator`.
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
    def searches(self) -> list[str]:
        """The searches that are set, by their arguments."""
        values = {
            "`plus` and `minus`": self.plus or self.minus,
            "`reads`": self.reads,
            "`method`": self.method,
        }
        return [search for search, value in values.items() if value]


@checked
@isolated()
def find(
    run: Run, name: str | None, request: Request, reader: Reader, choice: Choice
) -> list[Direction]:
    """Directions of a search, or the stored one of that name.

    Raises
    ------
    ConfigError
        No name, two searches at once, an incomplete one, or a number out of range.
    DcganError
        See the functions of each search.
    """
    if name is None:
        if request.reads:  # a typo in it is named before the missing name
            reader.refuse_unknown(request.reads)
        example = command("directions", run.path, "NAME", *_as_words(request))
        raise ConfigError("", None, f"a new direction needs a name. Use: {example}")
    refuse_name(name, stored_names(run) if request.searches else ())
    if len(request.searches) > 1:
        raise ConfigError(
            "name", name, f"choose one of {', '.join(request.searches)}, which exclude each other"
        )
    if not 100 <= request.samples <= _MOST_SAMPLES:
        raise ConfigError("samples", request.samples, f"must be 100 to {_MOST_SAMPLES:,}")
    if request.leave and not request.reads:
        raise ConfigError("without", list(request.leave), "has an effect only with `reads`")
    if request.plus or request.minus:
        if not (request.plus and request.minus):
            missing, given = ("plus", "minus") if request.minus else ("minus", "plus")
            raise ConfigError(
                "", request.plus, f"`{missing}` is missing. Set it too: `{given}` is set"
            )
        plus, minus = open_concepts(
            run, [request.plus], [request.minus], choice=choice, reader=reader
        )
        return [from_groups(run, name, plus, minus)]
    if request.reads:
        direction = from_samples(
            run,
            name,
            request.reads,
            reader,
            choice,
            samples=request.samples,
            least=request.least,
            leave=request.leave,
        )
        return [direction]
    if request.method:
        return from_generator(
            run, name, request.method, choice, count=request.count, samples=request.samples
        )
    refuse_no_direction(run.path, name)
    return [read_direction(run, name)]


def _as_words(request: Request) -> list[str]:
    """The search that was asked for, as options."""
    asked = {key: getattr(request, key) for key in ("plus", "minus", "reads", "method")}
    return [word for key, value in asked.items() if value for word in (f"--{key}", value)]


@isolated()
def from_groups(run: Run, name: str, plus: Concept, minus: Concept) -> Direction:
    """The direction from one group of samples to another, see :func:`between`."""
    vector_D = between(run.networks.latent, minus.latent_KZ, plus.latent_KZ)
    sizes = f"{len(minus.latent_KZ)} to {len(plus.latent_KZ)} samples"
    return Direction(
        name, vector_D, f"from the mean of {minus.name} to that of {plus.name}, {sizes}"
    )


@checked
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
    """The direction along which a property of samples changes, by a linear probe.

    Parameters
    ----------
    run : Run
    name : str
    concept : str
        A class, as for :meth:`Reader.conditions`, a numeric factor such as ``size``, or one of
        :data:`dcgan.latent.appearance.APPEARANCES`.
    reader : Reader
        Predicts the property.
    choice : Choice
    samples : int
        A quarter of them is held out.
    least : float, optional
        Least held-out balanced accuracy (of a class, default 0.7) or R² (of a number, default
        0.2).
    leave : sequence of str
        Stored directions to remove from it.

    Raises
    ------
    DcganError
        A lower score, fewer than 20 samples that show the class, or all of one value.
    """
    others = [read_direction(run, other).vector_D for other in leave]  # a wrong name ends it here
    latent_NZ = choice.latents(run, 0, samples)
    noise_ND = to_normal(run.networks.latent, latent_NZ)
    probe: Callable[[Tensor], tuple[Tensor, float]]
    is_learned = False
    if reader.is_measured(concept):
        value_N = _of_images(run, latent_NZ, lambda images: reader.values(images, concept))
        probe = partial(by_value, value_N=value_N, seed=choice.seed)
        measure, least = "held-out R²", LEAST_R2 if least is None else least
    else:
        conditions = reader.conditions(concept)
        named = {reader.factors[factor].names[number] for factor, number in conditions}
        is_learned = bool(named & {*run.networks.class_names})
        agreement_N = _of_images(
            run, latent_NZ, lambda images: reader.agreement(images, conditions)
        )
        shows_N = agreement_N > 0.5
        probe = partial(by_class, shows_N=shows_N, seed=choice.seed)
        measure, least = "held-out accuracy", LEAST_ACCURACY if least is None else least
    vector_D, score = probe(noise_ND)
    method = f"linear probe of {concept} on {samples:,} samples"
    if others:
        vector_D = without(vector_D, torch.stack(others))
        _, score = probe((noise_ND @ vector_D)[:, None])  # the score of what remains
        method += f", without {', '.join(leave)}"
    if score < least:
        reason, cure = "", "Train longer, use more `samples`, or a lower `least`"
        if is_learned:
            reason = (
                ": the run has learned this class, so a latent's class decides it, not its noise"
            )
            cure = "Set `label` to generate one class"
        raise DcganError(
            f"{concept}: {measure} is {score:.2f}, below {least:g}, so no direction changes it"
            f" reliably{reason}. {cure}"
        )
    return Direction(name, vector_D, method, {measure: round(score, 4)})


def _of_images(
    run: Run, latent_NZ: Tensor, read: Callable[[NDArray[np.uint8]], NDArray[Number]]
) -> NDArray[Number]:
    """A number (N,) for each image of these latents, which are never all in memory."""
    parts = torch.split(latent_NZ, _AT_ONCE)
    return np.concatenate([read(run.generate(part)) for part in parts])


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
    """The strongest directions of the generator's first layer, named ``name-1``, ``name-2``, ….

    Parameters
    ----------
    run : Run
    name : str
    method : {"sefa", "pca"}
        See :func:`factorised` and :func:`components`.
    choice : Choice
        The samples.
    count : int
    samples : int
        Samples for components and for the explained variance.
    """
    space, generator = run.networks.latent, run.generator
    latent_NZ = choice.latents(run, 0, samples)
    if method == "sefa":
        vector_KD = factorised(generator, space, count)
    else:
        vector_KD = components(generator, space, latent_NZ, count)
    activation_NF = first_activations(generator, latent_NZ)
    noise_ND = to_normal(space, latent_NZ)
    share_K = explained(activation_NF, noise_ND, vector_KD)
    chance = LatentSpace(space.dim).numbered(derived_seed(choice.seed, "chance"), 0, _RANDOM)
    chance = torch.nn.functional.normalize(chance, dim=1)
    random = float(explained(activation_NF, noise_ND, chance).mean())
    how = {
        "sefa": "factorization of the weights (SeFa)",
        "pca": "principal components of the outputs (GANSpace)",
    }
    return [
        Direction(
            f"{name}-{number}",
            vector_D,
            f"{how[method]} of the first layer",
            {"variance explained": round(share, 4), "by a random direction": round(random, 4)},
        )
        for number, (vector_D, share) in enumerate(zip(vector_KD, share_K.tolist(), strict=True), 1)
    ]
