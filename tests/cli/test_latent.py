"""The commands of latent space make their pictures, and refuse in one line."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image, ImageSequence

from dcgan.latent.choice import Choice
from dcgan.metrics.extractor import Features
from dcgan.render.sheet import sheet


@pytest.fixture
def run_of_ones_own(small_run, tmp_path):
    """A copy of the shared run, to write into."""
    return shutil.copytree(small_run.path, tmp_path / "run")


def test_interpolate_makes_a_film(dcgan, small_run, tmp_path):
    out = tmp_path / "way.gif"
    code, said, _ = dcgan(
        "interpolate", small_run.path, 3, 7, "--frames", 9, "--out", out, "--fps", 10, "--once"
    )
    assert code == 0
    assert f"9 frames from 3 to 7 in {out} (spherical)" in said
    with Image.open(out) as film:
        frames = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(film)]
        assert film.info["duration"] == 100
        assert "loop" not in film.info
    assert len(frames) == 9
    assert frames[0].shape == (256, 256)
    ends = small_run.generate(Choice().latents(small_run, 0, 8))[[3, 7], 0]
    for frame, end in zip((frames[0], frames[-1]), ends, strict=True):
        assert np.abs(frame[8::16, 8::16].astype(int) - end).max() <= 16  # of 256 colors


def test_a_sheet_of_a_path_is_one_row_with_its_points_named(dcgan, small_run, tmp_path):
    out = tmp_path / "way.png"
    code, said, _ = dcgan("interpolate", small_run.path, 3, 7, "--out", out)
    assert code == 0
    assert f"9 images from 3 to 7 in {out} (spherical)" in said
    with Image.open(out) as drawn:
        assert drawn.width == 9 * 66 + 2
        below = np.asarray(drawn.convert("L"))[68:]
    has_text = [bool((below[:, 66 * place : 66 * place + 66] < 128).any()) for place in range(9)]
    assert has_text == [True, *[False] * 7, True]


def test_a_grid_is_a_sheet_with_its_corners_in_the_corners(dcgan, small_run, tmp_path):
    out = tmp_path / "grid.png"
    assert dcgan("interpolate", small_run.path, "--kind", "grid", "--out", out)[0] == 0
    first = small_run.generate(Choice().latents(small_run, 0, 1))
    with Image.open(out) as grid, Image.open(out).crop((0, 0, 68, 68)) as corner:
        assert grid.width == grid.height == 6 * 66 + 2
        np.testing.assert_array_equal(np.asarray(corner), np.asarray(sheet(first)))


@pytest.mark.parametrize(("words", "methods"), [([], "nearest"), (["--smooth"], "lanczos")])
def test_the_images_of_a_sheet_can_be_of_any_side(dcgan, small_run, tmp_path, words, methods):
    out = tmp_path / "grid.png"
    asked = ["--kind", "grid", "--side", 40, *words, "--out", out]
    assert dcgan("interpolate", small_run.path, *asked)[0] == 0
    first = Image.fromarray(small_run.generate(Choice().latents(small_run, 0, 1))[0, 0])
    with Image.open(out) as grid:
        assert grid.width == grid.height == 6 * 42 + 2
        wanted = first.resize((40, 40), Image.Resampling[methods.upper()])
        np.testing.assert_array_equal(np.asarray(grid)[2:42, 2:42], np.asarray(wanted))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["1"], "dcgan: POINTS is 1: a spherical path needs at least 2"),
        (["a", "b"], "dcgan: point is 'a': use a sample number"),
        (["1", "2", "--out", "way.avi"], "dcgan: --out is 'way.avi': use .gif, .webp, .mp4"),
        (["1", "2", "--frames", "0"], "dcgan: --frames is 0: must be at least 2"),
        (["1", "2", "--fps", "0"], "dcgan: --fps is 0: must be 0.1 to 100"),
        (["1", "2", "--side", "9999"], "dcgan: --side is 9999: must be 1 to 4096"),
        (["1", "2", "--label", "x"], "dcgan: --label is 'x': no such class; choose one of 0, 1"),
        (["1", "2", "--truncation", "0"], "dcgan: --truncation is 0: must be above 0"),
        (["1", "2", "3", "--kind", "grid"], "dcgan: POINTS is 3: a grid needs 2 or 4"),
    ],
)
def test_interpolate_refuses_in_one_line(dcgan, small_run, tmp_path, monkeypatch, words, line):
    monkeypatch.chdir(tmp_path)
    code, said, complaint = dcgan("interpolate", small_run.path, *words)
    assert code == 2
    assert said == ""
    assert complaint.startswith(line)
    assert complaint.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_sample_generates_each_class(dcgan, small_run, tmp_path):
    words = ["--each-class", "-n", 2, "--out", tmp_path / "new"]
    code, said, _ = dcgan("sample", small_run.path, *words)
    assert code == 0
    assert said.startswith("2 images of each of 10 classes, of checkpoint ")
    assert len(list(tmp_path.glob("new/*/*.png"))) == 20


@pytest.mark.parametrize(("name", "of_each"), [("new.png", 8), ("new.npz", 64)])
def test_a_sheet_of_each_class_is_narrow_by_default(dcgan, small_run, tmp_path, name, of_each):
    _, said, _ = dcgan("sample", small_run.path, "--each-class", "--out", tmp_path / name)
    assert said.startswith(f"{of_each} images of each of 10 classes, of checkpoint ")


def test_a_switch_in_an_error_has_no_other_option_as_its_value(dcgan, small_run, tmp_path):
    words = ["--numbered", "--out", tmp_path / "new.zip"]
    code, _, said = dcgan("sample", small_run.path, *words)
    assert code == 2
    assert said.startswith("dcgan: --numbered: only on a sheet")


def test_sample_numbers_and_truncates(dcgan, small_run, tmp_path):
    for name, words in {"plain": [], "numbered": ["--numbered"]}.items():
        out = tmp_path / f"{name}.png"
        assert dcgan("sample", small_run.path, "-n", 4, "--out", out, *words)[0] == 0
    with Image.open(tmp_path / "plain.png") as one, Image.open(tmp_path / "numbered.png") as other:
        assert other.height > one.height
    out = tmp_path / "middle.npz"
    code, _, _ = dcgan("sample", small_run.path, "-n", 4, "--out", out, "--truncation", 0.1)
    assert code == 0
    with np.load(out) as file:
        wanted = small_run.generate(Choice(truncation=0.1).latents(small_run, 0, 4))
        np.testing.assert_array_equal(file["images"], wanted)


def test_arithmetic_makes_its_figure_and_says_of_what(dcgan, small_run, tmp_path):
    out = tmp_path / "sum.png"
    code, said, _ = dcgan(
        "arithmetic", small_run.path, "--plus", "3,17,40", "--minus", "5,8", "--plus", "1",
        "--out", out,
    )  # fmt: skip
    assert code == 0
    assert said.splitlines()[:3] == ["+ 3,17,40", "- 5,8", "+ 1"]
    with Image.open(out) as figure:
        assert figure.width > 500


@pytest.fixture
def bright_sevens(small_run, monkeypatch):
    """A classifier that takes the brighter half for sevens; gives their numbers."""
    brightness_N = small_run.generate(Choice().latents(small_run, 0, 64)).mean(axis=(1, 2, 3))
    middle = np.median(brightness_N)

    def classifier(dataset, factor, labels, **how):
        def read(images):
            seven = np.where(images.mean(axis=(1, 2, 3)) > middle, 0.95, 0.05)
            probabilities = np.zeros((len(images), len(labels.names)), np.float32)
            probabilities[:, 7], probabilities[:, 0] = seven, 1 - seven
            return Features(np.zeros((len(images), 1), np.float32), probabilities)

        return read

    monkeypatch.setattr("dcgan.latent.labeling.factor_classifier", classifier)
    return np.flatnonzero(brightness_N > middle)


def test_concepts_known_by_label_are_the_first_samples_that_show_it(
    dcgan, run_of_ones_own, bright_sevens, tmp_path
):
    out = tmp_path / "sum.png"
    words = ["arithmetic", run_of_ones_own, "--plus", "label=7", "--minus", "1,2", "--out", out]
    code, said, _ = dcgan(*words)
    assert code == 0
    wanted = ", ".join(map(str, bright_sevens[:3]))
    assert said.splitlines()[:2] == [f"+ label=7: {wanted}", "- 1,2"]
    with Image.open(out) as figure:
        figure.load()


def test_a_direction_and_maps_are_found_by_label(dcgan, run_of_ones_own, bright_sevens, tmp_path):
    run = run_of_ones_own
    found = ["directions", run, "seven", "--reads", "label=7", "--least", 0.5]
    # how well brightness can be read from latents depends on the processor that trained the run
    code, said, complaint = dcgan(*found, "--out", tmp_path / "seven.png")
    assert code == 0, complaint
    assert said.startswith("seven: linear probe of label=7 on 2,000 samples (held-out accuracy 0.")
    assert "; 1 is exact, 0.5 is chance)" in said
    for by in (-2, 2):
        words = ["--move", f"seven={by}", "-n", 64, "--out", tmp_path / f"{by}.npz"]
        assert dcgan("sample", run, *words)[0] == 0
    with np.load(tmp_path / "-2.npz") as less, np.load(tmp_path / "2.npz") as more:
        brighter_N = (more["images"].mean((1, 2, 3)) - less["images"].mean((1, 2, 3))) > 0
    assert brighter_N.mean() > 0.9
    out = tmp_path / "forget.png"
    words = ["--reads", "label=7", "--row", 1, "--least", 0, "--out", out]
    code, said, _ = dcgan("forget", run, *words)
    assert code == 0
    assert said.startswith("layer 1: ")
    assert out.is_file()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "dcgan: --plus is missing. Add a concept, such as --plus 3,17,40"),
        (["--plus", "-4"], "dcgan: point is '-4': numbers are from 0"),
        (["--plus", "1,x"], "dcgan: point is 'x': use a sample number"),
        (["--plus", "x"], "dcgan: concept is 'x': no such class"),
        (["--plus", "1", "--move", "x=nan"], "dcgan: --move is 'x=nan': the number must be finite"),
        (
            ["--plus", "1", "--move", "x=1", "--move", "x=2"],
            "dcgan: --move is 'x=2': x is set twice",
        ),
        (["--plus", "label=77"], "dcgan: concept is 'label=77': no such class of label"),
        (["--plus", "color=red"], "dcgan: concept is 'color=red': no such factor"),
        (["--plus", "3", "--exemplars", "0"], "dcgan: --exemplars is 0: must be 1 to 100"),
        (
            ["--plus", "3", "--out", "sum.psd"],
            "dcgan: --out sum.psd: '.psd' is no image format to write. Use .png",
        ),
    ],
)
def test_arithmetic_refuses_in_one_line(dcgan, small_run, tmp_path, monkeypatch, words, line):
    monkeypatch.chdir(tmp_path)
    code, said, complaint = dcgan("arithmetic", small_run.path, *words)
    assert code == 2
    assert said == ""
    assert complaint.startswith(line)
    assert complaint.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_directions_are_found_kept_listed_shown_and_moved_along(
    dcgan, run_of_ones_own, tmp_path, monkeypatch
):
    run = run_of_ones_own
    assert dcgan("directions", run)[1].startswith("no directions yet")
    out = tmp_path / "d.png"
    code, said, _ = dcgan("directions", run, "s", "--method", "sefa", "--count", 2, "--out", out)
    assert code == 0
    monkeypatch.chdir(tmp_path)
    assert dcgan("directions", run, "near", "--method", "pca", "--count", 1, "--neighbors")[0] == 0
    with Image.open("near-1.png") as named_by_itself, Image.open(tmp_path / "s-1.png") as plain:
        assert named_by_itself.height > 1.5 * plain.height
    assert [line.split(":")[0] for line in said.splitlines()] == ["s-1", "s-2"]
    with Image.open(tmp_path / "s-1.png") as sweep:
        assert sweep.width == 7 * 66 + 2
    dcgan("directions", run, "turn", "--plus", "1,2", "--minus", "3", "--out", tmp_path / "t.gif")
    other = run / "directions" / "s-2.json"
    other.write_text(json.dumps(json.loads(other.read_text()) | {"checkpoint": "000000099"}))
    listed = dcgan("directions", run)[1].splitlines()
    assert [line.split(":")[0] for line in listed] == ["near-1", "s-1", "s-2", "turn"]
    assert ["--checkpoint 99" in line for line in listed] == [False, False, True, False]
    with Image.open(tmp_path / "t.gif") as film:
        assert film.n_frames == 48
    for name, words in {"still": [], "moved": ["--move", "turn=2", "--move", "s-1=-1"]}.items():
        assert dcgan("sample", run, "-n", 4, "--out", tmp_path / f"{name}.npz", *words)[0] == 0
    with np.load(tmp_path / "still.npz") as still, np.load(tmp_path / "moved.npz") as moved:
        assert not np.array_equal(still["images"], moved["images"])
    assert dcgan("directions", run, "turn", "--out", tmp_path / "again.png")[0] == 0


def test_a_direction_of_somebody_else_prints_one_line_without_control_characters(
    dcgan, run_of_ones_own, tmp_path
):
    run, out = run_of_ones_own, tmp_path / "d.png"
    dcgan("directions", run, "up", "--plus", "1,2", "--minus", "3", "--out", out)
    path = run / "directions" / "up.json"
    odd = {"method": "\x1b[2J\nfound", "measured": {"\x1b[1A": 0.5}}
    path.write_text(json.dumps(json.loads(path.read_text()) | odd))
    for words in ([], ["up", "--out", out]):
        code, said, _ = dcgan("directions", run, *words)
        assert code == 0
        assert "\x1b" not in said
        assert said.count("\n") == 1


def test_a_direction_that_is_not_there_comes_with_the_command_that_finds_it(dcgan, small_run):
    _, _, complaint = dcgan("directions", small_run.path, "x")
    assert f"dcgan directions {small_run.path} x --reads brightness" in complaint


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--method", "sefa"], "dcgan: a new direction needs a name. Use: dcgan directions "),
        (["x", "--reads", "7", "--method", "pca"], "dcgan: NAME is 'x': choose one of"),
        (["a b", "--method", "pca"], "dcgan: NAME is 'a b': use letters, digits"),
        (["x", "--method", "pca", "--count", "99"], "dcgan: --count is 99: must be 1 to 32"),
        (["x", "--method", "pca", "--most", "0"], "dcgan: --most is 0: must be above 0"),
        (["x", "--method", "pca", "--most", "11"], "dcgan: --most is 11: must be above 0"),
        (["--reads", "tall"], "dcgan: concept is 'tall': no such class"),
        (["x", "--minus", "3"], "dcgan: --plus is missing. Set it too: --minus is set"),
        (["x", "--reads", "tall"], "dcgan: concept is 'tall': no such class"),
        (["x"], "dcgan: NAME is 'x': "),
    ],
)
def test_directions_refuses_in_one_line(dcgan, small_run, tmp_path, monkeypatch, words, line):
    monkeypatch.chdir(tmp_path)
    code, said, complaint = dcgan("directions", small_run.path, *words)
    assert code == 2
    assert said == ""
    assert complaint.startswith(line)
    assert complaint.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_sample_shows_the_nearest_real_images(dcgan, small_run, tmp_path):
    out = tmp_path / "near.png"
    assert dcgan("sample", small_run.path, "-n", 3, "--neighbors", "--out", out)[0] == 0
    with Image.open(out) as drawn:
        assert drawn.height > 2 * 2 * 64


def test_invert_finds_own_samples_and_images_and_others_know_them(
    dcgan, unlabeled_run, png_folder, tmp_path
):
    run, out = shutil.copytree(unlabeled_run.path, tmp_path / "run"), tmp_path / "found.png"
    code, said, _ = dcgan("invert", run, "--out", out)
    assert code == 0
    assert said.startswith(("7 of 8", "8 of 8"))
    dcgan("directions", run, "turn", "--plus", 1, "--minus", 3, "--out", tmp_path / "t.png")
    odd = shutil.copy(png_folder / "3.png", tmp_path / "my cat.png")
    words = ["invert", run, 5, odd, png_folder / "4.png", "--starts", 1, "--out", out]
    code, said, _ = dcgan(*words, "--move", "turn=2")
    assert code == 0
    assert [line.split(":")[0] for line in said.splitlines()[:3]] == [
        "real-5",
        "my-cat",
        "image-4",
    ]
    with Image.open(out) as shown:  # three rows of three, each with a title, two with captions
        assert shown.width >= 3 * 130 + 2
        assert shown.height == 3 * (15 + 130) + 2 * 15 + 2
    way = tmp_path / "way.png"
    words = ["interpolate", run, "real-5", 7, "my-cat", "--frames", 5, "--out", way]
    assert dcgan(*words)[0] == 0
    words = ["arithmetic", run, "--plus", "real-5,3", "--minus", "my-cat", "--out", way]
    code, said, _ = dcgan(*words)
    assert code == 0
    assert said.startswith("+ real-5,3\n- my-cat\n")
    _, _, complaint = dcgan("interpolate", run, "real-5", "real-6")
    assert "did you mean 'real-5'?" in complaint


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["nowhere.png"], "dcgan: nowhere.png: "),
        (["²"], "dcgan: ²: "),
        (["99999"], "dcgan: image is '99999': numbers are from 0 to 1,796"),
        (["1", "--starts", "0"], "dcgan: --starts is 0: must be 1"),
        (["1", "--features", "-1"], "dcgan: --features is -1: must be 0"),
        (["1", "--out", "found.xyz"], "dcgan: --out found.xyz: '.xyz' is no image format"),
        (["1", "--truncation", "0.5"], "dcgan: --truncation is 0.5: no effect on given images"),
        ([*map(str, range(65))], "dcgan: IMAGES is 65: must be 1 to 64"),
    ],
)
def test_invert_refuses_in_one_line(dcgan, small_run, tmp_path, monkeypatch, words, line):
    monkeypatch.chdir(tmp_path)
    code, said, complaint = dcgan("invert", small_run.path, *words)
    assert code == 2
    assert said == ""
    assert complaint.startswith(line)
    assert complaint.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
    assert not small_run.folder.latents.exists()


def test_a_tilde_after_an_equals_sign_is_the_home_folder(dcgan, run_of_ones_own, home):
    save = Image.fromarray(np.zeros((16, 16), np.uint8)).save
    save(home / "dark.png")
    run = run_of_ones_own
    code, said, complaint = dcgan("invert", run, "~/dark.png", "--starts", 1, "--out=~/a.png")
    assert code == 0, complaint
    assert said.startswith("dark: pixel error")
    (home / "boxes.csv").write_text("".join(f"{number},4,4,12,12\n" for number in range(30)))
    words = ["--boxes=~/boxes.csv", "--least", 0.4, "--out=~/b.png", "--row", 1]
    code, _, complaint = dcgan("forget", run, *words)
    assert code == 0, complaint
    (home / "images.of-june").mkdir()
    code, _, complaint = dcgan("sample", run, "-n", 2, "--out=~/images.of-june")
    assert code == 0, complaint
    assert len(list((home / "images.of-june").iterdir())) == 2


def test_forget_draws_without_maps(dcgan, small_run, tmp_path):
    boxes, out = tmp_path / "boxes.csv", tmp_path / "forget.png"
    boxes.write_text("".join(f"{number},4,4,12,12\n" for number in range(30)))
    code, said, _ = dcgan(
        "forget", small_run.path, "--boxes", boxes, "--least", 0.4, "--out", out, "--row", 1
    )
    assert code == 0
    assert said.startswith("layer 1: ")
    assert out.is_file()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "dcgan: what to forget is missing. Set either --reads or --boxes"),
        (
            ["--reads", "7", "--boxes", "x.csv"],
            "dcgan: --reads and --boxes are both set. Set either",
        ),
        (["--boxes", "x.csv"], "dcgan: --boxes x.csv: No such file"),
        (["--reads", "tall"], "dcgan: concept is 'tall': no such class"),
        (["--reads", "7", "--samples", "9"], "dcgan: --samples is 9: must be 100"),
    ],
)
def test_forget_refuses_in_one_line(dcgan, small_run, tmp_path, monkeypatch, words, line):
    monkeypatch.chdir(tmp_path)
    code, said, complaint = dcgan("forget", small_run.path, *words)
    assert code == 2
    assert said == ""
    assert complaint.startswith(line)
    assert complaint.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
