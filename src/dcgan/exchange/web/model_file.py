"""The model file of the web page: safetensors with a JSON description.

D numbers of noise · K directions
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from safetensors.torch import save
from torch import Tensor

from dcgan.exchange.web.steps import compile_generator, first_map
from dcgan.models.generator import Generator
from dcgan.runs.networks import Networks
from dcgan.runs.run import Run
from dcgan.runs.schema import Number, Stored, Text
from dcgan.runtime.reading import read_json
from dcgan.runtime.reporting import SILENT, Reporter

FORMAT = "dcgan-web-2"
"""In the description. Each change of the format gets another number, so that a page refuses the
models of other versions."""

COMPONENTS = 6
"""Components of the first layer that get a slider."""

_MOST_DIRECTIONS = 24


@dataclass(frozen=True)
class SavedDirection:
    """A named direction of a run.

    Parameters
    ----------
    name : str
    about : str
        How it was found.
    vector_D : Tensor
        Of unit length.
    """

    name: str
    about: str
    vector_D: Tensor


def model_bytes(run: Run, reporter: Reporter = SILENT) -> bytes:
    """The model file of a run, see :func:`model_file`."""
    return model_file(
        run.networks,
        run.generator,
        name=run.path.resolve().name,
        images_seen=run.images_seen,
        saved=saved_directions(run, reporter),
    )


def model_file(
    networks: Networks,
    generator: Generator,
    *,
    name: str,
    images_seen: int,
    saved: Sequence[SavedDirection] = (),
) -> bytes:
    """A generator for ``static/engine.js``.

    The metadata has ``model``, a JSON object: the format, the steps of the program, the latent
    space, the pixel scale, and names for the page. Tensors are those of the program, and
    ``directions`` (K, D), each of unit length: the saved ones, then components of the first layer.

    Raises
    ------
    ConfigError
        An operation that the engine does not have.
    RunError
        A weight that is not a finite number.
    """
    program = compile_generator(generator)
    components_KD, shares = _components(networks, first_map(generator, networks.latent.dim))
    model = {
        "format": FORMAT,
        "name": name,
        "images_seen": images_seen,
        "image_shape": list(networks.image_shape),
        "latent": asdict(networks.latent) | {"shape": list(generator.input_shape)},
        "class_names": list(_class_names(networks)),
        "pixels": networks.scale.to_json(),
        "steps": program.steps,
        "saved": [{"name": one.name, "about": one.about} for one in saved],
        "components": [
            {"name": f"Component {number}", "about": f"{share:.0%} of the first layer's variance"}
            for number, share in enumerate(shares, start=1)
        ],
    }
    directions_KD = torch.cat([*(one.vector_D[None].float() for one in saved), components_KD])
    return save(
        program.tensors | {"directions": directions_KD.contiguous()},
        # in ASCII, since names of files need not be valid UTF-8. One entry, since safetensors
        # writes several in any order, and the same run must give the same file
        {"model": json.dumps(model)},
    )


def _class_names(networks: Networks) -> tuple[str, ...]:
    count = len(networks.latent.classes)
    return networks.class_names or tuple(f"Class {number}" for number in range(count))


def _components(networks: Networks, map_DF: Tensor) -> tuple[Tensor, list[float]]:
    """The strongest directions (K, D) of the first layer, and the variance that each explains.

    Shen & Zhou 2021 (arXiv:2007.06600, SeFa): eigenvectors of AᵀA for the first layer's map A.
    """
    vectors_DK, size_K, _ = torch.linalg.svd(map_DF.double(), full_matrices=False)
    count = min(COMPONENTS, networks.latent.dim, len(size_K))
    vectors_KD = vectors_DK[:, :count].T
    # the sign is arbitrary: the largest number is made positive
    largest = vectors_KD.gather(1, vectors_KD.abs().argmax(dim=1, keepdim=True))
    share_K = size_K.square() / size_K.square().sum().clamp(min=1e-300)
    return (vectors_KD * largest.sign()).float(), share_K[:count].tolist()


class _Direction(Stored):
    """What is read of a file of ``dcgan directions``."""

    checkpoint: Text
    method: Text
    vector: tuple[Number, ...]


def saved_directions(run: Run, reporter: Reporter = SILENT) -> list[SavedDirection]:
    """The run's named directions, without those that are damaged or of another checkpoint."""
    found: list[SavedDirection] = []
    for path in sorted(run.folder.directions.glob("*.json")):
        try:
            content = read_json(path)
            known = {name: content[name] for name in _Direction.model_fields if name in content}
            stored = _Direction.read(known)
            if stored.checkpoint != run.checkpoint_name:
                raise ValueError(f"belongs to checkpoint {stored.checkpoint}")
            if len(stored.vector) != run.networks.latent.dim:
                raise ValueError(f"not {run.networks.latent.dim} numbers")
            if len(found) == _MOST_DIRECTIONS:
                raise ValueError(f"a page has at most {_MOST_DIRECTIONS}")
        except (OSError, ValueError) as error:
            reporter.note(f"direction left out: {path}: {error}")
            continue
        found.append(SavedDirection(path.stem, stored.method, torch.tensor(stored.vector)))
    return found
