"""What a lab's file may say, and the one line that a wrong one is answered with."""

from __future__ import annotations

import copy

import pytest

from dcgan.config import parse_config
from dcgan.errors import ConfigError
from dcgan.labs.claim import Budget
from dcgan.labs.loading import lab_names, load_claim


def changed(content, path, value):
    """A copy of the content with another value at a dotted path; None removes the key."""
    found = copy.deepcopy(content)
    *above, last = path.split(".")
    section = found
    for key in above:
        section = section[int(key) if key.isdigit() else key]
    if value is None:
        del section[last]
    else:
        section[last] = value
    return found


def test_a_lab_is_named_by_its_file(content, written):
    claim = load_claim(written(content, "my-claim.yaml"))
    assert claim.name == "my-claim"
    assert claim.measure == "fd"
    assert claim.title_of("wide") == "8 <numbers>"
    assert list(claim.trained()) == ["wide", "narrow"]


def test_arms_share_everything_but_their_settings(content, written):
    claim = load_claim(written(content))
    wide, narrow = (
        parse_config(claim.settings_of(arm, claim.budget.quick)) for arm in ("wide", "narrow")
    )
    assert wide.model.latent.dim == 8 and narrow.model.latent.dim == 2
    assert wide.length.images == narrow.length.images == 1024
    assert wide.threads == narrow.threads == 1
    assert wide.precision == narrow.precision == "fp32"


def test_labels_are_used_only_where_an_arm_asks_for_them(content, written):
    """Although `auto`, the recipe of labs, learns them."""
    content = changed(content, "arms.wide.settings.model.condition", "label")
    claim = load_claim(written(content))
    conditions = [
        parse_config(claim.settings_of(arm, claim.budget.quick)).model.condition
        for arm in ("wide", "narrow")
    ]
    assert conditions == ["label", None]


def test_a_budget_of_its_own(content, written):
    claim = load_claim(written(changed(content, "arms.wide.images", 64)))
    assert parse_config(claim.settings_of("wide", claim.budget.quick)).length.images == 64
    timed = parse_config(claim.settings_of("narrow", Budget(seconds=30, seeds=2)))
    assert timed.length.minutes == 0.5 and timed.length.images is None


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("claim", None, "claim is missing; add it, as in `claim: A wider latent"),
        ("budget.full", None, "budget.full is missing; add it, as in `full: {images: 100000"),
        ("expected.0.is", None, "expected.0.is is missing; add it, as in `{arm: wide, is: better"),
        ("claims", "twice", "claims: no such key; did you mean 'claim'?"),
        ("arms.wide.setings", {}, "arms.wide.setings: no such key; did you mean 'settings'?"),
        ("arms.wide.checkpoint", "bset", "arms.wide.checkpoint is 'bset': use 'best' or 'last'"),
        ("arms.Wide", {}, "lowercase letters, digits and single hyphens"),
        ("arms.narrow", None, "a lab needs two arms or more"),
        ("arms.third", {"same_runs_as": "wyde"}, "did you mean 'wide'?"),
        ("arms.third", {"same_runs_as": "wide"}, "set another `checkpoint`"),
        ("arms.third", {"same_runs_as": "wide", "images": 5}, "it cannot have `images`"),
        ("arms.wide.seconds", 0, "arms.wide.seconds is 0"),
        ("arms.wide.images", "20k", "arms.wide.images is '20k': use a whole number of at least 1"),
        ("arms.wide", "always", "arms.wide is 'always': write lines below it, such as `settings:"),
        ("expected", [], "expected is []: write it as in `expected: [{arm: wide"),
        ("expected", "wide is better", "write it as in `expected: [{arm: wide"),
        ("expected", ["wide is better"], "expected.0 is 'wide is better': write it as in"),
        ("expected.0.is", "worse", "use 'better', 'not-better' or 'equal'"),
        ("expected.0.arm", "wyde", "there is no arm 'wyde'; did you mean 'wide'?"),
        ("expected.0.than", "wide", "compares wide with itself"),
        ("measure", "fid", "did you mean 'fd'?"),
        ("difference", 0.9, "use a ratio above 1"),
        ("difference", "15%", "difference is '15%': use a number above 0"),
        ("measure", ["fd"], "measure is ['fd']: use text"),
        ("budget.quick", 3, "budget.quick is 3: write it as in `quick: {images: 20000, seeds: 3}`"),
        ("budget.quick.seeds", 1, "budget.quick.seeds is 1: use a whole number of at least 2"),
        ("budget.quick.000", 0, "write numbers without commas, such as 20000"),
        ("budget.quick.seconds", 5, "exactly one of `images` and `seconds`"),
        ("budget.half", {"images": 5, "seeds": 2}, "budget.half: no such key"),
        ("arms.wide.settings.optim", {"bacth": 3}, "arm wide: optim.bacth is 3: no such setting"),
        ("arms.wide.settings.optim", {"batch": 0}, "arm wide: optim.batch is 0"),
        ("settings.objective", {"fake_target": 0.1}, "arm wide: objective.fake_target is 0.1"),
        ("arms.wide.settings.data", {"size": 32}, "data.size is (32, 32) in arm wide and (16, 16)"),
        ("settings.data", {"size": "auto"}, "needs a size"),
        ("settings.device", "cuda", "settings.device: decided by the option `device` of the lab"),
        ("arms.narrow", {"settings": {"model": {"latent": {"dim": 8}}}}, "have the same settings"),
        ("settings.seed", 3, "settings.seed: decided by the seeds of the budget"),
        ("arms.wide.recipe", "nowhere", "arm wide: recipe is 'nowhere'"),
    ],
)
def test_a_wrong_file_is_answered_in_one_line(content, written, path, value, said):
    lab = changed(content, path, value)
    if said == "needs a size":
        lab["budget"]["full"] = {"seconds": 60, "seeds": 2}
    file = written(lab)
    with pytest.raises(ConfigError) as caught:
        load_claim(file)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{file}: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1", "not YAML: line 1: expected ',' or ']'"),
        ("claim: x\narms:\n\ta: {}", "not YAML: line 3: a tab. Indent with spaces"),
        ("claim: Few data: help", "not YAML: line 1: a second `: ` .* in quotes"),
        ("arms:\n  - a: {}\n  b: {}", "not YAML: line 3: lines that are not indented alike"),
        ("- 1", "no lab; write KEY"),
    ],
)
def test_what_is_no_mapping(tmp_path, text, said):
    (tmp_path / "odd.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        load_claim(tmp_path / "odd.yaml")


def test_a_key_that_is_no_text(content, written):
    with pytest.raises(ConfigError, match="1: no such key; choose one of claim, source"):
        load_claim(written({**content, 1: 2}))


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        load_claim(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="no such lab or file"):
        load_claim("no-such-lab")


@pytest.mark.parametrize(
    "name", lab_names() or [pytest.param("", marks=pytest.mark.skip("no labs"))]
)
def test_labs_of_this_package_are_valid(name):
    assert load_claim(name).claim.endswith(".")
