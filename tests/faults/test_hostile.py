"""Folders as they come: every mode, odd, broken and hostile files, and files that change meanwhile."""

from __future__ import annotations

import io
import json
import os
import socket
import struct
import subprocess
import sys
import tarfile
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.conftest import can_be_named

from dcgan.cli.main import main
from dcgan.data import load_dataset, open_source
from dcgan.data.pixels.color import to_channels
from dcgan.data.pixels.decode import EXTENSIONS, count_frames, decode
from dcgan.errors import UnreadableImage

RED = (200, 100, 50)
WHITE = (255,) * 3
GRAY = (77,) * 3


def encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def plain(mode: str = "RGB", color=RED, size: tuple[int, int] = (20, 20)) -> Image.Image:
    return Image.new(mode, size, color)


def noise() -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def palette() -> Image.Image:
    image = Image.new("P", (20, 20), 1)
    image.putpalette([0, 0, 0, *RED])
    return image


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(plain(), "JPEG", exif=exif, quality=95)


def png_saying(width: int, height: int, depth: int = 8) -> bytes:
    """A short PNG whose header claims a size."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(99))), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def wrong_checksum() -> bytes:
    data = bytearray(encode(noise()))
    data[data.index(b"IDAT") + 100] ^= 0xFF
    return bytes(data)


def tiff_of(*tags: tuple[int, int, int, int]) -> bytes:
    """A TIFF of nothing but tags: number, type, count, value."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def full(gray: int, kind: type) -> Image.Image:
    return Image.fromarray(np.full((20, 20), gray, kind))


LONG = "x" * 240 + ".png"

READABLE = {
    "1.png": (encode(plain("1", 1)), WHITE),
    "L.png": (encode(plain("L", 77)), GRAY),
    "LA.png": (encode(plain("LA", (77, 255))), GRAY),
    "LA clear.png": (encode(plain("LA", (77, 0))), WHITE),
    "P.png": (encode(palette()), RED),
    "P clear.png": (encode(palette(), transparency=1), WHITE),
    "P.gif": (encode(palette(), "GIF"), RED),
    "RGB.png": (encode(plain()), RED),
    "RGB clear.png": (encode(plain(), transparency=RED), WHITE),
    "RGBA.png": (encode(plain("RGBA", (*RED, 255))), RED),
    "RGBA half.webp": (encode(plain("RGBA", (*RED, 128)), "WEBP", lossless=True), (227, 177, 152)),
    "CMYK.jpg": (encode(plain("CMYK", (55, 155, 205, 0)), "JPEG", quality=95), RED),
    "CMYK.tif": (encode(plain("CMYK", (55, 155, 205, 0)), "TIFF"), RED),
    "LAB.tif": (encode(plain("LAB", (0, 128, 128)), "TIFF"), (0, 0, 0)),
    "YCbCr.jpg": (encode(plain("YCbCr", (124, 86, 182)), "JPEG", quality=95), RED),
    "I16.png": (encode(full(77 * 257, np.uint16)), GRAY),
    "I16.tif": (encode(full(77 * 257, np.uint16), "TIFF"), GRAY),
    "I.tif": (encode(full(77 * 257, np.int32), "TIFF"), GRAY),
    "F.tif": (encode(full(0, np.float32), "TIFF"), (0, 0, 0)),
    "animated.gif": (
        encode(plain(), "GIF", save_all=True, append_images=[plain("L", 0)]),
        RED,
    ),
    "progressive.jpg": (encode(plain(), "JPEG", progressive=True, quality=95), RED),
    **{f"turned {number}.jpeg": (turned(number), RED) for number in range(1, 9)},
    "1x1.png": (encode(plain(size=(1, 1))), RED),
    "1x5000.png": (encode(plain(size=(1, 5000))), RED),
    "5000x1.jpg": (encode(plain(size=(5000, 1)), "JPEG", quality=95), RED),
    "a.bmp": (encode(plain(), "BMP"), RED),
    "a.ppm": (encode(plain(), "PPM"), RED),
    "a.tga": (encode(plain(), "TGA"), RED),
    "no extension": (encode(plain()), RED),
    "a GIF.png": (encode(palette(), "GIF"), RED),
    "a PNG.JPG": (encode(plain()), RED),
    "a.tar.gz.png": (encode(plain()), RED),
    "folder.png/inside.png": (encode(plain()), RED),
    **({name: (encode(plain()), RED) for name in ("猫/写真 ü.png",) if can_be_named(name)}),
    "new\nline\r\x1b[31m.png": (encode(plain()), RED),
    "-rf *.png": (encode(plain()), RED),
    "%s {0} [1] $HOME 'q\".png": (encode(plain()), RED),
    LONG: (encode(plain()), RED),
}
"""Files with the color that the middle of each shows over white."""

