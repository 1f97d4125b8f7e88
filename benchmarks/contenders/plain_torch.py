"""The notebook's network as one writes it in PyTorch: `python plain_torch.py float32|bfloat16 [--malloc] [--compile]`.

Channels-last memory and the fused Adam.
"""

import ctypes

import torch
from common import CLASSES, LEARNING_RATE, options, serve, standardized
from torch import nn
from torch.nn import functional as F

EVALUATION_BATCH = 500


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
    """Train and evaluate with a plain loop."""
    asked = options(malloc="raise glibc's thresholds as overfitlab raises them", compile="use torch.compile")
    if asked.malloc:
        libc = ctypes.CDLL(None)
        libc.mallopt(-3, 32 * 2**20)
        libc.mallopt(-1, 512 * 2**20)
    if asked.threads:
        torch.set_num_threads(asked.threads)
    images, targets = standardized(asked.images)
    x = torch.from_numpy(images).permute(0, 3, 1, 2)  # channels-last memory as it is
    y = torch.from_numpy(targets)
    model = network().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE, eps=1e-7, fused=True)
    # not `model.compile()`, which leaves a network of PyTorch's own classes as it is, without a word
    forward = torch.compile(model) if asked.compile else model
    mixed = asked.precision == "bfloat16"

    def train(steps: int) -> None:
        model.train()
        order = torch.randperm(steps * asked.batch)
        loss_sum, correct = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for rows in order.split(asked.batch):
            labels = y[rows]
            with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
                logits = forward(x[rows])
            loss = F.cross_entropy(logits.float(), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach()
            correct += (logits.argmax(1) == labels).sum()

    @torch.inference_mode()
    def evaluate(count: int) -> None:
        model.eval()
        loss_sum, correct = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for images, labels in zip(x[:count].split(EVALUATION_BATCH), y[:count].split(EVALUATION_BATCH), strict=True):
            with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
                logits = model(images)
            loss_sum += F.cross_entropy(logits.float(), labels, reduction="sum")
            correct += (logits.argmax(1) == labels).sum()

    about = {"torch": torch.__version__, "precision": asked.precision, "threads": str(torch.get_num_threads())}
    serve(train, evaluate, about)


main()
