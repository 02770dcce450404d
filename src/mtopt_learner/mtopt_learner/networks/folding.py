"""A trained Q-network as plain weights: batch norm folded away, the action's share of the head's
first convolution worked out beforehand.

That convolution is linear in features + action, so it is one convolution of the features, made
once, and a sum over the action, which is the same at every place but the edges: there the zeros
around the image leave filter taps out. `cases` holds one such sum for every set of taps, and
`places` says which holds where.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .q_network import BRIGHTEST, ConvBlock, QNetwork
from .task_input import TaskHeads

Weights = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FoldedConv:
    """A convolution with its bias: weight (O, I, k, k), bias (O,).

    `top` is the largest value expected behind its ReLU, for integer arithmetic; 0 where nobody
    measured it.
    """

    weight: Weights
    bias: Weights
    stride: int
    padding: int
    top: float = 0.0


@dataclass(frozen=True, eq=False)
class FoldedDense:
    """A matrix (I, O) and a bias (O,)."""

    weight: Weights
    bias: Weights


@dataclass(frozen=True, eq=False)
class FoldedHeads:
    """Matrices (T, I, O) and biases (T, O), for each task its own."""

    weight: Weights
    bias: Weights


@dataclass(frozen=True, eq=False)
class FoldedQ:
    """Everything that the graphs are made of.

    `encoder` ends in the linear part of the head's first convolution, `first`; `action`, `state`
    and `task` (I, M) with the bias `merged` (M,) make the vector behind whose ReLU `cases`
    (M -> K * C) gives the action's share for each of K sets of taps; `places` (h * w,) names the
    set of each place.
    """

    encoder: tuple[FoldedConv, ...]
    stem_pool: int
    body_pool: int
    features_px: tuple[int, int]
    first: FoldedConv
    action: Weights
    state: Weights
    task: Weights
    merged: Weights
    cases: FoldedDense
    places: NDArray[np.int64]
    head: tuple[FoldedConv, ...]
    head_pool: int
    tail: tuple[FoldedConv, ...]
    dense: tuple[FoldedDense | FoldedHeads, ...]


def over_blocks(conv: FoldedConv, size_px: tuple[int, int]) -> tuple[FoldedConv, int]:
    """The same convolution, without a stride, of an image cut into blocks; and a block's side.

    A block's pixels are its channels, row by row. Three channels keep no machine busy, twelve
    do. The side is 1, and nothing changed, where filter, padding or image are not whole blocks.
    """
    side, (out, inputs, kernel, _) = conv.stride, conv.weight.shape
    if side == 1 or any(length % side for length in (kernel, conv.padding, *size_px)):
        return conv, 1
    taps = kernel // side
    cut = conv.weight.reshape(out, inputs, taps, side, taps, side).transpose(0, 3, 5, 1, 2, 4)
    weight = np.ascontiguousarray(cut.reshape(out, side * side * inputs, taps, taps))
    blocked = dataclasses.replace(conv, weight=weight, stride=1, padding=conv.padding // side)
    return blocked, side


Tops = Mapping[nn.Module, float]


def fold(network: QNetwork, tops: Tops | None = None) -> FoldedQ:
    """The weights of a network in evaluation; the network is left as it is.

    `tops` are the largest values behind each of its blocks, as `calibrated` finds them.
    """
    known = tops or {}
    config, head, merge = network.config, network.head, network.head.merge
    stem, *body = folded_convs([network.encoder.stem, *network.encoder.body], known)
    # Pixels come as 0..255.
    stem = dataclasses.replace(stem, weight=stem.weight / np.float32(BRIGHTEST))
    first, *others = folded_convs(head.convs, known)
    scale, shift = _norm(merge.norm)
    cases, places = _cases(
        first, array_of(merge.out.weight), array_of(merge.out.bias), config.features_px
    )
    return FoldedQ(
        encoder=(stem, *body),
        stem_pool=config.stem_pool,
        body_pool=config.body_pool,
        features_px=config.features_px,
        first=first,
        action=array_of(merge.action.weight).T * scale,
        state=array_of(merge.state.weight).T * scale,
        task=array_of(merge.task.by_task).T * scale,
        merged=shift,
        cases=cases,
        places=places,
        head=tuple(others),
        head_pool=config.head_pool,
        tail=tuple(folded_convs(head.tail, known)),
        dense=tuple(folded_last(layer) for layer in (*head.dense, head.value)),
    )


def _folded_conv(block: ConvBlock, top: float) -> FoldedConv:
    scale, shift = _norm(block.norm)
    weight = array_of(block.conv.weight) * scale[:, np.newaxis, np.newaxis, np.newaxis]
    return FoldedConv(weight, shift, block.conv.stride[0], int(block.conv.padding[0]), top)


def _cases(
    conv: FoldedConv, out: Weights, bias: Weights, size_px: tuple[int, int]
) -> tuple[FoldedDense, NDArray[np.int64]]:
    """The action's share of a convolution of features + action, (M -> K * C), and where."""
    kernel = conv.weight.shape[2]
    rows, columns = (_taps(side, kernel) for side in size_px)
    sets = sorted({(r, c) for r in rows for c in columns})
    sums = [conv.weight[:, :, r[0] : r[1], c[0] : c[1]].sum(axis=(2, 3)) for r, c in sets]
    weight = np.concatenate([out.T @ each.T for each in sums], axis=1)
    shift = np.concatenate([each @ bias for each in sums])
    places = np.array([sets.index((r, c)) for r in rows for c in columns])
    return FoldedDense(weight, shift), places


def _taps(side: int, kernel: int) -> list[tuple[int, int]]:
    """The taps (first, behind the last) of a filter that lie inside, at each of `side` places."""
    reach = kernel // 2
    return [(max(0, reach - at), min(kernel, side - at + reach)) for at in range(side)]


def _norm(norm: nn.BatchNorm2d | nn.BatchNorm1d) -> tuple[Weights, Weights]:
    """Scale and shift that a batch norm comes to, once trained."""
    if norm.running_mean is None or norm.running_var is None:
        raise TypeError("a norm without running statistics cannot be folded")
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return array_of(scale), array_of(norm.bias - norm.running_mean * scale)


def folded_dense(layer: nn.Module, norm: nn.BatchNorm1d | None = None) -> FoldedDense:
    """A linear layer as plain weights, with the batch norm behind it where there is one."""
    if not isinstance(layer, nn.Linear):
        raise TypeError(f"must be a linear layer, is {type(layer).__name__}")
    weight, bias = array_of(layer.weight).T, array_of(layer.bias)
    if norm is None:
        return FoldedDense(weight, bias)
    scale, shift = _norm(norm)
    return FoldedDense(weight * scale, bias * scale + shift)


def folded_last(layer: nn.Module) -> FoldedDense | FoldedHeads:
    """One of the last layers as plain weights."""
    if not isinstance(layer, TaskHeads):
        return folded_dense(layer)
    return FoldedHeads(array_of(layer.weight.transpose(1, 2)), array_of(layer.bias))


def folded_convs(blocks: Iterable[nn.Module], tops: Tops) -> list[FoldedConv]:
    """What the blocks do, ReLU aside."""
    return [
        _folded_conv(block, tops.get(block, 0.0))
        for block in blocks
        if isinstance(block, ConvBlock)
    ]


def array_of(values: Tensor) -> Weights:
    """A tensor's numbers, float32, in memory of their own."""
    return values.detach().to("cpu", torch.float32).numpy().copy()
