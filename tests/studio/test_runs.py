"""Runs and models of the studio's folder: lists, details, the bin, comparisons, imports, training."""

from __future__ import annotations

import io
import json
import mimetypes
import os
import shutil
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

import pytest
from filelock import FileLock
from PIL import Image
from starlette.testclient import TestClient
from tests.exchange.conftest import KINDS, write_run
from tests.studio.conftest import HOST

from dcgan.studio import create_app, opened
from dcgan.studio.jobs import Jobs
from dcgan.studio.library import Library, identifier
from dcgan.studio.routes import runs as routes

BATCH = "0123456789abcdef"

STOPPED = "Training stopped before its first step."

LOG = [
    {"images": 32, "seconds": 0.5, "images_per_second": 64.0, "loss_d": 1.4, "loss_g": 0.7},
    {"images": 64, "seconds": 1.0, "images_per_second": 64.0, "loss_d": 1.3,
     "gradient_mean": {"1 conv": 0.5}, "gradient_max": {"1 conv": 2.0}},
]  # fmt: skip


@pytest.fixture
def run(runs):
    made = write_run(runs / "plain", KINDS["plain"])
    (made.path / "config.yaml").write_text("{recipe: auto, data: {source: digits, size: 16}}")
    (made.path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LOG))
    (made.path / "samples").mkdir(exist_ok=True)
    Image.new("L", (8, 8)).save(made.path / "samples" / "000000064.png")
    return made


@pytest.fixture
def address(run):
    return f"/api/runs/{identifier(run.path)}"


@pytest.fixture
def words(runs, not_started):
    """The words of the newest job."""

    def read():
        newest = newest_job(runs)
        return json.loads((newest / "job.json").read_text())["words"]

    return read


def newest_job(runs):
    return max((runs / ".studio" / "jobs").glob("[0-9]*"), key=lambda place: int(place.name))


def config(path, text):
    (path / "config.yaml").write_text(f"{{recipe: auto, data: {{source: a, size: 16}}, {text}}}")


def test_a_card_says_how_far_a_run_is(client, run):
    config(run.path, "length: {images: null, epochs: 2, minutes: null}")
    (card,) = client.get("/api/home").json()["runs"]
    assert (card["name"], card["state"], card["images"], card["sheet"]) == (
        "plain",
        "ended",
        512,
        64,
    )
    assert card["planned"] == 2 * 1234, "the batch is not known"
    with FileLock(run.path / ".lock"):
        assert client.get("/api/home").json()["runs"][0]["state"] == "training"


def test_runs_of_folders_inside_are_counted_and_listed_when_asked_for(client, run, runs):
    inside = [write_run(runs / name, KINDS["plain"]).path for name in ("labs/a/x-0", "labs/a/x-1")]
    for age, path in enumerate([run.path, *inside]):
        for file in path.iterdir():
            os.utime(file, (10**9 - age, 10**9 - age))
    home = client.get("/api/home").json()
    assert [card["name"] for card in home["runs"]] == ["plain"]
    assert home["folders"] == [{"name": "labs/a", "count": 2}]
    cards = client.get("/api/home/folder", params={"name": "labs/a"}).json()
    assert [(card["name"], card["id"]) for card in cards] == [
        (path.name, identifier(path)) for path in inside
    ]
    for other in ("labs", "..", str(runs), "a/../labs/a"):
        assert client.get("/api/home/folder", params={"name": other}).json() == []


def test_a_training_that_continues_a_run_of_a_folder_inside_has_begun(
    client, run, runs, not_started
):
    (runs / "more").mkdir()
    there = run.path.rename(runs / "more" / "plain")
    client.post(f"/api/runs/{identifier(there)}/resume")
    client.post("/api/train", json={"data": "digits", "name": "new"})
    jobs = client.get("/api/home").json()["jobs"]
    assert {job["run"]: job["has_begun"] for job in jobs} == {
        identifier(there): True,
        identifier(runs / "new"): False,
    }