KINDS = {
    "png": ("PNG", {}),
    "jpg": ("JPEG", {}),
    "gif": ("GIF", {}),
    "bmp": ("BMP", {}),
    "webp": ("WEBP", {}),
    "tif": ("TIFF", {}),
    "ppm": ("PPM", {}),
    "tga": ("TGA", {}),
}
WHOLE = {end: encode(noise(), kind, **options) for end, (kind, options) in KINDS.items()}

BROKEN = {
    "zero.png": (b"", "empty file"),
    "text.jpg": (b"not a picture at all\n" * 20, "not an image file"),
    "html.png": (b"<!DOCTYPE html><html>404</html>", "not an image file"),
    "svg.png": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image file"),
    "eps.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image file"),
    "wrong checksum.png": (wrong_checksum(), "damaged: "),
    "bomb.png": (png_saying(60_000, 60_000), "too (large|many pixels)"),
    "nothing wide.png": (png_saying(0, 10), "not an image file|damaged"),
    "tags.tif": (
        tiff_of((256, 3, 2**31, 9), (257, 12, 2**30, 9), (273, 2, 5, 0)),
        "damaged|not an image",
    ),
    "no size.tif": (tiff_of((259, 3, 1, 1), (273, 4, 1, 8)), "damaged|not an image"),
    "itself.tif": (b"II*\0" + struct.pack("<IHI", 8, 0, 8), "damaged|not an image"),
    **{
        f"cut off {share}.{end}": (data[: len(data) * share // 10], "damaged: |not an image file")
        for end, data in WHOLE.items()
        for share in (1, 5, 9)
    },
}
"""Files with the reason why each is no picture."""

DOUBTFUL = {
    "broken LZW.gif": WHOLE["gif"][:900] + bytes(200) + WHOLE["gif"][1100:],
    "broken inside.jpg": WHOLE["jpg"][:700] + bytes(20) + WHOLE["jpg"][720:],
    "broken inside.webp": WHOLE["webp"][:700] + bytes(20) + WHOLE["webp"][720:],
}
"""What decoders may mend or not."""

OTHERS = {"notes.txt": b"text", "Makefile": b"all:\n", "photo.heic": b"x", ".hidden.png": b"x"}


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def build(folder: Path) -> None:
    """All of the above, and what is no file."""
    write(folder, {name: data for name, (data, _) in (READABLE | BROKEN).items()})
    write(folder, DOUBTFUL | OTHERS)
    for name in ("empty", "empty.png/still empty", ".git/objects"):
        (folder / name).mkdir(parents=True)
    (folder / "up").symlink_to(folder)
    (folder / "empty" / "self").symlink_to(folder / "empty")
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "loop").symlink_to(folder / "loop")
    os.mkfifo(folder / "pipe")
    # a socket's whole path may be short only
    here = Path.cwd()
    os.chdir(folder)
    try:
        for name in ("socket.png", "socket"):
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(name)
    finally:
        os.chdir(here)


SPECIAL = {
    "gone.png": "No such file",
    "loop.png": "Too many levels",
    "socket.png": "No such device|not a (plain|regular) file",
}

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no named pipes"),
    pytest.mark.filterwarnings("ignore:Truncated File Read:UserWarning"),
    pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning"),
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "pictures"
    build(folder)
    return folder


@pytest.fixture(scope="module")
def loaded(corpus):
    """Every picture by its name: what is shown in its middle, or why it is not shown."""
    source = open_source(str(corpus))
    dataset = load_dataset(source, (16, 16), 3, max_unreadable=1)
    skipped = {one.title: one.reason for one in dataset.skipped}
    titles = [source.title(index) for index in range(len(source))]
    shown = [title for title in titles if title not in skipped]
    assert len(shown) == len(dataset.images)
    assert len(dataset) == len(source)
    return dict(zip(shown, dataset.images[:, :, 8, 8].tolist(), strict=True)) | skipped


