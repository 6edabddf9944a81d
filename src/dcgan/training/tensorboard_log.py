"""What a run writes for TensorBoard: its log in groups, sheets of samples, quality, settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from dcgan.config import RunConfig
from dcgan.config.tree import PENALTIES
from dcgan.metrics.score import Score
from dcgan.runs.settings import flat
from dcgan.training.provenance import config_yaml

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_BEST = "quality/best"

_GROUPS = {
    "epoch": "progress",
    "seconds": "progress",
    "images_per_second": "speed",
    "sign_real": "score",
    **dict.fromkeys(PENALTIES, "penalty"),
}


class TensorBoardLog:
    """The event files of one run; steps are images seen.

    Tags come in groups: ``loss``, ``penalty``, ``score``, ``gradient_mean``, ``gradient_max``,
    ``quality``, ``progress``, ``speed``, and ``settings`` for those that move over the run.

    Parameters
    ----------
    writer : SummaryWriter
        See :func:`dcgan.training.event_files.open_writer`.
    images_seen : int
        Where the run continues.
    """

    def __init__(self, writer: SummaryWriter, images_seen: int) -> None:
        self._images = images_seen
        self._writer = writer

    def write_settings(self, config: RunConfig) -> None:
        """Write the configuration as text, and what differs from the defaults for the table of
        hyperparameters, which also shows the best score."""
        from torch.utils.tensorboard.summary import hparams

        text = f"```yaml\n{config_yaml(config)}```"
        self._writer.add_text("configuration", text, self._images)
        summaries = hparams(_changed(config), {_BEST: 0.0})  # type: ignore[no-untyped-call]
        for summary in summaries:
            self._writer.file_writer.add_summary(summary)  # type: ignore[attr-defined]
        self._writer.flush()

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Write a line of the log."""
        images = record["images"]
        for key, value in record.items():
            if isinstance(value, dict):
                for layer, number in value.items():
                    self._writer.add_scalar(f"{key}/{layer}", number, images)
            elif key != "images":
                self._writer.add_scalar(_tag(key), value, images)
        self._writer.flush()

    def write_sheet(self, drawn: Image.Image, images_seen: int) -> None:
        """Write a sheet of samples."""
        pixels = np.atleast_3d(np.asarray(drawn.convert("RGB")))
        self._writer.add_image("samples", pixels, images_seen, dataformats="HWC")

    def write_score(self, images_seen: int, score: Score, best: Score) -> None:
        """Write a measurement, what real images get, and the best until now."""
        self._writer.add_scalar(f"quality/{score.measure}", score.value, images_seen)
        if score.floor is not None:
            self._writer.add_scalar(
                f"quality/{score.measure}_of_real_images", score.floor, images_seen
            )
        self._writer.add_scalar(_BEST, best.value, images_seen)
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()


def _tag(key: str) -> str:
    """The tag of a number of the log.

    >>> [_tag(key) for key in ("loss_d", "score_fake_after", "r1", "top_k")]
    ['loss/d', 'score/fake_after', 'penalty/r1', 'settings/top_k']
    """
    group, _, rest = key.partition("_")
    if group in {"loss", "score"}:
        return f"{group}/{rest}"
    return f"{_GROUPS.get(key, 'settings')}/{key}"


def _changed(config: RunConfig) -> dict[str, bool | int | float | str]:
    """The settings that differ from the defaults, as TensorBoard can hold them."""
    defaults = flat(RunConfig().model_dump(mode="json"))
    changed = {
        key: value
        for key, value in flat(config.model_dump(mode="json")).items()
        if value != defaults[key]
    }
    return {key: _plain(value) for key, value in changed.items()}


def _plain(value: Any) -> bool | int | float | str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"table of {len(value)} layers"
    return value if isinstance(value, bool | int | float | str) else str(value)
