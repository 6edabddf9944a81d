"""The schema of a lab: what its YAML file may say. See ``docs/guide/labs.md`` for every key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from dcgan.config import merge, parse_config, validate_combinations
from dcgan.errors import did_you_mean
from dcgan.labs.measures import MEASURES
from dcgan.labs.verdict import Kind
from dcgan.runtime.files import StrPath
from dcgan.training.planning.arguments import collect_settings

BudgetName = Literal["quick", "full"]

FEWEST_SEEDS = 2
"""With one seed there is no interval."""

_Text = Annotated[str, Field(min_length=1)]
_Settings = dict[str, Any]


class LabSection(BaseModel):
    """A frozen part of a lab's file that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Arm(LabSection):
    """One of the things that are compared.

    Parameters
    ----------
    title : str
        A short name for plots; default the key of the arm.
    settings : mapping
        Settings of the runs, nested as in a recipe, over those of the lab.
    recipe : str, optional
        Replaces the recipe of the lab.
    checkpoint : {"best", "last"}, default "best"
        Which checkpoint is scored.
    same_runs_as : str, optional
        Another arm, whose runs are scored instead of runs of its own.
    images, seconds : optional
        A budget of its own, where the claim is about it.
    """

    title: str = ""
    settings: _Settings = Field(default_factory=dict)
    recipe: str | None = None
    checkpoint: Literal["best", "last"] = "best"
    same_runs_as: str | None = None
    images: Annotated[int, Field(ge=1)] | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one_budget(self) -> Self:
        if self.images is not None and self.seconds is not None:
            raise ValueError("has `images` and `seconds`; use only one of them")
        trains = ("settings", "recipe", "images", "seconds")
        given = [name for name in trains if self.same_runs_as and getattr(self, name)]
        if given:
            raise ValueError(f"trains nothing, so it cannot have `{given[0]}`; remove that line")
        return self


class Expectation(LabSection):
    """What would confirm the claim.

    Parameters
    ----------
    arm, than : str
        Keys of two arms.
    kind : {"better", "not-better", "equal"}
        Written ``is`` in YAML.
    """

    arm: str
    kind: Annotated[Kind, Field(alias="is")]
    than: str


class Budget(LabSection):
    """What each run may use, and how many seeds there are: ``images`` or ``seconds``."""

    images: Annotated[int, Field(ge=1)] | None = None
    seconds: Annotated[float, Field(gt=0)] | None = None
    seeds: Annotated[int, Field(ge=FEWEST_SEEDS)]

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.images is None) == (self.seconds is None):
            raise ValueError("needs exactly one of `images` and `seconds`")
        return self

    def __str__(self) -> str:
        """
        >>> str(Budget(images=20000, seeds=3))
        '20,000 images, 3 seeds'
        """
        length = f"{self.seconds:g} seconds" if self.images is None else f"{self.images:,} images"
        return f"{length}, {self.seeds} seeds"


class Budgets(LabSection):
    """The budgets by name."""

    quick: Budget
    full: Budget


