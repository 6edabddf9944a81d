"""``dcgan lab``: claims about GANs as experiments."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dcgan.cli.options import DataRoot, Json

if TYPE_CHECKING:
    from dcgan.labs.listing import Listed
    from dcgan.labs.result import LabResult

_WIDTH = 88


def lab(
    name: str | None = None,
    /,
    *,
    budget: Literal["quick", "full"] = "quick",
    seeds: int | None = None,
    jobs: int | None = None,
    out: Path | None = None,
    executor: Literal["local", "ray", "slurm"] = "local",
    data_root: DataRoot = None,
    device: str = "cpu",
    as_json: Json = False,
) -> None:
    """Run a lab: an experiment about one claim, with several seeds, a verdict and its interval.

    Without a name, it lists the labs with their claims and verdicts: your own, or else the
    published ones. You can stop a lab at any time; the same command resumes it.

    Parameters
    ----------
    name
        Choose a lab of the list, or your own YAML file.
    budget
        Choose how long each run trains, and the number of seeds, as the lab's file says.
    seeds
        Set the number of seeds (default: that of the budget).
    jobs
        Set how many runs are trained at once, with one thread each (default: one for each core,
        and one on a GPU).
    out
        Set the folder of the runs and the page (default: runs/labs/NAME, or runs/labs/NAME-full).
    executor
        Choose where runs are trained: local processes, a Ray cluster, or a SLURM array.
    device
        Choose the device of each run: auto, cpu, cuda or mps.
    """
    if name is None:
        from dcgan.labs.listing import listed_labs

        labs = listed_labs()
        lines = list(_listed(labs))
        content: object = [asdict(one) for one in labs]
    else:
        from dcgan.cli.flags import screen
        from dcgan.labs.loading import load_claim
        from dcgan.runtime.progress import waiting_for

        load_claim(name)  # what is wrong is refused before torch is imported
        with waiting_for("loading PyTorch"):
            from dcgan.labs.laboratory import run_lab

        with screen() as reporter:
            found = run_lab(
                name,
                budget=budget,
                seeds=seeds,
                jobs=jobs,
                out=out,
                executor=executor,
                data_root=data_root,
                device=device,
                reporter=reporter,
            )
        lines, content = list(_verdict(found)), found.to_json()
    if as_json:
        print(*lines, sep="\n", file=sys.stderr)
        print(json.dumps(content))
        return
    print(*lines, sep="\n")


def _listed(labs: list[Listed]) -> Iterator[str]:
    """The name and claim of each lab, with its verdict, and what to type."""
    if not labs:
        yield "There are no labs in this version. Run your own: dcgan lab FILE.yaml"
        return
    for one in labs:
        yield one.name + (f"  [{_in_words(one)}]" if one.told else "")
        yield from _wrapped(one.claim)
    own = sum(one.own is not None for one in labs)
    yield ""
    yield from textwrap.wrap(
        f"{own} of {len(labs)} labs have your own verdict, in runs/labs. Those with the word"
        " published were measured for this version. With so many labs, some hold by chance. So"
        " p-values are adjusted by Holm's method, and one that holds may be chance if its"
        " adjusted p-value is 0.05 or more.",
        _WIDTH,
    )
    yield "To run one: dcgan lab NAME"


def _in_words(lab: Listed) -> str:
    """The verdict of a lab with its budget, and who measured it."""
    told = lab.told
    if told is None:
        return ""
    source = "" if lab.own else "published"
    # the last lines of the list say what that means
    chance = f"may be chance (adjusted p-value {told.p_value:.2g})" if told.chance else ""
    return "; ".join(filter(None, [told.verdict, told.budget, source, chance]))


def _verdict(found: LabResult) -> Iterator[str]:
    """The verdict, the table of expectations, and the path of the page."""
    from dcgan.cli.table import aligned

    yield from textwrap.wrap(found.sentence, _WIDTH, break_on_hyphens=False)
    for line in filter(None, (found.advice.replace("`", ""), found.note)):
        yield from textwrap.wrap(line, _WIDTH)
    yield ""
    measure = found.measure
    rows = [["expected", "verdict", "estimate", "95% interval", "P(better)"]]
    for one in found.expectations:
        interval = one.judgement.interval
        low, high = measure.in_words(interval.low), measure.in_words(interval.high)
        rows.append(
            [
                one.sentence,
                one.judgement.verdict,
                measure.in_words(one.judgement.estimate),
                f"{low.removesuffix(' times')} to {high}",
                f"{one.probability:.2f}",
            ]
        )
    yield from aligned(rows, "<<>>>")
    yield ""
    yield from textwrap.wrap(_columns(found), _WIDTH)
    yield f"smallest difference worth a verdict: {_smallest(found)}"
    yield f"page           {found.page}"


def _columns(found: LabResult) -> str:
    """What the columns of the expectations say."""
    measure = found.measure
    estimate = (
        f"the {measure.label} of the second arm, divided by that of the first; above 1, the first"
        " is better"
        if measure.is_ratio
        else f"how much better the {measure.label} of the first arm is than that of the second"
    )
    return (
        f"estimate: {estimate}. P(better): the share of all pairs of runs in which that of the"
        " first arm scores better than that of the second."
    )


def _smallest(found: LabResult) -> str:
    difference, measure = found.claim.difference, found.measure
    return f"{difference:g}" + (f" times ({measure.label})" if measure.is_ratio else "")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )
