"""Clusters of similar images, and runs that learn them."""

import re

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file
from tests.conftest import SMALL

import dcgan
from dcgan.config import merge, parse_config
from dcgan.data import HeldDataset, ImageDataset
from dcgan.data.labels import Labels
from dcgan.errors import ConfigError, DataError
from dcgan.evaluation.extractors import classes_of
from dcgan.runs.folder import RunFolder
from dcgan.training.planning import clusters
from dcgan.training.planning.clusters import clusters_of, find_clusters, resolve_clusters
from dcgan.vocabulary import CLUSTERS

WITH_CLUSTERS = SMALL | {"settings": merge(SMALL["settings"], {"model": {"condition": "clusters"}})}


LEARNS_CLUSTERS = parse_config({"model": {"condition": "clusters"}})


def kinds(counts, shape=(3, 24, 20), seed=0):
    """Noise around one picture per kind, and the kind of each image."""
    random = np.random.default_rng(seed)
    picture_KCHW = random.integers(30, 220, size=(len(counts), *shape))
    kind_N = random.permutation(np.repeat(np.arange(len(counts)), counts))
    noise = random.normal(0, 8, size=(len(kind_N), *shape))
    return (picture_KCHW[kind_N] + noise).clip(0, 255).astype(np.uint8), kind_N


@pytest.mark.parametrize("shape", [(3, 24, 20), (1, 16, 16), (4, 40, 64)])
def test_images_of_one_cluster_are_of_one_kind(shape):
    pixels, kind_N = kinds([300, 120, 80], shape)
    cluster_N = find_clusters(HeldDataset(pixels))
    assert cluster_N.dtype == np.uint8
    for cluster in np.unique(cluster_N):
        assert len(np.unique(kind_N[cluster_N == cluster])) == 1


def test_the_largest_comes_first_and_numbers_have_no_gap():
    pixels, _ = kinds([900, 500, 300, 200, 100])
    sizes = np.bincount(find_clusters(HeldDataset(pixels)))
    assert sizes.min() > 0
    assert (np.diff(sizes.astype(int)) <= 0).all()


@pytest.mark.parametrize(("images", "most"), [(100, 2), (199, 3), (5000, 40)])
def test_a_cluster_has_fifty_images_on_average(images, most):
    noise = np.random.default_rng(0).integers(256, size=(images, 1, 16, 16), dtype=np.uint8)
    count = len(np.unique(find_clusters(HeldDataset(noise))))
    assert most // 2 < count <= most


def test_it_does_not_change_the_random_numbers_of_the_program():
    np.random.seed(5)
    expected = np.random.rand(3)
    np.random.seed(5)
    find_clusters(HeldDataset(kinds([80, 80])[0]))
    assert (np.random.rand(3) == expected).all()


def test_an_unreadable_image_is_in_the_cluster_of_the_one_that_stands_for_it(tmp_path):
    """Images 0 to 99 are unreadable; image 100 stands for them."""
    pixels, kind_N = kinds([150, 150])
    dataset = HeldDataset(pixels, kept=np.arange(100, 400), positions=400)
    resolve_clusters(LEARNS_CLUSTERS, dataset, RunFolder(tmp_path), is_choice=True)
    cluster_N = clusters_of(dataset)
    assert len(cluster_N) == 400
    assert set(cluster_N[:100]) == {cluster_N[100]}
    together = [len(set(cluster_N[100:][kind_N == kind])) for kind in (0, 1)]
    assert sum(together) == len(set(cluster_N)), "no cluster has both kinds"


def test_a_run_learns_them_and_goes_on_with_those_it_began_with(tmp_path, monkeypatch):
    run = dcgan.train("digits", images=64, out=tmp_path / "run", **WITH_CLUSTERS)
    count = len(run.classes)
    assert run.classes[0] == "cluster-1"
    assert 20 <= count <= 1797 // 50
    stored = load_file(run.folder.clusters)["cluster"]
    assert np.bincount(stored) == pytest.approx(1797 * np.array(run.networks.latent.classes))
    assert run.sample(2, label="cluster-2").shape == (2, 1, 16, 16)

    def elsewhere(*_):
        raise AssertionError("another machine would find others")

    monkeypatch.setattr(clusters, "find_clusters", elsewhere)
    longer = dcgan.train("digits", images=128, out=tmp_path / "run", resume=True, **WITH_CLUSTERS)
    assert longer.images_seen == 128
    assert longer.classes == run.classes


def test_of_a_start_that_was_killed_before_its_configuration_nothing_is_used(tmp_path, monkeypatch):
    def killed(*_):
        raise RuntimeError("killed")

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr("dcgan.training.provenance.write_text", killed)
        with pytest.raises(RuntimeError, match="killed"):
            dcgan.train("digits", images=64, out=out, **WITH_CLUSTERS)
    assert {"networks.json", "clusters.safetensors", "run.json"} <= {
        one.name for one in out.iterdir()
    }
    run = dcgan.train("digits", images=64, out=out, **WITH_CLUSTERS | {"size": 20})
    assert run.sample(1).shape == (1, 1, 20, 20)
    assert run.images_seen == 64