def test_every_file_is_a_image_a_reason_or_another(corpus, loaded):
    assert set(loaded) == {*READABLE, *BROKEN, *DOUBTFUL, *SPECIAL}
    others = open_source(str(corpus)).others
    assert others[".txt"] == others[".heic"] == 1
    assert others["no suffix"] >= 4  # Makefile, pipe, socket, loop


@pytest.mark.parametrize("name", READABLE, ids=ascii)
def test_images_of_every_mode_show_their_color(loaded, name):
    np.testing.assert_allclose(loaded[name], READABLE[name][1], atol=6)


@pytest.mark.parametrize("name", [*BROKEN, *SPECIAL])
def test_what_is_broken_has_a_reason(loaded, name):
    reason = SPECIAL.get(name) or BROKEN[name][1]
    assert isinstance(loaded[name], str), "was shown"
    assert pytest.raises(UnreadableImage, match=reason).matches(UnreadableImage(loaded[name]))
    assert len(loaded[name].splitlines()) == 1


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Run a command in this process and an empty folder; gives exit code, stdout and stderr."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["dcgan", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            main()
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return caught.value.code, captured.out, captured.err

    return run


def listing(folder: Path) -> set[str]:
    """Every path below, without following links."""
    return {
        os.path.relpath(os.path.join(place, name), folder)  # noqa: PTH118
        for place, folders, files in os.walk(folder)
        for name in folders + files
    }


SMALL = [
    "--size",
    "16",
    "--batch",
    "16",
    "--model.generator.width",
    "4",
    "--records.no-tensorboard",
]


def test_inspect_reports_all_of_it_and_touches_nothing(command, corpus, loaded, tmp_path):
    before = listing(corpus)
    code, out, err = command("inspect", corpus, "--json", "--out", tmp_path / "sheet.png")
    assert code == 0, err
    report = json.loads(out)
    assert report["count"] == len(loaded)
    unreadable = report["unreadable"]
    assert set(unreadable) == {name for name, seen in loaded.items() if isinstance(seen, str)}
    assert listing(corpus) == before
    assert listing(tmp_path / "here") == set()
    code, out, err = command("inspect", corpus, "--out", tmp_path / "sheet.png")
    assert code == 0, err
    assert f"{len(loaded)} images" in out


def test_no_warning_of_a_decoder_reaches_the_user(command, corpus, tmp_path):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        code, _, _ = command("inspect", corpus, "--out", tmp_path / "sheet.png")
    assert code == 0
    assert [str(one.message) for one in seen] == []


def test_training_on_it_is_refused_in_one_line_or_done(command, corpus, tmp_path):
    before = listing(corpus)
    words = ["train", corpus, "--images", "32", "--out", tmp_path / "run", *SMALL]
    code, out, err = command(*words)
    assert (code, out) == (2, "")
    assert "--data.max-unreadable" in err.splitlines()[-1]
    assert not (tmp_path / "run").exists()
    code, out, err = command(*words, "--data.max-unreadable", "0.9")
    assert code == 0, err
    assert (tmp_path / "run" / "config.yaml").is_file()
    assert listing(corpus) == before
    assert listing(tmp_path / "here") == set()


@pytest.mark.parametrize("words", [["inspect"], ["train", *SMALL]])
def test_a_folder_of_broken_images_is_refused_in_one_line(command, tmp_path, words):
    write(tmp_path / "new\nline", {name: data for name, (data, _) in BROKEN.items()})
    code, out, err = command(*words, tmp_path / "new\nline")
    assert (code, out) == (2, "")
    (line,) = (line for line in err.splitlines() if line.startswith("dcgan: "))
    assert "Traceback" not in err
    count = len(BROKEN)  # where only headers are looked at, some damage shows when decoding
    assert f"none of {count} images can" in line or f"{count} of {count} images are" in line
    assert listing(tmp_path / "here") <= {"runs"}


@pytest.mark.parametrize(
    "data", ["x" * 5000, "a\0b", "", "/dev/null", "memory://", "{", "[", "*", "hub:", "lsun/"]
)
def test_odd_data_is_refused_in_one_line(command, data):
    code, out, err = command("inspect", data)
    assert (code, out) == (2, ""), err
    assert len(err.splitlines()) == 1, err


