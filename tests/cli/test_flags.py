"""Messages of the library on the command line."""

from __future__ import annotations

import pytest

from dcgan.cli.flags import with_flags
from dcgan.cli.words import with_new_options
from dcgan.config import parse_config, read_yaml
from dcgan.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("choose another `out`", "choose another --out"),
        ("`data.max_unreadable` is 2", "--data.max-unreadable is 2"),
        ("`data.background=#000000` is black", "--data.background '#000000' is black"),
        ("`data.labels=FILE` reads a table", "--data.labels FILE reads a table"),
        ("'dcgan inspect DATA' names them", "'dcgan inspect DATA' names them"),
    ],
)
def test_settings_in_backticks_become_flags(text, shown):
    assert with_flags(text) == shown


def test_an_error_names_its_setting_in_both_ways():
    error = ConfigError("optim.micro_batch", 0, "at least 1")
    assert str(error) == "`optim.micro_batch` is 0: at least 1"
    assert with_flags(str(error)) == "--optim.micro-batch is 0: at least 1"


def test_earlier_spellings_of_options_are_read(dcgan, tmp_path):
    for words in (
        ["train", "digits", "--metrics.measure", "kernal"],
        ["train", "digits", "--metrics.metric=kernal"],
    ):
        code, _, err = dcgan(*words, "--out", tmp_path / "run")
        assert (code, err.split(":")[0]) == (2, "dcgan")
        assert "--metrics.metric" in err
        assert "did you mean 'kernel'?" in err
    assert with_new_options(["evaluate", "RUN", "--images", "9"]) == [
        "evaluate",
        "RUN",
        "--number",
        "9",
    ]
    assert with_new_options(["compare", "--images=9"]) == ["compare", "--number=9"]
    assert with_new_options(["train", "--images", "9"]) == ["train", "--images", "9"]
    assert with_new_options(["sample", "RUN", "--neighbours"]) == ["sample", "RUN", "--neighbors"]


def test_an_old_option_counts_the_images_of_a_score(dcgan, small_run):
    code, _, err = dcgan("evaluate", small_run.path, "--images", 10)
    assert code == 2
    assert "--number is 10" in err


def test_numbers_may_be_joined_by_commas(dcgan, tmp_path):
    words = ["--optim.generator.betas", "0.1,0.2", "--optim.discriminator.betas=0.3,0.4"]
    words += ["--model.latent.categorical", "10,3", "--model.latent.continuous", "2"]
    code, _, err = dcgan(
        "train",
        *words,
        "--model.latent.dim",
        4,
        "--size",
        16,
        "--images",
        32,
        "--batch",
        32,
        "--model.generator.width",
        4,
        "--out",
        tmp_path / "run",
    )
    assert code == 0, err
    config = parse_config(read_yaml(tmp_path / "run" / "config.yaml"))
    assert config.optim.generator.betas == (0.1, 0.2)
    assert config.optim.discriminator.betas == (0.3, 0.4)
    assert config.model.latent.categorical == (10, 3)
