"""The store is followed: every change is tried once, whatever comes of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.fake_model import ONE_THREAD, manifest_of, write_fake
from fakes.fake_success import success_manifest, write_fake_success
from mtopt_core.action import ActionBounds
from mtopt_robot.models.bundle import Expected
from mtopt_robot.models.errors import BundleRefused, ModelMissing, PromotionInvalid
from mtopt_robot.models.store import PROMOTED, ModelStore
from mtopt_robot.models.store_watch import StoreWatch, SuccessWatch

Write = Callable[..., Path]


@pytest.fixture
def store(store_folder: Path, expected: Expected) -> ModelStore:
    return ModelStore(store_folder, expected, ONE_THREAD)


@pytest.fixture
def write(store_folder: Path, expected: Expected, bounds: ActionBounds) -> Write:
    def written(version: str, name: str = "fake") -> Path:
        manifest = manifest_of(expected.tasks, bounds, name=name, version=version)
        return write_fake(store_folder, manifest)

    return written


def served(watch: StoreWatch) -> str:
    bundle = watch.look()
    return bundle.manifest.id if bundle is not None else ""


def test_every_change_is_seen_once(store: ModelStore, write: Write) -> None:
    write("1")
    watch = StoreWatch(store)
    assert [served(watch), served(watch)] == ["fake/1", ""]
    write("2")
    assert [served(watch), served(watch)] == ["fake/2", ""]
    store.promote("fake", "1")
    assert [served(watch), served(watch)] == ["fake/1", ""]
    write("3")
    assert served(watch) == ""  # a promotion stands, whatever is newer
    store.promote("fake", "3")
    store.rollback("fake")
    assert served(watch) == ""  # back before anybody looked
    store.promote("fake", "2")
    assert served(watch) == "fake/2"


def test_a_refused_model_is_tried_again_only_when_it_has_changed(
    store: ModelStore, write: Write
) -> None:
    write("1")
    watch = StoreWatch(store)
    assert served(watch) == "fake/1"
    damaged = write("2")
    whole = (damaged / "head.onnx").read_bytes()
    (damaged / "head.onnx").write_bytes(whole[:-7])
    with pytest.raises(BundleRefused):
        watch.look()
    assert [served(watch), served(watch)] == ["", ""]
    (damaged / "head.onnx").write_bytes(whole[:-1])
    with pytest.raises(BundleRefused):
        watch.look()
    assert served(watch) == ""
    (damaged / "head.onnx").write_bytes(whole)
    assert served(watch) == "fake/2"


def test_a_store_without_models_is_told_once_until_there_is_one(
    store: ModelStore, write: Write, store_folder: Path
) -> None:
    watch = StoreWatch(store)
    with pytest.raises(ModelMissing):
        watch.look()
    assert served(watch) == ""
    write("1")
    assert served(watch) == "fake/1"
    shutil.rmtree(store_folder)
    with pytest.raises(ModelMissing):
        watch.look()
    assert served(watch) == ""
    write("1")
    assert served(watch) == "fake/1"


def test_a_spoilt_record_of_promotions_is_told_once(
    store: ModelStore, write: Write, store_folder: Path
) -> None:
    write("1")
    watch = StoreWatch(store)
    watch.look()
    (store_folder / "fake" / PROMOTED).write_text("../elsewhere\n")
    with pytest.raises(PromotionInvalid):
        watch.look()
    assert served(watch) == ""


def test_only_the_model_asked_for_is_followed(store: ModelStore, write: Write) -> None:
    write("1", name="mine")
    watch = StoreWatch(store, "mine")
    assert served(watch) == "mine/1"
    write("9", name="other")
    assert served(watch) == ""
    with pytest.raises(ModelMissing, match="mine, other"):
        StoreWatch(store).look()


def test_looking_opens_no_model(store: ModelStore, write: Write) -> None:
    """A look costs what a listing costs: the pointer is read without any file of the model."""
    folder = write("1")
    before = store.pointer("fake")
    assert (before.name, before.version) == ("fake", "1")
    (folder / "encoder.onnx").chmod(0)
    assert store.pointer("fake") == before


def test_a_success_detector_is_followed_beside_a_q_function(
    store: ModelStore, write: Write, store_folder: Path, expected: Expected
) -> None:
    q_watch, success_watch = StoreWatch(store), SuccessWatch(store, optional=True)
    write("1")
    assert success_watch.look() is None
    write_fake_success(store_folder, success_manifest(expected.tasks))
    found = success_watch.look()
    assert found is not None and found.manifest.id == "watcher/1"
    assert success_watch.look() is None and served(q_watch) == "fake/1"
    write_fake_success(store_folder, success_manifest(expected.tasks, version="2"))
    found = success_watch.look()
    assert found is not None and found.manifest.id == "watcher/2"
    assert served(q_watch) == ""


def test_a_store_without_a_success_detector_is_complained_of_where_one_is_wanted(
    store: ModelStore, write: Write, store_folder: Path, expected: Expected
) -> None:
    write("1")
    wanted, named = SuccessWatch(store), SuccessWatch(store, "watcher", optional=True)
    with pytest.raises(ModelMissing, match="kind success"):
        wanted.look()
    assert wanted.look() is None
    with pytest.raises(ModelMissing, match="watcher"):
        named.look()
    optional = SuccessWatch(store, optional=True)
    for name in ("one", "two"):
        write_fake_success(store_folder, success_manifest(expected.tasks, name=name))
    with pytest.raises(ModelMissing, match="models: one, two"):
        optional.look()