def test_the_home_of_nobody_is_refused_in_one_line(command):
    code, _, err = command("inspect", "~nobody-of-that-name/pictures")
    assert code == 2
    assert len(err.splitlines()) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named_or_passed_over(tmp_path):
    write(tmp_path, {"a.png": WHOLE["png"], "b.png": WHOLE["png"], "closed/c.png": WHOLE["png"]})
    (tmp_path / "b.png").chmod(0)
    (tmp_path / "closed").chmod(0)
    try:
        dataset = load_dataset(open_source(str(tmp_path)), (16, 16), 3, max_unreadable=1)
        assert [one.title for one in dataset.skipped] == ["b.png"]
    finally:
        (tmp_path / "closed").chmod(0o700)


def vanish(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    os.truncate(path, 0)


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def become_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def become_text(path: Path) -> None:
    path.write_text("text")


@pytest.mark.parametrize("memory", [None, 0], ids=["held", "streamed"])
@pytest.mark.parametrize("change", [vanish, empty, halve, become_folder, become_text])
def test_images_that_change_meanwhile_are_skipped_by_name(tmp_path, change, memory):
    write(tmp_path, {f"{number}.png": WHOLE["png"] for number in range(6)})
    source = open_source(str(tmp_path))
    for number in (1, 4):
        change(tmp_path / f"{number}.png")
    dataset = load_dataset(source, (16, 16), 3, max_unreadable=0.5, memory=memory)
    taken = dataset.take(np.arange(len(dataset)), np.full(len(dataset), 0.5)).numpy()
    assert sorted(one.title for one in dataset.skipped) == ["1.png", "4.png"]
    assert all(one.reason for one in dataset.skipped)
    assert (taken == taken[0]).all()


def test_a_folder_that_vanishes_is_no_traceback(tmp_path):
    write(tmp_path / "set", {"a.png": WHOLE["png"], "b.png": WHOLE["png"]})
    source = open_source(str(tmp_path / "set"))
    before = source.stamp()
    (tmp_path / "set").rename(tmp_path / "other")
    assert source.stamp() != before
    for index in range(2):
        with pytest.raises(UnreadableImage, match="No such file"):
            source.read(index)


def image_or_reason(data: bytes) -> None:
    """Whatever else is raised fails the test."""
    for at_least in (None, (8, 8)):
        try:
            image = to_channels(decode(data, at_least), 3)
        except UnreadableImage as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017
        else:
            assert min(image.size) > 0
    assert count_frames(data) >= 1


ALTERED = settings(
    max_examples=60, deadline=60_000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SMALLEST = {
    end: encode(plain(size=(9, 7)), kind, **options) for end, (kind, options) in KINDS.items()
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("end", KINDS)
@ALTERED
@given(data=st.data())
def test_altered_files_of_every_format_are_images_or_reasons(end, data):
    whole = bytearray(SMALLEST[end])
    places = st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255))
    for place, value in data.draw(st.lists(places, max_size=4)):
        whole[place] = value
    start = data.draw(st.integers(0, len(whole)))
    inserted = data.draw(st.sampled_from([b"", b"\0\0\0\0", b"\xff" * 8, b"\x7f\xff\xff\xff"]))
    removed = data.draw(st.integers(0, 8))
    image_or_reason(bytes(whole[:start]) + inserted + bytes(whole[start + removed :]))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_jpeg_with_one_byte_of_its_header_altered_is_an_image_or_a_reason():
    whole = bytearray(SMALLEST["jpg"])
    frame = whole.index(b"\xff\xc0")  # the frame header: sizes, components, subsampling
    for place in range(frame + 2, frame + 19):
        for value in (0, 1, 20, 0x21, 0x44, 255):
            image_or_reason(bytes(whole[:place] + bytes([value]) + whole[place + 1 :]))


@pytest.mark.filterwarnings("ignore::UserWarning")
@ALTERED
@given(st.sampled_from(list(SMALLEST)), st.binary(max_size=200))
def test_any_bytes_after_a_true_beginning_are_images_or_reasons(end, tail):
    for length in (4, 12, 30):
        image_or_reason(SMALLEST[end][:length] + tail)


FILE_NAMES = st.binary(min_size=1, max_size=120).filter(lambda name: not {0, 47} & set(name))


@ALTERED
@given(FILE_NAMES, st.sampled_from([".png", ".PNG", ".JpG", "", "."]))
@example(b"~", ".png")
@example(b"a\n\x1b", ".png")
@example(b"\xff\xfe", ".png")
@example(b"*?[", ".png")
@example(b" ", "")
def test_any_name_that_a_file_can_have_is_taken(tmp_path, stem, end):
    name = os.fsdecode(stem + end.encode())
    path = tmp_path / name
    if name in {".", ".."}:
        return
    path.write_bytes(SMALLEST["png"])
    (tmp_path / "zzz-always.png").write_bytes(SMALLEST["png"])
    try:
        source = open_source(str(tmp_path))
        found = {source.title(index): source.read(index).size for index in range(len(source))}
    finally:
        path.unlink()
    suffix = Path(name).suffix.lower()
    is_taken = not name.startswith(".") and (suffix in EXTENSIONS or suffix in {"", "."})
    assert set(found) == {"zzz-always.png", *([name] if is_taken else [])}
    assert set(found.values()) == {(9, 7)}


PROBE = """
import json, os, resource, sys, threading, time
from dcgan.data import open_source
from dcgan.errors import DataError, UnreadableImage

def probe(path):
    try:
        source = open_source(path)
        for index in range(len(source)):
            try:
                source.read(index)
            except UnreadableImage as error:
                seen[path] = f"UnreadableImage: {error}"
                return
        seen[path] = f"{len(source)} pictures"
    except DataError as error:
        seen[path] = f"DataError: {error}"
    except BaseException as error:
        seen[path] = f"{type(error).__name__}: {error}"

def follow(paths):
    threads = [threading.Thread(target=probe, args=(path,), daemon=True) for path in paths]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 30  # nothing waits for as long, unless it waits for ever
    for thread in threads:
        thread.join(max(0, end - time.monotonic()))

seen = {}
patient, greedy = json.loads(sys.argv[1])
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
limits = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (used + 2**29, limits[1]))
for path in greedy:
    follow([path])
resource.setrlimit(resource.RLIMIT_AS, limits)
follow(patient)
print(json.dumps(seen), flush=True)
os._exit(0)
"""


def endless_tar(path: Path) -> None:
    """A member of negative size, which leads tarfile back to its own header."""
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("a.png")
        member.size = len(WHOLE["png"])
        archive.addfile(member, io.BytesIO(WHOLE["png"]))
    header = bytearray(tarfile.TarInfo("b.png").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = tarfile.itn(-512, 12, tarfile.GNU_FORMAT)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    content = path.read_bytes()
    at = 512 + -(-len(WHOLE["png"]) // 512) * 512
    path.write_bytes(content[:at] + header + content[at + 512 :])


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[str, str]:
    """What becomes of collections that may never end, each tried for some seconds, elsewhere."""
    root = tmp_path_factory.mktemp("endless")
    for name in ("pipe.png", "zeros.png", "sparse.png"):
        write(root / name, {"a.png": WHOLE["png"]})
    os.mkfifo(root / "pipe.png" / "b.png")
    (root / "zeros.png" / "b.png").symlink_to("/dev/zero")
    with (root / "sparse.png" / "b.png").open("wb") as file:
        file.truncate(2**33)
    for name in ("pipe.zip", "pipe.tar", "pipe.npy", "pipe"):
        os.mkfifo(root / name)
    endless_tar(root / "endless.tar")
    patient = ["pipe.png", "pipe.zip", "pipe.tar", "pipe.npy", "pipe", "endless.tar"]
    found = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps([patient, ["sparse.png", "zeros.png"]])],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
        timeout=240,
    )
    return json.loads(found.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="limits and devices are Linux's")
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("pipe", "DataError: "),
        ("pipe.png", "UnreadableImage: "),
        ("pipe.zip", "DataError: "),
        ("pipe.tar", "DataError: "),
        ("pipe.npy", "DataError: "),
        ("endless.tar", "DataError: "),
        ("sparse.png", "UnreadableImage: "),
        ("zeros.png", "UnreadableImage: "),
    ],
)
def test_what_never_ends_is_refused(outcomes, name, wanted):
    assert outcomes.get(name, "hangs").startswith(wanted), outcomes.get(name, "hangs")
