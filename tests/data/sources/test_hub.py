"""Parquet files and sets of the hub: which column, which split, which labels."""

from __future__ import annotations

import logging
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.tiny_images import class_names, png, tones

from dcgan.data import open_source
from dcgan.data.sources.hub import open_parquet
from dcgan.errors import ConfigError, DataError, SourceNotFound, UnreadableImage
from dcgan.runtime.cache import cache_folder

pa = pytest.importorskip("pyarrow", reason="comes with the extra hub")
pytest.importorskip("datasets", reason="is the extra hub")


def struct(*tones):
    return [{"bytes": png(tone), "path": None} for tone in tones]


def write(path, **columns):
    import pyarrow.parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pa.table(columns), path)
    return path


def declared(path, *tones, label=None):
    """A file as the hub's library writes it, whose columns say what they are."""
    from datasets import ClassLabel, Dataset, Features
    from datasets import Image as HubImage

    kinds = Features({"image": HubImage(), "animal": ClassLabel(names=["cat", "dog"])})
    columns = {"image": struct(*tones), "animal": label or [i % 2 for i in range(len(tones))]}
    # its own writer shows a bar; what the columns are lies in the table's metadata
    table = Dataset.from_dict(columns, features=kinds).data.table
    import pyarrow.parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(table, path)
    return path


def test_a_file_of_the_hub_has_images_and_named_classes(tmp_path):
    source = open_parquet(declared(tmp_path / "a.parquet", 5, 6, 7))
    assert tones(source) == [5, 6, 7]
    assert source.fetch(1) == png(6)
    labels = source.labels["animal"]
    assert [labels.names[value] for value in labels.values] == ["cat", "dog", "cat"]
    assert source.title(2) == "image[2]"


def test_a_folder_of_files_is_read_in_order_of_names(tmp_path):
    write(tmp_path / "set" / "part-1.parquet", image=struct(3, 4), label=[1, 0])
    write(tmp_path / "set" / "part-0.parquet", image=struct(1, 2), label=[7, 7])
    source = open_parquet(tmp_path / "set")
    assert tones(source) == [1, 2, 3, 4]
    labels = source.labels["label"]
    assert [labels.names[value] for value in labels.values] == ["7", "7", "1", "0"]
    with ThreadPoolExecutor(4) as pool:
        assert (
            list(pool.map(source.fetch, [0, 1, 2, 3] * 20)) == [png(1), png(2), png(3), png(4)] * 20
        )


def test_a_column_of_plain_bytes_will_do(tmp_path):
    path = write(tmp_path / "a.parquet", image=[png(1), png(2)], text=["x", "y"])
    assert tones(open_parquet(path)) == [1, 2]


def test_several_columns_of_images_are_listed_with_the_syntax(tmp_path):
    path = write(tmp_path / "a.parquet", left=struct(1), right=struct(2), mask=[png(3)])
    with pytest.raises(DataError, match=r"columns left, right\. .*:COLUMN$"):
        open_parquet(path)
    assert tones(open_source(f"{path}:right")) == [2]
    assert tones(open_source(path, split="left")) == [1]


def test_a_column_is_chosen_where_names_contain_splits(tmp_path):
    for tone, split in enumerate(("train", "test"), 1):
        write(tmp_path / "x" / f"{split}.parquet", left=struct(tone), right=struct(10 + tone))
    assert tones(open_source(f"{tmp_path / 'x'}:right")) == [11]


def test_a_wrong_column_is_answered(tmp_path):
    path = write(tmp_path / "a.parquet", image=struct(1), text=["x"])
    with pytest.raises(ConfigError, match=r"no splits\..* The columns are image, text"):
        open_source(f"{path}:imag")
    with pytest.raises(DataError, match="column text holds string"):
        open_source(f"{path}:text")


def test_a_table_without_images_lists_what_it_has(tmp_path):
    path = write(tmp_path / "a.parquet", pixels=[[[1, 2], [3, 4]]], text=["x"])
    with pytest.raises(DataError, match=r"pixels \(List\), text \(string\).*\.npy"):
        open_parquet(path)


def test_rows_may_name_files_beside_the_table(tmp_path):
    rows = [
        {"bytes": None, "path": "pictures/a.png"},
        {"bytes": png(2), "path": "elsewhere.png"},
        {"bytes": None, "path": "gone.png"},
        {"bytes": None, "path": None},
        None,
    ]
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(png(1))
    source = open_parquet(write(tmp_path / "a.parquet", image=rows))
    assert source.read(0).getpixel((0, 0)) == 1
    assert source.read(1).getpixel((0, 0)) == 2
    with pytest.raises(UnreadableImage, match=r"gone\.png, which does not exist"):
        source.read(2)
    for empty in (3, 4):
        with pytest.raises(UnreadableImage, match=r"no (picture|image)"):
            source.read(empty)
    assert source.stamp() is None  # the files may change unseen


def test_columns_with_missing_labels_are_passed_over(tmp_path):
    assert open_parquet(declared(tmp_path / "a.parquet", 1, 2, label=[0, -1])).labels == {}
    path = write(tmp_path / "b.parquet", image=struct(1, 2), label=[3, None])
    assert open_parquet(path).labels == {}


def test_a_changed_file_is_read_again(tmp_path):
    path = write(tmp_path / "a.parquet", image=struct(1))
    before = open_parquet(path).stamp()
    assert open_parquet(path).stamp() == before
    write(path, image=struct(2, 3))
    after = open_parquet(path)
    assert tones(after) == [2, 3]
    assert after.stamp() not in {before, None}


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(100), b"<html>" * 50])
def test_what_is_no_parquet_is_one_line(tmp_path, content, capfd):
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.parquet: "):
        open_parquet(tmp_path / "a.parquet")
    assert capfd.readouterr() == ("", "")