class Claim(LabSection):
    """One lab.

    Parameters
    ----------
    name : str
        The name of its file.
    claim : str
        One sentence that can be true or false.
    source, literature : str
        Who claims it, and what is known today.
    data : str
        The dataset: a built-in name, or a name or file below the folder of datasets.
    fallback : str, optional
        The dataset to use if ``data`` is not found.
    recipe, settings
        Common to all arms.
    arms : mapping of str to Arm
        At least two.
    expected : sequence of Expectation
        All must hold to confirm the claim; one that is refuted refutes it.
    measure : str, default "fd"
        What is scored; see :mod:`dcgan.labs.measures`.
    difference : float
        The smallest difference worth a verdict: a ratio for ``fd``, else a difference.
    budget : Budgets
    """

    name: str
    claim: _Text
    source: _Text
    literature: str = ""
    data: _Text
    fallback: _Text | None = None
    recipe: _Text = "auto"
    settings: _Settings = Field(default_factory=dict)
    arms: dict[Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")], Arm]
    expected: Annotated[tuple[Expectation, ...], Field(min_length=1)]
    measure: str = "fd"
    difference: Annotated[float, Field(gt=0)]
    budget: Budgets

    @field_validator("arms")
    @classmethod
    def _two_arms(cls, arms: dict[str, Arm]) -> dict[str, Arm]:
        if len(arms) < 2:
            raise ValueError("a lab needs two arms or more")
        for name, arm in arms.items():
            other = arm.same_runs_as
            if other is None:
                continue
            if other not in arms or other == name or arms[other].same_runs_as:
                trained = [key for key, one in arms.items() if not one.same_runs_as]
                raise ValueError(
                    f"arm {name} has `same_runs_as: {other}`, which is no arm with runs of its own;"
                    f" {did_you_mean(other, trained)}"
                )
            if arm.checkpoint == arms[other].checkpoint:
                raise ValueError(
                    f"arm {name} scores the same checkpoint of the same runs as {other}; set"
                    " another `checkpoint`"
                )
        return arms

    @field_validator("expected")
    @classmethod
    def _between_arms(
        cls, expected: tuple[Expectation, ...], info: ValidationInfo
    ) -> tuple[Expectation, ...]:
        arms: dict[str, Arm] = info.data.get("arms") or {}
        for one in expected if arms else ():
            for name in (one.arm, one.than):
                if name not in arms:
                    raise ValueError(f"there is no arm {name!r}; {did_you_mean(name, arms)}")
            if one.arm == one.than:
                raise ValueError(f"compares {one.arm} with itself; use two arms")
        return expected

    @field_validator("measure")
    @classmethod
    def _known_measure(cls, measure: str) -> str:
        if measure not in MEASURES:
            raise ValueError(f"no such measure; {did_you_mean(measure, MEASURES)}")
        return measure

    @field_validator("difference")
    @classmethod
    def _worth_a_verdict(cls, difference: float, info: ValidationInfo) -> float:
        measure = info.data.get("measure")
        if measure is not None and MEASURES[measure].is_ratio and difference <= 1:
            raise ValueError("use a ratio above 1, such as 1.15 for 15%")
        if measure is not None and not MEASURES[measure].is_ratio and difference >= 1:
            raise ValueError(f"use a difference of {measure} below 1, such as 0.05")
        return difference

    def title_of(self, arm: str) -> str:
        """The name of an arm for people."""
        return self.arms[arm].title or arm

    def trained(self) -> Iterator[str]:
        """The arms that have runs of their own."""
        return (name for name, arm in self.arms.items() if arm.same_runs_as is None)

    def runs_of(self, arm: str) -> str:
        """The arm whose runs are scored for an arm: mostly itself."""
        return self.arms[arm].same_runs_as or arm

    def length_of(self, arm: str, budget: Budget) -> Arm | Budget:
        """What bounds the runs of an arm: the arm itself if it has a length, else the budget."""
        own = self.arms[arm]
        return budget if own.images is None and own.seconds is None else own

    def settings_of(
        self,
        arm: str,
        budget: Budget,
        *,
        data: str | None = None,
        data_root: StrPath | None = None,
        device: str = "cpu",
    ) -> dict[str, Any]:
        """The recipe of an arm's runs: all settings but the seed, checked.

        Parameters
        ----------
        arm : str
            One with runs of its own.
        budget : Budget
        data : str, optional
            Replaces the dataset of the lab.
        data_root, device
            As for :func:`dcgan.train`. Device, precision and number of threads are the same for all
            runs, so that arms can be compared.

        Raises
        ------
        ConfigError
            A setting of the lab cannot be.
        """
        own, length = self.arms[arm], self.length_of(arm, budget)
        seconds = length.seconds
        found = collect_settings(
            data or self.data,
            recipe=own.recipe or self.recipe,
            data_root=data_root,
            shortcuts={
                "images": length.images,
                "minutes": None if seconds is None else seconds / 60,
                "device": device,
                "precision": "fp32",
                "threads": 1,
            },
            settings=merge(self.settings, own.settings),
        )
        if found.get("model", {}).get("condition") == "auto":
            # claims are about training without labels unless a lab says otherwise
            found["model"]["condition"] = None
        validate_combinations(parse_config(found))
        return found