def test_a_run_of_whole_epochs_is_finished_after_their_last_batch(client, run):
    config(run.path, "optim: {batch: 100}, length: {images: null, epochs: 2, minutes: null}")
    (card,) = client.get("/api/home").json()["runs"]
    assert card["planned"] == 2 * 1200, "34 images of each epoch do not fill a batch"


def test_the_badge_of_a_verdict_is_of_the_same_state_as_its_words(client, run):
    def card():
        (found,) = client.get("/api/home").json()["runs"]
        return found["severity"], found["verdict"]

    badge, words = card()
    assert badge == "early" and words.startswith("Too early to say: 64 images seen")
    (run.path / "log.jsonl").write_text(json.dumps(LOG[0] | {"images": 20_000}) + "\n")
    badge, words = card()
    assert badge == "early" and words.startswith("No problem found, but no scores")
    config(run.path, "metrics: {metric: 'off'}")
    (run.path / "log.jsonl").write_text(json.dumps(LOG[0] | {"images": 200_000}) + "\n")
    badge, words = card()
    assert badge == "fine" and words.startswith("No problem found")


def test_a_run_without_a_step_says_so_once_it_has_stopped(client, run):
    def verdict():
        (found,) = client.get("/api/home").json()["runs"]
        return found["verdict"]

    (run.path / "log.jsonl").write_text("")
    assert verdict() != STOPPED, "it has a checkpoint"
    shutil.rmtree(run.path / "checkpoints")
    (run.path / "scores.jsonl").write_text("")
    assert verdict() == STOPPED
    with FileLock(run.path / ".lock"):
        assert verdict() == "Nothing has been logged yet."