def test_a_truncated_file_is_one_line(tmp_path):
    path = write(tmp_path / "a.parquet", image=struct(*range(200)))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"a\.parquet: "):
        open_parquet(path)


def test_a_folder_without_any_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no \.parquet file"):
        open_parquet(tmp_path)


def test_nothing_is_said_and_all_is_kept_in_the_cache(tmp_path, capfd, monkeypatch):
    import datasets

    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "cache"))
    level = logging.getLogger("datasets").level
    open_parquet(write(tmp_path / "data" / "a.parquet", image=struct(1)))
    assert capfd.readouterr() == ("", "")
    assert list((tmp_path / "cache" / "hub").rglob("*.arrow"))
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["a.parquet"]
    assert not datasets.are_progress_bars_disabled()
    assert logging.getLogger("datasets").level == level


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Sets of the hub are those of a folder."""
    import datasets

    load, asked = datasets.load_dataset, []

    def from_folder(name, *config, **options):
        asked.append((name, *config))
        if not (tmp_path / name).exists():
            return load(name, *config, **options)
        return load(str(tmp_path / name), *config, **options)

    monkeypatch.setattr(datasets, "load_dataset", from_folder)
    declared(tmp_path / "owner" / "animals" / "train.parquet", 1, 2)
    declared(tmp_path / "owner" / "animals" / "test.parquet", 3)
    write(tmp_path / "owner" / "pairs" / "test.parquet", left=struct(4), right=struct(5))
    return asked


def test_the_split_is_train_unless_said(hub):
    source = open_source("hub:owner/animals")
    assert tones(source) == [1, 2]
    assert source.labels["animal"].names == ("cat", "dog")
    assert tones(open_source("hub:owner/animals:test")) == [3]
    assert tones(open_source("hub:owner/animals:test:image")) == [3]


def test_the_only_split_need_not_be_named(hub):
    assert tones(open_source("hub:owner/pairs::right")) == [5]
    with pytest.raises(DataError, match=r"left, right\. .* hub:owner/pairs:test:COLUMN$"):
        open_source("hub:owner/pairs")


def test_an_unknown_split_lists_them(hub):
    with pytest.raises(
        SourceNotFound, match=r"no split valid\. The splits are (train, test|test, train)"
    ):
        open_source("hub:owner/animals:valid")


def test_a_configuration_is_the_third_part(hub):
    open_source("hub:owner/animals/default")
    assert hub == [("owner/animals", "default")]
    with pytest.raises(DataError, match=r"hub:owner/animals/other: .*default"):
        open_source("hub:owner/animals/other")


@pytest.mark.parametrize(
    "data", ["hub:", "hub:mnist", "hub:a/b/c/d", "hub:a/", "hub:a/b:train:image:more"]
)
def test_a_malformed_address_is_answered(data):
    with pytest.raises(SourceNotFound, match="must be hub:OWNER/NAME"):
        open_source(data)


def test_offline_is_one_line(hub, capfd):
    with pytest.raises(
        SourceNotFound, match=r"hub:owner/nosuch: the hub cannot be reached \(DCGAN"
    ):
        open_source("hub:owner/nosuch")
    assert capfd.readouterr() == ("", "")


def test_what_was_fetched_once_is_there_offline(hub, tmp_path):
    """The library keeps a set under its owner's and its own name."""
    assert tones(open_source("hub:owner/animals:test")) == [3]
    kept = cache_folder() / "hub" / "datasets"
    next(kept.glob("animals")).rename(kept / "owner___animals")
    (tmp_path / "owner").rename(tmp_path / "gone")
    assert tones(open_source("hub:owner/animals:test")) == [3]


def test_the_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r'pip install "dcgan\[hub\]"'):
        open_source("hub:owner/name")


def test_hidden_parquet_files_in_a_folder_are_passed_over(tmp_path):
    (tmp_path / ".b.parquet").write_bytes(b"")
    with pytest.raises(DataError, match=r"holds no"):
        open_source(str(tmp_path))


def twelve(path, **columns):
    return write(path, image=struct(*range(12)), **columns)


def test_files_called_by_splits_are_splits(tmp_path):
    """As in a snapshot of the hub."""
    for name in ("train-00000-of-00002", "train-00001-of-00002", "test-00000-of-00001"):
        write(tmp_path / "data" / f"{name}.parquet", image=struct(*range(4)), label=[0, 1, 0, 1])
    source = open_source(str(tmp_path))
    assert len(source) == 8
    assert "train 2, test 1" in source.notes[0]
    assert len(open_source(str(tmp_path), split="test")) == 4
    assert len(open_source(str(tmp_path), split="all")) == 12


def test_words_in_a_column_are_classes(tmp_path):
    words = ["red", "blue"] * 6
    captions = [f"picture {n}" for n in range(12)]
    source = open_source(str(twelve(tmp_path / "a.parquet", label=words, text=captions)))
    assert class_names(source) == words
    assert any("text (12 distinct values" in note for note in source.notes)


def test_other_columns_of_classes_keep_their_names(tmp_path):
    path = twelve(tmp_path / "a.parquet", fine_label=[0, 1, 2] * 4, is_new=[True, False] * 6)
    source = open_source(str(path))
    assert class_names(source, "fine_label") == ["0", "1", "2"] * 4
    assert class_names(source, "is_new") == ["yes", "no"] * 6
