"""The paper's own figures, to stand beside ours: Table IV, 100 attempts a task on real robots."""

from __future__ import annotations

from collections.abc import Mapping

EPISODES = {
    "lift-any": "635K", "lift-banana": "9K", "lift-bottle": "11K", "lift-sausage": "5K",
    "lift-milk": "6K", "lift-box": "6K", "lift-can": "6K", "lift-carrot": "80K",
    "place-any": "30K", "place-bottom": "5K", "place-top-right": "4K", "place-top-left": "4K",
}  # fmt: skip

MT_OPT: Mapping[str, float] = {
    "lift-any": 0.89, "lift-banana": 0.33, "lift-bottle": 0.69, "lift-sausage": 0.38,
    "lift-milk": 0.51, "lift-box": 0.29, "lift-can": 0.43, "lift-carrot": 0.70,
    "place-any": 0.85, "place-bottom": 0.87, "place-top-right": 0.54, "place-top-left": 0.53,
}  # fmt: skip

QT_OPT: Mapping[str, float] = {
    "lift-any": 0.88, "lift-banana": 0.04, "lift-bottle": 0.02, "lift-sausage": 0.02,
    "lift-milk": 0.01, "lift-box": 0.00, "lift-can": 0.01, "lift-carrot": 0.71,
}  # fmt: skip

FIGURES: Mapping[str, float] = {
    "min": 0.29, "q25": 0.42, "median": 0.54, "mean": 0.58, "q75": 0.74, "max": 0.89,
    "low_data_mean": 0.50,
}  # fmt: skip