def test_a_run_says_what_it_expected_of_the_length_that_it_has(client, run, address):
    config(run.path, "length: {images: null, epochs: null, minutes: 2.0}")
    event = {"time": "", "event": "expectation", "expected": 64}
    lines = [event | {"minutes": 2.0, "outlook": "blurs"}, event | {"minutes": 9.0, "outlook": "-"}]
    (run.path / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert client.get(address).json()["outlook"] == "blurs"
    config(run.path, "length: {images: null, epochs: null, minutes: 3.0}")
    (run.path / "events.jsonl").touch()
    os.utime(run.path / "events.jsonl", (1, 1))
    assert client.get(address).json()["outlook"] == "", "it was resumed with another length"


def test_a_run_is_evaluated_and_has_the_grade_of_the_newest_evaluation(client, address, run, words):
    assert client.get(address).json()["judgement"] == ""
    client.post(f"{address}/evaluate")
    assert words() == ["evaluate", str(run.path)]
    (run.path / "evaluations").mkdir()
    for time_of, name in enumerate(("b", "a"), start=1):
        path = run.path / "evaluations" / f"{name}.json"
        path.write_text(json.dumps({"judgement": f"Grade {name}", "images_seen": 384}))
        os.utime(path, (time_of, time_of))
    (run.path / "evaluations" / "all.json").write_text('{"evaluations": []}')
    found = client.get(address).json()
    assert (found["judgement"], found["judged"]) == ("Grade a", 384)


def test_images_that_were_sent_have_no_name_of_their_own(client, run):
    provenance = {"data": {"source": str(run.path.parent / ".studio" / "uploads" / "x" / "1.zip")}}
    (run.path / "run.json").write_text(json.dumps(provenance))
    assert client.get("/api/home").json()["runs"][0]["data"] == "uploaded images"


def test_a_name_is_told_before_the_run_has_it(client, run):
    def called(name):
        return client.get("/api/name", params={"name": name})

    assert called("my run").json() == {"checked": "my-run", "name": "my-run"}
    assert called(" plain").json() == {"checked": "plain", "name": "plain-2"}
    assert called("../x").json()["field"] == "name"


SEED = "use a whole number from 0 to 9,223,372,036,854,775,807"
IMAGES = "use a whole number from 1 to 1,000,000,000,000"
MINUTES = "use a number above 0, at most 100,000"


@pytest.mark.parametrize(
    ("asked", "field", "line"),
    [
        ({"images": 10**20}, "images", f"Images seen: {IMAGES}"),
        ({"images": "1.5"}, "images", f"Images seen: {IMAGES}"),
        ({"minutes": 0}, "minutes", f"Minutes: {MINUTES}"),
        ({"minutes": "many"}, "minutes", f"Minutes: {MINUTES}"),
        ({"seed": -1}, "seed", f"Seed: {SEED}"),
        ({"seed": 99999999999999999999999.0}, "seed", f"Seed: {SEED}"),
        ({"seed": "99999999999999999999999"}, "seed", f"Seed: {SEED}"),
        ({"fit": "x"}, "fit", "Fit: this value is not allowed"),
        ({"name": "x" * 81}, "name", "Name: at most 80 characters"),
        ({"recipe": "x"}, "recipe", "x: no such recipe"),
    ],
)
def test_a_refusal_names_its_field(client, not_started, asked, field, line):
    answer = client.post("/api/train", json={"data": "digits"} | asked)
    assert (answer.status_code, answer.json()) == (422, {"problem": line, "field": field})


def test_the_largest_seed_arrives_as_it_was_typed(client, words):
    client.post("/api/train", json={"data": "digits", "seed": "9223372036854775807"})
    assert "9223372036854775807" in words()


def test_the_outlook_is_that_of_the_training(client, runs, not_started):
    job = client.post("/api/inspect", json={"data": "digits"}).json()["id"]
    address = f"/api/jobs/{job}/outlook"
    assert client.get(address, params={"minutes": 2}).status_code == 404, "not inspected yet"
    sizes = [
        {"size": [64, 64], "speed": 100.0, "needed": 60_000, "images": 400_000},
        {"size": [32, 32], "speed": 400.0, "needed": 24_000, "images": 400_000},
    ]
    output = runs / ".studio" / "jobs" / job / "output"
    output.write_text(json.dumps({"expectations": sizes}))
    for asked, words in [
        ({"minutes": 2}, "expect recognizable images at 32x32 after about 1 minute; at 64x64,"),
        (
            {"minutes": 2, "size": "64"},
            "in 2 minutes, expect blurred images at 64x64; recognizable",
        ),
        ({"images": 60_000}, "expect recognizable images at 64x64 after about 10 minutes; at"),
    ]:
        assert client.get(address, params=asked).json()["outlook"].startswith(words)
    for nothing in ({"minutes": 2, "size": "96"}, {}, {"minutes": 2, "images": 2}):
        assert client.get(address, params=nothing).json() == {"outlook": ""}
    assert client.get(address, params={"minutes": -1}).status_code == 422
    output.write_text('{"expectations": [{"size": 3}]}')
    assert client.get(address, params={"minutes": 2}).status_code == 404, "damaged"


def test_a_sheet_is_sent_again_only_if_it_has_changed(client, run, address):
    first = client.get(f"{address}/sheets/64")
    tag = {"if-none-match": first.headers["etag"]}
    assert client.get(f"{address}/sheets/64", headers=tag).status_code == 304
    Image.new("L", (9, 9)).save(run.path / "samples" / "000000064.png")  # of another run
    assert client.get(f"{address}/sheets/64", headers=tag).status_code == 200
    assert client.get(f"{address}/sheets/65").status_code == 404


def test_a_link_in_a_copied_run_is_not_followed(client, run, address, tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "secret.png")
    (run.path / "samples" / "000000065.png").symlink_to(tmp_path / "secret.png")
    (run.path / "samples" / "000000066.png").symlink_to(run.path / "samples" / "000000064.png")
    assert client.get(f"{address}/sheets/65").status_code == 404
    assert client.get(f"{address}/sheets/66").status_code == 200, "it leads to a file of the run"


def test_a_preview_has_generated_images(client, address):
    answer = client.get(f"{address}/preview")
    assert answer.headers["content-type"] == "image/png" and len(answer.content) > 1000


def test_more_requests_than_threads_are_refused(client, run, address, monkeypatch):
    monkeypatch.setattr(opened, "_TURNS", BoundedSemaphore(1))
    # in a thread, since a request that waited for its turn would wait for ever
    with ThreadPoolExecutor(1) as pool, opened.opened(run.path).turn():
        answer = pool.submit(client.get, f"{address}/preview").result(timeout=60)
        assert (answer.status_code, "busy" in answer.json()["problem"]) == (503, True)
        assert client.get(address).status_code == 200, "others are answered"
    assert client.get(f"{address}/preview").status_code == 200


def test_a_run_in_the_bin_comes_back(client, run, address):
    weights = sorted(path.name for path in run.path.rglob("*"))
    discarded = client.delete(address).json()["discarded"]
    assert client.get("/api/home").json()["runs"] == [] and client.get(address).status_code == 404
    assert client.post(f"/api/bin/{discarded}/restore").json()["run"] == identifier(run.path)
    assert sorted(path.name for path in run.path.rglob("*")) == weights
    assert client.post(f"/api/bin/{discarded}/restore").status_code == 404


def test_a_run_comes_back_beside_a_new_one_of_its_name(client, run, address):
    discarded = client.delete(address).json()["discarded"]
    write_run(run.path, KINDS["plain"])
    back = client.post(f"/api/bin/{discarded}/restore").json()["run"]
    assert back == identifier(run.path.with_name("plain-2"))


def test_a_run_comes_back_beside_one_that_is_starting(client, run, address, not_started):
    discarded = client.delete(address).json()["discarded"]
    client.post("/api/train", json={"data": "digits", "name": "plain"})
    back = client.post(f"/api/bin/{discarded}/restore").json()["run"]
    assert back == identifier(run.path.with_name("plain-2"))


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("{tmp}/elsewhere/mine", "mine"),
        ("{runs}/../elsewhere/mine", "mine"),
        ("{runs}/link/mine", "mine"),
        ("{runs}/.studio/jobs/mine", "mine"),
        ("{runs}/gone/mine", "mine"),
        ("{runs}/kept/mine", "kept/mine"),
        ("{runs}/.hidden", "hidden"),
        ("a\0b", "restored"),
        ("", "restored"),
        (None, "restored"),
    ],
)
def test_a_run_comes_back_only_into_the_folder(client, run, address, runs, tmp_path, origin, name):
    (tmp_path / "elsewhere").mkdir()
    (runs / "kept").mkdir()
    (runs / "link").symlink_to(tmp_path / "elsewhere")
    (runs / ".studio" / "jobs").mkdir(exist_ok=True)
    discarded = client.delete(address).json()["discarded"]
    stored = runs / ".studio" / "bin" / discarded / "from"
    if origin is None:
        stored.unlink()
    else:
        stored.write_text(origin.format(tmp=tmp_path, runs=runs))
    answer = client.post(f"/api/bin/{discarded}/restore")
    assert answer.json() == {"run": identifier(runs / name)} and (runs / name).is_dir()


