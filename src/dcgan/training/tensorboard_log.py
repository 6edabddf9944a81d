"""What a run writes for TensorBoard: its log in groups, sheets, scores, settings."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import numpy as np
from PIL import Image

from dcgan.config import RunConfig, config_yaml
from dcgan.config.tree import PENALTIES
from dcgan.metrics.score import Score
from dcgan.runs.settings import flat
from dcgan.runtime.files import reason_of
from dcgan.runtime.reporting import Reporter

Arguments = ParamSpec("Arguments")

_BEST = "quality/best"

_GROUPS = {
    "epoch": "progress",
    "seconds": "progress",
    "images_per_second": "speed",
    "waiting": "speed",
    "sign_real": "score",
    **dict.fromkeys(PENALTIES, "penalty"),
}


def _or_give_up(
    method: Callable[Concatenate[TensorBoardLog, Arguments], None],
) -> Callable[Concatenate[TensorBoardLog, Arguments], None]:
    """Stop writing, with one note, where files cannot be written, as on a full disk."""

    @wraps(method)
    def attempt(self: TensorBoardLog, /, *words: Arguments.args, **named: Arguments.kwargs) -> None:
        if self.has_failed:
            return
        try:
            method(self, *words, **named)
        except OSError as error:
            self.has_failed = True
            self.reporter.note(
                f"{self.folder}: cannot be written ({error.strerror or reason_of(error)});"
                " training continues without TensorBoard files"
            )

    return attempt


class TensorBoardLog:
    """The event files of one run; steps are images seen.

    Tags come in groups: ``loss``, ``penalty``, ``score``, ``gradient_mean``, ``gradient_max``,
    ``quality``, ``progress``, ``speed``, and ``settings`` for those that change during the run.

    Parameters
    ----------
    folder : Path
    reporter : Reporter
    images_seen : int
        Where the run continues; later events, which a killed run wrote, are void.
    """

    def __init__(self, folder: Path, reporter: Reporter, images_seen: int) -> None:
        self.folder, self.reporter = folder, reporter
        self.has_failed = False
        self._images = images_seen
        _say_nothing_of_its_thread()
        self._open()

    @_or_give_up
    def _open(self) -> None:
        from torch.utils.tensorboard import SummaryWriter

        _wait_for_another_second(self.folder)
        self._writer = SummaryWriter(str(self.folder), purge_step=self._images + 1)

    @_or_give_up
    def write_settings(self, config: RunConfig) -> None:
        """Write the configuration as text, and what differs from the defaults for the table of
        hyperparameters, which also shows the best score."""
        from torch.utils.tensorboard.summary import hparams

        text = f"```yaml\n{config_yaml(config)}```"
        self._writer.add_text("configuration", text, self._images)
        for summary in hparams(_changed(config), {_BEST: 0.0}):  # type: ignore[no-untyped-call]
            self._writer.file_writer.add_summary(summary)  # type: ignore[attr-defined]
        self._writer.flush()

    @_or_give_up
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

    @_or_give_up
    def write_sheet(self, drawn: Image.Image, images_seen: int) -> None:
        """Write a sheet of samples."""
        pixels = np.atleast_3d(np.asarray(drawn.convert("RGB")))
        self._writer.add_image("samples", pixels, images_seen, dataformats="HWC")

    @_or_give_up
    def write_score(self, images_seen: int, score: Score, best: Score) -> None:
        """Write a score, the real-image baseline, and the best score so far."""
        self._writer.add_scalar(f"quality/{score.metric}", score.value, images_seen)
        if score.baseline is not None:
            self._writer.add_scalar(
                f"quality/{score.metric}_of_real_images", score.baseline, images_seen
            )
        self._writer.add_scalar(_BEST, best.value, images_seen)
        self._writer.flush()

    @_or_give_up
    def close(self) -> None:
        """Write what is left."""
        self._writer.close()


def _say_nothing_of_its_thread() -> None:
    """Keep the thread that writes from printing a traceback: the next call raises its error."""
    before = threading.excepthook
    if getattr(before, "is_quiet", False):
        return

    def hook(caught: threading.ExceptHookArgs) -> None:
        if not type(caught.thread).__module__.startswith("tensorboard."):
            before(caught)

    hook.is_quiet = True  # type: ignore[attr-defined]
    threading.excepthook = hook


def _tag(key: str) -> str:
    """The tag of a number of the log.

    >>> [_tag(key) for key in ("loss_d", "score_fake_after", "r1", "top_k")]
    ['loss/d', 'score/fake_after', 'penalty/r1', 'settings/top_k']
    """
    group, _, rest = key.partition("_")
    if group in {"loss", "score"}:
        return f"{group}/{rest}"
    return f"{_GROUPS.get(key, 'settings')}/{key}"


def _wait_for_another_second(folder: Path) -> None:
    """Files are named by the second. Those of one second are read in the order of a number as text,
    10 before 9, and the events of the later one would be void."""
    seconds = [path.name.split(".")[3] for path in folder.glob("events.out.tfevents.*.*")]
    now = time.time()
    if str(int(now)) in {one.lstrip("0") for one in seconds}:
        time.sleep(int(now) + 1 - now)


def _changed(config: RunConfig) -> dict[str, bool | int | float | str]:
    """The settings that differ from the defaults, as TensorBoard can hold them."""
    defaults = flat(RunConfig().model_dump(mode="json"))
    settings = flat(config.model_dump(mode="json"))
    return {key: _plain(value) for key, value in settings.items() if value != defaults[key]}


def _plain(value: Any) -> bool | int | float | str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"table of {len(value)} layers"
    return value if isinstance(value, bool | int | float | str) else str(value)
