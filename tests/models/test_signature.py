"""How a class or a function is called follows from the names of its parameters."""

import functools

import pytest
from refusals import refused

from overfitlab.errors import UsageError
from overfitlab.models.signature import MOST_WAYS, describes, ways

SHAPE, CLASSES = (12, 10, 3), 4
SQUARE = (8, 8, 1)


def first(function, shape=SHAPE):
    return str(ways(function, "net.py:net", shape, CLASSES)[0])


@pytest.mark.parametrize(
    "name",
    ["classes", "num_classes", "n_classes", "nclasses", "nb_classes", "numClasses", "num_labels", "n_labels", "n_class",
     "output_dim", "out_features", "n_outputs"],
)  # fmt: skip
def test_every_usual_name_of_the_classes_is_known(name):
    namespace = {}
    exec(f"def required({name}): ...\ndef optional({name}=1000): ...", namespace)
    assert first(namespace["required"]) == "(4)"
    assert first(namespace["optional"]) == f"({name}=4)"


@pytest.mark.parametrize("name", ["in_channels", "in_chans", "in_ch", "input_channels", "img_channels", "inChannels"])
def test_every_usual_name_of_the_channels_is_known(name):
    namespace = {}
    exec(f"def net({name}, classes): ...\ndef by_default({name}=1, classes=10): ...", namespace)
    assert first(namespace["net"]) == "(3, 4)"
    assert first(namespace["by_default"]) == f"({name}=3, classes=4)"


class Takes:
    @staticmethod
    def image_shape_and_classes(image_shape, classes): ...
    @staticmethod
    def other_names(one, two): ...
    @staticmethod
    def keywords_only(*, num_classes, in_channels): ...
    @staticmethod
    def classes_first(num_classes, in_channels): ...
    @staticmethod
    def shape_by_torch(input_shape, n_classes): ...
    @staticmethod
    def side(image_size, num_classes): ...
    @staticmethod
    def flat(input_dim, output_dim): ...
    @staticmethod
    def pixels(img_height, img_width, in_chans, n_out): ...
    @staticmethod
    def anything(**kwargs): ...
    @staticmethod
    def of_torchvision(*, weights=None, progress=True, **kwargs): ...
    @staticmethod
    def nothing(): ...
    @staticmethod
    def rest(*args): ...


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (Takes.image_shape_and_classes, ["((12, 10, 3), 4)", "((3, 12, 10), 4)"]),
        (Takes.other_names, ["((12, 10, 3), 4)"]),
        (Takes.keywords_only, ["(num_classes=4, in_channels=3)"]),
        (Takes.classes_first, ["(4, 3)"]),
        (Takes.shape_by_torch, ["((12, 10, 3), 4)", "((3, 12, 10), 4)"]),
        (Takes.side, ["((12, 10), 4)"]),
        (Takes.flat, ["(360, 4)", "(3, 4)"]),
        (Takes.pixels, ["(12, 10, 3, 4)"]),
        (Takes.nothing, ["()"]),
        (Takes.rest, ["()", "((12, 10, 3), 4)"]),
        (functools.partial(Takes.side, 8), ["(4)"]),
        (functools.partial(Takes.side, image_size=8), ["(num_classes=4)"]),
        (functools.partial(Takes.keywords_only, num_classes=10), ["(in_channels=3)"]),
        (lambda k, num_classes=2: None, None),
    ],
)
def test_ways(function, expected):
    if expected is None:
        with refused(UsageError, "network_needs_more", names="k", model="net.py:net", name="net"):
            ways(function, "net.py:net", SHAPE, CLASSES)
    else:
        assert [str(way) for way in ways(function, "net.py:net", SHAPE, CLASSES)] == expected


def test_a_square_image_has_one_side():
    assert [str(way) for way in ways(Takes.side, "", SQUARE, CLASSES)] == ["(8, 4)", "((8, 8), 4)"]


@pytest.mark.parametrize("function", [Takes.anything, Takes.of_torchvision])
def test_what_takes_any_keyword_is_tried_as_torchvision_and_timm_are_called(function):
    found = [str(way) for way in ways(function, "", SHAPE, CLASSES)]
    assert found == ["(num_classes=4, in_chans=3)", "(num_classes=4, in_channels=3)", "(num_classes=4)", "()"]


def test_defaults_are_left_where_filling_them_in_does_not_do():
    def net(in_channels=3, num_classes=10, image_size=224): ...

    found = [str(way) for way in ways(net, "", SQUARE, CLASSES)]
    assert found[0] == "(in_channels=1, num_classes=4, image_size=8)"
    assert "(num_classes=4)" in found
    assert found[-1] == "()"
    assert len(found) <= MOST_WAYS


def test_a_hidden_width_is_never_taken_for_the_images_channels():
    """A network that is as narrow as the images have channels is not what its author meant."""

    def net(num_classes, channels=64, width=1.0, hidden=128, out_channels=16, size=3): ...

    assert [str(way) for way in ways(net, "", SHAPE, CLASSES)] == ["(4)"]


@pytest.mark.parametrize("signature", ["widths, num_classes", "num_classes, layers", "hidden, classes"])
def test_a_width_beside_the_classes_is_never_taken_for_the_shape_of_the_images(signature):
    namespace = {}
    exec(f"def net({signature}): ...", namespace)
    with refused(UsageError, "network_needs_more"):
        ways(namespace["net"], "net.py:net", SHAPE, CLASSES)


@pytest.mark.parametrize("names", ["hidden", "block, layers", "config"])
def test_what_nobody_can_know_is_named(names):
    namespace = {}
    exec(f"def net({names}, num_classes, in_channels): ...", namespace)
    with refused(UsageError, "network_needs_more", names=names):
        ways(namespace["net"], "net.py:net", SHAPE, CLASSES)


def test_a_description_has_a_builder_first():
    assert describes(lambda build, classes: None)
    assert not describes(lambda classes, build: None)
    assert not describes(Takes.nothing)