def test_a_run_whose_name_is_not_unicode_comes_back(runs, run):
    library, path = Library(runs), runs / os.fsdecode(b"caf\xe9")
    run.path.rename(path)
    assert library.restore(library.discard(identifier(path))) == path


def test_a_run_in_training_is_not_deleted(client, run, address):
    with FileLock(run.path / ".lock"):
        answer = client.delete(address)
    assert answer.status_code == 409 and "Stop it first" in answer.json()["problem"]
    assert client.delete(address).status_code == 200


def test_a_run_of_a_terminal_is_stopped_there(client, run, address):
    assert "not in training" in client.post(f"{address}/stop").json()["problem"]
    with FileLock(run.path / ".lock"):
        assert "Press Ctrl-C there" in client.post(f"{address}/stop").json()["problem"]
        assert "in training already" in client.post(f"{address}/resume").json()["problem"]


def test_a_run_is_resumed_up_to_a_length(client, run, address, runs, words):
    client.post(f"{address}/resume", json={"minutes": 1.5})
    assert words() == ["train", "--out", str(run.path), "--resume", "--minutes", "1.5"]
    (newest_job(runs) / "result.json").write_text('{"code": 0}')
    client.post(f"{address}/resume", json={"images": 4000})
    assert words()[-2:] == ["--images", "4000"]
    (newest_job(runs) / "result.json").write_text('{"code": 0}')
    client.post(f"{address}/resume")
    assert words()[-1] == "--resume"


