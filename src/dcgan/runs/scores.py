"""What was measured of a run while it trained, and which checkpoint that makes the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field

from dcgan.errors import RunError
from dcgan.metrics.registry import metric_of
from dcgan.metrics.score import Protocol, Score, in_new_words
from dcgan.render.quality import Panel, quality_curves
from dcgan.runs.checkpoints import list_checkpoints
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import by_images, now
from dcgan.runs.schema import Natural, Number, Stored, Text
from dcgan.runtime.files import write_json
from dcgan.runtime.reading import read_json
from dcgan.vocabulary import Better


@dataclass(frozen=True)
class Measured:
    """One measurement.

    Parameters
    ----------
    images : int
        Images seen.
    score : Score
    checkpoint : str, optional
        Name of the checkpoint of that moment, where one was saved.
    cost : float
        Seconds that measuring took.
    """

    images: int
    score: Score
    checkpoint: str | None = None
    cost: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return {
            "images": self.images,
            "checkpoint": self.checkpoint,
            "cost": round(self.cost, 3),
            "score": self.score.to_json(),
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`; raises ``ValueError`` where it is none."""
        score = stored.get("score")
        if isinstance(score, dict):
            stored = stored | {"score": in_new_words(score)}
        found = _StoredMeasured.read(stored)
        return cls(found.images, Score(**found.score.model_dump()), found.checkpoint, found.cost)


class _StoredScore(Stored):
    """As :class:`dcgan.metrics.score.Score`."""

    metric: Text
    value: Number
    baseline: Number | None = None
    error: Number | None = None
    better: Better = "lower"
    extractor: Text = "pixels"
    real: Natural = 0
    generated: Natural = 0
    split: Text = ""
    seed: Natural = 0


class _StoredMeasured(Stored):
    """A line of ``scores.jsonl``, or ``best.json``, which says more for people."""

    model_config = ConfigDict(extra="ignore")

    images: Natural
    score: _StoredScore
    checkpoint: Annotated[str, Field(pattern=r"^\d{1,19}$")] | None = None
    cost: Number = 0.0


class Scoreboard:
    """The measurements of one run by one protocol, oldest first.

    Parameters
    ----------
    folder : RunFolder
    protocol : tuple
        Of :attr:`dcgan.metrics.Score.protocol`: only such measurements are compared.
    places : int
        How many of the best there is room for.
    """

    def __init__(self, folder: RunFolder, protocol: Protocol, places: int = 1) -> None:
        self._folder = folder
        self._places = places
        self.protocol = protocol
        self.entries = [one for one in read_scores(folder) if one.score.protocol == protocol]

    def best(self) -> list[Measured]:
        """The best that have a checkpoint, best first, as many as there are places."""
        there = {path.name for path in list_checkpoints(self._folder.checkpoints)}
        kept = [entry for entry in self.entries if entry.checkpoint in there]
        return sorted(kept, key=lambda entry: entry.score.badness)[: self._places]

    def has_place_for(self, score: Score) -> bool:
        """Whether this would be among the best."""
        best = self.best()
        return len(best) < self._places or score.beats(best[-1].score)

    def enter(self, entry: Measured) -> bool:
        """Add a measurement; returns whether it is the best so far, which ``best.json`` then
        says."""
        self.entries.append(entry)
        self._folder.scores.append(entry.to_json())
        best = self.best()[:1]
        rules = read_best(self._folder)
        if best and (rules is None or self._is_beaten(rules, best[0])):
            write_best(self._folder, best[0], by="training")
        return best == [entry]

    def _is_beaten(self, rules: Measured, best: Measured) -> bool:
        """Whether the best here is worth more than what ``best.json`` says now."""
        # the first number of another protocol is the least of one: it proves nothing yet
        can_tell = rules.score.protocol == self.protocol or len(self.entries) > 1
        return can_tell and rules.images != best.images

    def since_gain(self) -> int:
        """Images seen from the last gain to the last measurement."""
        gain = self.last_gain()
        return 0 if gain is None else self.entries[-1].images - gain

    def last_gain(self) -> int | None:
        """Images seen when anything last became better than all before; None: never measured."""
        gain: Measured | None = None
        for entry in self.entries:
            if gain is None or entry.score.beats(gain.score):
                gain = entry
        return None if gain is None else gain.images


def read_scores(folder: RunFolder) -> list[Measured]:
    """All measurements, oldest first, without those a kill made void or that cannot be read."""
    found = []
    for record in by_images(folder.scores.read()):
        try:
            found.append(Measured.from_json(record))
        except ValueError:  # such as of another version
            continue
    return found


def draw_quality(folder: RunFolder) -> None:
    """Draw ``quality.png`` from the measurements of the latest protocol, if there are any."""
    entries = read_scores(folder)
    if not entries:
        return
    board = Scoreboard(folder, entries[-1].score.protocol)
    panel = panel_of({entry.images: entry.score for entry in board.entries})
    quality_curves([panel], folder.quality)


def panel_of(scores: Mapping[int, Score]) -> Panel:
    """The figure of one metric, from images seen and the scores there."""
    images = sorted(scores)
    last = scores[images[-1]]
    return Panel(
        f"{last.name}, {last.generated:,} generated and {last.real:,} real",
        {seen: scores[seen].value for seen in images},
        best=min(images, key=lambda seen: scores[seen].badness),
        baseline=last.baseline,
        axis=metric_of(last.metric).axis or "linear",
    )


def write_best(folder: RunFolder, entry: Measured, *, by: str) -> None:
    """Say in ``best.json`` which checkpoint is best, by what, and who measured."""
    content = {
        "checkpoint": entry.checkpoint,
        "images": entry.images,
        "by": by,
        "time": now(),
        "score": entry.score.to_json(),
    }
    write_json(folder.best, content)


def best_names(folder: RunFolder, places: int) -> set[str]:
    """Names of the checkpoints to keep: ``best.json``'s, and the best by each protocol."""
    best = read_best(folder)
    names = {str(best.checkpoint)} if best else set()
    for protocol in {entry.score.protocol for entry in read_scores(folder)}:
        names |= {str(one.checkpoint) for one in Scoreboard(folder, protocol, places).best()}
    return names


def settle_best(folder: RunFolder) -> None:
    """Put ``best.json`` right when it is damaged or its checkpoint has gone.

    It then names the best by the latest measurements, or is set aside where there is none.
    """
    try:
        best = read_best(folder)
    except RunError:
        folder.best.replace(folder.best.with_suffix(".damaged"))
        best = None
    if best is not None and (folder.checkpoints / str(best.checkpoint)).is_dir():
        return
    folder.best.unlink(missing_ok=True)
    entries = read_scores(folder)
    if entries:
        for entry in Scoreboard(folder, entries[-1].score.protocol).best():
            write_best(folder, entry, by="training")


def read_best(folder: RunFolder) -> Measured | None:
    """What ``best.json`` says; None where nothing was measured.

    Raises
    ------
    RunError
        It is damaged.
    """
    if not folder.best.is_file():
        return None
    try:
        return Measured.from_json(read_json(folder.best))
    except OSError as error:
        raise RunError(
            f"{folder.best}: cannot be read ({error.strerror}); take --checkpoint last"
        ) from error
    except ValueError as error:
        raise RunError(f"{folder.best}: damaged ({error}); take --checkpoint last") from error
