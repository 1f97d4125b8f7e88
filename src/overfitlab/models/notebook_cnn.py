"""The notebook's network."""

from overfitlab.methods.base import Method
from overfitlab.models.network import Builder, Network
from overfitlab.randomness import Key


def notebook_cnn(image_shape: tuple[int, int, int], classes: int, method: Method, key: Key) -> Network:
    """Return the notebook's CNN for images of shape (height, width, channels).

    With batch normalization on 32x32x3 and 10 classes: 816,938 parameters, 815,530 of them trained.
    """
    build = Builder(image_shape, method, key, name="notebook_cnn", classes=classes)
    describe(build, classes)
    return build.network()


def describe(build: Builder, classes: int) -> None:
    """Append the layers of the notebook's CNN."""
    for number, filters in enumerate((32, 32, 64, 64, 128, 128), start=1):
        build.conv(filters)
        build.norm_site()
        build.relu()
        if number % 2 == 0:
            build.max_pool()
            build.pool_site()
    build.flatten()
    build.dense(256)
    build.norm_site()
    build.relu()
    build.classifier_site()
    build.dense(classes)