def test_a_run_whose_training_is_starting_is_neither_resumed_nor_deleted(
    client, run, address, runs, not_started
):
    assert client.post(f"{address}/resume").status_code == 200
    for answer in (client.post(f"{address}/resume"), client.delete(address)):
        assert answer.status_code == 409 and "in training" in answer.json()["problem"]
    (newest_job(runs) / "result.json").write_text('{"code": 3}')
    assert client.delete(address).status_code == 200


def test_parallel_requests_start_three_trainings_with_names_of_their_own(client, runs, not_started):
    asked = {"data": "digits", "size": "16"}
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: client.post("/api/train", json=asked), range(12)))
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [409] * 9
    subjects = {answer.json()["subject"] for answer in answers if answer.status_code == 200}
    names = {str(runs / name) for name in ("new-run", "new-run-2", "new-run-3")}
    assert subjects == names, "no folder of them exists yet"


def test_an_import_and_a_training_of_one_name_have_two_folders(client, runs, not_started):
    client.put(f"/api/models/{BATCH}/generator/a.pth", content=b"x")
    client.post("/api/train", json={"data": "digits", "name": "mine"})
    job = client.post("/api/import", json={"batch": BATCH, "name": "mine"}).json()
    assert job["subject"] == str(runs / "mine-2")


def test_advice_becomes_a_training_in_the_folder(client, run, address, words):
    advice = client.get(address).json()["advice"]
    assert advice["can_start"] and advice["command"].startswith("dcgan train")
    started = client.post(f"{address}/advice").json()
    out = words()[words().index("--out") + 1]
    assert started["run"] == identifier(
        run.path if "--resume" in words() else run.path.with_name("plain-2")
    )
    assert out.startswith(str(run.path.parent))


def test_settings_that_differ_are_compared(client, run):
    other = write_run(run.path.with_name("other"), KINDS["plain"])
    config(run.path, "optim: {batch: 32}, records: {sheets: 4}")
    config(other.path, "optim: {batch: 64}, records: {sheets: 9}")
    found = client.get(f"/api/compare/{identifier(run.path)}/{identifier(other.path)}").json()
    assert found == {"settings": [["optim.batch", "32", "64"]], "comparable": True}
    (other.path / "config.yaml").write_text("{data: {source: b, size: 16}, optim: {batch: 32}}")
    found = client.get(f"/api/compare/{identifier(run.path)}/{identifier(other.path)}").json()
    assert not found["comparable"], "scores on other images"


def test_a_training_has_what_the_inspection_recommends(client, runs, tmp_path, words):
    images = tmp_path / "allowed" / "my images"
    images.mkdir()
    inspection = client.post("/api/inspect", json={"data": str(images)}).json()["id"]
    command = f"dcgan train '{images}' --size 64 --data.channels 1 --data.float-range=-1:1"
    result = {"command": f"{command} --data.fit pad --minutes 10"}
    (runs / ".studio" / "jobs" / inspection / "output").write_text(json.dumps(result))
    asked = {"data": str(images), "inspection": inspection, "size": "32x48", "fit": "stretch"}
    started = client.post("/api/train", json={**asked, "images": 500, "name": "My run"}).json()
    assert words() == [
        "train", str(images), "--recipe", "auto", "--seed", "0", "--images", "500",
        "--data.channels", "1", "--data.float-range=-1:1",
        "--size", "32x48", "--data.fit", "stretch", "--out", str(runs / "My-run"),
    ]  # fmt: skip
    assert started["run"] == identifier(runs / "My-run")
    assert client.get("/api/home").json()["jobs"][0]["run"] == started["run"], "it is starting"


