"""Any file of a run folder may be cut off, altered, replaced or made up: each command works, or says why in
one line, soon."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import time

import pytest
import yaml
from tests.conftest import SMALL

import dcgan as package
from dcgan.config import load_recipe
from dcgan.errors import ConfigError, DcganError, RunError
from dcgan.models import LatentSpace
from dcgan.models.table import Layer
from dcgan.plain_yaml import load_yaml
from dcgan.runs.networks import Networks
from dcgan.runtime.reading import NotJson, parse_json

ODD_JSON = {
    "nothing": "",
    "null": "null",
    "a list": "[]",
    "a number": "3",
    "deep": "[" * 100_000,
    "deep objects": '{"a":' * 50_000,
    "not a number": '{"images": NaN}',
    "5,000 digits": '{"images": ' + "9" * 5000 + "}",
    "binary": "\x00\x01\x02",
}
ODD_YAML = {
    "nothing": "",
    "a list": "- a",
    "deep": "[" * 100_000,
    "deep in blocks": "\n".join(" " * n + "a:" for n in range(200)),
    "an alias in itself": "data: &a [*a]",
    "merged in itself": "data: &a {<<: *a}",
    "5,000 digits": "seed: " + "9" * 5000,
    "sections that are none": "data: 5\nmodel: 3",
    "a section within that is none": "model: {generator: 5}",
    "a list in a section's place": "optim: [1, 2]",
    "numbers for names": "1: 2",
    "lists for names": "? [a]\n: b",
    "infinite": "optim: {generator: {lr: .inf}}",
    "no number": "optim: {generator: {lr: .nan}}",
    "rows that are none": "model: {generator: {layers: [1]}}",
    "rows of two operations": "model: {generator: {layers: [{conv: 3, linear: 2}]}}",
    "binary": "data: {source: !!binary aGVsbG8=}",
    "a date that is none": "data: {source: !!timestamp 2026-99-99}",
    "a set": "data: !!set {a, b}",
}


def bomb(levels=7, each=9):
    """Aliases of aliases, as in the billion laughs: here 9^7 values in 300 letters."""
    lines = ["a0: &a0 [" + ",".join("x" * each) + "]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [" + ",".join([f"*a{level - 1}"] * each) + "]")
    return "\n".join(lines)


def merging_bomb(levels=12, each=9):
    lines = ["a0: &a0 {x: 1}"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} {{<<: [{','.join([f'*a{level - 1}'] * each)}]}}")
    return "\n".join(lines)


@pytest.mark.parametrize("text", [bomb(), merging_bomb(), bomb(30, 2)], ids=["list", "map", "two"])
def test_a_yaml_bomb_is_one_line_at_once(text, tmp_path):
    path = tmp_path / "bomb.yaml"
    path.write_text(f"data:\n  source: digits\nextra:\n  {text.replace(chr(10), chr(10) + '  ')}\n")
    began = time.process_time()
    with pytest.raises(ConfigError, match=r"bomb\.yaml: not YAML: its aliases expand to more"):
        load_recipe(str(path))
    assert time.process_time() - began < 1


def test_a_few_aliases_are_welcome_and_dates_are_words():
    found = load_yaml("a: &a {lr: 0.1}\nb: *a\nc: {<<: *a, day: 2026-11-28}")
    assert found == {"a": {"lr": 0.1}, "b": {"lr": 0.1}, "c": {"lr": 0.1, "day": "2026-11-28"}}


def test_who_changes_what_was_read_changes_no_other_reading():
    load_yaml("{a: {b: 1}}")["a"]["b"] = 2
    assert load_yaml("{a: {b: 1}}") == {"a": {"b": 1}}


@pytest.mark.parametrize("kind", ODD_YAML)
def test_an_odd_recipe_is_one_line(kind, dcgan, tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_text(ODD_YAML[kind])
    code, out, err = dcgan("train", "--recipe", path, "--out", tmp_path / "run", "--images", "64")
    assert (code, out, len(err.splitlines())) == (2, "", 1), err
    assert "unexpected" not in err and len(err) < 700
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", ODD_JSON)
def test_odd_json_is_refused_in_one_line(kind):
    with pytest.raises(NotJson) as caught:
        parse_json(ODD_JSON[kind])
    assert len(str(caught.value).splitlines()) == 1 and len(str(caught.value)) < 200


@pytest.fixture
def copy(small_run, tmp_path):
    shutil.copytree(small_run.path, tmp_path / "run")
    return tmp_path / "run"


def rewritten(path, change):
    content = json.loads(path.read_text())
    changed = change(content)
    path.write_text(json.dumps(content if changed is None else changed))


def without_checksum(run):
    """As earlier versions wrote it."""
    rewritten(run / "run.json", lambda content: content.pop("networks") and None)


def at(content, path, value):
    *inner, last = path
    for part in inner:
        content = content[part]
    content[last] = value


WRONG = {
    "a choice": (["latent", "distribution"], "nkrmal", "latent.distribution = 'nkrmal'"),
    "an activation": (["generator", 0, "activation"], "rleu", "generator[0].activation = 'rleu'"),
    "a norm": (["generator", 0, "norm"], "batsh", "generator[0].norm = 'batsh'"),
    "an unknown key": (["generator", 0, "kernal"], 3, "generator[0].kernal is unknown"),
    "a range": (["generator", 0, "channels"], 0, "generator[0].channels = 0"),
    "a huge number": (["generator", 0, "channels"], 10**30, "generator[0].channels = 10000"),
    "a switch for a number": (["latent", "dim"], True, "latent.dim = True"),
    "text for a number": (["latent", "dim"], "100", "latent.dim = '100'"),
    "a deviation of nothing": (["scale", "deviation"], [0.0], "scale.deviation[0] = 0.0"),
    "no row": (["generator"], [], "generator = []"),
    "another image": (["image_shape"], [1, 99, 16], "does not end in image_shape"),
    "other names than classes": (["class_names"], ["a"], "class_names has 1 names for 10 classes"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_networks_are_validated_as_strictly_as_a_configuration(kind, copy):
    place, value, words = WRONG[kind]
    without_checksum(copy)
    rewritten(copy / "networks.json", lambda content: at(content, place, value))
    with pytest.raises(RunError) as caught:
        package.open_run(copy)
    assert f"networks.json: damaged ({words}" in str(caught.value) or words in str(caught.value)


def test_networks_that_were_altered_are_told_by_their_checksum(copy):
    """Although every value is one that could be."""
    rewritten(
        copy / "networks.json", lambda content: at(content, ["latent", "distribution"], "uniform")
    )
    with pytest.raises(RunError, match=r"networks\.json: altered since the run began"):
        package.open_run(copy)
    without_checksum(copy)
    assert package.open_run(copy).networks.latent.distribution == "uniform"


def test_networks_too_large_for_memory_are_refused(copy, monkeypatch):
    networks = package.open_run(copy).networks
    monkeypatch.setattr("dcgan.runtime.memory.available_memory", lambda: 1000)
    with pytest.raises(RunError, match=r"weights need .* of memory, and .* is free"):
        networks.build_generator()


def test_a_norm_too_large_for_memory_is_refused(monkeypatch):
    """One weight of the layer, and two of the norm for each of its 64×64 numbers."""
    row = Layer(
        operation="conv_transpose",
        channels=1,
        stride=(64, 64),
        output_padding=(63, 63),
        norm="layer",
        bias=False,
    )
    networks = Networks(
        generator=(row,), discriminator=(), image_shape=(1, 64, 64), latent=LatentSpace(1)
    )
    bytes_held = 4 * (1 + 2 * 64 * 64)
    monkeypatch.setattr("dcgan.runtime.memory.available_memory", lambda: bytes_held)
    networks.build_generator()
    monkeypatch.setattr("dcgan.runtime.memory.available_memory", lambda: bytes_held - 1)
    with pytest.raises(RunError, match=r"the generator's weights need .* of memory"):
        networks.build_generator()


@pytest.mark.parametrize("kind", ODD_JSON)
@pytest.mark.parametrize("name", ["networks.json", "best.json", "manifest.json", "state.json"])
def test_odd_json_in_a_run_is_one_line(kind, name, copy):
    for path in (copy / "best.json", *copy.rglob(name)):
        if path.name == name:
            path.write_text(ODD_JSON[kind])
    with pytest.raises(DcganError, match=rf"{name.partition('.')[0]}\.json") as caught:
        package.open_run(copy).sample(1)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("kind", ODD_JSON)
def test_odd_lines_in_logs_are_passed_over(kind, copy):
    run = package.open_run(copy)
    logged = run.log()
    assert logged
    for name in ("log.jsonl", "scores.jsonl", "events.jsonl"):
        odd = [ODD_JSON[kind], '{"images": "many"}', '{"goes_on_from": []}', '{"images": 1e400}']
        with (copy / name).open("a") as file:
            file.write("\n".join(odd) + "\n")
    assert package.open_run(copy).log() == logged


ODD_VALUES = (None, True, -1, 10**30, 1e308, "", "x" * 300, [], {}, [[]], {"a": 1}, 2**63, "../..")


def mutate(path, random):
    """Damage one file in one of many ways; returns which."""
    data = path.read_bytes()
    how = random.choice(["cut", "flip", "empty", "gone", "folder", "value", "value", "value"])
    if how == "value" and path.suffix not in {".json", ".jsonl", ".yaml"}:
        how = "flip"
    match how:
        case "cut":
            path.write_bytes(data[: random.randrange(len(data))])
        case "flip":
            place = random.randrange(len(data))
            path.write_bytes(data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :])
        case "empty":
            path.write_bytes(b"")
        case "gone":
            path.unlink()
        case "folder":
            path.unlink()
            path.mkdir()
        case "value":
            lines = data.decode().splitlines() if path.suffix == ".jsonl" else [data.decode()]
            number = random.randrange(len(lines))
            content = yaml.safe_load(lines[number])
            _replace_one(content, random)
            dump = yaml.safe_dump if path.suffix == ".yaml" else json.dumps
            lines[number] = dump(content)
            path.write_text("\n".join(lines) + "\n")
    return how


def _replace_one(content, random):
    while True:
        keys = list(content) if isinstance(content, dict) else list(range(len(content)))
        key = random.choice(keys)
        if isinstance(content[key], dict | list) and content[key] and random.random() < 0.8:
            content = content[key]
            continue
        content[key] = random.choice(ODD_VALUES)
        return


def summed_anew(path):
    """Whoever alters a state may alter its checksum."""
    manifest = path.parent / "manifest.json"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    rewritten(manifest, lambda sums: at(sums, [path.name], digest))


RESUMED = [
    *("--size", "16", "--batch", "32", "--images", "544", "--resume", "--device", "cpu"),
    *("--model.generator.width", "4", "--model.discriminator.width", "4"),
    *("--augment.policy", "none", "--records.no-tensorboard", "--records.sheets", "4"),
    *("--records.sheet-images", "9", "--records.log-every", "128"),
    *("--records.checkpoint-every", "128", "--metrics.metric", "off"),
]


@pytest.mark.parametrize("seed", range(24))
def test_a_damaged_run_works_or_says_why_in_one_line(seed, copy, dcgan, tmp_path):
    chosen = random.Random(seed)
    files = sorted(path for path in copy.rglob("*") if path.is_file() and path.suffix != ".gif")
    path = chosen.choice([one for one in files if not one.name.startswith(".")])
    how = mutate(path, chosen)
    if how == "value" and path.name == "state.json":
        summed_anew(path)
    if how == "value" and path.name == "networks.json":
        without_checksum(copy)
    commands = [("sample", copy, "-n", "2", "--out", tmp_path / "a.png")]
    if seed % 8 == 0:
        commands.append(("train", "digits", "--out", copy, *RESUMED))
    for words in commands:
        code, _, err = dcgan(*words)
        said = [line for line in err.splitlines() if line.startswith("dcgan: ")]
        assert code in (0, 2) and len(said) == (code == 2), (path.name, how, err)
        assert "unexpected" not in err and "Traceback" not in err, (path.name, how, err)


def test_settings_that_are_no_mapping_in_python():
    for settings in ({"length": 5}, {"model": {"generator": [1]}}, {5: {}}, {"seed": 10**5000}):
        with pytest.raises(ConfigError):
            package.train("digits", settings=SMALL["settings"] | settings)
