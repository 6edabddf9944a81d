"""Progress on the screen: a live line in terminals and notebooks, plain lines elsewhere."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import IO, Any, TextIO, cast

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from dcgan.errors import printable
from dcgan.runtime.launch import speaks
from dcgan.runtime.reporting import SILENT, Reporter, Scored, Unit
from dcgan.runtime.wording import digits

_REDRAW_SECONDS = 0.2
_PLAIN_SECONDS = 10.0
_FIRST_SECONDS = 2.0
"""Time to the first plain line of training; the speed of the first steps says little."""

_WIDTH_FOR_A_BAR = 100
"""Terminal columns from which there is room for a bar."""

_BAR_WIDTH = 16


class _Lasting:
    """A stream to a terminal. Closing the terminal does not stop training."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with _unless_gone():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with _unless_gone():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _unless_gone() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise


class TerminalReporter(Reporter):
    """Writes to stderr, in a notebook below the cell, where live lines need ipywidgets."""

    def __init__(self) -> None:
        stream = cast(IO[str], _Lasting(sys.stderr))
        self._console = Console(file=stream, highlight=False, soft_wrap=True)
        in_notebook = self._console.is_jupyter and find_spec("ipywidgets") is not None
        self._live = self._console.is_terminal or in_notebook
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._bar: Progress | None = None
        self._activity = ""
        self._activity_since = 0.0
        self._images: int | None = None
        self._minutes: float | None = None
        self._start = 0
        self._start_seconds: float | None = None
        self._drawn_at = 0.0
        self._printed_at = 0.0
        self._pending: tuple[int, float] | None = None
        self._last: tuple[int, float] | None = None
        self._since = (0, 0.0)
        self._speed: float | None = None
        self._numbers: tuple[str, ...] = ()
        self._score = ""

    def note(self, text: str) -> None:
        self._console.print(printable(text), markup=False)

    def progress(self, activity: str, done: int, total: int | None, unit: Unit = "images") -> None:
        clock = time.monotonic()
        if activity != self._activity:
            self._end_activity()
            self._activity, self._activity_since = activity, clock
        last = self._drawn_at if self._live else max(self._printed_at, self._activity_since)
        if clock - last < (_REDRAW_SECONDS if self._live else _PLAIN_SECONDS) and done != total:
            return
        if self._live:
            self._drawn_at = clock
            if self._bar is None:
                count = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
                columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), count)
                self._bar = Progress(*columns, TimeRemainingColumn(), console=self._console)
                self._bar.start()
                self._bar.add_task(activity)
            self._bar.update(TaskID(0), completed=done, total=total)
        elif clock - last >= _PLAIN_SECONDS:
            self._printed_at = clock
            self._console.print(f"{activity} {_amount(done, total, unit)}", markup=False)
        if done == total:
            self._end_activity()

    def _end_activity(self) -> None:
        self._activity = ""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def begin(self, images_seen: int, images: int | None, minutes: float | None) -> None:
        self._images, self._minutes, self._start = images, minutes, images_seen
        self._printed_at = time.monotonic() - _PLAIN_SECONDS + _FIRST_SECONDS
        if not self._live:
            return
        columns: list[ProgressColumn] = [
            TextColumn("{task.percentage:3.0f}%"),
            TextColumn("{task.fields[seen]}"),
            TextColumn("{task.fields[eta]}"),
            TextColumn("{task.fields[numbers]}", style="dim"),
        ]
        if self._console.width >= _WIDTH_FOR_A_BAR:
            columns.insert(1, BarColumn(bar_width=_BAR_WIDTH))
        self._progress = Progress(*columns, console=self._console, auto_refresh=False)
        self._progress.start()
        self._task = self._progress.add_task("", total=1.0, seen="", eta="", numbers="")

    def tick(self, images_seen: int, seconds: float) -> None:
        if self._start_seconds is None:
            self._start_seconds, self._start = seconds, images_seen
            self._since = (images_seen, seconds)
        clock = time.monotonic()
        is_live = self._progress is not None
        last = self._drawn_at if is_live else self._printed_at
        self._pending = (images_seen, seconds)
        is_complete = self._share_and_rest(images_seen, seconds)[0] >= 1
        if (is_live and is_complete) or clock - last >= (
            _REDRAW_SECONDS if is_live else _PLAIN_SECONDS
        ):
            self._show(images_seen, seconds)

    def _show(self, images_seen: int, seconds: float, *, is_over: bool = False) -> None:
        """Update the live line, or print the next plain line."""
        self._pending, self._last = None, (images_seen, seconds)
        self._time_since_last(images_seen, seconds)
        share, left = self._share_and_rest(images_seen, seconds)
        eta = "" if left is None else f"{_clock(left)} left"
        if self._progress is None:
            self._printed_at = time.monotonic()
            parts = (
                f"{images_seen:>9,} images  {share:4.0%}",
                eta,
                self._speed_in_words(),
                *self._numbers,
                self._score,
            )
            self._console.print("  ".join(filter(None, parts)), markup=False)
            self._score = ""  # only on the line where it is new
            return
        self._drawn_at = time.monotonic()
        if share >= 1:  # the last score and checkpoint take seconds more
            eta = "" if is_over else "finishing"
        seen = f"{images_seen:,} images"
        numbers = self._numbers_that_fit(len(f"100% {seen} {eta} "))
        self._progress.update(self._task, completed=share, seen=seen, eta=eta, numbers=numbers)
        self._progress.refresh()

    def record(self, record: dict[str, Any]) -> None:
        self._pending = (record["images"], record["seconds"])
        if self._speed is None:
            self._speed = record["images_per_second"]
        self._numbers = (
            f"loss D {record['loss_d']:.2f} G {record.get('loss_g', float('nan')):.2f}",
            f"D(x) {record['score_real']:.2f} D(G(z)) {record['score_fake_before']:.2f}",
        )

    def measured(self, images_seen: int, score: Scored, is_best: bool) -> None:
        del images_seen
        # a live line has little room
        more = ["best" if self._live else "best so far"] if is_best else []
        if score.baseline is not None and not self._live:
            more.append(f"real {digits(score.baseline, 2)}")
        self._score = f"{score.label} {digits(score.value)}"
        self._score += f" ({'; '.join(more)})" if more else ""

    def end(self) -> None:
        self._end_activity()
        last = self._pending or (self._last if self._progress is not None else None)
        if last is not None:
            self._show(*last, is_over=True)
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _time_since_last(self, images_seen: int, seconds: float) -> None:
        """Update the speed, measured over at least two seconds."""
        images, began = self._since
        if seconds - began < _FIRST_SECONDS:
            return
        self._speed = (images_seen - images) / (seconds - began)
        if seconds - began >= _PLAIN_SECONDS:
            self._since = (images_seen, seconds)

    def _speed_in_words(self) -> str:
        speed = self._speed
        return "" if speed is None else f"{speed:.{0 if speed >= 10 else 1}f} images/s"

    def _numbers_that_fit(self, used: int) -> str:
        """The numbers for a live line on which so many columns are used, most important first."""
        room = self._console.width - used
        if self._console.width >= _WIDTH_FOR_A_BAR:
            room -= _BAR_WIDTH + 1
        line = ""
        for part in filter(None, (self._speed_in_words(), self._score, *self._numbers)):
            longer = f"{line}  {part}" if line else part
            if len(longer) > room:
                break
            line = longer
        return line

    def _share_and_rest(self, images_seen: int, seconds: float) -> tuple[float, float | None]:
        """The share of the run that is done, and the remaining seconds if known."""
        if self._minutes is not None:
            return min(1.0, seconds / (60 * self._minutes)), 60 * self._minutes - seconds
        if self._images is None:
            return 0.0, None
        spent = seconds - (self._start_seconds or 0.0)
        done = images_seen - self._start
        rest = (self._images - images_seen) * spent / done if done > 0 else None
        return min(1.0, images_seen / self._images), rest


@contextmanager
def waiting_for(activity: str) -> Iterator[None]:
    """Show what takes seconds on the terminal of the first process, and remove it afterwards."""
    console = Console(file=cast(IO[str], _Lasting(sys.stderr)))
    if not (console.is_terminal and speaks()):
        yield
        return
    with console.status(activity):
        yield


def chosen_reporter(reporter: Reporter | None, *, progress: bool, is_first: bool) -> Reporter:
    """The caller's reporter, else the screen if ``progress``; silent in all processes but the
    first."""
    if not is_first:
        return SILENT
    if reporter is not None:
        return reporter
    return TerminalReporter() if progress else SILENT


def _amount(done: int, total: int | None, unit: Unit) -> str:
    if unit == "bytes":
        return f"{done / 1e6:.1f}{f' of {total / 1e6:.1f}' if total else ''} MB"
    return f"{done:,}{f' of {total:,}' if total else ''} {unit}"


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
