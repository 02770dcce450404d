"""The store: which versions are there, which one serves, and how that changes."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.fake_model import ONE_THREAD, write_fake
from mtopt_robot.models import store as store_module
from mtopt_robot.models.bundle import Expected
from mtopt_robot.models.errors import (
    BundleRefused,
    ModelMissing,
    PromotionInvalid,
    Refusal,
    StoreNotWritable,
)
from mtopt_robot.models.manifest import Manifest
from mtopt_robot.models.store import ModelStore


@pytest.fixture
def store(store_folder: Path, expected: Expected) -> ModelStore:
    return ModelStore(store_folder, expected, ONE_THREAD)


@pytest.fixture
def write(store_folder: Path, manifest: Manifest) -> Callable[..., Path]:
    def written(version: str, name: str = "fake") -> Path:
        return write_fake(store_folder, replace(manifest, name=name, version=version))

    return written


Write = Callable[..., Path]


def test_versions_are_in_order_of_their_numbers(store: ModelStore, write: Write) -> None:
    for version in ("0.10.0", "0.9.0", "0.9.0-b", "20260101", "step-9", "step-10"):
        write(version)
    assert store.versions("fake") == (
        "0.9.0", "0.9.0-b", "0.10.0", "20260101", "step-9", "step-10",
    )  # fmt: skip
    assert store.newest("fake") == "step-10"


def test_models_are_folders_with_versions(
    store: ModelStore, write: Write, store_folder: Path
) -> None:
    write("1", "pick"), write("1", "all")
    (store_folder / "README.md").write_text("not a model")
    (store_folder / "empty").mkdir()
    (store_folder / ".writing-x" / "half" / "1").mkdir(parents=True)
    (store_folder / "pick" / ".hidden").mkdir()
    assert store.names() == ("all", "pick")
    assert store.versions("pick") == ("1",)


def test_what_is_missing_is_named_with_what_there_is(store: ModelStore, write: Write) -> None:
    with pytest.raises(ModelMissing, match="no such model store"):
        store.names()
    write("1")
    with pytest.raises(ModelMissing, match="'other'; models: fake"):
        store.load("other")
    with pytest.raises(ModelMissing, match="'2'; versions: 1"):
        store.load("fake", "2")
    for outside in ("../models/fake", "/etc", ".", ".."):
        with pytest.raises(ModelMissing):
            store.load(outside, "1")
        with pytest.raises(ModelMissing):
            store.load("fake", outside)


def test_the_newest_serves_until_one_is_promoted(store: ModelStore, write: Write) -> None:
    write("1"), write("2")
    assert store.promoted("fake") is None
    assert store.load().manifest.id == "fake/2"
    store.promote("fake", "1")
    write("3")
    assert store.promoted("fake") == store.serving("fake") == "1"
    assert store.load("fake").manifest.id == "fake/1"
    assert store.load("fake", "3").manifest.id == "fake/3"


def test_without_a_name_there_must_be_one_model(store: ModelStore, write: Write) -> None:
    write("1"), write("1", "other")
    with pytest.raises(ModelMissing, match="fake, other"):
        store.load()


def test_rollback_undoes_promotions_one_by_one(store: ModelStore, write: Write) -> None:
    for version in ("1", "2", "3"):
        write(version)
        store.promote("fake", version)
    store.promote("fake", "3")
    assert store.rollback("fake") == "2"
    assert store.promoted("fake") == "2"
    assert store.rollback("fake") == "1"
    with pytest.raises(PromotionInvalid, match="nothing to go back to"):
        store.rollback("fake")
    assert store.promoted("fake") == "1"


def test_a_bad_version_is_neither_promoted_nor_gone_back_to(
    store: ModelStore, write: Write
) -> None:
    first = write("1")
    write("2")
    store.promote("fake", "1"), store.promote("fake", "2")
    (first / "head.onnx").write_bytes(b"gone")
    for act in (lambda: store.rollback("fake"), lambda: store.promote("fake", "1")):
        with pytest.raises(BundleRefused) as caught:
            act()
        assert caught.value.law is Refusal.HASH
    assert store.promoted("fake") == "2"


def test_promotions_are_a_short_text_that_people_can_read(
    store: ModelStore, write: Write, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "HISTORY", 4)
    write("1"), write("2")
    for version in "1212112":
        store.promote("fake", version)
    assert (store_folder / "fake" / "PROMOTED").read_text() == "1\n2\n1\n2\n"
    assert sorted(os.listdir(store_folder / "fake")) == ["1", "2", "PROMOTED"]


def test_an_unreadable_record_is_refused_and_nothing_guessed(
    store: ModelStore, write: Write, store_folder: Path
) -> None:
    write("1")
    for text in (b"../1\n", b"1\n\n", b"\xff\xfe"):
        (store_folder / "fake" / "PROMOTED").write_bytes(text)
        for act in (lambda: store.load("fake"), lambda: store.promote("fake", "1")):
            with pytest.raises(PromotionInvalid):
                act()


def test_a_promotion_that_cannot_be_written_changes_nothing(
    store: ModelStore, write: Write, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("1"), write("2")
    store.promote("fake", "1")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StoreNotWritable):
            store.promote("fake", "2")
    assert store.promoted("fake") == "1"
    assert sorted(os.listdir(store_folder / "fake")) == ["1", "2", "PROMOTED"]


def test_a_promoted_version_that_is_gone_is_named(
    store: ModelStore, write: Write, store_folder: Path
) -> None:
    write("1")
    (store_folder / "fake" / "PROMOTED").write_text("0\n")
    with pytest.raises(ModelMissing, match="'0'; versions: 1"):
        store.load("fake")


def test_reloading_leaks_neither_files_nor_threads(
    store: ModelStore, write: Write, open_handles: Callable[[], tuple[int, int]]
) -> None:
    write("1")
    damaged = write("2")
    (damaged / "head.onnx").write_bytes(b"gone")
    store.load("fake", "1")
    before = open_handles()
    for _ in range(200):
        store.load("fake", "1")
        with pytest.raises(BundleRefused):
            store.load("fake", "2")
    assert open_handles() == before
