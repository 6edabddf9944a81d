"""Collect the verdicts of labs. Write `docs/findings.md`, and what `dcgan lab` lists, from them.

    python benchmarks/findings.py [LABS ...]

Copies each `LABS/*/verdict.json`, as `dcgan lab` writes it, to `results/labs/`, without the paths
of the machine. The page and `src/dcgan/labs/published.json` are written from all stored verdicts:
those of the full budget, and those of the quick one where there is no other.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from dcgan.labs.listing import OF_EXPECTATION, PUBLISHED
from dcgan.labs.loading import list_labs, load_claim
from dcgan.labs.measures import MEASURES, Measure
from dcgan.labs.verdict import holm
from dcgan.runtime.wording import digits

STORED = Path(__file__).parent / "results" / "labs"
PAGE = Path(__file__).parents[1] / "docs" / "findings.md"
SHIPPED = Path(__file__).parents[1] / "src" / "dcgan" / "labs" / PUBLISHED

CLAIMS = "../src/dcgan/labs/claims"
"""The folder of the labs' files, as the page links it."""

INTRODUCTION = """# Findings: which claims about GANs hold here

Each row is a lab: an experiment about one claim, with the same budget for all arms and paired
seeds. [Labs](guide/labs.md#what-a-verdict-means-and-what-it-does-not) says how the verdict follows
from the estimate, its interval and the smallest difference. This page is written by
`benchmarks/findings.py` from the results of `dcgan lab`, in `benchmarks/results/labs/`. A quick
budget has three seeds, and each run takes a few minutes. It shows only large differences, so many
of its verdicts are *cannot be told*. A full budget has eight seeds.

A verdict is about small networks, small images and short runs: read the budget beside it. "Does not
hold" means: not at this size and in this time.

The command below each table repeats the lab. On another processor, or with other versions, the same
seeds give other runs, so expect similar figures and not the same ones.

- *Adjusted p*: the probability of such differences if the claim is wrong. It is the largest p-value
  of the claim's expectations, adjusted by Holm's method for all labs of this page. It is near 1 for
  most claims that do not hold.
- *Fréchet distance*: how far generated images are from real ones; lower is better. It is computed
  with features of the [pretrained extractor](guide/measure.md), and depends on the dataset.
- *95% interval 1 to 1*: both arms scored the same checkpoints, because the best ones are the last.
- *Interquartile mean*: the mean without the lowest and the highest quarter of the seeds; of three
  seeds, the mean of all. The estimates above a table compare runs with the same seed, so they may
  differ from the ratio of two means.
- *Failed*: runs with a [health finding](guide/health.md) of severity *failure*. They count like all
  others.
- *Findings*: health findings of severity *failure* or *warning*, each with the number of runs.
  Quick labs were judged by an earlier rule for *oscillation*, which also named runs whose images
  improved.
"""

LIMITS = {
    "best-checkpoint": "The best checkpoint of every run was its last one, so both are"
    " equal. Longer runs could say more.",
    "checkerboard": "The networks with kernel 3 learned nothing in these runs, so patterns in their"
    " images have this cause, too.",
    "fully-connected": "These runs are short. After 50 epochs, the fully connected baseline and the"
    " small MNIST DCGAN are close to each other (2.85 and 2.55, one seed each:"
    " [Classics](classics.md)).",
    "latent-shape": "After five epochs, several runs have not begun to learn. Our run of"
    " 50 epochs shows a clear difference, with one seed ([Classics](classics.md)).",
    "unequal-rates": "No run collapsed. So these runs do not show whether a slow discriminator"
    " delays a collapse, only that its images got worse after the best checkpoint.",
}
"""What the stored runs of a lab cannot show."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labs", type=Path, nargs="*")
    for folder in parser.parse_args().labs:
        for path in sorted(folder.glob("*/verdict.json")):
            store(json.loads(path.read_text()))
    shown = stored()
    PAGE.write_text(
        "\n".join([INTRODUCTION, *summary(shown), *table(shown), *details(shown)]) + "\n"
    )
    SHIPPED.write_text(json.dumps(published(shown), indent=1, ensure_ascii=False) + "\n")


def store(verdict: dict[str, Any]) -> None:
    del verdict["page"]
    verdict["data"] = Path(verdict["data"]).name
    for arm in verdict["arms"]:
        arm["runs"] = [Path(run).name for run in arm["runs"]]
    STORED.mkdir(parents=True, exist_ok=True)
    kind = "full" if is_full(verdict) else "quick"
    text = json.dumps(verdict, indent=1, ensure_ascii=False) + "\n"
    (STORED / f"{verdict['lab']}-{kind}.json").write_text(text)


def stored() -> list[dict[str, Any]]:
    """The verdicts to show, one of each lab."""
    found = [json.loads(path.read_text()) for path in sorted(STORED.glob("*.json"))]
    full = {one["lab"] for one in found if is_full(one)}
    return [one for one in found if is_full(one) or one["lab"] not in full]


def published(shown: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What `dcgan lab` lists of each lab."""
    keys = ("verdict", "budget", "p_value", "sentence", "data")
    return {
        one["lab"]: {key: one[key] for key in keys}
        | {"date": one["about"]["date"]}
        | {
            "expectations": [
                {key: each[key] for key in OF_EXPECTATION} for each in one["expectations"]
            ]
        }
        for one in shown
    }


