"""Success by task as a picture: a bar with its interval an evaluation, a mark for the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

_COLOURS = ("#2f6f9f", "#d08a2e", "#5b8c5a", "#9a5b8c", "#7a7a7a")
_PAPER = "#b03030"
_LEFT, _WIDE, _TOP, _BAR, _GAP = 150, 520, 34, 12, 10  # px


def svg(evaluations: Sequence[Mapping[str, Any]], reference: Mapping[str, float]) -> str:
    """The picture as SVG; `reference` has a share by task."""
    tasks = list(dict.fromkeys(task for told in evaluations for task in told["tasks"]))
    group = _BAR * max(1, len(evaluations)) + _GAP
    high = _TOP + group * len(tasks) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDE + 30}" height="{high}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        *_axis(high),
        *_legend([str(told["model"]) for told in evaluations]),
    ]
    for row, task in enumerate(tasks):
        top = _TOP + row * group
        middle = top + (group - _GAP) / 2
        parts.append(
            f'<text x="{_LEFT - 8}" y="{middle + 4:g}" text-anchor="end">{escape(task)}</text>'
        )
        for index, told in enumerate(evaluations):
            if task in told["tasks"]:
                parts += _bar(told, task, top + index * _BAR, _COLOURS[index % len(_COLOURS)])
        if task in reference:
            x = _x(reference[task])
            parts.append(
                f'<path d="M{x:g} {top - 2:g} V{top + group - _GAP + 2:g}" stroke="{_PAPER}" '
                'stroke-width="2"/>'
            )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(told: Mapping[str, Any], task: str, top: float, colour: str) -> list[str]:
    low, high = told["intervals"][task]
    middle = top + _BAR / 2
    return [
        f'<rect x="{_LEFT}" y="{top:g}" width="{_WIDE * told["tasks"][task]:g}" '
        f'height="{_BAR - 2}" fill="{colour}"/>',
        f'<path d="M{_x(low):g} {middle - 1:g} H{_x(high):g}" stroke="black" stroke-width="1.5"/>',
    ]


def _axis(high: float) -> list[str]:
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = _x(tick)
        parts.append(f'<path d="M{x:g} {_TOP - 6} V{high - 16}" stroke="#dddddd"/>')
        parts.append(f'<text x="{x:g}" y="{high - 4}" text-anchor="middle">{tick:g}</text>')
    return parts


def _legend(names: Sequence[str]) -> list[str]:
    parts, x = [], float(_LEFT)
    for name, colour in (*zip(names, _COLOURS, strict=False), ("the paper", _PAPER)):
        parts.append(f'<rect x="{x:g}" y="8" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 16:g}" y="18">{escape(name)}</text>')
        x += 30 + 7 * len(name)
    return parts


def _x(share: float) -> float:
    return _LEFT + _WIDE * share
