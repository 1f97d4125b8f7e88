"""VGG for small images (Simonyan and Zisserman, 2014, arXiv:1409.1556)."""

from overfitlab.models.layers import glorot_uniform, he_normal
from overfitlab.models.network import Builder

STAGES = {  # filters of the 3x3 convolutions between two poolings: the paper's configurations A and D
    "vgg11": ((64,), (128,), (256, 256), (512, 512), (512, 512)),
    "vgg16": ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)),
}


def describe(build: Builder, classes: int, *, name: str) -> None:
    """Append the layers of `vgg11` or `vgg16`, with one dense layer in place of the paper's three.

    The paper's three dense layers are for images of 224x224 pixels; on 32x32 the five poolings leave one pixel, and
    the usual variant for such images has one dense layer. Every pooling is "same", so that one pixel stays one.
    """
    build.initial = he_normal  # with Glorot's weights vgg16 does not begin to learn without normalization
    for filters_of_stage in STAGES[name]:
        for filters in filters_of_stage:
            build.conv(filters)
            build.norm_site()
            build.relu()
        build.max_pool()
        build.pool_site()
    build.flatten()
    build.classifier_site()
    build.initial = glorot_uniform
    build.dense(classes)
