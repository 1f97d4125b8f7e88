"""Images that are nearly the same in training and in validation or test: what is measured on them is memory.

Two images count as near-duplicates where small gray versions of them correlate, and their fine structure does too:
the same picture at another size, quality, brightness or colour. Mirrored, turned or cropped copies are not found. The
two thresholds were chosen by eye on CIFAR-10, whose test set has 1 to 2 % such images in its training set (Barz and
Denzler, 2020, arXiv:1902.00423 found 3.3 %, shifted ones included): docs/data.md.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from overfitlab.data.dataset import Dataset, Images, Indices
from overfitlab.data.prepare.splits import Split
from overfitlab.data.prepare.twins import NearDuplicates, Twins

SIDE = 16  # pixels of the small versions
BLUR = 5  # pixels that are averaged and taken away to leave the fine structure
ALIKE = {3: (0.90, 0.80), 1: (0.97, 0.93)}  # correlations of the whole and of the fine structure, by channels
FLAT = 2.0  # levels of standard deviation below which an image shows nothing that could be compared
COMPARISONS = 1_000_000_000  # pairs of images at most for a part: some 10 seconds
BLOCK = 4096  # images that are compared at once
BLOCK_PIXELS = BLOCK * 32 * 32  # that are made small at once


def near_duplicates(dataset: Dataset, split: Split) -> list[NearDuplicates]:
    """Compare validation with training, and test with both; a random sample of a part where it is large."""
    learning = np.concatenate([split.training, split.validation])
    return [
        _compared("validation", dataset, split.validation, split.training),
        _compared("test", dataset, split.test, learning),
    ]


def _compared(part: str, dataset: Dataset, rows: Indices, others: Indices) -> NearDuplicates:
    if not len(rows):
        return NearDuplicates(part, 0, [])
    most = max(1, COMPARISONS // len(others))
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
    whole_alike, fine_alike = ALIKE[dataset.image_shape[2]]
    whole, fine = _small(dataset.images, rows)
    best = torch.zeros(len(rows))
    twins = torch.zeros(len(rows), dtype=torch.int64)
    for start in range(0, len(others), BLOCK):
        some = others[start : start + BLOCK]
        their_whole, their_fine = _small(dataset.images, some)
        for first in range(0, len(rows), BLOCK):
            mine = slice(first, first + BLOCK)
            alike = whole[mine] @ their_whole.T
            alike[(alike < whole_alike) | (fine[mine] @ their_fine.T < fine_alike)] = 0
            highest, columns = alike.max(1)
            better = highest > best[mine]
            best[mine] = torch.where(better, highest, best[mine])
            twins[mine] = torch.where(better, torch.from_numpy(some)[columns], twins[mine])
    found = torch.nonzero(best)[:, 0].tolist()
    pairs = [Twins(int(rows[number]), int(twins[number]), round(float(best[number]), 6)) for number in found]
    return NearDuplicates(part, len(rows), sorted(pairs, key=lambda pair: (-pair.correlation, pair.row)))


def _small(images: Images, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Return small gray versions [n, SIDE * SIDE] and their fine structure, each of mean 0 and length 1, or zero."""
    whole, fine = [], []
    at_once = max(1, BLOCK_PIXELS // (images.shape[1] * images.shape[2]))
    for start in range(0, len(rows), at_once):
        pixels = torch.from_numpy(np.asarray(images[rows[start : start + at_once]]))
        gray = pixels.permute(0, 3, 1, 2).float().mean(1, keepdim=True)
        small = F.adaptive_avg_pool2d(gray, SIDE)
        blurred = F.avg_pool2d(small, BLUR, stride=1, padding=BLUR // 2, count_include_pad=False)
        whole.append(_unit(small.flatten(1)))
        fine.append(_unit((small - blurred).flatten(1)))
    return torch.cat(whole), torch.cat(fine)


def _unit(x: Tensor) -> Tensor:
    centred = x - x.mean(1, keepdim=True)
    length = centred.norm(dim=1, keepdim=True)
    return torch.where(length < FLAT * x.shape[1] ** 0.5, torch.zeros_like(centred), centred / length.clamp_min(1e-9))
