"""Make a run folder of a model that another program trained."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from dcgan.errors import RunConflict
from dcgan.exchange.conventions import fit_any, fit_arrays
from dcgan.exchange.fitting import Network, fit, load, slots_of
from dcgan.exchange.parts import parts_of
from dcgan.exchange.reading import WeightFile, read_weights
from dcgan.exchange.run_folder import Imported, write_run
from dcgan.exchange.tables import Tables, known_tables, tables_like
from dcgan.models.batch_norm import averaging_batch_norm, reestimate_batch_norm
from dcgan.models.discriminator import Discriminator
from dcgan.models.generator import Generator
from dcgan.models.table import Layer
from dcgan.runs.networks import Networks
from dcgan.runs.run import Run, open_run
from dcgan.runtime.files import StrPath, expanded
from dcgan.runtime.isolation import isolated
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.signatures import checked

Kind = TypeVar("Kind", Generator, Discriminator)

_SEED = 0
_BATCH, _BATCHES = 64, 8


@checked
@isolated()
def import_model(
    generator: StrPath,
    discriminator: StrPath | None = None,
    *,
    out: StrPath,
    like: StrPath | None = None,
    reporter: Reporter = SILENT,
) -> Run:
    """Make a run folder of a model trained elsewhere.

    Files are read without running anything in them. The weights must fit the layers exactly. If a
    file has no running statistics of batch norm, they are estimated from 512 generated images.

    Parameters
    ----------
    generator : path
        The generator's weights: ``.pth``, ``.pt`` or ``.bin`` (a state dict of PyTorch),
        ``.safetensors``, ``.npz``, ``.npy``, or ``.h5`` (weights of Keras).
    discriminator : path, optional
        The discriminator's weights. Without them, what needs a discriminator refuses the run.
    out : path
        The run folder, which must not exist or must be empty.
    like : str or path, optional
        A recipe, or a file of the same form, with the layers of the model. By default the layers
        are recognized: of the DCGAN example of PyTorch, the DCGAN of PyTorch-GAN, the DCGAN
        tutorial of TensorFlow, and the code of the DCGAN authors.
    reporter : Reporter, optional

    Returns
    -------
    Run
        Opened, at its only checkpoint of 0 images seen.

    Raises
    ------
    WeightsError
        A file cannot be read, would run code, or does not fit the layers; or its layers are not
        known. Then the message names a table to fill in. No run folder is written.
    ConfigError
        ``like`` has no layers, or settings that cannot work.
    RunConflict
        ``out`` exists.

    Examples
    --------
    >>> run = dcgan.import_model("netG.pth", out="runs/mine")  # doctest: +SKIP
    >>> run.sample(16).shape  # doctest: +SKIP
    (16, 3, 64, 64)
    """
    folder = expanded(out)
    _refuse_used(folder)
    file = read_weights(expanded(generator))
    other = None if discriminator is None else read_weights(expanded(discriminator))
    if like is not None:
        tables = tables_like(like, has_discriminator=other is not None)
    else:
        tables = known_tables(file, other, folder)
        reporter.note(f"layers: those of {tables.source}")
    networks = tables.networks
    maker = networks.build_generator()
    given = maker.input_shape
    has_statistics = _fill(maker, networks.generator, given, file, tables, "generator")
    if not has_statistics:
        reestimate_batch_norm(maker, networks.latent, _SEED)
        reporter.note(
            f"{file.path}: has no running statistics of batch norm. They were estimated from"
            f" {_BATCH * _BATCHES} latents"
        )
    judge = None
    if other is not None:
        judge = networks.build_discriminator()
        table = networks.discriminator
        if not _fill(judge, table, networks.image_shape, other, tables, "discriminator"):
            _estimate_from_samples(judge, maker, networks)
            reporter.note(
                f"{other.path}: has no running statistics of batch norm. They were estimated from"
                f" {_BATCH * _BATCHES} generated images, since the real ones are not known"
            )
    write_run(folder, Imported(tables, file, other, maker, judge))
    return open_run(folder)


def _refuse_used(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists():
        raise RunConflict(f"{folder}: exists already, and is not empty. Choose another `out`")


def _fill(
    network: Network,
    layers: tuple[Layer, ...],
    given: tuple[int, ...],
    file: WeightFile,
    tables: Tables,
    name: str,
) -> bool:
    """Load a file into a network; whether it has statistics of batch norm."""
    about = f"{file.path} does not fit the {name} ({tables.source})"
    slots = slots_of(network, layers, given)
    state: dict[str, Tensor]
    if name in tables.conventions:
        state = fit_arrays(slots, file.tensors, tables.conventions[name], about)
    elif file.is_named:
        state = fit(slots, parts_of(file), about)
    else:
        state = fit_any(slots, file.tensors, about)
    has_statistics = load(network, state)
    network.eval().requires_grad_(False)
    return has_statistics


@torch.no_grad()
def _estimate_from_samples(network: nn.Module, generator: Generator, networks: Networks) -> None:
    """Set statistics of batch norm in a discriminator, as averages over generated images."""
    with averaging_batch_norm(network):
        for batch in range(_BATCHES):
            start, stop = batch * _BATCH, (batch + 1) * _BATCH
            network(generator(networks.latent.numbered(_SEED, start, stop)))
