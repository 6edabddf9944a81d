"""``dcgan inspect``: report, JSON, sheet and page."""

from __future__ import annotations

import json
import re
import sys

import numpy as np
import pytest
from PIL import Image

from dcgan.cli.main import main
from dcgan.data.quality import inspection
from dcgan.training import trial


@pytest.fixture
def inspect(monkeypatch, capsys, tmp_path):
    """Run the command in this process; gives its output once it has succeeded. A machine is
    pretended that trains a hundred images per second."""
    monkeypatch.setattr(trial, "images_per_second", lambda *_: 100.0)

    def run(*words):
        arguments = ["dcgan", "inspect", *map(str, words), "--out", str(tmp_path / "sheet.png")]
        monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit) as caught:
            main()
        captured = capsys.readouterr()
        assert caught.value.code == 0, captured.err
        return captured.out

    return run


def save_noise(path, height=40, width=40, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    Image.fromarray(random.integers(0, 256, (height, width, 3), np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path):
    """Fifty classes, a hundred sizes, thirty unreadable files, copies, and names to break a page."""
    root = tmp_path / "pictures"
    for number in range(100):
        save_noise(root / f"class{number % 50}" / f"{number}.png", 20 + number, 60, seed=number)
    save_noise(root / "class1" / "<script>&\n.png", 20, 60, seed=0)
    for number in range(30):
        (root / "class2" / f"broken{number}.jpg").write_bytes(b"nothing")
    (root / "notes.txt").write_text("text")
    return root


def test_the_report_is_short_however_much_there_is(inspect, folder):
    lines = inspect(folder, "--size", "16").splitlines()
    assert len(lines) <= 48
    assert max(map(len, lines)) < 200
    text = "\n".join(lines)
    assert "131 images, 30 of these unreadable (22.9%). Other files: 1 (1 .txt)" in text
    assert "Of the 101 images that could be read:" in text
    assert "50 classes: class2 (32), class1 (3), class0 (2), … " in text
    assert "stored as    color (101)" in text
    assert "100 sizes, median" in text
    assert "50 classes" in text
    assert "and 10 more (--json lists all)" in text
    assert "1 extra image in 1 group of identical images, such as class0/0.png" in text
    assert re.search(r"train +dcgan train \S+ --size 16 ", text)


def test_json_names_everything(inspect, folder):
    report = json.loads(inspect(folder, "--json"))
    assert len(report["unreadable"]) == 30
    assert report["exact_duplicates"] == [["class0/0.png", "class1/<script>&\n.png"]]
    assert report["near_duplicates"] == []
    assert report["copies"] == {"exact": 1, "near": 0}
    assert report["others"] == {".txt": 1}
    assert report["colored"] == report["readable"] == 101
    assert report["aspect"]["0"] == pytest.approx(60 / 119, abs=1e-3)
    assert set(report["reasons"]) == {"size", "channels", "fit", "recipe", "time"}
    assert [one["size"] for one in report["expectations"]] == [[64, 56], [48, 40], [32, 28]]
    assert {one["speed"] for one in report["expectations"]} == {0.85 * 100}
    # 60 seconds times 85 images
    assert report["reasons"]["time"] == (
        "in 10 minutes, expect blurred images at 64x56; recognizable ones need about 11 minutes;"
        " at 32x28, about 5.7 minutes; at 48x40, about 8.4 minutes"
    )
    assert report["command"].startswith("dcgan train ")
    assert any("unreadable" in danger for danger in report["dangers"])


def test_json_has_the_sentences_of_the_report(inspect, folder):
    printed = inspect(folder).splitlines()
    lines = json.loads(inspect(folder, "--json"))["report"]
    assert [
        f"{label:<13}{text}" if label else text for label, text in lines if label != "  time"
    ] == [line for line in printed if not line.startswith(("  time", "sheet"))]


def test_the_page_is_whole_in_itself_and_escapes_names(inspect, folder, tmp_path):
    page = tmp_path / "page.html"
    report = json.loads(inspect(folder, "--json", "--html", page))
    assert report["html"] == str(page)
    text = page.read_text(encoding="utf-8")
    assert "101 of 131 images were decoded; the others are unreadable." in text
    assert "<script" not in text
    assert "class1/&lt;script&gt;&amp;" in text
    assert not re.search(r"""(src|href)=["'](?!data:)""", text)
    words = re.sub(r"data:[a-z/+]+;base64,[A-Za-z0-9+/=]+", "", text)
    assert "url(" not in words and "http" not in words
    assert all(f"broken{number}.jpg" in text for number in range(30))
    assert report["command"] in text.replace("&#39;", "'")
    assert text.count("data:image/png") >= 3
    assert "prefers-color-scheme: dark" in text


def test_images_of_other_aspects_are_shown_in_every_fit(inspect, tmp_path):
    for number in range(6):
        save_noise(tmp_path / "same" / f"{number}.png", seed=number)
        save_noise(tmp_path / "mixed" / f"{number}.png", 30 + 10 * number, 60, seed=number)
    inspect(tmp_path / "same")
    with Image.open(tmp_path / "sheet.png") as plain:
        height = plain.height
    inspect(tmp_path / "mixed", "--size", "40", "--fit", "stretch")
    with Image.open(tmp_path / "sheet.png") as compared:
        assert compared.height > 6 * 40 > height


def test_a_limit_is_said(inspect, folder):
    out = inspect("digits", "--limit", "50")
    assert "1,797 images, 50 of them read (spread evenly)" in out
    report = json.loads(inspect("digits", "--limit", "50", "--json"))
    assert (report["count"], report["looked_at"]) == (1797, 50)


def test_fit_is_recommended_unless_said(inspect, tmp_path):
    for number in range(4):
        save_noise(
            tmp_path / "p" / f"{number}.png", *((30, 90) if number % 2 else (90, 30)), number
        )
    assert json.loads(inspect(tmp_path / "p", "--json"))["fit"] == "cover-random"
    assert json.loads(inspect(tmp_path / "p", "--json", "--fit", "pad"))["fit"] == "pad"


def test_copies_and_blank_images_bring_the_options_that_drop_them(inspect, tmp_path):
    for number in range(20):
        save_noise(tmp_path / "a" / f"{number}.png", seed=number % 15)
    for number in range(3):
        Image.new("RGB", (40, 40)).save(tmp_path / "a" / f"blank{number}.png")
    report = json.loads(inspect(tmp_path / "a", "--json"))
    assert "--data.duplicates drop --data.blank drop" in report["command"]
    assert report["command"].endswith(" --minutes 10")
    text = " ".join(report["dangers"])
    assert "--data.duplicates drop keeps one of each" in text
    assert "--data.blank drop leaves them out" in text
    assert report["warnings"][1:3] == [
        "22% are exact copies of others, which samples will repeat",
        "3 blank images, which samples will contain, too",
    ], "a page has no options"


def test_values_are_reported_and_where_they_do_not_tell_the_command_names_a_range(
    inspect, tmp_path
):
    folder = tmp_path / "deep"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(4):
        values = random.random((20, 20), np.float32) * 5
        values[0, :2] = 0, 5
        Image.fromarray(values).save(folder / f"{number}.tif")
    report = json.loads(inspect(folder, "--json"))
    assert report["values"]["floats"] == {"found": [0.0, 5.0], "black_to_white": [0.0, 5.0]}
    assert "--data.float-range=0:5" in report["command"]
    assert report["channel_mean"][0] == pytest.approx(127, abs=8)
    assert "floats from 0 to 5; 0 to 5 become black to white" in inspect(folder)


def test_a_stray_of_unknown_range_is_listed_and_needs_no_option(inspect, tmp_path):
    for number in range(39):
        save_noise(tmp_path / "a" / f"{number:02d}.png", seed=number)
    Image.fromarray(np.float32([[0, 5.25]] * 2)).save(tmp_path / "a" / "stray.tif")
    report = json.loads(inspect(tmp_path / "a", "--json"))
    assert list(report["unreadable"]) == ["stray.tif"]
    assert report["values"] == {}
    assert "--data.float" not in report["command"]


def test_splits_and_labels_are_told_and_kept_in_the_command(inspect, tmp_path):
    for split in ("train", "test"):
        for name in ("a", "b"):
            save_noise(tmp_path / "set" / split / name / "1.png")
    text = inspect(tmp_path / "set")
    assert "note         splits (images): train 2, test 2; train is used" in text
    assert "--data.split" not in text.split("train        dcgan")[1]
    text = inspect(tmp_path / "set", "--data.split", "test", "--data.labels", "none")
    assert "--data.split test --data.labels none" in text.split("train        dcgan")[1]


def test_without_a_dataset_it_says_on_what_it_reports(dcgan, tmp_path):
    code, _, said = dcgan("inspect", "--limit", 60, "--out", tmp_path / "sheet.png")
    assert code == 0
    assert "no DATA given: reporting on digits, 1,797 built-in images" in said


def test_a_wrong_name_of_the_sheet_is_refused_before_images_are_read(
    dcgan, folder, tmp_path, monkeypatch
):
    def fail(*_, **__):
        raise AssertionError("images were read")

    monkeypatch.setattr(inspection, "inspect_dataset", fail)
    out = tmp_path / "sheet.pgn"
    code, _, err = dcgan("inspect", folder, "--out", out)
    assert (code, err) == (2, f"dcgan: --out {out}: '.pgn' is no image format to write. Use .png\n")