def is_full(verdict: dict[str, Any]) -> bool:
    return "--budget full" in verdict["about"]["repeat"]


def summary(shown: list[dict[str, Any]]) -> list[str]:
    counts = {
        name: sum(one["verdict"] == name for one in shown)
        for name in ("holds", "does not hold", "cannot be told")
    }
    lasting = sum(
        one["verdict"] == "holds" and p <= 0.05
        for one, p in zip(shown, holm([one["p_value"] for one in shown]), strict=True)
    )
    missing = sorted(set(list_labs()) - {one["lab"] for one in shown})
    lines = [
        f"Of {len(shown)} claims, {counts['holds']} hold, {counts['does not hold']} do not, and"
        f" {counts['cannot be told']} cannot be told. With so many claims, some results are due to"
        " chance: about one in forty wrong expectations appears to hold. Holm's method corrects for"
        f" this; {lasting} of the {counts['holds']} claims still hold then. {sharing(shown)} labs"
        " share an arm, and its runs, with another lab. So their verdicts are not independent;"
        " Holm's method is valid for such verdicts, too."
    ]
    if missing:
        lines.append(f"\nNot run yet: {', '.join(f'`{name}`' for name in missing)}.")
    return lines


def sharing(shown: list[dict[str, Any]]) -> int:
    """The number of labs with an arm whose runs are those of an arm of another lab."""
    labs: dict[tuple[float, ...], set[str]] = {}
    for one in shown:
        for arm in one["arms"]:
            labs.setdefault(tuple(arm["scores"]), set()).add(one["lab"])
    return len(set().union(*(some for some in labs.values() if len(some) > 1)))


def table(shown: list[dict[str, Any]]) -> list[str]:
    lines = [
        "\n| lab | claim | verdict | adjusted p | data and budget | date |",
        "|---|---|---|---|---|---|",
    ]
    order = ("holds", "does not hold", "cannot be told")
    pairs = zip(shown, holm([one["p_value"] for one in shown]), strict=True)
    for one, p in sorted(pairs, key=lambda pair: (order.index(pair[0]["verdict"]), pair[0]["lab"])):
        lines.append(
            f"| [`{one['lab']}`](#{one['lab']}) | {one['claim'].strip()} | **{one['verdict']}** |"
            f" {p:.2g} | {one['data']}; {one['budget']} | {one['about']['date']} |"
        )
    return lines


def details(shown: list[dict[str, Any]]) -> list[str]:
    lines = []
    for one in shown:
        claim = load_claim(one["lab"])
        lines += [f"\n## {one['lab']}\n", f"{one['claim'].strip()} ({claim.source.strip()})\n"]
        lines += [
            f"- *{each['expected']}*: **{each['verdict']}**, since {each['in_words']}"
            for each in one["expectations"]
        ]
        lines.append(
            f"\nThe smallest difference worth a verdict is {smallest(one)}. The settings of the"
            f" arms are in [`{one['lab']}.yaml`]({CLAIMS}/{one['lab']}.yaml)."
        )
        lines.append(f"\n| arm | {score(one)} | failed | findings |\n|---|---|---|---|")
        for arm in one["arms"]:
            findings = ", ".join(f"{name} {count}" for name, count in arm["findings"].items())
            failed = f"{arm['failed']} of {len(arm['scores'])}"
            lines.append(
                f"| {arm['title']} | {digits(arm['iqm'])} | {failed} | {findings or '-'} |"
            )
        if one["lab"] in LIMITS:
            lines.append(f"\n*Limits*: {LIMITS[one['lab']]}")
        lines.append(f"\n*Known today*: {claim.literature.strip()}\n\n`{one['about']['repeat']}`")
    return lines


def smallest(verdict: dict[str, Any]) -> str:
    is_ratio = measure_of(verdict).is_ratio
    return f"{verdict['smallest_difference']:g}{' times' if is_ratio else ''}"


def score(verdict: dict[str, Any]) -> str:
    """The heading of the scores, with that of real images where it is known."""
    is_distance = measure_of(verdict) is MEASURES["fd"]
    real = f"; real images score {digits(verdict['real_images'])}" if is_distance else ""
    return f"{verdict['measure']} (interquartile mean{real})"


def measure_of(verdict: dict[str, Any]) -> Measure:
    return next(one for one in MEASURES.values() if one.label == verdict["measure"])


if __name__ == "__main__":
    main()