@pytest.mark.parametrize(
    ("chosen", "is_used"),
    [({}, True), ({"recipe": "paper"}, False), ({"start": "emoji-demo"}, False)],
)
def test_classes_that_the_inspection_warns_of_are_not_learned(client, runs, words, chosen, is_used):
    inspection = client.post("/api/inspect", json={"data": "digits"}).json()["id"]
    result = {"command": "dcgan train digits --model.condition clusters --minutes 10"}
    (runs / ".studio" / "jobs" / inspection / "output").write_text(json.dumps(result))
    client.post("/api/train", json={"data": "digits", "inspection": inspection} | chosen)
    assert ("--model.condition clusters" in " ".join(words())) == is_used


def test_the_page_decides_what_is_dropped_whatever_is_recommended(client, runs, words):
    inspection = client.post("/api/inspect", json={"data": "digits"}).json()["id"]
    command = "dcgan train digits --data.channels 3 --data.duplicates drop --data.labels none"
    output = runs / ".studio" / "jobs" / inspection / "output"
    output.write_text(json.dumps({"command": f"{command} --minutes 10"}))
    asked = {"data": "digits", "inspection": inspection}

    def options(**decided):
        client.post("/api/train", json=asked | decided)
        (newest_job(runs) / "result.json").write_text('{"code": 0}')
        given = words()
        return " ".join(given[6 : given.index("--out")])

    assert options() == command.removeprefix("dcgan train digits ")
    assert options(drop=[]) == "--data.channels 3 --data.labels none"
    assert options(drop=["duplicates", "blank"], keep_transparency=True) == (
        "--data.labels none --data.duplicates drop --data.blank drop --data.channels 4"
    )


def test_a_training_starts_from_a_built_in_model_and_nothing_else(client, runs, words):
    asked = {"data": "digits", "minutes": 1}
    client.post("/api/train", json=asked | {"start": "emoji-demo"})
    assert words()[:6] == ["train", "digits", "--init", "emoji-demo", "--seed", "0"]
    assert client.post("/api/train", json=asked | {"start": "/etc/model"}).status_code == 422
    run = write_run(runs / "started", KINDS["plain"])
    (run.path / "config.yaml").write_text(
        "{recipe: auto, data: {source: digits, size: 16}, start: {weights: emoji-demo}}"
    )
    resumed = client.post(f"/api/runs/{identifier(run.path)}/resume", json={"images": 900})
    assert resumed.status_code == 200


def test_uploads_without_a_run_are_deleted_after_a_day(client, runs, words):
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, format="PNG")
    png = file.getvalue()
    unused, used, packed, new = (digit * 16 for digit in "abcd")
    data = {one: put(client, one, "a.png", png) for one in (unused, used, new)}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened_archive:
        opened_archive.writestr("a.png", png)
    data[packed] = put(client, packed, "a.zip", archive.getvalue())
    for one in (used, packed):
        assert client.post("/api/train", json={"data": data[one]}).status_code == 200
    uploads = runs / ".studio" / "uploads"
    for one in (unused, used, packed):
        os.utime(uploads / one, (time.time() - 2 * 86_400,) * 2)
    create_app(runs, hosts={HOST})
    assert {path.name for path in uploads.iterdir()} - {"received"} == {used, packed, new}


def put(client, batch, name, content):
    return client.put(f"/api/uploads/{batch}/{name}", content=content).json()["data"]


def test_weights_are_imported(client, runs, words):
    for name in ("a.pth", "b.safetensors"):
        client.put(f"/api/models/{BATCH}/generator/{name}", content=b"x")
    client.put(f"/api/models/{BATCH}/discriminator/c.npz", content=b"x")
    client.post("/api/import", json={"batch": BATCH, "name": "mine", "table": "model: {}"})
    place = runs / ".studio" / "uploads" / BATCH
    assert not (place / "generator.pth").exists(), "the newer file is in its place"
    files = [str(place / "generator.safetensors"), str(place / "discriminator.npz")]
    table = place / "layers.yaml"
    assert words() == ["import", *files, "--like", str(table), "--out", str(runs / "mine")]
    assert table.read_text() == "model: {}"


