"""Networks of your own, in the two ways that `--model` understands.

    overfitlab train --model examples/own_network.py:described --method batch_norm
    overfitlab train --model examples/own_network.py:Plain --method dropout

Run as a program, it prints both as tables: python examples/own_network.py
"""

import torch
from torch import nn

from overfitlab.methods import registry as methods
from overfitlab.models.registry import build as build_model
from overfitlab.models.summary import summary
from overfitlab.randomness import Key


def described(build, classes):
    """Describe a small residual network, layer by layer, with a place for every kind of method.

    The first parameter has to be called `build`. A method decides what comes to the sites; `none` leaves them empty.
    """
    build.conv(32)
    build.norm_site()
    build.relu()
    for filters in (32, 64):
        with build.residual():  # adds its input to its output
            build.conv(filters, stride=2)
            build.norm_site()
            build.relu()
            build.conv(filters)
            build.norm_site()
        build.relu()
        build.pool_site()
    build.global_average_pool()
    build.classifier_site()
    build.dense(classes)


class Plain(nn.Module):
    """Any PyTorch module: images [B, C, H, W] in, logits [B, classes] out.

    `--model` may name a class or a function, called with the image's shape (height, width, channels) and the number
    of classes. Methods get one place: right before `head`, the dense layer that makes the logits.
    """

    def __init__(self, image_shape, classes):
        super().__init__()
        _height, _width, channels = image_shape
        self.features = nn.Sequential(
            nn.Conv2d(channels, 32, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.GELU(),
        )
        self.head = nn.Linear(64, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits, without a softmax."""
        return self.head(self.features(images).mean((2, 3)))


if __name__ == "__main__":
    shape, classes = (32, 32, 3), 10
    for function, method in (("described", "batch_norm+dropout"), ("Plain", "dropout")):
        model = build_model(f"{__file__}:{function}", shape, classes, methods.parse(method), Key(0))
        print(summary(model, shape, function))
