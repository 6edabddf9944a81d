"""``dcgan prepare``: a folder of plain NumPy files that later runs map."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

SMALL = ["--batch", "32", "--model.generator.width", "4", "--records.no-tensorboard"]


def test_what_is_prepared_can_be_trained_on_and_is_the_same_data(dcgan, tmp_path, png_folder):
    packed = tmp_path / "packed"
    code, out, err = dcgan("prepare", png_folder, "--out", packed, "--size", 16)
    assert code == 0, err
    assert "10 images of 16x16x1, 0 skipped" in out
    assert out.splitlines()[-1] == f"next: dcgan train {packed}"
    assert np.load(packed / "images.npy").shape == (10, 1, 16, 16)
    for data, run in ((packed, "a"), (png_folder, "b")):
        words = ["train", data, "--size", 16, "--images", 32, "--out", tmp_path / run, *SMALL]
        code, _, err = dcgan(*words)
        assert code == 0, err
    first, second = (json.loads((tmp_path / run / "run.json").read_text()) for run in "ab")
    assert first["data"]["fingerprint"] == second["data"]["fingerprint"]
    sheets = [(tmp_path / run / "samples" / "000000032.png").read_bytes() for run in "ab"]
    assert sheets[0] == sheets[1]


def test_json_tells_what_was_made(dcgan, tmp_path, png_folder):
    (png_folder / "torn.png").write_bytes(b"\x89PNG")
    words = ["--out", tmp_path / "p", "--size", "20x16", "--channels", 3, "--max-unreadable", 0.2]
    code, out, _ = dcgan("prepare", png_folder, *words, "--json")
    report = json.loads(out)
    assert code == 0
    assert report["folder"] == str(tmp_path / "p")
    assert (report["count"], report["skipped"]) == (10, 1)
    assert (report["size"], report["channels"]) == ([20, 16], 3)


def test_a_tilde_after_an_equals_sign_is_the_home_folder(dcgan, home, png_folder):
    code, out, err = dcgan("prepare", png_folder, "--out=~/p", "--size", 16)
    assert code == 0, err
    assert out.splitlines()[-1] == f"next: dcgan train {home / 'p'}"


def test_skipped_files_are_named(dcgan, tmp_path, png_folder):
    (png_folder / "torn.png").write_bytes(b"\x89PNG")
    _, out, _ = dcgan("prepare", png_folder, "--out", tmp_path / "p", "--max-unreadable", 0.2)
    assert "torn.png: not an image file" in out


def test_every_frame_may_be_a_image(dcgan, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    frames = [Image.new("L", (16, 16), 40 * number) for number in range(5)]
    frames[0].save(folder / "a.gif", save_all=True, append_images=frames[1:])
    dcgan("prepare", folder, "--out", tmp_path / "first", "--channels", 1)
    dcgan("prepare", folder, "--out", tmp_path / "all", "--frames", "all", "--channels", 1)
    assert np.load(tmp_path / "first" / "images.npy")[:, 0, 0, 0].tolist() == [0]
    tones = np.load(tmp_path / "all" / "images.npy")[:, 0, 0, 0].tolist()
    assert tones == [0, 40, 80, 120, 160]


@pytest.mark.parametrize("content", ["file", "folder"])
def test_what_is_there_is_never_overwritten(dcgan, tmp_path, png_folder, content):
    out = tmp_path / "p"
    if content == "file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "mine.txt").write_text("mine")
    code, _, err = dcgan("prepare", png_folder, "--out", out)
    assert code == 2
    assert err.startswith("dcgan: ")
    assert "exists already. Choose another --out" in err
    assert len(err.splitlines()) == 1


def test_an_empty_folder_may_be_filled(dcgan, tmp_path, png_folder):
    (tmp_path / "p").mkdir()
    assert dcgan("prepare", png_folder, "--out", tmp_path / "p")[0] == 0
    assert (tmp_path / "p" / "prepared.json").is_file()


def test_a_refusal_leaves_nothing(dcgan, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("L", (16, 16)).save(folder / "a.png")
    (folder / "b.png").write_bytes(b"torn")
    code, _, err = dcgan("prepare", folder, "--out", tmp_path / "p")
    assert code == 2
    assert "b.png" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pictures"]


def test_a_disk_too_small_is_said_before_anything_is_decoded(
    dcgan, tmp_path, png_folder, monkeypatch
):
    from collections import namedtuple

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10, 9, 1))
    code, _, err = dcgan("prepare", png_folder, "--out", tmp_path / "p")
    assert code == 2
    assert "smaller --size" in err
    assert not (tmp_path / "p").exists()


@pytest.fixture
def with_copies(tmp_path):
    folder = tmp_path / "copies"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (40, 16, 16), np.uint8)
    for number, image in enumerate(noise):
        Image.fromarray(image).save(folder / f"{number:02d}.png")
        if number < 9:
            Image.fromarray(image).save(folder / f"copy{number}.png")
    Image.new("L", (16, 16), 200).save(folder / "blank.png")
    return folder


def test_copies_and_blank_images_are_left_out_by_train_and_prepare(dcgan, tmp_path, with_copies):
    drop = ["--data.duplicates", "drop", "--data.blank", "drop"]
    code, out, err = dcgan("prepare", with_copies, "--out", tmp_path / "packed", *drop)
    assert code == 0, err
    assert "40 images of 16x16x1" in out
    assert "9 copies of others" in err + out and "1 blank" in err + out
    train = ["train", with_copies, "--size", 16, *SMALL, *drop, "--out", tmp_path / "run"]
    for images in (64, 96):
        code, _, err = dcgan(*train, "--images", images, *(["--resume"] if images > 64 else []))
        assert code == 0, err
        assert (
            "9 copies of others (--data.duplicates) and 1 blank (--data.blank) are dropped" in err
        )
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["data"]["count"] == 40
    words = ["-n", 4, "--neighbors", "--out", tmp_path / "sheet.png"]
    code, _, err = dcgan("sample", tmp_path / "run", *words)
    assert code == 0, err
    assert "have changed" not in err
    code, _, err = dcgan(*[word for word in train if word not in drop], "--images", 96)
    assert code == 2
    assert "data.duplicates" in err
