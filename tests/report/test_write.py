"""The report of a run, whole or damaged."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from tests.conftest import SMALL, Notes
from tests.report.pages import Page

import dcgan
from dcgan.errors import ConfigError, RunError, SourceNotFound
from dcgan.health import Diagnosis, Finding, Step
from dcgan.report import write_report
from dcgan.report.facts import dataset_facts
from dcgan.runs.folder import RunFolder
from dcgan.runs.logs import of_training
from dcgan.runs.scores import read_best

MOST_BYTES = 3_000_000


def page_of(run: Path, **arguments) -> Page:
    return Page(write_report(run, **arguments))


def with_diagnosis(monkeypatch, diagnosis: Diagnosis) -> None:
    """Let every run have this diagnosis."""
    monkeypatch.setattr("dcgan.report.gather.diagnosis_of", lambda folder: diagnosis)


def test_the_verdict_comes_first_and_every_part_is_there(run):
    page = page_of(run)
    assert page.headings[0] == "run"
    parts = [
        *("Samples", "What it was trained on", "Training", "Quality", "Health"),
        "Nearest training images",
    ]
    order = [page.headings.index(part) for part in [*parts, "Configuration", "How to repeat it"]]
    assert order == sorted(order)
    assert dcgan.open_run(run).health().verdict in page.text[:300]
    assert page.text.index("Versions") > page.text.index("How to repeat it")


def test_the_run_in_the_current_folder_is_repeated_under_a_name_of_its_own(run, monkeypatch):
    monkeypatch.chdir(run)
    assert "--out run-again" in page_of(Path()).text


def test_its_numbers_are_those_of_the_files(run):
    page = page_of(run)
    last = of_training(RunFolder(run).log.read())[-1]
    assert last["images"] == 512
    best = read_best(RunFolder(run))
    assert best is not None and best.score.baseline is not None
    assert f"{float(f'{best.score.value:.3g}'):,.0f} best Fréchet distance" in page.text
    assert f"real images: {best.score.baseline:.3g}" in page.text
    assert "1,797 training images" in page.text
    stored = json.loads((run / "run.json").read_text())
    for version in stored["versions"].values():
        assert version in page.text
    labels = [label for label in page.attributes("aria-label") if label.startswith("Losses")]
    assert len(labels) == 1
    assert "discriminator from" in labels[0]


def test_it_names_the_classes_that_were_learned(run):
    dataset = f"classes learned {', '.join(map(str, range(10)))}"
    assert dataset in page_of(run).text
    networks = dcgan.open_run(run).networks
    many = replace(networks, class_names=tuple(f"<{number}>" for number in range(1200)))
    facts = dataset_facts({}, {}, many)
    (named,) = (fact.value for fact in facts if fact.label == "classes learned")
    assert named.startswith("1,200: <0>, <1>, ") and named.endswith(", <9>, …")
    plain = dataset_facts({}, {}, replace(networks, class_names=()))
    assert "classes learned" not in {fact.label for fact in plain}


def test_of_clusters_it_says_only_how_many_were_learned(run):
    names = tuple(f"cluster-{number}" for number in range(1, 36))
    networks = replace(dcgan.open_run(run).networks, class_names=names)
    facts = dataset_facts({}, {"model": {"condition": "clusters"}}, networks)
    learned = [fact for fact in facts if fact.label.endswith(" learned")]
    assert [(fact.value, fact.label) for fact in learned] == [("35", "clusters learned")]


def test_it_needs_no_other_file_no_script_and_no_network(run):
    page = page_of(run)
    assert page.needs_nothing()
    assert len(page.source) < MOST_BYTES
    assert page.count("img") > 2 * 8 + 3
    assert all(one.get("alt") for tag, one in page.tags if tag == "img")


def test_settings_that_differ_from_the_defaults_come_first(run):
    page = page_of(run)
    at = page.text.index
    assert at("Different from the defaults") < at("Set or chosen automatically")
    assert at("Set or chosen automatically") < at("The whole config.yaml")
    assert "model. generator. width 4" in page.text[at("Set or chosen automatically") :]
    assert (run / "config.yaml").read_text().split("\n")[0] in page.text


def test_it_says_how_to_repeat_the_run(run):
    stored = json.loads((run / "run.json").read_text())
    stored["command"] = ["/usr/bin/dcgan", "train", "my digits", "--seed", "4"]
    stored["created"] = "2026-11-30T13:37:24+00:00"
    (run / "run.json").write_text(json.dumps(stored))
    page = page_of(run)
    assert "dcgan train 'my digits' --seed 4" in page.text
    assert f"--recipe {run / 'config.yaml'} --images 512" in page.text
    assert "started (UTC) 2026-11-30 13:37 " in page.text


def test_names_and_texts_are_escaped(run, tmp_path, monkeypatch):
    evil = "<script>alert(1)</script>"
    folder = run.rename(tmp_path / "<img onerror=x> & co")
    stored = json.loads((folder / "run.json").read_text())
    stored["command"] = ["dcgan", "train", evil]
    stored["data"]["source"] = evil
    stored["versions"][evil] = evil
    stored["hardware"][evil] = evil
    (folder / "run.json").write_text(json.dumps(stored))
    log = (folder / "log.jsonl").read_text().replace('"1 conv"', json.dumps(evil))
    (folder / "log.jsonl").write_text(log)
    config = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(f"{config}# {evil}\n{json.dumps(evil)}: {evil!r}\n")
    findings = [Finding(evil, "note", 1, evil, evil, {evil: 1.0})]
    with_diagnosis(monkeypatch, Diagnosis(evil, "failure", findings))
    page = page_of(folder)
    assert page.needs_nothing()
    assert "<script" not in page.source
    assert "onerror" not in [name for _, one in page.tags for name in one]
    assert page.text.count(evil) >= 8


def test_names_that_are_not_unicode_are_shown(run):
    stored = json.loads((run / "run.json").read_text())
    stored["data"]["source"] = "caf\udce9"
    (run / "run.json").write_text(json.dumps(stored))
    assert "caf\\udce9" in page_of(run).text


def test_a_diagnosis_is_shown_with_its_evidence(run, monkeypatch):
    finding = Finding(
        "discriminator-overfitting",
        "warning",
        256,
        "It knows the training images.",
        Step("Set that"),
        {"score_real": 0.97, "share": 0.5},
        until=384,
    )
    step = Step("Set `augment.policy=color`", "sample")
    with_diagnosis(monkeypatch, Diagnosis("Overfitting: add images.", "warning", [finding], step))
    page = page_of(run)
    assert "run Overfitting: add images." in page.text[:80]
    assert "warning Discriminator overfitting" in page.text
    assert "From 256 to 384 images seen: score of real images 0.97, share 0.5" in page.text
    assert "It knows the training images." in page.text
    assert page.source.count("<code>--augment.policy color</code>") == 1
    assert "What to do next: Set --augment.policy color" in page.text
    assert f"dcgan sample {run}" in page.text
    assert "Set that" not in page.text, "what helps against one finding may make another worse"
    assert page.source.count('class="span"') == 1
    sign = replace(finding, evidence={"coverage": 0.2})  # of the scores, not of the log
    with_diagnosis(monkeypatch, Diagnosis("Overfitting: add images.", "warning", [sign]))
    assert page_of(run).source.count('class="span"') == 1
    with_diagnosis(monkeypatch, Diagnosis("Healthy."))
    assert "No problem was found." in page_of(run).text


def test_the_scores_of_an_evaluation_are_shown(run):
    assert "More metrics" in page_of(run).headings
    code = dcgan.evaluate([dcgan.open_run(run)], extractor="random", images=100)[0]
    folder = RunFolder(run)
    from dcgan.evaluation.results import keep_evaluation

    keep_evaluation(folder, code)
    page = page_of(run)
    assert "More metrics" not in page.headings
    assert f"recall {code['recall'].value:.3g} {code['recall'].baseline:.3g} higher" in page.text


BROKEN = {
    "log.jsonl": "log.jsonl is missing",
    "run.json": "run.json is missing",
    "config.yaml": "config.yaml is missing",
    "scores.jsonl": "There are no scores of training",
    "networks.json": "No checkpoint can be used",
    "checkpoints": "No checkpoint can be used",
    "samples": "There are no sheets in samples/",
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_missing_is_said_in_one_line(run, name):
    if (run / name).is_dir():
        shutil.rmtree(run / name)
    else:
        (run / name).unlink()
    page = page_of(run)
    assert BROKEN[name] in page.text
    assert page.needs_nothing()


@pytest.mark.parametrize(
    "name", sorted({*BROKEN, "events.jsonl", "training.gif"} - {"checkpoints"})
)
def test_damaged_files_do_not_stop_it(run, name):
    for path in (run / name).iterdir() if (run / name).is_dir() else [run / name]:
        path.write_bytes(b'{"images": NaN, [1, "\xff' + path.read_bytes()[:40])
    assert "How to repeat it" in page_of(run).headings


def test_odd_content_of_known_files_does_not_stop_it(run):
    (run / "run.json").write_text('{"data": 3, "versions": [1], "command": "x", "hardware": null}')
    (run / "config.yaml").write_text("data: [1]\noptim: 3\nlength: {images: {}}\n")
    (run / "events.jsonl").write_text('{"event": 3}\n{"event": ["x"]}\n{}\n')
    log = '{"images": 5, "loss_d": NaN, "loss_g": 1.0, "seconds": 0}\n'
    (run / "log.jsonl").write_text(log + '{"images": 9, "loss_d": Infinity, "seconds": 1}\n')
    assert "generator" in page_of(run).text
    (run / "run.json").write_text('{"data": {"source": ["a"], "split": {}, "count": 1.5}}')
    (run / "config.yaml").write_text("data: {source: [1], fit: {}}\n1: 2\nlength: 7\n")
    assert "generator" in page_of(run).text


def test_a_folder_with_nothing_but_a_configuration_has_a_report(run, tmp_path):
    (tmp_path / "bare").mkdir()
    shutil.copy(run / "config.yaml", tmp_path / "bare")
    page = page_of(tmp_path / "bare")
    assert "Nothing has been logged yet." in page.text
    for missing in ("log.jsonl is missing", "No checkpoint can be used", "There are no sheets"):
        assert missing in page.text


def test_a_dataset_that_is_gone_is_said(run):
    config = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(config.replace("source: digits", "source: /nowhere/images"))
    page = page_of(run)
    assert (
        "The dataset cannot be opened, so none of its images are shown: /nowhere/images"
        in page.text
    )
    assert "Nearest training images" not in page.headings
    assert "Samples" in page.headings


def test_a_dataset_that_was_asked_for_must_be_there(run):
    with pytest.raises(SourceNotFound):
        write_report(run, data="/nowhere/images")


def test_the_best_checkpoint_is_damaged(run):
    best = json.loads((run / "best.json").read_text())["checkpoint"]
    for path in (run / "checkpoints" / best).glob("*.safetensors"):
        path.write_bytes(b"?")
    notes = Notes()
    page = page_of(run, reporter=notes)
    assert "Configuration" in page.headings
    assert any("SHA-256" in note for note in notes)


def test_an_earlier_format_is_read():
    golden = Path(__file__).parent.parent / "golden" / "run"
    out = golden.parent / "report.html"
    try:
        page = page_of(golden, out=out)
    finally:
        out.unlink(missing_ok=True)
    assert "Fréchet distance" in page.text
    assert "--metrics.every 128" in page.text


def test_large_sheets_and_animations_stay_small(run):
    import numpy as np

    random = np.random.default_rng(0)
    (run / "networks.json").unlink()
    frames = []
    for path in (run / "samples").glob("*.png"):
        path.unlink()
    for number in range(9):
        noise = Image.fromarray(random.integers(0, 256, (1100, 1100, 3), dtype=np.uint8))
        noise.save(run / "samples" / f"{number:09d}.png", compress_level=1)
        frames.append(noise.getchannel("R"))  # nothing to choose a palette for
    frames[0].save(run / "training.gif", save_all=True, append_images=frames[1:3])
    page = page_of(run)
    assert len(page.source) < MOST_BYTES
    assert page.source.count('alt="generated images after') == 8


def test_a_path_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="not a run folder"):
        write_report(tmp_path)


def test_another_suffix_is_refused(run):
    with pytest.raises(ConfigError, match=r"\.html"):
        write_report(run, out=run / "page.pdf")


def test_a_run_writes_its_own_report(run, tmp_path):
    assert dcgan.open_run(run).report(tmp_path / "a.html", progress=False) == tmp_path / "a.html"
    assert dcgan.write_report(run) == run / "report.html"


@pytest.mark.figures
def test_training_ends_with_a_report(tmp_path):
    run = dcgan.train("digits", images=128, out=tmp_path / "run", **SMALL)
    page = Page(run.path / "report.html")
    assert "Too early to say: 128 images seen" in page.text
    assert "From the sheet saved nearest to the best checkpoint." in page.text
    assert "32 of 1,797 training images" in page.text


@pytest.mark.figures
def test_a_report_that_cannot_be_written_does_not_stop_training(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dcgan.render.page.write_text", fail)
    notes = Notes()
    run = dcgan.train("digits", images=128, out=tmp_path / "run", reporter=notes, **SMALL)
    assert run.images_seen == 128
    (note,) = [note for note in notes if "report.html" in note]
    assert "not written" in note
    assert f"dcgan report {tmp_path / 'run'}" in note


def test_an_exported_model_has_the_facts_of_its_training(run, tmp_path):
    best = dcgan.open_run(run)
    best.export("weights", tmp_path / "model", progress=False)
    page = page_of(tmp_path / "model")
    assert f"{best.images_seen:,} images seen" in page.text
    assert "1,797 training images" in page.text
    assert f"--images {best.images_seen} --out model-again" in page.text
    assert f"dcgan sample {tmp_path / 'model'} -n 100" in page.text
    assert "An exported model has no log of its training." in page.text
    assert json.loads((tmp_path / "model" / "model.json").read_text())["versions"]["torch"] in (
        page.text
    )
    assert "run.json" not in page.text
