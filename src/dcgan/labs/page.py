"""The result of a lab as one HTML file: verdict, intervals, curves, images, how to repeat it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import exp, isfinite
from pathlib import Path

import numpy as np

from dcgan.errors import DcganError
from dcgan.labs.loading import lab_names
from dcgan.labs.measures import Measure
from dcgan.labs.result import ArmResult, ExpectationResult, LabResult
from dcgan.labs.verdict import FEWEST_FOR_BOOTSTRAP
from dcgan.render.intervals import Scale, Strip, svg_strips
from dcgan.render.lines import Chart, Level, Line, without_noise
from dcgan.render.page import write_page
from dcgan.report.charts import line_of
from dcgan.report.content import Command, Fact, Picture
from dcgan.report.pictures import tiled
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import of_training
from dcgan.runs.run import open_run
from dcgan.runs.scores import read_scores
from dcgan.runtime.shell import command
from dcgan.runtime.wording import digits

_SAMPLES, _COLUMNS = 36, 6

_CHANCE = {"Student t": 0.025, "bootstrap": 0.035}
"""Probability that an expectation of a ``better`` arm seems to hold if the arms are equal: exact
for normal noise, and from 3,000 simulated experiments with 8 seeds."""

_COLORS = 6
"""Colors of the style sheet."""

_LOSSES = {"loss_d": "Discriminator loss", "loss_g": "Generator loss"}

_STATE = {"holds": "holds", "does not hold": "refuted", "cannot be told": "open"}
"""Classes of the style sheet by verdict."""


@dataclass(frozen=True)
class ShownExpectation:
    """One expectation on the page."""

    result: ExpectationResult
    state: str
    numbers: str
    drawing: str


@dataclass(frozen=True)
class ShownArm:
    """One arm on the page: its scores in words, and images of its median seed."""

    result: ArmResult
    cells: Sequence[str]
    drawing: str
    sheet: Picture | None
    missing: str


def write_lab_page(result: LabResult, path: Path) -> None:
    """Write the page; it needs no other file, no script and no network."""
    write_page(
        "lab.html.j2",
        path,
        result=result,
        state=_STATE[result.verdict],
        facts=_facts(result),
        expectations=_expectations(result),
        neutral=_legend(result),
        arms=list(_arms(result)),
        charts=_charts(result),
        chance=_chance(result),
        commands=_commands(result),
        versions=[Fact(value, key) for key, value in result.about.items() if key != "repeat"],
    )


def _facts(result: LabResult) -> list[Fact]:
    measure, claim = result.measure, result.claim
    smallest = f"{claim.difference:g}" + (" times" if measure.is_ratio else "")
    length, _, seeds = result.budget.rpartition(", ")
    facts = [
        Fact(seeds.split()[0], "seeds of each arm"),
        Fact(length, "of training in each run"),
        Fact(Path(result.data).name, "dataset"),
        Fact(smallest, "smallest difference worth a verdict"),
    ]
    failed = sum(arm.failed for arm in result.arms if _has_runs(result, arm))
    return [*facts, Fact(str(failed), "runs that failed or collapsed; they count")]


def _has_runs(result: LabResult, arm: ArmResult) -> bool:
    """Whether an arm has runs of its own."""
    return result.claim.arms[arm.key].same_runs_as is None


def _expectations(result: LabResult) -> list[ShownExpectation]:
    measure = result.measure
    strips = [_strip(one, measure) for one in result.expectations]
    smallest = measure.smallest(result.claim.difference)
    back = _backwards(measure)
    scale = Scale(
        "log" if measure.is_ratio else "linear",
        neutral=back(0.0),
        band=(back(-smallest), back(smallest)),
    )
    return [
        ShownExpectation(
            one,
            _STATE[one.judgement.verdict],
            one.numbers(measure),
            svg_strips([strip], scale, all_strips=strips),
        )
        for one, strip in zip(result.expectations, strips, strict=True)
    ]


def _strip(one: ExpectationResult, measure: Measure) -> Strip:
    back, found = _backwards(measure), one.judgement
    return Strip(
        one.sentence,
        [back(value) for value in one.differences],
        back(found.estimate),
        (back(found.interval.low), back(found.interval.high)),
    )


def _backwards(measure: Measure) -> Callable[[float], float]:
    """From the scale on which scores are compared to what people read."""
    return exp if measure.is_ratio else float


def _legend(result: LabResult) -> str:
    what = "ratio" if result.measure.is_ratio else "difference"
    return (
        f"Small dots: the {what} of each seed. Large dot and line: the estimate and its 95%"
        " interval. Vertical line: no difference; to the right of it, the arm that is named first"
        f" is better. Shaded: {what}s that are too small to matter"
    )


def _arms(result: LabResult) -> Iterator[ShownArm]:
    measure = result.measure
    strips = [
        Strip(arm.title, arm.scores, arm.iqm, color=number % _COLORS)
        for number, arm in enumerate(result.arms)
    ]
    level = result.real if measure.key == "frechet_distance" else None
    positive = all(value > 0 for arm in result.arms for value in arm.scores)
    scale = Scale("log" if measure.is_ratio and positive else "linear", level=level)
    for arm, strip in zip(result.arms, strips, strict=True):
        cells = [digits(value) for value in (arm.iqm, min(arm.scores), max(arm.scores))]
        sheet, missing = _sheet(arm)
        drawing = svg_strips([strip], scale, all_strips=strips)
        yield ShownArm(arm, cells, drawing, sheet, missing)


def _sheet(arm: ArmResult) -> tuple[Picture | None, str]:
    """Images of the scored checkpoint of the median seed; or why there are none."""
    seed = arm.median_seed
    try:
        run = open_run(arm.runs[seed], checkpoint=arm.checkpoints[seed])
        image = tiled(run.sample(_SAMPLES), _COLUMNS)
    except DcganError as error:
        return None, f"No images: {error}."
    caption = f"Seed {seed}, the median. After {arm.checkpoints[seed]:,} images"
    return Picture(image, caption), ""


def _charts(result: LabResult) -> list[Chart]:
    """Scores during training and losses, of all seeds, with the median of each arm."""
    own = {
        number: (arm, [RunFolder(Path(run)) for run in arm.runs])
        for number, arm in enumerate(result.arms)
        if _has_runs(result, arm)
    }
    scores = {
        number: [_score_line(folder, "") for folder in folders]
        for number, (_, folders) in own.items()
    }
    titles = {number: arm.title for number, (arm, _) in own.items()}
    charts = []
    known = (one.score for _, folders in own.values() for one in chain(*map(read_scores, folders)))
    if any_score := next(known, None):
        real = any_score.baseline
        chart = Chart(
            _title(any_score.label),  # the settings of the lab may choose another metric
            _with_medians(scores, titles),
            note="Scored by training itself, on fewer images than the verdict. Lower is better",
            scale="log",
            level=None if real is None else Level(real, f"real images: {digits(real)}"),
        )
        charts.append(chart)
    if result.measure.key != "frechet_distance":
        signs = {
            number: [_score_line(folder, result.measure.key) for folder in folders]
            for number, (_, folders) in own.items()
        }
        charts.insert(
            0,
            Chart(
                _title(result.measure.label),
                _with_medians(signs, titles),
                note=f"Scored by training itself; {result.measure.direction}",
            ),
        )
    logs = {
        number: [of_training(folder.log.read()) for folder in folders]
        for number, (_, folders) in own.items()
    }
    for key, title in _LOSSES.items():
        lines = {number: [line_of(log, key, "") for log in some] for number, some in logs.items()}
        charts.append(Chart(title, _with_medians(lines, titles)))
    return [chart for chart in charts if not chart.is_empty]


def _score_line(folder: RunFolder, sign: str) -> Line:
    """The scores of a run during training, or one of its vital signs."""
    points = [
        (one.images, one.signs[sign] if sign else one.score.value)
        for one in read_scores(folder)
        if not sign or sign in one.signs
    ]
    return Line("", points, is_smoothed=False)


def _title(label: str) -> str:
    return f"{label[0].upper()}{label[1:]} during training"


def _with_medians(lines: Mapping[int, Sequence[Line]], titles: Mapping[int, str]) -> list[Line]:
    """A thin line for each seed, then the median of each arm."""
    thin = [
        Line(f"{titles[number]}, seed {seed}", line.points, color=number, is_thin=True)
        for number, some in lines.items()
        for seed, line in enumerate(some)
    ]
    medians = [
        Line(titles[number], _median(some), is_smoothed=False, color=number)
        for number, some in lines.items()
    ]
    return [*thin, *medians]


_POINTS = 60


def _median(lines: Sequence[Line]) -> list[tuple[int, float]]:
    """The median of curves, as far as half of them reach."""
    curves = [
        np.array([point for point in line.points if isfinite(point[1])], dtype=np.float64)
        for line in map(without_noise, lines)
    ]
    curves = [curve for curve in curves if len(curve)]
    if not curves:
        return []
    every = np.unique(np.concatenate([curve[:, 0] for curve in curves]))
    last = np.sort([curve[-1, 0] for curve in curves])[(len(curves) - 1) // 2]
    at_P = every[every <= last]
    if len(at_P) > _POINTS:
        at_P = at_P[np.linspace(0, len(at_P) - 1, _POINTS).round().astype(int)]
    value_NP = np.array(
        [np.interp(at_P, curve[:, 0], curve[:, 1], left=np.nan, right=np.nan) for curve in curves]
    )
    enough_P = np.isfinite(value_NP).sum(axis=0) * 2 >= len(curves)
    median_P = np.nanmedian(value_NP[:, enough_P], axis=0)
    return [
        (int(images), float(value)) for images, value in zip(at_P[enough_P], median_P, strict=True)
    ]


def _chance(result: LabResult) -> list[str]:
    """What the verdict does not mean, in sentences."""
    method = result.expectations[0].judgement.interval.method
    chance, labs = _CHANCE[method], len(lab_names())
    lines = [
        f"An expectation that is wrong seems to hold with a probability of about {100 * chance:g}%."
        + (
            f" Of the {labs} labs of this package, about {labs * chance:.1f} would hold by chance"
            " even if every claim were wrong."
            if labs > 1
            else ""
        ),
        "The p-value, the probability of such differences if the claim is wrong, is"
        f" {result.p_value:.2g} (paired t test; the largest one of the expectations). A list of"
        " labs must adjust p-values by Holm's method, as `dcgan lab` does.",
    ]
    if method == "Student t":
        lines.append(
            f"With fewer than {FEWEST_FOR_BOOTSTRAP} seeds, the interval is that of Student's t for"
            " the mean, because a bootstrap interval of so few values is too short."
        )
    else:
        lines.append(
            "The interval is a bootstrap of the interquartile mean over pairs of runs with the same"
            " seed (Agarwal et al. 2021, arXiv:2108.13264)."
        )
    return [*lines, f"Scores: {result.protocol}."]


def _commands(result: LabResult) -> list[Command]:
    arm = next(arm for arm in result.arms if _has_runs(result, arm))
    recipe = result.path.parent / "jobs" / f"{arm.key}.yaml"
    again = command("train", "--recipe", recipe, "--seed", "0", "--out", f"{arm.key}-0-again")
    return [
        Command(result.about.get("repeat", ""), "this lab again"),
        Command(again, f"one run of {arm.title} again"),
        Command(command("report", arm.runs[0]), f"the report of one run of {arm.title}"),
    ]
