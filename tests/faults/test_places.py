"""Places that commands meet on other people's machines: no home, read-only folders, full disks, odd names."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
from contextlib import contextmanager

import pytest
from tests.conftest import SMALL

import dcgan as package
from dcgan.errors import DcganError, DiskFull
from dcgan.runtime.progress import TerminalReporter
from dcgan.runtime.reporting import Reporter
from dcgan.training.event_files import open_writer
from dcgan.training.loop import stopping_on_signals

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="tools and limits are Linux's")

QUICK = [
    *("--size", "16", "--batch", "32", "--images", "64", "--device", "cpu"),
    *("--model.generator.width", "4", "--model.discriminator.width", "4"),
    *("--augment.policy", "none", "--records.no-tensorboard", "--metrics.measure", "off"),
]


def nobody(*words):
    """A command as a user who has neither a home folder nor an entry in the list of users."""
    inside = ("unshare", "--user", "--map-user=54321")
    if not shutil.which("unshare") or subprocess.run([*inside, "true"], check=False).returncode:
        pytest.skip("this machine lets nobody make a user")
    return [*inside, "env", "-i", f"PATH={os.environ['PATH']}", "OMP_NUM_THREADS=1", *words]


def test_a_user_without_a_home_trains_and_samples(tmp_path):
    dcgan = (sys.executable, "-m", "dcgan")
    train = nobody("TMPDIR=" + str(tmp_path), *dcgan, "train", "digits", "--out", "run", *QUICK)
    done = subprocess.run(train, check=False, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert not (tmp_path / "~").exists()
    assert (tmp_path / "dcgan-54321").is_dir()
    assert package.open_run(tmp_path / "run").sample(1).shape == (1, 1, 16, 16)


@pytest.fixture
def without_rights():
    """Read-only folders are so for root, too, until the test ends."""
    libc = ctypes.CDLL(None, use_errno=True)

    def run(program, *words):
        def drop():
            # 24: PR_CAPBSET_DROP; 0 to 2: what lets root read and write as it likes
            for right in (1, 2, 0) if os.geteuid() == 0 else ():
                if libc.prctl(24, right, 0, 0, 0):
                    os._exit(77)

        done = subprocess.run(
            [sys.executable, *program, *map(str, words)],
            check=False,
            capture_output=True,
            text=True,
            preexec_fn=drop,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        if done.returncode == 77:
            pytest.skip("cannot give up root's rights here")
        return done

    return run


READ_ONLY = """
    import json, sys
    from dcgan.cli.main import main

    for words in json.loads(sys.argv[1]):
        sys.argv = ["dcgan", *words]
        try:
            main()
        except SystemExit as error:
            print("code", error.code, flush=True)
"""


@pytest.fixture
def copy(small_run, tmp_path):
    shutil.copytree(small_run.path, tmp_path / "run")
    yield tmp_path / "run"
    for path in (tmp_path / "run", *(tmp_path / "run").rglob("*")):
        path.chmod(0o700)


def test_a_run_that_may_only_be_read_is_evaluated_and_sampled(copy, without_rights, tmp_path):
    for path in (*copy.rglob("*"), copy):
        path.chmod(0o500 if path.is_dir() else 0o400)
    evaluate = ["evaluate", str(copy), "-n", "60", "--extractor", "random", "--device", "cpu"]
    words = [
        evaluate,
        [*evaluate, "--out", str(tmp_path / "found"), "--json"],
        ["sample", str(copy), "-n", "2", "--out", str(tmp_path / "a.png")],
    ]
    program = textwrap.dedent(READ_ONLY)
    done = without_rights(["-c", program], json.dumps(words))
    assert done.stdout.count("code 0") == 3, done.stdout + done.stderr
    first, second, third, *_ = done.stdout.split("code 0\n")
    assert "kernel distance" in first
    assert "evaluations: Permission denied. Use --out FOLDER" in first
    assert json.loads(second)["checkpoint"] == "000000512"
    (stored,) = (tmp_path / "found").glob("*.json")
    assert json.loads(stored.read_text())["checkpoint"] == "000000512"
    assert "2 images" in third


def test_what_may_not_be_read_is_not_called_damaged(copy, without_rights):
    program = """
import sys
from pathlib import Path
import dcgan
from dcgan.errors import DcganError

run = Path(sys.argv[1])
for name in sys.argv[2:]:
    path = run / name
    path.chmod(0)
    try:
        dcgan.open_run(run).evaluate(images=60, extractor="random")
    except DcganError as error:
        print(error)
    path.chmod(0o600)
