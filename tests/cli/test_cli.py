"""The command line: exit codes, one-line errors, machine-readable output."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image
from tests.conftest import can_be_named

from dcgan.cli.flags import with_flags
from dcgan.cli.main import main
from dcgan.config.fields import Section
from dcgan.config.tree import RunConfig

SMALL = [
    "--size",
    "16",
    "--batch",
    "32",
    "--images",
    "64",
    "--model.generator.width",
    "4",
    "--records.no-tensorboard",
]


@pytest.mark.parametrize(
    ("words", "hints"),
    [
        (["trian"], ["train"]),
        (["train", "--optim.generator.lrr", "1"], ["--optim.generator.lr?"]),
        (
            ["train", "--lr", "1"],
            ["--optim.discriminator.lr or --optim.generator.lr", "dcgan train --help"],
        ),
        (["train", "--optim.generator.lr", "foo"], ["optim.generator.lr", "'foo'", "number"]),
        (["train", "--model.generator.norm", "spectrall"], ["'spectral'"]),
        (["train", "--recipe", "small-mnits"], ["'small-mnist'"]),
        (["train", "mnits"], ["no such file", "'mnist'"]),
        (["train", "--size", "8"], ["each side must be 16"]),
        (["train", "--size", "8x64"], ["each side must be 16"]),
        (
            ["train", "--images", "5", "--epochs", "2"],
            ["only one of --images, --epochs, --minutes"],
        ),
        (["train", "--batch", "1"], ["batch norm", "--batch 2"]),
        (["train", "--data.scaling", "standardized"], ["tanh", "symmetric"]),
        (["train", "--recipe", "small-mnist", "--size", "64"], ["28×28", "--recipe auto"]),
        (["train", "--recipe", "paper", "--objective.r1", "1"], ["batch norm"]),
        (["train", "--device", "cuda:99"], ["cuda"]),
        (["train", "--resume", "--out", "none"], ["no run to resume"]),
        (["sample", "none"], ["no such run folder"]),
        (["recipes", "papre"], ["'paper'"]),
        (["inspect", "none"], ["no such file"]),
        (["prepare", "none", "--out", "there"], ["no such file"]),
        (["prepare", "digits"], ["--out"]),
        (["train", "--data.fit", "cover"], ["cover-random"]),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(dcgan, tmp_path, monkeypatch, words, hints):
    monkeypatch.chdir(tmp_path)
    code, out, err = dcgan(*words)
    assert code == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1, err
    assert "Traceback" not in err
    for hint in hints:
        assert hint in err
    assert list(tmp_path.iterdir()) == []


def test_a_kernel_that_does_not_fit_is_refused_with_its_row(dcgan, tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        "data: {size: 28, channels: 1}\n"
        "length: {images: 64}\n"
        "model: {discriminator: {layers: [{conv: 4, kernel: 5, stride: 4},"
        " {conv: 4, kernel: 9, norm: none}, {linear: 1}]}}\n"
    )
    code, _, err = dcgan("train", "--recipe", recipe, "--out", tmp_path / "run")
    assert code == 2
    assert "model.discriminator.layers[1].kernel is 9" in err.splitlines()[-1]
    assert "at most 6" in err.splitlines()[-1]
    assert not (tmp_path / "run").exists()


def test_debug_shows_the_traceback(monkeypatch):
    from dcgan.errors import ConfigError

    monkeypatch.setattr(sys, "argv", ["dcgan", "recipes", "papre", "--debug"])
    with pytest.raises(ConfigError):
        main()


def test_help_of_every_command_is_grouped_and_needs_no_torch():
    code = (
        "import sys; from dcgan.cli.main import main\n"
        "for word in sys.argv[1:]:\n"
        "    sys.argv = ['dcgan', *word.split(), '--help']\n"
        "    try: main()\n"
        "    except SystemExit: print('\\f')\n"
        "    assert 'torch' not in sys.modules, word"
    )
    commands = ("", "train", "sample", "inspect", "recipes")
    found = subprocess.run(
        [sys.executable, "-c", code, *commands], check=True, capture_output=True, text=True
    )
    *pages, _ = found.stdout.split("\f")
    for command, page in zip(commands, pages, strict=True):
        assert f"Usage: dcgan {command}".rstrip() in page
    for group in ("What to train on", "How long", "Where to write", "Speed and memory"):
        assert f"\n{group}" in pages[1]


def test_train_then_sample_in_every_form(dcgan, tmp_path):
    run = tmp_path / "run"
    code, out, err = dcgan("train", "digits", "--out", run, "--json", *SMALL)
    assert code == 0, err
    summary = json.loads(out.strip().splitlines()[-1])
    assert summary["run"] == str(run)
    assert summary["images"] == 64
    assert summary["images_per_second"] > 0
    forms = {name: tmp_path / name for name in ("sheet.png", "all.npz", "all.zip", "folder")}
    for path in forms.values():
        code, out, _ = dcgan("sample", run, "-n", "7", "--seed", "2", "--out", path)
        assert code == 0
        assert str(path) in out
    images = np.load(forms["all.npz"])["images"]
    assert images.shape == (7, 1, 16, 16)
    with zipfile.ZipFile(forms["all.zip"]) as archive:
        assert len(archive.namelist()) == 7
    single = np.asarray(Image.open(forms["folder"] / "000003.png"))
    assert np.array_equal(single, images[3, 0])
    for name, kind in (("x.jpg", "JPEG"), ("x.jpeg", "JPEG"), ("x.webp", "WEBP")):
        assert dcgan("sample", run, "-n", "4", "--out", tmp_path / name)[0] == 0
        with Image.open(tmp_path / name) as sheet:
            assert sheet.format == kind
    code, _, err = dcgan("sample", run, "--out", tmp_path / "x.bmp")
    assert code == 2
    assert ".png, .jpg, .jpeg, .webp, .npz, .zip" in err


def test_the_end_names_every_result_and_the_next_commands_work(dcgan, tmp_path, monkeypatch):
    # names that a shell would take apart
    run = tmp_path / ("Länder & flags" if can_be_named("ä") else "lands & flags")
    code, out, _ = dcgan("train", "digits", "--out", run, *SMALL)
    assert code == 0
    for name in ("samples/000000064.png", "training.gif", "curves.png", "gradients.png"):
        assert str(run / name) in out
        assert (run / name).exists()
    steps = out.split("other commands:\n")[1].splitlines()
    health, sample, class_, film, evaluate, own = (
        shlex.split(line, comments=True) for line in steps
    )
    (longer,) = (line for line in out.splitlines() if line.startswith("  dcgan train --out"))
    assert f"look at the images: {run / 'samples' / '000000064.png'}" in out
    assert evaluate == ["dcgan", "evaluate", str(run)]
    assert own[:2] == ["dcgan", "train"]
    assert out.startswith(
        "Too early to say: 64 images seen. Generated images usually begin to look like real ones"
    )
    monkeypatch.chdir(tmp_path)
    assert dcgan(*sample[1:])[0] == 0
    first = (tmp_path / "samples.png").read_bytes()
    code, out, _ = dcgan("sample", run, "-n", 4)
    assert "samples-2.png (samples.png exists and is kept)" in out
    assert (tmp_path / "samples-2.png").exists()
    assert (tmp_path / "samples.png").read_bytes() == first
    dcgan("sample", run, "-n", 4, "--out", "samples.png")
    assert (tmp_path / "samples.png").read_bytes() != first
    assert class_[-1] == "--each-class"
    assert dcgan(*class_[1:])[0] == 0
    assert dcgan(*film[1:])[0] == 0
    assert dcgan(*health[1:])[0] == 0
    *longer, images = shlex.split(longer)[1:]
    assert images == "5800"
    code, _, err = dcgan(*longer, 128)  # as many would take long
    assert code == 0, err
    assert (run / "samples" / "000000128.png").exists()


def test_what_is_proposed_fits_the_run(dcgan, png_folder, tmp_path):
    """No images of one's own after these, and no scores that ten images cannot give."""
    _, out, err = dcgan("train", png_folder, "--out", tmp_path / "run", *SMALL)
    steps = out.split("other commands:\n")[1]
    assert "evaluate" not in steps
    assert "IMAGES" not in steps
    assert f"run folder: {tmp_path / 'run'}" in err
    assert "only 10 images: a GAN repeats so few" in err


