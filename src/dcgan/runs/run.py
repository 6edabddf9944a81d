"""A finished run: its networks and samples, without any training code.

B batch · Z latent · C channels · H, W sides
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from dcgan.errors import CheckpointError, ConfigError, RunError
from dcgan.health import Diagnosis
from dcgan.models.discriminator import Discriminator
from dcgan.models.folding import folded
from dcgan.models.generator import Generator
from dcgan.render.sheet import refuse_too_large, sheet
from dcgan.runs.checkpoints import (
    checkpoint_name,
    list_checkpoints,
    read_part,
    read_state,
    verify_checkpoint,
)
from dcgan.runs.conditions import with_conditions
from dcgan.runs.drawing import at_once, generate_each
from dcgan.runs.exported import is_exported, part_file
from dcgan.runs.folder import RunFolder
from dcgan.runs.health import diagnosis_of
from dcgan.runs.logs import of_training
from dcgan.runs.networks import Networks
from dcgan.runs.scores import read_best
from dcgan.runs.showing import as_html, verdict
from dcgan.runtime.arguments import refuse_no_run, refuse_seed
from dcgan.runtime.built_in import is_built_in, run_path
from dcgan.runtime.device import choose_device, placed
from dcgan.runtime.files import StrPath
from dcgan.runtime.isolation import default_modes, in_default_modes, isolated
from dcgan.runtime.progress import chosen_reporter
from dcgan.runtime.ranks import ALONE, Ranks
from dcgan.runtime.reading import read_json, sha256
from dcgan.runtime.reporting import SILENT, Reporter
from dcgan.runtime.run_names import refuse_no_checkpoint
from dcgan.runtime.shell import DATA, RUN, call
from dcgan.runtime.signatures import checked

if TYPE_CHECKING:
    import dcgan

Network = TypeVar("Network", Generator, Discriminator)


class Run:
    """A run folder, opened at one checkpoint; or an exported model, which has only one.

    Parameters
    ----------
    path : path or str
        The run folder, the folder that ``dcgan export --to weights`` wrote, or the name of a
        built-in model (see :func:`dcgan.list_models`).
    checkpoint : str, default "best"
        ``best``, ``last``, or a number of images seen. If the run has no scores, ``best`` is the
        last checkpoint.
    device : torch.device or str, default CPU
        Where the networks compute. A string is as for :func:`dcgan.train`.
    ranks : Ranks, optional
        The processes that opened the run together and share the work.

    Attributes
    ----------
    folder : RunFolder
        The paths of all files in the run folder.
    networks : Networks
        The layers of both networks.
    checkpoint : Path
        The folder of the checkpoint at which the run is opened; for an exported model, the folder
        of the model.

    Raises
    ------
    RunError
        The path is not a run folder.
    CheckpointError
        The checkpoint is missing, incomplete or altered.
    """

    def __init__(
        self,
        path: StrPath,
        checkpoint: str | int = "best",
        *,
        device: torch.device | str = "cpu",
        ranks: Ranks = ALONE,
    ) -> None:
        self.folder = RunFolder(run_path(path))
        self.device = choose_device(device) if isinstance(device, str) else device
        self.networks = read_networks(self.folder)
        self.checkpoint = _find_checkpoint(self.folder, str(checkpoint))
        self.ranks = ranks
        verify_checkpoint(self.checkpoint, to_resume=False)

    @property
    def path(self) -> Path:
        """The run folder."""
        return self.folder.path

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes that the run learned; empty if it was trained without labels.

        A class without images in the dataset is left out.
        """
        shares = zip(self.networks.class_names, self.networks.latent.classes, strict=True)
        return tuple(name for name, share in shares if share > 0)

    def health(self) -> Diagnosis:
        """What is right and wrong with the run, in words.

        Examples
        --------
        ``dcgan.open_run("runs/digits-auto").health().verdict``
        """
        return diagnosis_of(self.folder)

    @property
    def images_seen(self) -> int:
        """The number of real images that training had seen at this checkpoint."""
        return int(read_state(self.checkpoint)["images_seen"])

    @property
    def checkpoint_name(self) -> str:
        """The name of the checkpoint: the images seen, in nine digits."""
        return checkpoint_name(self.checkpoint)

    @cached_property
    @isolated()
    def generator(self) -> Generator:
        """The averaged generator in evaluation mode: a latent always gives the same image.

        :meth:`sample` and :meth:`generate` use a faster copy of it. To generate images with a
        generator that you changed, pass it to :meth:`generate`.
        """
        return self._loaded(self.networks.build_generator(), "ema")

    @cached_property
    @isolated()
    def discriminator(self) -> Discriminator:
        """The discriminator in evaluation mode.

        It takes images (B, C, H, W) and returns logits (B,), above 0 for images that it takes for
        real. Pixels are in [-1, 1], unless the run standardizes pixels. If the run was trained with
        labels, the second argument is the classes (B, K), one-hot.

        Raises
        ------
        RunError
            An imported model without a discriminator.
        CheckpointError
            An exported model, or a checkpoint, without a discriminator.
        """
        self.networks.refuse_no_discriminator()
        if not part_file(self.checkpoint, "discriminator").is_file():
            if is_built_in(self.path):
                raise CheckpointError(
                    f"{self.path.name}: a built-in model, which has no discriminator. Use a run of"
                    f" your own: {call('train', DATA)}"
                )
            again = call("export", RUN, to="weights", part="both")
            raise CheckpointError(
                f"{self.checkpoint}: holds no discriminator, which this needs. Use the run folder"
                f" that it came from, or export that run again: {again}"
            )
        return self._loaded(self.networks.build_discriminator(), "discriminator")

    def _loaded(self, network: Network, part: str) -> Network:
        try:
            network.load_state_dict(read_part(self.checkpoint, part))
        except RuntimeError as error:
            raise CheckpointError(
                f"{self.checkpoint}: weights do not fit networks.json. Choose another `checkpoint`"
            ) from error
        return placed(network.eval().requires_grad_(False), self.device)

    @cached_property
    @default_modes()
    def _fast_generator(self) -> Generator:
        """The same generator with batch norm folded into weights."""
        return folded(self.generator)

    @checked
    def sample(
        self,
        count: int,
        *,
        seed: int = 0,
        label: str | None = None,
        codes: Mapping[int, float] | None = None,
    ) -> NDArray[np.uint8]:
        """Generate images.

        Parameters
        ----------
        count : int, at least 0
            Number of images. Image i does not depend on it.
        seed : int, at least 0, default 0
            The seed of the latents. The same seed gives the same images.
        label : str, optional
            The name of the class to generate, for a run trained with labels. By default, classes
            are random, as in training.
        codes : mapping of int to float, optional
            Number of a code → its value, for a run with codes; see
            :func:`dcgan.runs.conditions.with_conditions`. By default, codes are random.

        Returns
        -------
        uint8 (N, C, H, W)

        Raises
        ------
        ConfigError
            A negative number, or a label or code that the run does not have.
        """
        pieces = self.stream(count, seed=seed, label=label, codes=codes)
        return np.concatenate([*pieces, self._no_images()])

    @checked
    def stream(
        self,
        count: int,
        *,
        seed: int = 0,
        label: str | None = None,
        codes: Mapping[int, float] | None = None,
    ) -> Iterator[NDArray[np.uint8]]:
        """Generate the images of :meth:`sample` in pieces, in constant memory."""
        if count < 0:
            raise ConfigError("count", count, "use 0 images or more")
        refuse_seed(seed)

        def latents(start: int, stop: int) -> torch.Tensor:
            latent_BZ = self.networks.latent.numbered(seed, start, stop)
            return with_conditions(self.networks, latent_BZ, label=label, codes=codes)

        return self.generate_numbered(latents, count)

    def generate_numbered(
        self, latents: Callable[[int, int], torch.Tensor], count: int
    ) -> Iterator[NDArray[np.uint8]]:
        """Generate images of numbered latents in pieces, shared among the processes.

        Parameters
        ----------
        latents : callable
            (start, stop) → (B, Z), for numbers from ``start`` up to but not including ``stop``.
        count : int
        """
        step = at_once(self.networks.image_shape, self.device)
        starts = range(0, count, step)
        own = self.ranks.deal(starts)
        drawn = self.generate_each(latents(start, min(count, start + step)) for start in own)
        return in_default_modes(self.ranks.collect(drawn, len(starts)))

    @checked
    def generate(
        self, latent_BZ: torch.Tensor, generator: Generator | None = None
    ) -> NDArray[np.uint8]:
        """Generate the images of given latents, (B, Z) → uint8 (B, C, H, W).

        Parameters
        ----------
        latent_BZ : Tensor
            Such as a path of :func:`dcgan.latent.interpolate`.
        generator : Generator, optional
            The generator to use, such as a changed copy; default the generator of the run.

        Raises
        ------
        ConfigError
            Latents of another width.
        """
        width = self.networks.latent.width
        if latent_BZ.ndim != 2 or latent_BZ.shape[1] != width:
            shape = tuple(latent_BZ.shape)
            raise ConfigError("", shape, f"latents have shape {shape}: this run needs (N, {width})")
        return np.concatenate([self._no_images(), *self.generate_each([latent_BZ], generator)])

    def generate_each(
        self, latents: Iterable[torch.Tensor], generator: Generator | None = None
    ) -> Iterator[NDArray[np.uint8]]:
        """Generate the images of :meth:`generate` in pieces, in constant memory."""
        network = self._fast_generator if generator is None else generator
        return in_default_modes(generate_each(network, latents, self.networks.scale, self.device))

    @checked
    def sheet(self, count: int = 64, *, seed: int = 0) -> Image.Image:
        """Show the images of :meth:`sample` on one sheet, a Pillow image.

        Raises
        ------
        DataError
            Too many images for one sheet.
        ConfigError
            Fewer than one image.
        """
        if count < 1:
            raise ConfigError("count", count, "use 1 image or more")
        refuse_too_large(count, self.networks.image_shape[1:])
        return sheet(self.sample(count, seed=seed))

    @checked
    def evaluate(
        self,
        data: StrPath | None = None,
        *,
        extractor: StrPath = "auto",
        images: int = 10_000,
        held_out: StrPath | None = None,
        seed: int = 0,
        data_root: StrPath | None = None,
        progress: bool = True,
    ) -> dcgan.Evaluation:
        """Score this checkpoint; see :func:`dcgan.evaluate`.

        ``progress`` shows progress on stderr or, in a notebook, below the cell.

        Examples
        --------
        ``dcgan.open_run("runs/digits-auto").evaluate()["frechet_distance"]``
        """
        import dcgan  # the public function, in a layer above this one

        with chosen_reporter(None, progress=progress, is_first=self.ranks.is_first) as reporter:
            return dcgan.evaluate(
                [self],
                data,
                extractor=extractor,
                images=images,
                held_out=held_out,
                seed=seed,
                data_root=data_root,
                reporter=reporter,
            )[0]

    def report(
        self,
        out: StrPath | None = None,
        *,
        data: StrPath | None = None,
        data_root: StrPath | None = None,
        progress: bool = True,
    ) -> Path:
        """Write one HTML page about the run and return its path; see :func:`dcgan.write_report`.

        Examples
        --------
        ``dcgan.open_run("runs/digits-auto").report()``
        """
        import dcgan  # the public function, in a layer above this one

        with chosen_reporter(None, progress=progress, is_first=self.ranks.is_first) as reporter:
            return dcgan.write_report(
                self, out=out, data=data, data_root=data_root, reporter=reporter
            )

    def export(
        self,
        to: str,
        out: StrPath | None = None,
        *,
        part: str | None = None,
        precision: str | None = None,
        pixels: str | None = None,
        license: str | None = None,  # noqa: A002
        single_file: bool = False,
        progress: bool = True,
    ) -> dcgan.Exported:
        """Write this checkpoint as files for other programs; see :func:`dcgan.export`.

        Examples
        --------
        ``dcgan.open_run("runs/digits-auto").export("onnx", "digits.onnx")``
        """
        import dcgan  # the public function, in a layer above this one

        with chosen_reporter(None, progress=progress, is_first=self.ranks.is_first) as reporter:
            return dcgan.export(
                self,
                to,
                out,
                part=part,
                precision=precision,
                pixels=pixels,
                license=license,
                single_file=single_file,
                reporter=reporter,
            )

    def log(self) -> list[dict[str, Any]]:
        """Read ``log.jsonl``: one dictionary for each line, sorted by images seen.

        If a resumed run repeated steps, only the later lines of these steps are returned.
        """
        return of_training(self.folder.log.read())

    def __repr__(self) -> str:
        return f"<Run {self.path}: {verdict(self)}>"

    def _repr_html_(self) -> str:
        """For notebooks: the sheet with the verdict below it."""
        return as_html(self)

    def _no_images(self) -> NDArray[np.uint8]:
        return np.empty((0, *self.networks.image_shape), dtype=np.uint8)


