"""The number format that networks work in while they learn and value."""

from __future__ import annotations

import torch


def working_in(amp: torch.dtype | None, device: str) -> torch.autocast:
    """Layers work in `amp` within it, or in the weights' own format for None."""
    kind = device.partition(":")[0]
    return torch.autocast(kind, amp or torch.bfloat16, enabled=amp is not None)