def test_plain_lines_when_stdout_is_no_terminal(dcgan, tmp_path):
    _, _, err = dcgan("train", "digits", "--out", tmp_path / "run", *SMALL)
    line = next(line for line in err.splitlines() if " images " in line and "%" in line)
    for part in ("left", "/s", "loss D", "D(x)", "D(G(z))"):
        assert part in line
    assert "\x1b" not in err


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_channels_are_set_from_the_shell(dcgan, tmp_path, png_folder, channels):
    run = tmp_path / "run"
    code, _, err = dcgan("train", png_folder, "--data.channels", channels, "--out", run, *SMALL)
    assert code == 0, err
    with Image.open(run / "samples" / "000000064.png") as sheet:
        assert sheet.mode == {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]


def settings(section=RunConfig, place=""):
    """The path of every setting, and a value that it takes."""
    values = {
        "batch": "32",
        "shape": "1 1 100",
        "categorical": "10",
        "integer_range": "0:9",
        "float_range": "0:1",
    }
    for name, field in section.model_fields.items():
        kind, default = field.annotation, field.default
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from settings(kind, f"{place}{name}.")
        elif name != "layers":  # a table needs a file
            plain = " ".join(map(str, default)) if isinstance(default, tuple) else default
            yield place + name, values.get(name, str("1" if plain is None else plain))