"""
    best = {"checkpoint": "000000512", "images": 512}
    best["score"] = {"measure": "kernel_distance", "value": 1.0}
    (copy / "best.json").write_text(json.dumps(best))
    newest = "checkpoints/000000512"
    names = ["networks.json", "config.yaml", "best.json"]
    names += [f"{newest}/{name}" for name in ("manifest.json", "state.json", "ema.safetensors")]
    done = without_rights(["-c", program], copy, *names)
    lines = done.stdout.splitlines()
    assert len(lines) == len(names), done.stdout + done.stderr
    for name, line in zip(names, lines, strict=True):
        assert name in line and "cannot be read (Permission denied)" in line
        assert "damaged" not in line


def test_a_run_without_its_configuration(copy):
    (copy / "config.yaml").unlink()
    run = package.open_run(copy)
    assert len(run.sample(2)) == 2
    with pytest.raises(DcganError, match=r"has no config\.yaml.* Give the images as DATA"):
        run.evaluate(images=60, extractor="random")
    assert run.evaluate("digits", images=60, extractor="random").scores
    with pytest.raises(
        DcganError, match=r"a run without its config\.yaml, so it cannot be resumed"
    ):
        package.train("digits", images=544, out=copy, **SMALL)
    (copy / "config.yaml").write_text("data: {size: 16x16}\n")
    with pytest.raises(DcganError, match=r"config\.yaml: damaged \(data\.source is missing\)"):
        run.evaluate(images=60, extractor="random")


def test_a_path_that_is_no_utf_8(tmp_path, dcgan):
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    code, _, err = dcgan("train", "digits", "--out", f"{folder}/run", *QUICK)
    assert code == 0, err
    for out in ("a.png", "a.npz", "a.zip", "images"):
        code, _, err = dcgan("sample", f"{folder}/run", "-n", "2", "--out", f"{folder}/{out}")
        assert code == 0, err
    code, _, err = dcgan("train", "digits", "--out", f"{folder}/run", *QUICK, "--resume")
    assert code == 0, err


class Notes(Reporter):
    def __init__(self):
        self.lines = []

    def note(self, text):
        self.lines.append(text)


def test_a_damaged_sheet_stops_no_resume(copy):
    sheets = sorted((copy / "samples").glob("*.png"))
    sheets[0].write_bytes(sheets[0].read_bytes()[:100])
    sheets[1].write_bytes(b"nothing")
    notes = Notes()
    run = package.train("digits", images=544, out=copy, resume=True, reporter=notes, **SMALL)
    assert run.folder.animation.is_file()
    said = [line for line in notes.lines if "made without it" in line]
    assert [str(path) in line for path, line in zip(sheets, said, strict=False)] == [True, True]


@contextmanager
def full_disk(size):
    """No file may grow beyond a size; as a full disk, but for this process alone."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_tensorboard_gives_up_on_a_full_disk_without_a_traceback(tmp_path, capfd):
    said = []
    writer = open_writer(tmp_path / "board", said.append, purge_step=1)
    with full_disk(500):
        for step in range(200):
            writer.add_scalar("loss", 1.0, step)
            writer.flush()
        writer.close()
    with full_disk(0):
        assert open_writer(tmp_path / "again", said.append, purge_step=1) is None
    places = [str(tmp_path / name) for name in ("board", "again")]
    assert [line.partition(": ")[0] for line in said] == places
    assert all("training goes on without TensorBoard" in line for line in said)
    assert capfd.readouterr() == ("", "")


def test_a_full_disk_ends_training_with_one_line_that_names_the_path(copy):
    with (copy / "log.jsonl").open("ab") as log:
        log.write(b"\n" * 4000)
    match = r"run/.*there is no room to write it.* Free some space"
    with full_disk(4000), pytest.raises(DiskFull, match=match):
        package.train("digits", images=1024, out=copy, resume=True, **SMALL)
    assert package.open_run(copy).checkpoint.name == "000000512"


def test_a_terminal_that_closes_asks_training_to_stop():
    with stopping_on_signals() as request:
        os.kill(os.getpid(), signal.SIGHUP)
        assert request.signal is signal.SIGHUP
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


def test_a_command_that_ignores_hangups_goes_on_doing_so():
    """As under ``nohup``."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping_on_signals() as request:
            os.kill(os.getpid(), signal.SIGHUP)
            assert request.signal is None
    finally:
        signal.signal(signal.SIGHUP, before)


class Gone:
    """A terminal that has been closed."""

    encoding = "utf-8"

    def write(self, text):
        raise OSError(5, "Input/output error")

    def flush(self):
        raise OSError(5, "Input/output error")

    def isatty(self):
        return True


def test_progress_survives_a_terminal_that_is_gone(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Gone())
    reporter = TerminalReporter()
    reporter.begin(0, 100, None)
    reporter.note("a word that nobody reads")
    reporter.tick(50, 1.0)
    reporter.end()
