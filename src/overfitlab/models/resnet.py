"""Residual networks for small images (He et al., 2015, arXiv:1512.03385, section 4.2)."""

from overfitlab.models.layers import glorot_uniform, he_normal
from overfitlab.models.network import Builder


def describe(build: Builder, classes: int, *, depth: int) -> None:
    """Append the layers of the residual network with that depth, 6n + 2: n blocks of two convolutions in each stage.

    A norm site follows each convolution, as batch normalization does in the paper. There is no pooling between the
    stages: the first convolution of the next one has stride 2. The pool sites are at the end of the first two stages
    and after the global average pooling that ends the third.

    Without normalization each block would add as much variance as it receives, and 27 of them multiply the scale of
    the signal by ten thousand. So the last convolution of each block starts at 1 / sqrt(number of blocks) of its usual
    weights (Hayou et al., 2021, arXiv:2010.12859), under every method alike; a normalization behind it undoes that.
    """
    blocks = (depth - 2) // 6
    build.initial = he_normal  # as in the paper
    build.conv(16)
    build.norm_site()
    build.relu()
    for stage, filters in enumerate((16, 32, 64), start=1):
        for block in range(blocks):
            with build.residual():
                build.conv(filters, stride=2 if stage > 1 and block == 0 else 1)
                build.norm_site()
                build.relu()
                build.conv(filters, scale=(3 * blocks) ** -0.5)
                build.norm_site()
            build.relu()
        if stage < 3:
            build.pool_site()
    build.global_average_pool()
    build.pool_site()
    build.classifier_site()
    build.initial = glorot_uniform
    build.dense(classes)