def test_each_kind_of_file_that_is_offered_for_import_is_taken(client):
    offered = client.get("/api/recipes").json()["weights"]
    assert {".pth", ".safetensors", ".hdf5"} <= set(offered)
    for ending in offered:
        put = client.put(f"/api/models/{BATCH}/generator/a{ending}", content=b"x")
        assert put.status_code == 200


@pytest.mark.parametrize(
    "asked",
    [{"batch": "f" * 16}, {"batch": BATCH, "like": "../x.yaml"}, {"batch": BATCH, "name": "../x"}],
)
def test_an_import_of_what_is_not_there_is_refused(client, not_started, asked):
    client.put(f"/api/models/{BATCH}/generator/a.pth", content=b"x")
    assert client.post("/api/import", json=asked).status_code in {404, 422}
    assert client.put(f"/api/models/{BATCH}/generator/a.exe", content=b"x").status_code == 415
    assert client.put(f"/api/models/{BATCH}/other/a.pth", content=b"x").status_code == 422


def test_the_table_of_an_import_is_that_which_its_message_names(client, runs, not_started):
    job = Jobs(runs / ".studio" / "jobs").start(["import", "a.pth"], str(runs / "mine"))
    output = runs / ".studio" / "jobs" / job.id / "output"
    assert client.get(f"/api/jobs/{job.id}/table").json() == {"table": ""}
    (runs / "mine-table-2.yaml").write_text("data: {scaling: FILL_IN}")
    output.write_text(f"dcgan: a.pth: no. {runs}/mine-table-2.yaml has what they tell: use it")
    assert "FILL_IN" in client.get(f"/api/jobs/{job.id}/table").json()["table"]
    (runs.parent / "x-table.yaml").write_text("secret")
    output.write_text(f"dcgan: a.pth: no. {runs}/../x-table.yaml has what they tell: use it")
    assert client.get(f"/api/jobs/{job.id}/table").json() == {"table": ""}


@pytest.mark.parametrize("way", ["resume", "advice"])
def test_a_strangers_run_trains_on_nothing_that_the_page_may_not_choose(
    client, run, address, not_started, monkeypatch, way
):
    (run.path / "config.yaml").write_text("{recipe: auto, data: {source: 'http://x/y.tar'}}")
    words = ["train", "http://x/y.tar", "--out", "runs/plain-2"]
    monkeypatch.setattr(routes, "training_words", lambda command: list(words))
    answer = client.post(f"{address}/{way}", json={})
    assert answer.status_code == 403 and "--allow" in answer.json()["problem"]
    assert client.get("/api/home").json()["jobs"] == []


def test_a_run_with_an_open_file_stays_on_windows(client, run, address, monkeypatch):
    def in_use(*_):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as windows:
        windows.setattr("os.replace", in_use)
        answer = client.delete(address)
    assert answer.status_code == 409 and "Close programs" in answer.json()["problem"]
    assert client.get(address).status_code == 200
    assert list((run.path.parent / ".studio" / "bin").iterdir()) == []


@pytest.mark.parametrize("name", ["nul", "Con", "com1.old", "mine."])
def test_a_name_that_windows_does_not_have_is_refused(client, name):
    answer = client.post("/api/train", json={"data": "digits", "name": name})
    assert answer.status_code == 422 and "Windows has no folder of this name" in answer.text


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("app.js", "text/javascript"),
        ("studio.css", "text/css"),
        ("explorer/engine.wasm", "application/wasm"),
    ],
)
def test_scripts_run_where_programs_have_changed_the_types_of_files(
    tmp_path, monkeypatch, file, kind
):
    """Programs on Windows register .js as text/plain, and browsers run no such scripts."""
    monkeypatch.setattr(mimetypes, "_db", mimetypes.MimeTypes())
    for suffix in (".js", ".css", ".wasm"):
        mimetypes.add_type("text/plain", suffix)
    browser = TestClient(create_app(tmp_path, hosts={HOST}), base_url=f"http://{HOST}")
    answer = browser.get(f"/static/{file}", headers={"origin": f"http://{HOST}"})
    assert answer.headers["content-type"].partition(";")[0] == kind
