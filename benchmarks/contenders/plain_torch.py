"""The notebook's network as one writes it in PyTorch: `python plain_torch.py float32|bfloat16 [malloc]`.

Channels-last memory and the fused Adam; with `malloc`, glibc's thresholds are raised as overfitlab raises them.
"""

import ctypes
import sys

import torch
from common import BATCH, CLASSES, LEARNING_RATE, serve, standardized
from torch import nn
from torch.nn import functional as F


def network() -> nn.Sequential:
    """Return the notebook's network."""
    layers: list[nn.Module] = []
    channels = 3
    for number, filters in enumerate((32, 32, 64, 64, 128, 128), start=1):
        layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.BatchNorm2d(filters, 1e-3, 0.01), nn.ReLU()]
        channels = filters
        if number % 2 == 0:
            layers.append(nn.MaxPool2d(2))
    layers += [nn.Flatten(), nn.Linear(2048, 256), nn.BatchNorm1d(256, 1e-3, 0.01), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(256, CLASSES))


def main() -> None:
    """Train with a plain loop."""
    precision, *rest = sys.argv[1:]
    if rest == ["malloc"]:
        libc = ctypes.CDLL(None)
        libc.mallopt(-3, 32 * 2**20)
        libc.mallopt(-1, 512 * 2**20)
    images, targets = standardized()
    x = torch.from_numpy(images).permute(0, 3, 1, 2)  # channels-last memory as it is
    y = torch.from_numpy(targets)
    model = network().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE, eps=1e-7, fused=True)

    def train(steps: int) -> None:
        order = torch.randperm(steps * BATCH)
        loss_sum, correct = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for rows in order.split(BATCH):
            labels = y[rows]
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                logits = model(x[rows])
            loss = F.cross_entropy(logits.float(), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach()
            correct += (logits.argmax(1) == labels).sum()

    serve(train, {"torch": torch.__version__, "precision": precision, "threads": str(torch.get_num_threads())})


main()
