"""What a lab will train, and where: dataset, recipes of the arms, and one job for each run.

::

    OUT/
      plan.json            what the runs share: another lab in the same folder is refused
      ARM-SEED/            an ordinary run folder
      jobs/ARM.yaml        the recipe of an arm: all settings but the seed
      jobs/ARM-SEED.json   how a run ended
      jobs/ARM-SEED.log    what it printed
      scores/ARM-SEED.json the scores of its checkpoint
      verdict.json         the verdict with everything it rests on
      lab.html             the same as a page
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dcgan.data import open_source
from dcgan.errors import ConfigError, RunConflict, RunError, SourceNotFound, Unreachable
from dcgan.labs.claim import Budget, BudgetName, Claim
from dcgan.labs.jobs import Job
from dcgan.labs.listing import LABS
from dcgan.runs.settings import differences
from dcgan.runtime.arguments import is_name
from dcgan.runtime.files import expanded, write_json, write_text
from dcgan.runtime.reading import read_json
from dcgan.runtime.reporting import Reporter


@dataclass(frozen=True)
class Plan:
    """A claim with everything that is chosen for one experiment.

    Parameters
    ----------
    claim : Claim
    budget_name : {"quick", "full"}
    budget : Budget
        With the number of seeds that is used.
    data : str
        The dataset that is used.
    data_root : Path, optional
    device : str
    folder : Path
        Absolute, since jobs may run elsewhere.
    note : str
        What differs from the claim's file, such as another dataset; may be empty.
    """

    claim: Claim
    budget_name: BudgetName
    budget: Budget
    data: str
    data_root: Path | None
    device: str
    folder: Path
    note: str = ""

    @property
    def seeds(self) -> range:
        """The seeds, the same for all arms."""
        return range(self.budget.seeds)

    @property
    def verdict(self) -> Path:
        """The file with the verdict."""
        return self.folder / "verdict.json"

    @property
    def page(self) -> Path:
        """The page with the verdict."""
        return self.folder / "lab.html"

    def recipe(self, arm: str) -> Path:
        """The recipe of an arm's runs."""
        return self.folder / "jobs" / f"{arm}.yaml"

    def run(self, arm: str, seed: int) -> Path:
        """The run folder that is scored for an arm and a seed."""
        return self.folder / f"{self.claim.runs_of(arm)}-{seed}"

    def scores(self, arm: str, seed: int) -> Path:
        """The file with the scores of an arm's checkpoint."""
        return self.folder / "scores" / f"{arm}-{seed}.json"

    def jobs(self) -> list[Job]:
        """One job for each run: first all arms of one seed, so that an early look is fair."""
        return [
            Job(arm, seed, self.recipe(arm), self.folder)
            for seed in self.seeds
            for arm in self.claim.trained()
        ]

    def settings(self) -> dict[str, dict[str, Any]]:
        """The recipe of each arm with runs of its own."""
        return {
            arm: self.claim.settings_of(
                arm, self.budget, data=self.data, data_root=self.data_root, device=self.device
            )
            for arm in self.claim.trained()
        }


def default_folder(claim: Claim, budget: BudgetName) -> Path:
    """The folder of a lab without `out`; the two budgets have different ones, since their runs
    have different lengths."""
    return LABS / (claim.name if budget == "quick" else f"{claim.name}-{budget}")


def write_plan(plan: Plan) -> None:
    """Write what the runs share, and the recipes.

    Raises
    ------
    RunConflict
        The folder holds runs of another lab or of other settings.
    """
    settings = plan.settings()
    # as JSON gives it back, which has lists and no tuples
    content = json.loads(json.dumps({"lab": plan.claim.name, "arms": settings}))
    path = plan.folder / "plan.json"
    stored = _stored(path)
    if stored is not None:
        _refuse_other(plan, stored, content)
    elif plan.folder.is_dir() and any(plan.folder.iterdir()):
        raise RunError(
            f"{plan.folder}: holds other files and no lab. Choose another `out`, or empty it"
        )
    for arm, recipe in settings.items():
        text = yaml.safe_dump(recipe, sort_keys=False, width=100)
        write_text(plan.recipe(arm), f"# arm {arm} of the lab {plan.claim.name}\n{text}")
    write_json(path, content)


def _stored(path: Path) -> dict[str, Any] | None:
    try:
        return read_json(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: damaged ({error}). Choose another `out`") from error


def _refuse_other(plan: Plan, stored: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    found = differences([stored, content], ignore=("lab",))
    # the images are compared by each run; where they lie does not matter
    different = {key: values for key, values in found.items() if not key.endswith(".data.root")}
    if not different:
        return
    key, (there, here) = next(iter(different.items()))
    more = f", and {len(different) - 1} more" if len(different) > 1 else ""
    raise RunConflict(
        f"{plan.folder}: holds a lab with other settings ({key}: {there} there, {here} here{more})."
        " Choose another `out`, or delete the folder"
    )


def choose_data(claim: Claim, root: Path | None, reporter: Reporter) -> tuple[str, str]:
    """The dataset of a lab, and a sentence if it is not the one of its file.

    Raises
    ------
    SourceNotFound, Unreachable
        It is missing, and so is its fallback.
    """
    found = _located(claim.data, root)
    if claim.fallback is None:
        open_source(found, root, reporter=reporter)
        return found, ""
    try:
        open_source(found, root, reporter=reporter)
    except (SourceNotFound, Unreachable):
        other = _located(claim.fallback, root)
        open_source(other, root, reporter=reporter)
        return other, f"The dataset {claim.data} was not found, so {claim.fallback} was used."
    return found, ""


def _located(data: str, root: Path | None) -> str:
    """A name, or the absolute path of a file, which may lie below the folder of datasets."""
    if is_name(data):
        return data
    path = expanded(data)
    if not path.exists() and root is not None and (root / data).exists():
        path = root / data
    return str(path.absolute()) if path.exists() else data


def budget_of(claim: Claim, name: str, seeds: int | None) -> tuple[BudgetName, Budget]:
    """A budget by its name, with another number of seeds if one is given."""
    if name not in ("quick", "full"):
        raise ConfigError("budget", name, "use quick or full")
    chosen: BudgetName = "quick" if name == "quick" else "full"
    budget: Budget = getattr(claim.budget, chosen)
    if seeds is None:
        return chosen, budget
    if seeds < 2:
        raise ConfigError("seeds", seeds, "use at least 2: one seed has no interval")
    return chosen, budget.model_copy(update={"seeds": seeds})