@pytest.mark.parametrize(("path", "value"), list(settings()))
def test_a_setting_in_a_message_is_an_option_of_train(monkeypatch, path, value):
    from dcgan.cli.app import app

    monkeypatch.setattr(sys, "argv", ["dcgan", "train"])
    option = with_flags(f"`{path}`")
    assert option.startswith("--")
    words = (
        [f"{option}={value.lower()}"] if value in ("True", "False") else [option, *value.split()]
    )
    _, bound, _ = app.parse_args(["train", *words], exit_on_error=False, print_error=False)
    given = bound.arguments
    short = option.lstrip("-").replace("-", "_")
    assert given.get(short) is not None or given["settings"].model_dump(exclude_unset=True)


def test_help_of_train_shows_what_people_set_first_and_all_on_request(dcgan):
    code, first, _ = dcgan("train", "--help")
    assert code == 0
    assert first.splitlines()[-1] == "dcgan train --help-all lists all settings."
    options = re.findall(r"^  (DATA|--[a-z.-]+)", first, re.MULTILINE)
    assert 18 <= len(options) <= 22
    _, everything, _ = dcgan("train", "--help-all")
    listed = set(re.findall(r"--[a-z.0-9-]+", everything))
    for path, _ in settings():
        assert f"--{path.replace('_', '-')}" in listed, path


