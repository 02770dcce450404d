"""Config files: what is accepted, and what a mistyped file is told."""

from pathlib import Path

import pytest

from mtopt_data.errors import YamlInvalid
from mtopt_data.yamlfile import parse_yaml, read_yaml


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "cell.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_mapping_comes_back_with_its_types(tmp_path: Path) -> None:
    path = write(tmp_path, "name: cell1\nrate_hz: 30.0\ncameras: [a, b]\nbox: {min: [0, 1]}\n")
    expected = {"name": "cell1", "rate_hz": 30.0, "cameras": ["a", "b"], "box": {"min": [0, 1]}}
    assert read_yaml(path) == expected


@pytest.mark.parametrize("text", ["1e-3", "1E3", "-2.5e+2", "+1e0"])
def test_exponents_without_a_point_are_numbers(text: str) -> None:
    assert parse_yaml(f"x: {text}", "s")["x"] == pytest.approx(float(text))


@pytest.mark.parametrize("text", ["1e", "e3", "1e3x", "v1e-3"])
def test_words_that_look_a_little_like_numbers_stay_words(text: str) -> None:
    assert parse_yaml(f"x: {text}", "s")["x"] == text


def test_merge_keys_and_anchors_work() -> None:
    text = "base: &b {rate_hz: 5, gain: 1}\ncell: {<<: *b, gain: 2}\n"
    assert parse_yaml(text, "s")["cell"] == {"rate_hz": 5, "gain": 2}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(YamlInvalid, match=r"absent\.yaml: no such file"):
        read_yaml(tmp_path / "absent.yaml")


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(YamlInvalid, match="cannot be read"):
        read_yaml(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: [1, 2\n", r"line 3, column 1"),
        ("a: 1\n  b: 2\n", r"line 2, column 4"),
        ("a: 1\nb: 2\na: 3\n", r"line 3, column 1: key 'a' appears twice, first on line 1"),
        ("a:\n  b: 1\n  b: 2\n", r"line 3, column 3: key 'b' appears twice, first on line 2"),
        ("- {c: 1, c: 2}\n", r"key 'c' appears twice"),
        ("yes: 1\n", r"line 1, column 1: key True is not text"),
        ("a: {1: x}\n", r"key 1 is not text"),
        ("", r"the file is empty, a mapping"),
        ("- a\n- b\n", r"found a list, a mapping"),
        ("just words\n", r"found str 'just words', a mapping"),
        ("a: 1\n---\nb: 2\n", r"line 2, column 1"),
        ("a: !!python/object/apply:os.getcwd []\n", r"line 1, column 4"),
        ("a: 2026-13-45\n", r"not YAML"),
        (b"a: \xff\xfe\n", r"not UTF-8 text \(byte 3\)"),
        ("a: \x00\n", r"not YAML"),
    ],
)
def test_a_mistyped_file_is_refused_with_the_place(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(YamlInvalid, match=said) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(str(path))