@checked
def open_run(
    path: StrPath,
    checkpoint: str | int = "best",
    *,
    device: torch.device | str = "cpu",
    ranks: Ranks = ALONE,
) -> Run:
    """Open a run folder, an exported model or a built-in one. Parameters and errors are those of
    :class:`Run`."""
    return Run(path, checkpoint=checkpoint, device=device, ranks=ranks)


def open_every_checkpoint(
    path: StrPath,
    *,
    device: torch.device | str = "cpu",
    ranks: Ranks = ALONE,
    reporter: Reporter = SILENT,
) -> list[Run]:
    """Open a run at each of its checkpoints, oldest first; damaged ones are skipped with a note.

    Parameters and errors are those of :class:`Run`.
    """
    runs = []
    for name in (one.name for one in list_checkpoints(RunFolder(run_path(path)).checkpoints)):
        try:
            runs.append(open_run(path, checkpoint=name, device=device, ranks=ranks))
        except CheckpointError as error:
            reporter.note(f"skipped: {error}")
    # without any, opening the last raises the right error
    return runs or [open_run(path, checkpoint="last", device=device, ranks=ranks)]


def read_networks(folder: RunFolder) -> Networks:
    """The networks of a run; ``RunError`` if they are missing, damaged or altered."""
    refuse_no_run(folder.path)
    if not folder.networks.is_file():
        raise RunError(f"{folder.networks}: missing. Restore it or train again")
    try:
        networks = Networks.from_json(read_json(folder.networks))
    except OSError as error:
        raise RunError(f"{folder.networks}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise RunError(
            f"{folder.networks}: damaged ({error}). Restore it or train again"
        ) from error
    if networks_checksum(folder) not in {None, sha256(folder.networks)}:
        raise RunError(
            f"{folder.networks}: altered since the run began: its SHA-256 differs from the one in"
            f" {folder.provenance.name}. Restore it or train again"
        )
    return networks


def networks_checksum(folder: RunFolder) -> str | None:
    """The SHA-256 of ``networks.json`` in ``run.json``; None if it is missing, as in earlier
    versions."""
    try:
        found = read_json(folder.provenance).get("networks")
    except (OSError, ValueError):
        return None
    return found if isinstance(found, str) else None


def _find_checkpoint(folder: RunFolder, wanted: str) -> Path:
    refuse_no_checkpoint(folder.path, wanted)
    if is_exported(folder.path):
        return folder.path
    found = list_checkpoints(folder.checkpoints)
    best = read_best(folder) if wanted == "best" else None
    if best is not None:
        wanted = str(best.checkpoint)
    elif wanted in {"best", "last"}:
        return found[-1]
    return next(path for path in found if int(path.name) == int(wanted))
