"""What ``auto`` chooses fits the pictures and the machine."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dcgan.config import load_recipe, merge, parse_config, validate_combinations
from dcgan.data.quality.survey import Survey
from dcgan.layer_tables import resolve_networks
from dcgan.models.geometry import plan_generator
from dcgan.training.planning.auto import choose_size, fill_auto, resolve_auto

CPU = torch.device("cpu")


def survey(size=(100, 80), mode="RGB", count=5000, labels=None):
    return Survey(count, count, {mode: count}, {size: count}, labels or {}, (), 0)


def resolve(settings=None, seen=None):
    return resolve_auto(
        parse_config(merge(load_recipe("auto"), settings or {})), seen or survey(), CPU
    )


@given(
    height=st.integers(1, 5000),
    width=st.integers(1, 5000),
    device=st.sampled_from(["cpu", "cuda", "mps"]),
)
def test_every_size_of_images_gives_a_size_that_can_be_planned(height, width, device):
    size = choose_size((height, width), device)
    assert min(size) >= 16
    assert max(size) <= 128
    plan_generator(size, 3, width=2)


@pytest.mark.parametrize(
    ("native", "chosen"),
    [
        ((8, 8), (32, 32)),
        ((28, 28), (28, 28)),
        ((62, 62), (64, 64)),
        ((33, 33), (32, 32)),
        ((218, 178), (64, 52)),
        ((500, 480), (64, 64)),
    ],
)
def test_sizes_keep_the_aspect_and_stay_affordable(native, chosen):
    assert choose_size(native, "cpu") == chosen


def test_gray_images_train_in_one_channel_and_colored_in_three():
    assert resolve(seen=survey(mode="L"))[0].data.channels == 1
    assert resolve(seen=survey(mode="I;16"))[0].data.channels == 1
    for mode in ("RGB", "RGBA", "P", "CMYK"):
        assert resolve(seen=survey(mode=mode))[0].data.channels == 3


def test_nothing_that_is_used_stays_open_and_the_choice_is_one_line():
    config, note = resolve()
    assert "auto" not in {config.data.size, config.data.channels, config.optim.batch}
    assert "auto" not in {config.length.images, config.records.log_every}
    assert resolve_networks(config).image_shape == (3, *config.data.size)
    for part in (f"{config.data.size[0]}x", "100x80", "color", "batch", "images", "5,000", "cpu"):
        assert part in note
    assert "\n" not in note


TEN = {"label": dict.fromkeys("abcdefghij", 500)}


def test_classes_are_learned_and_it_is_said():
    config, note = resolve(seen=survey(labels=TEN))
    assert config.model.condition == "label"
    assert "10 classes (label)" in note
    config, note = resolve()
    assert config.model.condition == "clusters"
    assert "auto chose" in note and ", clusters of similar images, " in note


@pytest.mark.parametrize(
    ("count", "learned"),
    [(1499, None), (1500, "clusters"), (100_000, "clusters"), (100_001, None)],
)
def test_images_without_classes_are_sorted_into_clusters(count, learned):
    assert resolve(seen=survey(count=count))[0].model.condition == learned
    few = {"person": {f"{n}": 2 for n in range(count // 2)}}
    config, note = resolve(seen=survey(count=count, labels=few))
    assert config.model.condition == learned
    assert f"no classes, as {count // 2:,} (person) are more than 100" in note
    settings = {"model": {"condition": "none"}}
    assert resolve(settings, survey(count=count))[0].model.condition is None


@pytest.mark.parametrize("count", [1499, 1500, 100_000, 100_001])
def test_classes_are_learned_if_most_images_are_in_one_and_clusters_are_not(count):
    most = {"breed": {"cat": count - 600, "dog": 600}}
    learned = "clusters" if 1500 <= count <= 100_000 else "breed"
    assert resolve(seen=survey(count=count, labels=most))[0].model.condition == learned


@pytest.mark.parametrize(
    ("counts", "settings", "learned"),
    [
        ({"breed": {"cat": 50, "dog": 50}}, {}, "breed"),
        ({"breed": {"cat": 95, "dog": 5}}, {}, "clusters"),
        ({"breed": {"cat": 55, "dog": 45}}, {}, "breed"),
        ({"breed": {"cat": 49, "dog": 50}}, {}, "clusters"),
        ({"breed": {"cat": 50, "dog": 50, "cow": 0}}, {}, "breed"),
        ({"breed": {"cat": 500}}, {}, "clusters"),
        ({"breed": {f"{n}": 50 for n in range(100)}}, {}, "breed"),
        ({"breed": {f"{n}": 50 for n in range(101)}}, {}, "clusters"),
        ({"breed": {"cat": 50, "dog": 50}, "color": {"red": 50, "blue": 50}}, {}, None),
        ({"clusters": {"cat": 50, "dog": 50}}, {}, None),
        ({"clusters": {"cat": 100}}, {}, "clusters"),
        ({}, {}, "clusters"),
        (TEN, {"model": {"condition": "none"}}, None),
        (TEN, {"model": {"discriminator": {"pack": 2}}}, None),
        (TEN, {"model": {"latent": {"shape": [2, 4, 4]}}}, None),
        (TEN, {"model": {"latent": {"categorical": [4]}}}, None),
        (TEN, {"model": {"latent": {"continuous": 1}}}, None),
    ],
)
def test_classes_are_learned_where_they_are_large_and_fit_in(counts, settings, learned):
    config, _ = resolve(settings, survey(labels=counts))
    assert config.model.condition == learned
    validate_combinations(config)


def test_the_labels_that_a_note_names_can_be_learned():
    """Those named clusters cannot: the name means something else."""
    counts = {"clusters": {"a": 50, "b": 50}, "breed": {"cat": 50, "dog": 50}}
    _, note = resolve(seen=survey(labels=counts))
    assert "(clusters, breed; `model.condition=breed` learns one)" in note


def test_recipes_of_the_classics_learn_no_classes():
    config, _ = resolve_auto(parse_config(load_recipe("paper")), survey(labels=TEN), CPU)
    assert config.model.condition is None


def test_what_was_said_is_kept_and_not_spoken_of():
    config, note = resolve({"data": {"size": 40, "channels": 1}, "optim": {"batch": 7}})
    assert config.data.size == (40, 40)
    assert config.data.channels == 1
    assert config.optim.batch == 7
    assert "batch" not in note
    _, note = resolve_auto(parse_config(load_recipe("small-mnist")), survey(), CPU)
    assert note is None


def test_an_earlier_choice_is_kept_when_a_run_goes_on():
    asked = parse_config(load_recipe("auto"))
    stored, _ = resolve_auto(asked, survey(mode="L", size=(20, 20)), CPU)
    assert fill_auto(asked, stored).data.size == (20, 20)
    again, _ = resolve_auto(fill_auto(asked, stored), survey(size=(300, 300)), CPU)
    assert again.data == stored.data
    assert again.length == stored.length


@pytest.mark.parametrize(("count", "is_small"), [(99_999, True), (100_000, False)])
def test_small_data_is_augmented_by_itself(count, is_small):
    config, note = resolve({}, survey(count=count))
    assert config.augment.policy == ("color+translation+cutout" if is_small else "none")
    assert ("augmentation" in note) == is_small
    config, note = resolve({"augment": {"policy": "none"}}, survey(count=count))
    assert config.augment.policy == "none"
    assert "cutout" not in note


def test_a_run_too_large_to_be_augmented_goes_on_as_it_was():
    """What says how augmentation is steered has no effect then, and is left out of both."""
    asked, seen = parse_config(load_recipe("auto")), survey(count=200_000)
    stored, _ = resolve_auto(asked, seen, CPU)
    assert validate_combinations(stored) == []
    again, _ = resolve_auto(fill_auto(asked, stored), seen, CPU)
    assert again == stored


def test_the_discriminators_linear_row_grows_with_its_filters():
    found = resolve({})[0].model.discriminator
    assert found.hidden == 8 * found.width
    found = resolve({"model": {"discriminator": {"width": 5}}})[0].model.discriminator
    assert found.hidden == 40
    assert resolve({"model": {"discriminator": {"hidden": 0}}})[0].model.discriminator.hidden == 0


def test_a_table_that_is_spelled_out_has_no_row_added():
    rows = [{"conv": 4, "kernel": 4, "stride": 2, "padding": 1}, {"linear": 1}]
    config, _ = resolve({"model": {"discriminator": {"layers": rows}}})
    assert len(resolve_networks(config).discriminator) == 2


@pytest.mark.parametrize(("width", "rate"), [(4, 2e-3), (16, 2e-3), (32, 1e-3), (64, 5e-4)])
def test_rates_go_down_as_networks_get_wider(width, rate):
    settings = {"model": {"generator": {"width": width}, "discriminator": {"width": 16}}}
    optim = resolve(settings, survey(size=(32, 32)))[0].optim
    assert optim.generator.lr == pytest.approx(rate)
    assert optim.discriminator.lr == pytest.approx(2e-3)


@pytest.mark.parametrize(
    ("side", "width", "most", "rate"),
    [
        (28, 16, 512, 2e-3),
        (48, 16, 512, 2e-3),
        (64, 16, 512, 1e-3),
        (64, 64, 512, 2.5e-4),
        (128, 16, 512, 1e-3),
        (128, 16, 64, 2e-3),
        (128, 16, 8, 2e-3),
    ],
)
def test_rates_go_down_as_the_widest_layer_gets_wider(side, width, most, rate):
    network = {"width": width, "max_width": most}
    settings = {"model": {"generator": network, "discriminator": network}, "data": {"size": side}}
    optim = resolve(settings)[0].optim
    assert optim.generator.lr == optim.discriminator.lr == pytest.approx(rate)


@pytest.mark.parametrize(
    ("mode", "side", "device", "widths"),
    [
        ("L", 28, "cpu", (64, 16)),
        ("L", 36, "cpu", (32, 32)),
        ("RGB", 28, "cpu", (32, 32)),
        ("L", 28, "cuda", (64, 64)),
        ("L", 28, "mps", (64, 64)),
    ],
)
def test_only_small_gray_images_on_a_cpu_get_a_wider_generator(mode, side, device, widths):
    seen = survey(mode=mode, size=(side, side))
    settings = {"precision": "fp32", "model": {"condition": "none"}}
    asked = parse_config(merge(load_recipe("auto"), settings))
    config, note = resolve_auto(asked, seen, torch.device(device))
    assert (config.model.generator.width, config.model.discriminator.width) == widths
    assert f"generator width {widths[0]}, discriminator width {widths[1]}" in note


@pytest.mark.parametrize(("minutes", "width"), [(5, 32), (9.9, 32), (10, 64), (600, 64)])
def test_a_run_of_minutes_gets_a_generator_that_learns_in_them(minutes, width):
    asked = {"length": {"minutes": minutes, "images": None}, "model": {"condition": "none"}}
    config, _ = resolve(asked, survey(mode="L", size=(28, 28)))
    assert config.model.generator.width == width
    config, _ = resolve(asked)
    assert config.model.generator.width == 32


@pytest.mark.parametrize("labels", [TEN, {}])
@pytest.mark.parametrize("minutes", [5, 600])
def test_known_classes_need_a_narrower_generator_and_less_of_a_penalty(minutes, labels):
    asked = {"length": {"images": None, "minutes": minutes}}
    config, _ = resolve(asked, survey(mode="L", size=(28, 28), labels=labels))
    assert config.model.generator.width == 32
    assert config.objective.r1 == 1


def test_a_width_that_was_said_is_kept_and_the_other_found():
    config, note = resolve({"model": {"generator": {"width": 8}}}, survey(mode="L", size=(28, 28)))
    assert (config.model.generator.width, config.model.discriminator.width) == (8, 16)
    assert "discriminator width 16" in note
    assert "generator width" not in note


@pytest.mark.parametrize(("mode", "weight"), [("L", 3), ("LA", 3), ("RGB", 1), ("RGBA", 1)])
def test_the_penalty_is_stronger_for_gray_images(mode, weight):
    without = {"model": {"condition": "none"}}
    assert resolve(without, survey(mode=mode))[0].objective.r1 == weight
    assert resolve({"objective": {"r1": 0.5}}, survey(mode=mode))[0].objective.r1 == 0.5
    assert resolve({"objective": {"r1": 0}}, survey(mode=mode))[0].objective.r1 == 0


def test_a_rate_that_was_said_is_kept():
    optim = resolve({"optim": {"generator": {"lr": 3e-3}}})[0].optim
    assert optim.generator.lr == 3e-3
    assert optim.discriminator.lr == pytest.approx(5e-4)
