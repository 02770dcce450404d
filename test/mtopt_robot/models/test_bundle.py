"""A bundle is written whole, and no damage to it goes unseen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fakes.fake_model import (
    ONE_THREAD,
    Flaw,
    encoder_bytes,
    golden_examples,
    head_bytes,
    manifest_of,
    write_fake,
)
from mtopt_core.action import ActionBounds
from mtopt_core.encoding import layout_hash
from mtopt_robot.models import sealing
from mtopt_robot.models.bundle import Expected, check_bundle, write_bundle
from mtopt_robot.models.card import model_card
from mtopt_robot.models.errors import (
    BundleExists,
    BundleRefused,
    ManifestInvalid,
    Refusal,
    StoreNotWritable,
)
from mtopt_robot.models.golden import Golden
from mtopt_robot.models.image import ImageFormat
from mtopt_robot.models.manifest import Manifest

Reseal = Callable[..., None]
SEALED = ("manifest.yaml", "manifest.sha256", "encoder.onnx", "head.onnx", "golden.npz")


def refused(folder: Path, expected: Expected) -> BundleRefused:
    """The refusal of a bundle that must be refused."""
    with pytest.raises(BundleRefused) as caught:
        check_bundle(folder, expected, ONE_THREAD)
    assert str(folder) in str(caught.value)
    return caught.value


def rewritten(folder: Path, golden: Golden) -> None:
    (folder / "golden.npz").write_bytes(golden.to_bytes())


# written


def test_a_good_bundle_is_complete_and_passes(
    folder: Path, manifest: Manifest, expected: Expected, store_folder: Path
) -> None:
    assert folder == store_folder / "fake" / "1"
    assert sorted(os.listdir(folder)) == sorted([*SEALED, "MODEL_CARD.md"])
    bundle = check_bundle(folder, expected, ONE_THREAD)
    assert replace(bundle.manifest, files=None) == manifest
    assert set(bundle.manifest.files) == {"encoder.onnx", "head.onnx", "golden.npz"}
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert all(task in card for task in manifest.tasks)
    assert "made_by: hand" in card


def test_the_card_says_what_the_network_is_shown(manifest: Manifest) -> None:
    around = replace(manifest, image=ImageFormat(size_px=(96, 72), at="tool", m_per_px=0.003))
    assert "around the tool, in the plane at 0.04 m: 96 x 72 px of 3 mm" in model_card(around)
    assert "the middle" not in model_card(around)


def test_nothing_unfinished_stays_in_the_store(folder: Path, store_folder: Path) -> None:
    assert os.listdir(store_folder) == ["fake"]


def test_a_version_is_never_overwritten(folder: Path, manifest: Manifest) -> None:
    before = {name: (folder / name).read_bytes() for name in SEALED}
    with pytest.raises(BundleExists):
        write_fake(folder.parent.parent, manifest)
    assert before == {name: (folder / name).read_bytes() for name in SEALED}


def test_a_version_that_appears_meanwhile_is_not_overwritten(
    store_folder: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename

    def late(source: Path, target: Path) -> None:
        (target / "theirs").mkdir(parents=True)
        rename(source, target)

    monkeypatch.setattr(os, "rename", late)
    with pytest.raises(BundleExists):
        write_fake(store_folder, manifest)
    assert os.listdir(store_folder / "fake" / "1") == ["theirs"]


def test_a_model_that_would_be_refused_is_not_written(
    store_folder: Path, manifest: Manifest
) -> None:
    size_px, count = manifest.image.size_px, len(manifest.tasks)
    encoder, head = encoder_bytes(size_px), head_bytes(count)
    golden = golden_examples(manifest.tasks, size_px)
    with pytest.raises(BundleRefused, match="graph") as caught:
        write_bundle(store_folder, manifest, head, encoder, golden)
    assert caught.value.folder == store_folder / "fake" / "1"
    with pytest.raises(ManifestInvalid):
        write_bundle(store_folder, replace(manifest, precisions=("fp4",)), encoder, head, golden)
    assert os.listdir(store_folder) == []


def test_a_write_that_fails_leaves_nothing(
    store_folder: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StoreNotWritable, match="No space left"):
            write_fake(store_folder, manifest)
    assert os.listdir(store_folder) == []
    store_folder.rmdir()
    store_folder.write_text("in the way")
    with pytest.raises(StoreNotWritable):
        write_fake(store_folder, manifest)


# damaged


@pytest.mark.parametrize("name", SEALED)
def test_a_flipped_bit_anywhere_is_seen(folder: Path, expected: Expected, name: str) -> None:
    path = folder / name
    good, rng = path.read_bytes(), np.random.default_rng(len(name))
    for _ in range(40):
        damaged = bytearray(good)
        damaged[rng.integers(0, len(good))] ^= 1 << rng.integers(0, 8)
        path.write_bytes(bytes(damaged))
        assert refused(folder, expected).law is Refusal.HASH
    path.write_bytes(good)
    check_bundle(folder, expected, ONE_THREAD)


@pytest.mark.parametrize("name", SEALED)
def test_a_cut_or_missing_file_is_seen(folder: Path, expected: Expected, name: str) -> None:
    path = folder / name
    good, rng = path.read_bytes(), np.random.default_rng(len(name))
    for size in (0, len(good) - 1, *rng.integers(0, len(good), size=10)):
        path.write_bytes(good[:size])
        assert refused(folder, expected).law is Refusal.HASH
    path.unlink()
    refusal = refused(folder, expected)
    assert refusal.law is Refusal.MISSING
    assert name in refusal.reason


@pytest.mark.parametrize("name", SEALED)
def test_what_is_no_plain_file_is_refused_at_once(
    folder: Path, expected: Expected, name: str
) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert refused(folder, expected).law is Refusal.MISSING
    (folder / name).unlink()
    (folder / name).mkdir()
    assert refused(folder, expected).law is Refusal.MISSING


def test_swapped_networks_are_seen(folder: Path, expected: Expected, reseal: Reseal) -> None:
    encoder, head = folder / "encoder.onnx", folder / "head.onnx"
    kept = encoder.read_bytes()
    encoder.write_bytes(head.read_bytes())
    head.write_bytes(kept)
    assert refused(folder, expected).law is Refusal.HASH
    reseal(folder)
    assert refused(folder, expected).law is Refusal.GRAPH


def test_swapped_versions_are_seen(
    folder: Path, manifest: Manifest, expected: Expected, store_folder: Path
) -> None:
    other = write_fake(store_folder, replace(manifest, version="2"))
    shutil.move(folder, folder.parent / "kept")
    shutil.move(other, folder)
    refusal = refused(folder, expected)
    assert refusal.law is Refusal.MANIFEST
    assert "fake/2" in refusal.reason


@pytest.mark.parametrize("name", ["encoder.onnx", "head.onnx", "golden.npz"])
def test_a_huge_file_is_refused_unread(
    folder: Path, expected: Expected, name: str, reseal: Reseal
) -> None:
    os.truncate(folder / name, sealing.MAX_FILE_BYTES + 1)
    assert refused(folder, expected).law is Refusal.SIZE


def test_a_huge_manifest_is_refused_unread(folder: Path, expected: Expected) -> None:
    os.truncate(folder / "manifest.yaml", 2**40)
    assert refused(folder, expected).law is Refusal.SIZE


def test_no_bundle_at_all_is_refused(tmp_path: Path, expected: Expected) -> None:
    assert refused(tmp_path / "nothing", expected).law is Refusal.MISSING


# whole, but not for us


def test_unknown_fields_and_other_kinds_are_refused(
    folder: Path, expected: Expected, reseal: Reseal
) -> None:
    reseal(folder, colour="red")
    refusal = refused(folder, expected)
    assert refusal.law is Refusal.MANIFEST
    assert "colour" in refusal.reason


def test_a_kind_that_the_fields_do_not_fit_is_refused(
    folder: Path, expected: Expected, reseal: Reseal
) -> None:
    reseal(folder, kind="success")
    refusal = refused(folder, expected)
    assert refusal.law is Refusal.MANIFEST
    assert "bounds" in refusal.reason


def test_a_manifest_that_is_not_text_is_refused(folder: Path, expected: Expected) -> None:
    for text in (b"\xff\xfe\x00", b"- a list", b"a: [", b""):
        (folder / "manifest.yaml").write_bytes(text)
        (folder / "manifest.sha256").write_text(sealing.seal_of(text))
        assert refused(folder, expected).law is Refusal.MANIFEST


def test_an_unlisted_network_is_refused(folder: Path, expected: Expected, reseal: Reseal) -> None:
    reseal(folder, files={"head.onnx": "0" * 64})
    refusal = refused(folder, expected)
    assert refusal.law is Refusal.MISSING
    assert "encoder.onnx" in refusal.reason


def test_other_action_bounds_are_refused(
    folder: Path, expected: Expected, bounds: ActionBounds, reseal: Reseal
) -> None:
    wider = ActionBounds((0.2, 0.1, 0.12), bounds.yaw_rad)
    assert refused(folder, replace(expected, bounds=wider)).law is Refusal.LAYOUT
    reseal(folder, action_layout=layout_hash(wider))
    assert refused(folder, expected).law is Refusal.LAYOUT
    reseal(folder, action_layout=layout_hash(bounds), bounds={"delta_m": [0.2, 0.1, 0.12]})
    assert refused(folder, expected).law is Refusal.LAYOUT


def test_unknown_tasks_are_refused_by_name(folder: Path, expected: Expected) -> None:
    refusal = refused(folder, replace(expected, tasks=expected.tasks[:-1]))
    assert refusal.law is Refusal.TASKS
    assert f"unknown tasks {expected.tasks[-1]};" in refusal.reason


def test_tasks_in_another_order_are_refused(
    folder: Path, expected: Expected, reseal: Reseal
) -> None:
    moved = (*expected.tasks[1:], expected.tasks[0])
    reseal(folder, tasks=list(moved))
    assert refused(folder, expected).law is Refusal.TASKS
    # A fleet whose own list is in that order does not help: the networks' is not.
    assert refused(folder, replace(expected, tasks=moved)).law is Refusal.GOLDEN


def test_a_model_of_fewer_tasks_serves_those(
    store_folder: Path, expected: Expected, bounds: ActionBounds
) -> None:
    some = (expected.tasks[1], expected.tasks[8])
    folder = write_fake(store_folder, manifest_of(some, bounds))
    assert check_bundle(folder, expected, ONE_THREAD).manifest.tasks == some


def test_wrong_shapes_are_refused(folder: Path, expected: Expected, reseal: Reseal) -> None:
    reseal(folder, image={"camera_px": [8, 10], "crop_px": [8, 8], "size_px": [4, 5]})
    assert refused(folder, expected).law is Refusal.GRAPH


def test_a_head_for_fewer_tasks_is_refused(
    folder: Path, expected: Expected, reseal: Reseal
) -> None:
    (folder / "head.onnx").write_bytes(head_bytes(len(expected.tasks) - 1))
    reseal(folder)
    assert refused(folder, expected).law is Refusal.GRAPH


def test_a_network_that_gives_nan_for_some_image_is_refused(
    folder: Path, manifest: Manifest, expected: Expected, reseal: Reseal
) -> None:
    flawed = encoder_bytes(manifest.image.size_px, Flaw(bright_is_nan=True))
    (folder / "encoder.onnx").write_bytes(flawed)
    reseal(folder)
    refusal = refused(folder, expected)
    assert refusal.law is Refusal.NUMBERS
    assert "image of 255" in refusal.reason


def test_nan_for_a_golden_image_is_refused(
    folder: Path, manifest: Manifest, expected: Expected, reseal: Reseal
) -> None:
    flawed = encoder_bytes(manifest.image.size_px, Flaw(bright_is_nan=True))
    (folder / "encoder.onnx").write_bytes(flawed)
    golden = golden_examples(manifest.tasks, manifest.image.size_px)
    rewritten(folder, replace(golden, images=np.full_like(golden.images, 255)))
    reseal(folder)
    refusal = refused(folder, expected)
    assert refusal.law is Refusal.NUMBERS
    assert "golden example" in refusal.reason


def test_golden_values_that_are_off_are_refused(
    folder: Path, manifest: Manifest, expected: Expected, reseal: Reseal
) -> None:
    golden = golden_examples(manifest.tasks, manifest.image.size_px)
    for wrong, passes in ((1e-4, True), (2e-3, False), (float("nan"), False)):
        q = golden.q.copy()
        q[-1, -1] += wrong
        rewritten(folder, replace(golden, q=q))
        reseal(folder)
        if passes:
            check_bundle(folder, expected, ONE_THREAD)
        else:
            assert refused(folder, expected).law is Refusal.GOLDEN


def test_golden_examples_must_be_of_all_tasks_and_of_the_images_size(
    folder: Path, manifest: Manifest, expected: Expected, reseal: Reseal
) -> None:
    for golden in (
        golden_examples(manifest.tasks[:-1], manifest.image.size_px),
        golden_examples(manifest.tasks, (5, 5)),
    ):
        rewritten(folder, golden)
        reseal(folder)
        assert refused(folder, expected).law is Refusal.GOLDEN


def test_unreadable_golden_examples_are_refused(
    folder: Path, expected: Expected, reseal: Reseal
) -> None:
    (folder / "golden.npz").write_bytes(b"not a zip")
    reseal(folder)
    assert refused(folder, expected).law is Refusal.GOLDEN


def test_values_that_depend_on_the_company_are_refused(
    folder: Path, manifest: Manifest, expected: Expected, reseal: Reseal
) -> None:
    (folder / "head.onnx").write_bytes(head_bytes(len(manifest.tasks), Flaw(samples_mix=True)))
    golden = golden_examples(manifest.tasks, manifest.image.size_px)
    rewritten(folder, replace(golden, q=golden.q - golden.q.mean(axis=1, keepdims=True)))
    reseal(folder)
    refusal = refused(folder, expected)
    assert refusal.law is Refusal.GRAPH
    assert "among others" in refusal.reason