@pytest.mark.parametrize(
    ("command", "text", "shown"),
    [
        ("train", "`data.fit=pad` or `data`", "--data.fit pad or DATA"),
        ("train", "`optim.batch` is 1", "--batch is 1"),
        ("invert", "`images` is 65", "IMAGES is 65"),
        ("evaluate", "`images` is 10", "--number is 10"),
        ("sample", "`point` is 'a'. Choose another `out`", "point is 'a'. Choose another --out"),
        (
            "train",
            "`model.generator.layers[1].kernel` is 9",
            "model.generator.layers[1].kernel is 9",
        ),
    ],
)
def test_names_in_messages_are_those_of_the_command(monkeypatch, command, text, shown):
    monkeypatch.setattr(sys, "argv", ["dcgan", command])
    assert with_flags(text) == shown


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data.fit", "pad"),
        ("data.fit", "cover-random"),
        ("data.frames", "all"),
        ("data.flip", "True"),
        ("data.flip", "true"),
        ("data.flip", ""),
        ("model.discriminator.minibatch-stddev", "true"),
        ("records.tensorboard", "false"),
        ("data.dequantize", "True"),
        ("data.cache", "off"),
        ("data.cache-gb", "2.5"),
        ("data.memory-gb", "0.5"),
        ("data.background", "#102030"),
        ("data.max-unreadable", "0.5"),
        ("model.latent.dim", "7"),
        ("model.latent.distribution", "uniform"),
        ("model.generator.norm", "spectral+batch"),
        ("model.generator.activation", "selu"),
        ("model.generator.order", "activation-norm"),
        ("model.generator.bias", "True"),
        ("model.generator.init", "dcgan"),
        ("model.discriminator.noise", "0.1"),
        ("model.discriminator.dropout", "0.3"),
        ("objective.loss", "saturating"),
        ("objective.real-target", "0.9"),
        ("objective.r1", "0"),
        ("objective.wgan-gp", "10"),
        ("objective.top-k", "0.5"),
        ("objective.clip-weights", "0.01"),
        ("objective.force-two-sided", "True"),
        ("augment.policy", "translation+cutout"),
        ("augment.probability", "adaptive"),
        ("augment.probability", "0.5"),
        ("optim.schedule", "cosine"),
        ("optim.generator.clip-norm", "1"),
        ("model.discriminator.noise-until", "1000"),
        ("metrics.metric", "off"),
        ("length.images", "64"),
        ("optim.generator.algorithm", "adamw"),
        ("optim.discriminator.lr", "1e-4"),
        ("optim.discriminator-steps", "2"),
        ("average.half-life", "0"),
        ("records.keep", "1"),
    ],
)
def test_settings_are_taken_from_the_shell(dcgan, monkeypatch, key, value):
    """Every section and kind of value reaches the configuration."""
    seen = []
    monkeypatch.setattr(
        "dcgan.training.train", lambda *_, settings, **__: seen.append(settings), raising=False
    )
    words = [f"--{key}"] if value == "" else [f"--{key}", value]
    needed = {  # settings without which these have no effect, and are refused
        "objective.force-two-sided": ["--objective.fake-target", "0.1"],
        "model.discriminator.noise-until": ["--model.discriminator.noise", "0.1"],
    }
    dcgan("train", *words, *needed.get(key, []))
    (found,) = seen
    for part in key.replace("-", "_").split("."):
        found = found[part]
    if isinstance(found, bool):
        assert str(found).lower() == (value.lower() or "true")
    else:
        assert found == value or str(found) == value or found == float(value)


def test_deterministic_is_a_switch(dcgan, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "dcgan.training.train", lambda *_, settings, **__: seen.append(settings), raising=False
    )
    dcgan("train")
    dcgan("train", "--deterministic")
    assert seen == [{}, {"deterministic": True}]


@pytest.mark.parametrize(
    ("error", "exit_code", "line"),
    [
        (KeyboardInterrupt(), 3, "stopped by Ctrl-C"),
        (
            RuntimeError("CUDA out of memory.\nTried to allocate 2 GiB"),
            2,
            "out of memory: 2 GiB could not be allocated. Use a smaller --batch",
        ),
    ],
)
def test_ctrl_c_and_lack_of_memory_are_one_line(dcgan, monkeypatch, error, exit_code, line):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr("dcgan.training.train", broken, raising=False)
    code, _, err = dcgan("train")
    assert code == exit_code
    assert len(err.strip().splitlines()) == 1
    assert line in err


