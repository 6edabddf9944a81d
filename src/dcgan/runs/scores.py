"""The scores of a run during training, and its best checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field

from dcgan.errors import RunError
from dcgan.metrics.registry import BETTER, metric_of
from dcgan.metrics.score import Protocol, Score, in_new_words
from dcgan.render.quality import Panel, quality_curves
from dcgan.runs.checkpoints import list_checkpoints
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import by_images, now
from dcgan.runs.schema import Natural, Number, Stored, Text
from dcgan.runtime.files import write_json
from dcgan.runtime.reading import NotJson, read_json
from dcgan.vocabulary import Better

_CURE = "Use `checkpoint=last`"


@dataclass(frozen=True)
class Measured:
    """A score during training, the images seen, the checkpoint's name if one was saved, the seconds
    that scoring took (``cost``), and the vital signs of the generator and its images (``signs``:
    see :class:`dcgan.evaluation.vital_signs.VitalSigns`)."""

    images: int
    score: Score
    checkpoint: str | None = None
    cost: float = 0.0
    signs: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A dictionary that JSON can hold."""
        return {
            "images": self.images,
            "checkpoint": self.checkpoint,
            "cost": round(self.cost, 3),
            "score": self.score.to_json(),
            **({"signs": dict(self.signs)} if self.signs else {}),
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`; raises ``ValueError`` for anything else."""
        score = stored.get("score")
        if isinstance(score, dict):
            stored = stored | {"score": in_new_words(score)}
        found = _StoredMeasured.read(stored)
        score = Score(**found.score.model_dump())
        return cls(found.images, score, found.checkpoint, found.cost, found.signs)


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
    """A line of ``scores.jsonl``, or ``best.json``, which has more keys."""

    model_config = ConfigDict(extra="ignore")

    images: Natural
    score: _StoredScore
    checkpoint: Annotated[str, Field(pattern=r"^\d{1,19}$")] | None = None
    cost: Number = 0.0
    signs: dict[Text, Number] = Field(default_factory=dict)


class Scoreboard:
    """The scores of one run by one protocol, oldest first.

    Only scores of one :attr:`dcgan.metrics.Score.protocol` are compared. ``places`` is the number
    of best checkpoints that are kept.
    """

    def __init__(self, folder: RunFolder, protocol: Protocol, places: int = 1) -> None:
        self._folder = folder
        self._places = places
        self.protocol = protocol
        self.entries = [one for one in read_scores(folder) if one.score.protocol == protocol]

    def best(self) -> list[Measured]:
        """The best that have a checkpoint, best first."""
        there = {path.name for path in list_checkpoints(self._folder.checkpoints)}
        kept = [entry for entry in self.entries if entry.checkpoint in there]
        return sorted(kept, key=lambda entry: entry.score.badness)[: self._places]

    def has_place_for(self, score: Score) -> bool:
        """Whether this score is among the best."""
        best = self.best()
        return len(best) < self._places or score.beats(best[-1].score)

    def enter(self, entry: Measured) -> bool:
        """Add a score; returns whether it is the best so far. ``best.json`` is updated."""
        self.entries.append(entry)
        self._folder.scores.append(entry.to_json())
        best = self.best()[:1]
        rules = read_best(self._folder)
        if best and (rules is None or self._is_beaten(rules, best[0])):
            write_best(self._folder, best[0], by="training")
        return best == [entry]

    def _is_beaten(self, rules: Measured, best: Measured) -> bool:
        """Whether the best here replaces ``best.json``."""
        # the first score of a new protocol has nothing to be compared with
        can_tell = rules.score.protocol == self.protocol or len(self.entries) > 1
        return can_tell and rules.images != best.images

    def since_gain(self) -> int:
        """Images seen from the last improvement to the last score."""
        gain = self.last_gain()
        return 0 if gain is None else self.entries[-1].images - gain

    def last_gain(self) -> int | None:
        """Images seen at the last improvement; None without scores."""
        gain: Measured | None = None
        for entry in self.entries:
            if gain is None or entry.score.beats(gain.score):
                gain = entry
        return None if gain is None else gain.images


def read_scores(folder: RunFolder) -> list[Measured]:
    """All valid scores, oldest first, without those made void by a resume."""
    found = []
    for record in by_images(folder.scores.read()):
        try:
            found.append(Measured.from_json(record))
        except ValueError:  # written by another version
            continue
    return found


def draw_quality(folder: RunFolder) -> None:
    """Plot the scores of the latest protocol into ``quality.png``, if there are any."""
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
        f"{last.name}, {last.generated:,} generated and {last.real:,} real images,"
        f" {BETTER[last.better]} is better",
        {seen: scores[seen].value for seen in images},
        best=min(images, key=lambda seen: scores[seen].badness),
        baseline=last.baseline,
        axis=metric_of(last.metric).axis or "linear",
    )


def write_best(folder: RunFolder, entry: Measured, *, by: str) -> None:
    """Write ``best.json``: the best checkpoint, its score, and which command scored it."""
    content = {
        "checkpoint": entry.checkpoint,
        "images": entry.images,
        "by": by,
        "time": now(),
        "score": entry.score.to_json(),
    }
    write_json(folder.best, content)


def best_names(folder: RunFolder, places: int) -> set[str]:
    """Names of the checkpoints to keep: that of ``best.json`` and the best by each protocol."""
    best = read_best(folder)
    names = {str(best.checkpoint)} if best else set()
    for protocol in {entry.score.protocol for entry in read_scores(folder)}:
        names |= {str(one.checkpoint) for one in Scoreboard(folder, protocol, places).best()}
    return names


def settle_best(folder: RunFolder) -> None:
    """Rewrite ``best.json`` if it is damaged or its checkpoint is gone.

    It then names the best by the latest protocol; without scores it is removed.
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
    """The content of ``best.json``, None without scores; ``RunError`` if it is damaged."""
    if not folder.best.is_file():
        return None
    try:
        best = Measured.from_json(read_json(folder.best))
        if best.checkpoint is None:
            raise NotJson("checkpoint is missing")
    except FileNotFoundError:  # it was removed meanwhile
        return None
    except OSError as error:
        raise RunError(f"{folder.best}: cannot be read ({error.strerror}). {_CURE}") from error
    except ValueError as error:
        raise RunError(f"{folder.best}: damaged ({error}). {_CURE}") from error
    return best
