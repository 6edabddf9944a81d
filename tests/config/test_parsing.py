"""Wrong settings are refused in one line that names key, value and what is allowed."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dcgan.config import RunConfig, config_yaml, load_recipe, merge, parse_config, read_yaml
from dcgan.config.fields import Section
from dcgan.errors import ConfigError


@pytest.mark.parametrize(
    ("settings", "key", "hint"),
    [
        ({"modle": {}}, "modle", "did you mean 'model'?"),
        ({"optim": {"generator": {"lrr": 1}}}, "optim.generator.lrr", "did you mean 'lr'?"),
        ({"optim": {"generator": {"lr": "fast"}}}, "optim.generator.lr", "number"),
        ({"optim": {"generator": {"lr": -1}}}, "optim.generator.lr", "a number above 0 or auto"),
        ({"optim": {"generator": {"betas": [0, 1]}}}, "optim.generator.betas[1]", "below 1"),
        ({"optim": {"batch": 0}}, "optim.batch", "or auto"),
        ({"data": {"size": 8}}, "data.size", "each side must be 16 to 4096"),
        ({"data": {"size": "40xx"}}, "data.size", "HEIGHTxWIDTH"),
        ({"data": {"channels": 7}}, "data.channels", "use 1, 2, 3, 4 or auto"),
        ({"data": {"fit": "corp"}}, "data.fit", "did you mean 'crop'?"),
        ({"data": {"background": "red"}}, "data.background", "#rrggbb"),
        ({"device": "gpu"}, "device", "cuda"),
        ({"model": {"generator": {"norm": "spectrall"}}}, "model.generator.norm", "'spectral'"),
        ({"objective": {"real_target": 0.4}}, "objective.real_target", "a number above 0.5 to 1"),
        (
            {"objective": {"flipped_targets": 0.5}},
            "objective.flipped_targets",
            "from 0 to below 0.5",
        ),
        ({"length": {"images": -3}}, "length.images", "a whole number of at least 1 or auto"),
        ({"optim": {"lr": 1}}, "optim.lr", "`optim.generator.lr` or `optim.disc"),
        ({"optim.batch": 4}, "optim.batch", "nested: {'optim': {'batch': ...}}"),
        ({"threads": 0}, "threads", "0: use a number from 1 to 1,024 or auto"),
        (
            {"model": {"latent": {"categorical": [1]}}},
            "model.latent.categorical[0]",
            "1: use a whole",
        ),
        (
            {"model": {"generator": {"layers": [{"conv": 4, "kernal": 3}]}}},
            "model.generator.layers[0].kernal",
            "did you mean 'kernel'?",
        ),
        (
            {"model": {"generator": {"layers": [{"kernel": 3}]}}},
            "model.generator.layers[0]",
            "exactly one operation",
        ),
        (
            {"model": {"generator": {"layers": [{"conv": 3, "linear": 2}]}}},
            "model.generator.layers[0]",
            "exactly one operation",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_the_cure(settings, key, hint):
    with pytest.raises(ConfigError) as caught:
        parse_config(settings)
    assert caught.value.key == key
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)


def settings_of(section, path=()):
    for name, field in section.model_fields.items():
        below = field.annotation
        yield (*path, name)
        if isinstance(below, type) and issubclass(below, Section):
            yield from settings_of(below, (*path, name))


@pytest.mark.parametrize("wrong", ["no such value", [[]], -7.5])
def test_no_message_speaks_of_how_values_are_parsed(wrong):
    """Each setting says what it takes, whatever its type."""
    for path in settings_of(RunConfig):
        settings = wrong
        for part in reversed(path):
            settings = {part: settings}
        try:
            parse_config(settings)
        except ConfigError as error:
            said = str(error)
            assert not any(word in said for word in ("input", "parse", "instance of", "tuple")), (
                said
            )


words = st.text(st.characters(codec="utf-8"), max_size=8)
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(words, children, max_size=3),
    max_leaves=8,
)
sections = st.sampled_from([*RunConfig.model_fields])


@given(st.dictionaries(sections | words, trees, max_size=4))
def test_whatever_a_file_holds_gives_a_configuration_or_one_line(settings):
    try:
        parsed = parse_config(settings)
    except ConfigError as error:
        line = str(error)
    else:
        line = ""
        assert isinstance(parsed, RunConfig)
    assert "\n" not in line


@pytest.mark.parametrize("text", ["- a\n- b\n", "{", "", "just words", "a: [1\n"])
def test_a_file_that_holds_no_mapping_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"recipe\.yaml") as caught:
        read_yaml(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "meant"),
    [(64, (64, 64)), ("64", (64, 64)), ("157x128", (157, 128)), ([40, 24], (40, 24))],
)
def test_sizes_are_read_as_people_write_them(written, meant):
    assert parse_config({"data": {"size": written}}).data.size == meant


def test_a_configuration_cannot_be_changed():
    config = parse_config({})
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 5


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("float_range: -1:1", (-1.0, 1.0)),  # YAML 1.1 would read -61
        ("float_range: 0:1.0", (0.0, 1.0)),
        ("integer_range: 10:59", (10.0, 59.0)),
        ("integer_range: 010:59", (10.0, 59.0)),
    ],
)
def test_a_range_in_a_recipe_is_no_number(tmp_path, line, found):
    path = tmp_path / "recipe.yaml"
    path.write_text(f"data: {{{line}}}\nseed: 010\n")
    config = parse_config(read_yaml(path))
    assert getattr(config.data, line.partition(":")[0]) == found
    assert config.seed == 10


def test_a_key_that_is_there_twice_is_refused(tmp_path):
    """PyYAML keeps the last one."""
    path = tmp_path / "recipe.yaml"
    path.write_text("optim: {batch: 16}\nseed: 1\noptim: {discriminator_steps: 2}\n")
    with pytest.raises(ConfigError, match="'optim' is there twice, again in line 3"):
        read_yaml(path)


def test_yaml_of_a_configuration_reads_back_as_the_same(every_recipe):
    assert parse_config(yaml.safe_load(config_yaml(every_recipe))) == every_recipe


@pytest.mark.parametrize("word", ["off", "no", "on", "yes"])
def test_words_of_a_recipe_are_words(tmp_path, word):
    path = tmp_path / "recipe.yaml"
    path.write_text(f"metrics: {{metric: {word}}}\nrecords: {{tensorboard: false}}\n")
    assert read_yaml(path) == {"metrics": {"metric": word}, "records": {"tensorboard": False}}
    path.write_text(f"data: {{flip: {word}}}\n")
    assert parse_config(read_yaml(path)).data.flip == (word in ("on", "yes"))


def test_names_of_earlier_versions_are_read(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("metrics: {measure: kernel}\naugment: {policy: colour+cutout}\n")
    config = parse_config(merge(load_recipe(path), {"metrics": {"metric": "off"}}))
    assert config.metrics.metric == "off"  # the old name is not beside the new one
    assert config.augment.policy == "color+cutout"
    assert parse_config({"metrics": {"measure": "kernel"}}).metrics.metric == "kernel"
    written = config.model_dump_json()
    assert "measure" not in written
    assert "colour" not in written
