"""Every public function with every argument of a wrong type: a usage error that says so, never an internal one."""

import inspect
import io
import re

import numpy as np
import pytest

import overfitlab
from overfitlab.errors import CancelledError, OverfitlabError, UsageError
from overfitlab.events import ImagesLoaded, TaskBegan


def function(*_):
    """Stand for what nobody would hand in, except as a listener."""


WRONG = {
    "None": None, "object": object(), "3.5": 3.5, "x": "x", "bytes": b"x", "list": [], "dict": {}, "nan": np.nan,
    "function": function, "class": int, "array": np.zeros((2, 3)), "minus": -1, "set": {1}, "true": True,
}  # fmt: skip


class Enough(overfitlab.Listener):
    """Ends whatever is begun as soon as the images are there: by then every argument was looked at."""

    def on(self, event):
        """End it."""
        if isinstance(event, ImagesLoaded | TaskBegan):
            raise CancelledError("cancelled", "stopped, as the listener asked; the same call continues")


def arguments(call):
    return [name for name in inspect.signature(call).parameters if name not in ("hyperparameters", "options")]


def cases(*calls):
    return [pytest.param(call, name, id=f"{call.__name__}-{name}") for call in calls for name in arguments(call)]


def attempt(call, argument, value, /, **usual):
    """Call it, and see that what comes is an answer, or one line for people."""
    try:
        call(**usual | {argument: value})
    except CancelledError:
        return
    except OverfitlabError as error:
        assert not re.search(r" at 0x|Error:", str(error)), str(error)  # noqa: PT017
        assert len(str(error)) < 600, str(error)  # noqa: PT017
        assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.slow
@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize(("call", "name"), cases(overfitlab.train, overfitlab.compare))
def test_training_and_comparing(call, name, value):
    usual = {"data": "digits", "protocol": "quick", "threads": 1, "verbose": False, "listener": Enough()}
    if name == "listener":
        usual["data"] = "nowhere"  # nothing of it ends what others would begin
    attempt(call, name, value, **usual)


@pytest.mark.slow
@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize(("call", "name"), cases(overfitlab.evaluate, overfitlab.predict, overfitlab.explain))
def test_a_trained_run(digits_run, call, name, value):
    images = {} if call is overfitlab.evaluate else {"images": np.zeros((1, 8, 8), np.uint8)}
    attempt(call, name, value, run=digits_run, **images)


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize(
    ("call", "name"),
    cases(
        overfitlab.method, overfitlab.describe_method, overfitlab.find_run, overfitlab.load_run, overfitlab.find_study,
        overfitlab.load_study,
    ),
)  # fmt: skip
def test_names_and_folders(call, name, value):
    usual = {arguments(call)[0]: "l2"}
    attempt(call, name, value, **usual)


@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
def test_hyperparameters(value):
    attempt(overfitlab.method, "rate", value, name="dropout")


@pytest.mark.slow
@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("name", ["name", "language"])
def test_figures_of_a_study(small_study, name, value):
    attempt(overfitlab.load_study(small_study).figure, name, value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"verbose": "yes"}, "verbose must be True or False, not 'yes'"),
        ({"stream": "out.txt"}, "stream must be a stream, such as sys.stdout, not 'out.txt'"),
        ({"listener": 5}, "listener must be an overfitlab.Listener, or a function that takes an event, not 5"),
        ({"out": b"run"}, "out must be a path, not b'run'"),
        ({"weights": ["w.pt"]}, "weights must be a path, not ['w.pt']"),
        (
            {"model": 18},
            "model must be a name, a file, an nn.Module, its class, or a function that returns one, not 18",
        ),
        ({"seed": "1"}, "seed must be a whole number from 0 to 9223372036854775807, not '1'"),
        (
            {"seed": np.array([1, 2])},
            "seed must be a whole number from 0 to 9223372036854775807, not an array int64 [2]",
        ),
        ({"epochs": 2.0}, "epochs must be a whole number from 1 to 100000, not 2.0"),
        ({"learning_rate": "0.1"}, "learning rate must be a finite number above 0, not '0.1'"),
        ({"image_size": (16, 16, 3)}, "image size must be a number of pixels, or HEIGHTxWIDTH, not '(16, 16, 3)'"),
        ({"groups": [1, 2]}, "groups of images that have names must be a list or a rule"),
        ({"data": np.zeros((3, 8, 8))}, "not an array float64 [3, 8, 8]"),
    ],
)
def test_the_right_type_is_said(given, said):
    with pytest.raises(UsageError, match=re.escape(said)):
        overfitlab.train("none", **{"data": "digits", "verbose": False, "listener": Enough()} | given)


def test_a_stream_of_ones_own_is_fine():
    with pytest.raises(CancelledError):
        overfitlab.train("none", "digits", stream=io.StringIO(), listener=Enough())