@pytest.mark.parametrize("damage", ["missing", "torn", "of others", "of another kind"])
def test_damaged_clusters_are_refused_in_one_line(tmp_path, damage):
    run = dcgan.train("digits", images=64, out=tmp_path / "run", **WITH_CLUSTERS)
    path = run.folder.clusters
    stored = load_file(path)["cluster"]
    if damage == "missing":
        path.unlink()
    elif damage == "torn":
        path.write_bytes(path.read_bytes()[:50])
    elif damage == "of others":
        save_file({"cluster": stored[1:].clone()}, path)
    else:
        save_file({"cluster": stored.float()}, path)
    with pytest.raises(DataError, match=re.escape(str(path))) as caught:
        dcgan.train("digits", images=128, out=run.path, resume=True, **WITH_CLUSTERS)
    assert "\n" not in str(caught.value)
    assert "Choose another `out`" in str(caught.value)


@pytest.mark.parametrize("condition", ["clusters", "label"])
def test_of_more_images_it_is_not_their_classes_that_are_wrong(tmp_path, condition):
    data, out = tmp_path / "data.npz", tmp_path / "run"
    pixels = np.random.default_rng(0).integers(256, size=(251, 16, 16), dtype=np.uint8)
    settings = merge(SMALL["settings"], {"model": {"condition": condition}})
    arguments = SMALL | {"settings": settings}
    np.savez(data, images=pixels[:200], labels=np.arange(200) % 2)
    dcgan.train(data, images=64, out=out, **arguments)
    np.savez(data, images=pixels, labels=np.arange(251) % 2)
    with pytest.raises(DataError, match=r"was started on 200 images, and .* now holds 251 that"):
        dcgan.train(data, images=128, out=out, resume=True, **arguments)


def test_too_few_images_are_refused_before_a_folder_is_made(tmp_path):
    pixels = np.random.default_rng(0).integers(256, size=(99, 16, 16), dtype=np.uint8)
    np.save(tmp_path / "few.npy", pixels)
    out = tmp_path / "run"
    with pytest.raises(ConfigError, match="needs 100 images or more; there are 99"):
        dcgan.train(str(tmp_path / "few.npy"), images=64, out=out, **WITH_CLUSTERS)
    assert not out.exists()


def test_labels_named_clusters_are_not_replaced_by_clusters_in_silence(tmp_path):
    pixels = np.random.default_rng(0).integers(256, size=(200, 16, 16), dtype=np.uint8)
    data, out = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    rows = ["file_name,clusters,side"]
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(data / f"{number}.png")
        rows.append(f"{number}.png,{'abc'[number % 3]},{['left', 'right'][number % 2]}")
    (data / "metadata.csv").write_text("\n".join(rows))
    with pytest.raises(ConfigError, match=r"labels of this name.* use `data\.labels=none`"):
        dcgan.train(data, images=64, out=out, **WITH_CLUSTERS)
    assert not out.exists()
    settings = merge(WITH_CLUSTERS["settings"], {"data": {"labels": "none"}})
    run = dcgan.train(data, images=64, out=out, **WITH_CLUSTERS | {"settings": settings})
    assert run.classes[0] == "cluster-1"


class Streamed(ImageDataset):
    """Images that are decoded while training."""

    def __init__(self, held):
        super().__init__(held.shape, "0")
        self._held = held

    def __len__(self):
        return len(self._held)

    def take(self, index_B, place_B):
        assert (place_B == 0.5).all(), "center crops"
        return self._held.take(index_B, place_B)


def test_images_that_are_decoded_while_training_have_clusters_if_asked_for(tmp_path):
    pixels, kind_N = kinds([60, 60])
    streamed, folder = Streamed(HeldDataset(pixels)), RunFolder(tmp_path)
    config, said = resolve_clusters(LEARNS_CLUSTERS, streamed, folder, is_choice=True)
    assert config.model.condition is None
    assert said == "learns no clusters, as images are decoded while training"
    assert not streamed.labels
    config, said = resolve_clusters(LEARNS_CLUSTERS, streamed, folder, is_choice=False)
    assert config == LEARNS_CLUSTERS
    assert said == "learns 2 clusters of similar images"
    first_N = clusters_of(streamed) == clusters_of(streamed)[0]
    assert (first_N == (kind_N == kind_N[0])).all()


@pytest.mark.parametrize("different", [1, 2, 7])
def test_copies_of_few_images_are_as_many_clusters(different, tmp_path):
    pictures = np.random.default_rng(0).integers(256, size=(different, 3, 16, 16), dtype=np.uint8)
    dataset = HeldDataset(pictures[np.arange(1000) % different])
    assert len(np.unique(find_clusters(dataset))) == different
    folder = RunFolder(tmp_path)
    config, said = resolve_clusters(LEARNS_CLUSTERS, dataset, folder, is_choice=True)
    if different > 1:
        assert said == f"learns {different} clusters of similar images"
        return
    assert config.model.condition is None
    assert said == "learns no clusters, as all images are alike"
    with pytest.raises(ConfigError, match="all images are alike"):
        resolve_clusters(LEARNS_CLUSTERS, dataset, folder, is_choice=False)


def test_a_classifier_does_not_take_clusters_for_labels():
    dataset = HeldDataset(kinds([60, 60])[0])
    dataset.labels[CLUSTERS] = Labels(np.zeros(120, np.uint8), ("cluster-1",))
    assert classes_of(dataset) is None
    assert classes_of(dataset, CLUSTERS) is not None
