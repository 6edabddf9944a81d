"""The model file of the web page: safetensors with a JSON description.

D numbers of noise · K directions
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from dcgan.exchange.web.program import compile_generator, first_map
from dcgan.runs.networks import Networks
from dcgan.runs.run import Run
from dcgan.runs.schema import Number, Stored, Text
from dcgan.runtime.reading import read_json
from dcgan.runtime.reporting import SILENT, Reporter

FORMAT = "dcgan-web-1"
"""In the file's metadata. A change that older pages cannot read gets another number."""

COMPONENTS = 6
"""Components of the first layer that get a slider."""

_MOST_DIRECTIONS = 24


def model_bytes(run: Run, reporter: Reporter = SILENT) -> bytes:
    """A run's generator for ``static/engine.js``.

    The metadata has ``format`` and ``model``, a JSON object: the steps of the program, the latent
    space, the pixel scale, and names for the page. Tensors are those of the program, and
    ``directions`` (K, D), each of unit length.

    Raises
    ------
    ConfigError
        An operation that the engine does not have.
    RunError
        A weight that is not a finite number.
    """
    networks, generator = run.networks, run.generator
    program = compile_generator(generator)
    saved, vectors = _saved_directions(run, reporter)
    components, shares = _components(networks, first_map(generator, networks.latent.dim))
    described = [
        {"name": f"Component {number}", "about": f"{share:.0%} of the first layer's variance"}
        for number, share in enumerate(shares, start=1)
    ]
    directions_KD = torch.cat([*(vector[None] for vector in vectors), components])
    model = {
        "name": run.path.resolve().name,
        "images_seen": run.images_seen,
        "image_shape": list(networks.image_shape),
        "latent": asdict(networks.latent) | {"shape": list(generator.input_shape)},
        "class_names": list(_class_names(networks)),
        "pixels": networks.scale.to_json(),
        "steps": program.steps,
        "saved": saved,
        "components": described,
    }
    return save(
        program.tensors | {"directions": directions_KD.float().contiguous()},
        # ASCII, since names of files need not be valid UTF-8
        {"format": FORMAT, "model": json.dumps(model)},
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


def _saved_directions(run: Run, reporter: Reporter) -> tuple[list[dict[str, Any]], list[Tensor]]:
    """The run's named directions, without those that are damaged or of another checkpoint."""
    described, vectors = [], []
    for path in sorted(run.folder.directions.glob("*.json")):
        try:
            content = read_json(path)
            kept = {name: content[name] for name in _Direction.model_fields if name in content}
            stored = _Direction.read(kept)
            if stored.checkpoint != run.checkpoint.name:
                raise ValueError(f"belongs to checkpoint {stored.checkpoint}")
            if len(stored.vector) != run.networks.latent.dim:
                raise ValueError(f"not {run.networks.latent.dim} numbers")
            if len(vectors) == _MOST_DIRECTIONS:
                raise ValueError(f"a page has at most {_MOST_DIRECTIONS}")
        except (OSError, ValueError) as error:
            reporter.note(f"direction left out: {path}: {error}")
            continue
        described.append({"name": path.stem, "about": stored.method})
        vectors.append(torch.tensor(stored.vector))
    return described, vectors
