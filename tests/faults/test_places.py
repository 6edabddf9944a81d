"""Places that commands meet on other people's machines: no home, read-only folders, full disks, odd names."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
from tests.conftest import SMALL, Notes
from tests.processes import Program

import dcgan as package
from dcgan.cli.main import _prepare_process
from dcgan.errors import DcganError, DiskFull
from dcgan.runtime.progress import TerminalReporter
from dcgan.training.loop import stopping_on_signals
from dcgan.training.tensorboard_log import TensorBoardLog

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="tools and limits are Linux's")

QUICK = [
    *("--size", "16", "--batch", "32", "--images", "64", "--device", "cpu"),
    *("--model.generator.width", "4", "--model.discriminator.width", "4"),
    *("--augment.policy", "none", "--records.no-tensorboard", "--metrics.metric", "off"),
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


PROGRAM = """
import ctypes, io, json, os, sys
from contextlib import redirect_stderr
from pathlib import Path
import dcgan
from dcgan.cli.main import main
from dcgan.errors import DcganError

if os.geteuid() == 0:  # give up what lets root read and write as it likes
    this_process = (ctypes.c_uint32 * 2)(0x20080522, 0)  # in version 3 of the call
    if ctypes.CDLL(None).capset(this_process, (ctypes.c_uint32 * 6)()):
        sys.exit(77)
commands, run, *names = json.loads(sys.argv[1])
with redirect_stderr(io.StringIO()):  # progress
    for words in commands:
        sys.argv = ["dcgan", *words]
        try:
            main()
        except SystemExit as error:
            print("code", error.code, flush=True)
    for name in names:
        path = Path(run) / name
        path.chmod(0)
        try:
            dcgan.open_run(run).evaluate(images=60, extractor="random")
        except DcganError as error:
            print(error)
        path.chmod(0o600)
"""
"""Commands, and the evaluation of a run of which one file after the other may not be read."""

NEWEST = "checkpoints/000000512"
UNREADABLE = [
    *("networks.json", "config.yaml", "best.json"),
    *(f"{NEWEST}/{name}" for name in ("manifest.json", "state.json", "ema.safetensors")),
]


@pytest.fixture(scope="module")
def without_rights(small_run, tmp_path_factory):
    """What PROGRAM prints of both, and a folder with what it writes. Files are read-only for its
    process even if that is root's."""
    out = tmp_path_factory.mktemp("without_rights")
    read_only, other = (shutil.copytree(small_run.path, out / name) for name in ("run", "other"))
    best = {"checkpoint": "000000512", "images": 512}
    best["score"] = {"measure": "kernel_distance", "value": 1.0}
    (other / "best.json").write_text(json.dumps(best))
    for path in (*read_only.rglob("*"), read_only):
        path.chmod(0o500 if path.is_dir() else 0o400)
    evaluate = ["evaluate", str(read_only), "-n", "60", "--extractor", "random", "--device", "cpu"]
    commands = [
        evaluate,
        [*evaluate, "--out", str(out / "found"), "--json"],
        ["sample", str(read_only), "-n", "2", "--out", str(out / "a.png")],
    ]
    asked = json.dumps([commands, str(other), *UNREADABLE])
    code, said = Program("-c", PROGRAM, asked).wait()
    for path in (read_only, *read_only.rglob("*")):
        path.chmod(0o700)
    if code == 77:
        pytest.skip("cannot give up root's rights here")
    assert said.count("code 0") == 3, said
    return said.split("code 0\n"), out


def test_a_run_that_may_only_be_read_is_evaluated_and_sampled(without_rights):
    (first, second, third, _), out = without_rights
    assert "kernel distance" in first
    assert "evaluations: Permission denied. Use --out FOLDER" in first
    assert json.loads(second)["checkpoint"] == "000000512"
    (stored,) = (out / "found").glob("*.json")
    assert json.loads(stored.read_text())["checkpoint"] == "000000512"
    assert "2 images" in third


def test_what_may_not_be_read_is_not_called_damaged(without_rights):
    (*_, said), _ = without_rights
    for name, line in zip(UNREADABLE, said.splitlines(), strict=True):
        assert name in line and "cannot be read (Permission denied)" in line
        assert "damaged" not in line


@pytest.fixture
def copy(small_run, tmp_path):
    return shutil.copytree(small_run.path, tmp_path / "run")


def test_a_run_without_its_configuration(copy):
    (copy / "config.yaml").unlink()
    run = package.open_run(copy)
    assert len(run.sample(2)) == 2
    with pytest.raises(DcganError, match=r"has no config\.yaml.* Choose the images with `data`"):
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


def test_a_damaged_sheet_stops_no_resume(copy):
    sheets = sorted((copy / "samples").glob("*.png"))
    sheets[0].write_bytes(sheets[0].read_bytes()[:100])
    sheets[1].write_bytes(b"nothing")
    notes = Notes()
    run = package.train("digits", images=544, out=copy, resume=True, reporter=notes, **SMALL)
    assert run.folder.animation.is_file()
    said = [line for line in notes if "leaves it out" in line]
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
    said = Notes()
    board = TensorBoardLog(tmp_path / "board", said, 0)
    with full_disk(500):
        for images in range(200):
            board.write_record({"images": images, "loss_d": 1.0})
        board.close()
    with full_disk(0):
        assert TensorBoardLog(tmp_path / "again", said, 0).has_failed
    places = [str(tmp_path / name) for name in ("board", "again")]
    assert [line.partition(": ")[0] for line in said] == places
    assert all("training continues without TensorBoard" in line for line in said)
    assert capfd.readouterr() == ("", "")


def test_a_full_disk_ends_training_with_one_line_that_names_the_path(copy):
    with (copy / "log.jsonl").open("ab") as log:
        log.write(b"\n" * 4000)
    match = r"run/.*cannot be written, the disk is full.* Free some space"
    with full_disk(4000), pytest.raises(DiskFull, match=match):
        package.train("digits", images=1024, out=copy, resume=True, **SMALL)
    assert package.open_run(copy).checkpoint.name == "000000512"


def test_a_terminal_that_closes_asks_training_to_stop():
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # this may itself run under nohup
    with stopping_on_signals() as request:
        os.kill(os.getpid(), signal.SIGHUP)
        assert request.signal is signal.SIGHUP
    assert signal.signal(signal.SIGHUP, before) is signal.SIG_DFL


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


def test_ctrl_break_asks_training_to_stop(monkeypatch):
    """By this signal, programs on Windows stop others. Here another one stands for it."""
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR1, raising=False)
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        with stopping_on_signals() as request:
            os.kill(os.getpid(), signal.SIGUSR1)
            assert request.signal is signal.SIGUSR1
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN
        _prepare_process()  # before training
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