def test_recipes_are_listed_and_printed_with_their_layer_shapes(dcgan):
    code, out, _ = dcgan("recipes")
    assert code == 0
    assert "celeba-rectangular" in out
    code, out, _ = dcgan("recipes", "celeba-rectangular")
    assert code == 0
    assert "kernel: [5, 4]" in out
    assert "3×157×128" in out
    assert "→ 1×1×1" in out
    code, out, _ = dcgan("recipes", "auto")
    assert code == 0
    assert "planned" in out


@pytest.mark.parametrize(
    ("data", "player", "planned"),
    [
        ("{size: 28, channels: 1}", "generator", "discriminator"),
        ("{flip: false}", "generator", "discriminator"),
        ("{size: 28, channels: 1}", "discriminator", "generator"),
    ],
)
def test_a_recipe_with_one_table_shows_its_shapes(dcgan, tmp_path, data, player, planned):
    tables = {
        "generator": "[{conv_transpose: 4, kernel: 14}, {conv_transpose: 1, kernel: 2, stride: 2}]",
        "discriminator": "[{conv: 4, kernel: 4, stride: 4}, {linear: 1}]",
    }
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        f"data: {data}\nmodel:\n  {player}: {{layers: {tables[player]}}}\n"
        f"  {planned}: {{width: auto}}\n"
    )
    code, out, err = dcgan("recipes", recipe)
    assert code == 0, err
    assert {"generator": "4×14×14 → 1×28×28", "discriminator": "1×28×28 → 4×7×7 → 1"}[player] in out
    assert f"# {planned}: planned" in out


def test_inspect_reports_what_is_there(dcgan, tmp_path):
    folder = tmp_path / "pictures"
    for name, mode, size in (
        ("a/1", "RGB", (30, 20)),
        ("a/2", "L", (20, 20)),
        ("b/3", "RGBA", (8, 9)),
    ):
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new(mode, size, "red").save(path)
    (folder / "b" / "broken.png").write_bytes(b"no picture")
    (folder / "readme.txt").write_text("hello")
    sheet = tmp_path / "sheet.png"
    code, out, _ = dcgan("inspect", folder, "--out", sheet, "--json")
    assert code == 0
    report = json.loads(out)
    assert report["count"] == 4
    assert report["modes"] == {"RGB": 1, "L": 1, "RGBA": 1}
    assert report["sizes"] == {"20x30": 1, "20x20": 1, "9x8": 1}
    assert report["labels"] == {"label": {"a": 2, "b": 2}}
    assert list(report["unreadable"]) == ["b/broken.png"]
    assert report["ignored"] == 1
    assert report["channels"] == 3
    with Image.open(sheet) as image:
        assert image.width > 60
    code, out, _ = dcgan("inspect", folder, "--out", sheet, "--size", "40x24")
    assert code == 0
    assert "4 images" in out
    assert "b/broken.png: not an image file" in out
    assert "40x24 color" in out


def test_samples_of_one_class_and_code(dcgan, tmp_path):
    run = tmp_path / "run"
    settings = ["--model.condition", "label", "--model.latent.categorical", "3"]
    code, _, err = dcgan("train", "digits", "--out", run, *settings, *SMALL)
    assert code == 0, err
    words = ["sample", run, "-n", 4, "--label", "7", "--code", "1=2"]
    code, out, _ = dcgan(*words, "--out", tmp_path / "s.png")
    assert code == 0
    assert "4 images" in out
    for wrong, said in (
        (["--label", "x"], "no such class"),
        (["--code", "1"], "use NUMBER=VALUE"),
        (["--code", "1=7"], "a category from 0 to 2"),
    ):
        code, _, err = dcgan("sample", run, *wrong, "--out", tmp_path / "t.png")
        assert code == 2
        assert said in err.splitlines()[-1]
