"""Configurations: validated, and identified by what they say."""

import json
import math
from dataclasses import asdict, fields, replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from overfitlab.arguments import image_size, varied
from overfitlab.config import (
    CLEAN,
    NOTEBOOK,
    PRECISIONS,
    PROTOCOLS,
    QUICK,
    Protocol,
    RunConfig,
    canonical_json,
    fitted,
    protocol_named,
)
from overfitlab.errors import UsageError

configs = st.builds(
    RunConfig,
    protocol=st.builds(
        protocol_named,
        st.just("notebook"),
        epochs=st.integers(1, 10**5),
        batch_size=st.integers(1, 10**6),
        learning_rate=st.floats(1e-12, 1e3),
    ),
    method=st.sampled_from(["none", "dropout:rate=0.2"]),
    data=st.sampled_from(["digits", "cifar10"]),
    seed=st.integers(0, 2**63 - 1),
    precision=st.sampled_from(PRECISIONS),
    threads=st.none() | st.integers(1, 1024),
)


@given(configs, configs)
def test_equal_configurations_and_only_they_have_equal_ids(one, other):
    assert (one.run_id("x") == other.run_id("x")) == (one == other)
    assert one.run_id("x") != one.run_id("y")


@given(configs)
def test_the_canonical_form_is_stable_json(config):
    text = canonical_json(config.as_dict())
    assert canonical_json(json.loads(text)) == text


def test_the_notebook_protocol_is_the_notebooks():
    assert NOTEBOOK.epochs == 30
    assert NOTEBOOK.batch_size == 32
    assert NOTEBOOK.learning_rate == 1e-4
    assert (NOTEBOOK.validation_fraction, NOTEBOOK.split_seed) == (0.3, 777)


@pytest.mark.parametrize(
    ("changes", "code", "values"),
    [
        ({"epochs": 0}, "no_whole_number_between", {"what": "epochs", "low": 1, "high": 100000, "value": "0"}),
        ({"epochs": 10**9}, "no_whole_number_between", {"what": "epochs", "low": 1, "high": 100000}),
        ({"epochs": 2.5}, "no_whole_number_between", {"what": "epochs"}),
        ({"epochs": True}, "no_whole_number_between", {"what": "epochs"}),
        ({"batch_size": -1}, "no_whole_number_from", {"what": "batch size", "low": 1}),
        ({"learning_rate": math.nan}, "no_learning_rate", {"value": "nan"}),
        ({"learning_rate": math.inf}, "no_learning_rate", {}),
        ({"learning_rate": 0}, "no_learning_rate", {"value": "0"}),
    ],
)
def test_values_out_of_range_are_refused(changes, code, values):
    with refused(UsageError, code, **values):
        protocol_named("notebook", **changes)


@pytest.mark.parametrize(
    ("changes", "code", "values"),
    [
        ({"seed": -1}, "no_whole_number_between", {"what": "seed", "low": 0}),
        ({"seed": 2**63}, "no_whole_number_between", {"what": "seed", "low": 0}),
        ({"precision": "float23"}, "unknown_name_like", {"kind": "precision", "name": "float23", "near": "float32"}),
        ({"threads": 0}, "no_whole_number_between", {"what": "threads", "low": 1}),
    ],
)
def test_runs_out_of_range_are_refused(changes, code, values):
    with refused(UsageError, code, **values):
        RunConfig(NOTEBOOK, "none", "digits", **changes)


def test_an_unknown_protocol_suggests_the_nearest():
    with refused(UsageError, "unknown_name_like", near="notebook"):
        protocol_named("notebok")


def test_whole_and_decimal_numbers_are_one_configuration():
    assert protocol_named("notebook", learning_rate=1) == protocol_named("notebook", learning_rate=1.0)
    one, other = (RunConfig(protocol_named("notebook", learning_rate=x), "none", "digits") for x in (1, 1.0))
    assert one.run_id("") == other.run_id("")


@pytest.mark.parametrize(
    ("text", "size"), [("32", (32, 32)), ("48x64", (48, 64)), ("48X64", (48, 64)), ("224", (224, 224))]
)
def test_image_sizes(text, size):
    assert image_size(text) == size


@pytest.mark.parametrize("text", ["5", "300", "32x", "x", "", "3.5", "-8", "32x32x3", "٣٢"])
def test_image_sizes_that_make_no_sense(text):
    with pytest.raises(UsageError, match="image size must be"):
        image_size(text)


def test_what_a_seed_decides():
    assert varied("order, split") == ("order", "split")
    assert varied("nothing") == ()
    with refused(UsageError, "unknown_name_like", near="order"):
        varied("split,orders")
    assert protocol_named("clean", vary=varied("order,split,order")).vary == ("split", "order")


def test_the_clean_protocol_differs_where_the_documentation_says():
    changed = {field.name for field in fields(Protocol) if getattr(NOTEBOOK, field.name) != getattr(CLEAN, field.name)}
    assert changed == {"name", "stratified", "standardization", "vary", "batch_norm_warm_up", "clean_metrics"}


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=lambda protocol: protocol.name)
def test_a_record_gives_the_protocol_back(protocol):
    config = RunConfig(protocol, "none", "digits", image_size=(48, 64))
    assert msgspec.convert(asdict(protocol), Protocol) == protocol
    assert msgspec.convert(json.loads(canonical_json(asdict(protocol))), Protocol) == protocol
    assert msgspec.convert(config.as_dict(), RunConfig) == config


@pytest.mark.parametrize(
    "change",
    [
        {"vary": ["all"]}, {"vary": 3}, {"epochs": 0}, {"epochs": "3"}, {"epochs": 2.5}, {"epochs": True},
        {"standardization": "none"}, {"learning_rate": None}, {"validation_fraction": 1}, {"split_seed": -1},
    ],
    ids=str,
)  # fmt: skip
def test_a_record_that_is_no_protocol_is_refused(change):
    good = asdict(NOTEBOOK)
    for values in (good | change, {name: value for name, value in good.items() if name not in change}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(values, Protocol)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"protocol": good | change, "method": "none", "data": "digits"}, RunConfig)


@pytest.mark.parametrize(
    "change", [{"seed": -1}, {"precision": "float23"}, {"threads": 0}, {"image_size": [8, 999]}, {"device": "tpu"}],
    ids=str,
)  # fmt: skip
def test_a_record_that_is_no_run_is_refused(change):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(RunConfig(NOTEBOOK, "none", "digits").as_dict() | change, RunConfig)


def test_the_quick_protocol_is_the_clean_one_on_fewer_images_for_a_shorter_time():
    changed = {field.name for field in fields(Protocol) if getattr(CLEAN, field.name) != getattr(QUICK, field.name)}
    assert changed == {"name", "epochs", "learning_rate", "schedule", "training_images", "validation_images"}
    assert protocol_named("quick") == QUICK


@pytest.mark.parametrize(
    ("changes", "code", "values"),
    [
        ({"schedule": "cosin"}, "unknown_name_like", {"kind": "schedule", "name": "cosin", "near": "cosine"}),
        ({"training_images": 0}, "no_whole_number_from", {"what": "number of training images", "low": 1, "value": "0"}),
        ({"training_images": 2.5}, "no_whole_number_from", {"what": "number of training images"}),
        (
            {"validation_images": -3},
            "no_whole_number_from",
            {"what": "number of validation images", "low": 1, "value": "-3"},
        ),
    ],
)
def test_few_images_and_schedules_out_of_range_are_refused(changes, code, values):
    with refused(UsageError, code, **values):
        protocol_named("quick", **changes)


@pytest.mark.parametrize("protocol", [NOTEBOOK, CLEAN])
def test_only_quick_is_fitted_to_the_data(protocol):
    assert fitted(protocol, "digits", 50) == protocol


@pytest.mark.parametrize(
    ("data", "available", "images", "epochs"),
    [
        ("cifar10", 35_000, 2000, 12),  # 63 steps an epoch
        ("mine", 2000, 2000, 12),
        ("mine", 1500, 1500, 16),  # 47 steps an epoch, and 750 of them in all
        ("mine", 500, 500, 47),
        ("digits", 1006, 200, 60),  # 7 steps an epoch would be 107 epochs
        ("digits", 150, 150, 60),
        ("mine", 1, 1, 60),
    ],
)
def test_quick_takes_200_digits_and_more_epochs_where_there_are_few_images(data, available, images, epochs):
    found = fitted(QUICK, data, available)
    assert (found.training_images, found.epochs) == (images, epochs)
    assert replace(found, training_images=2000, epochs=12) == QUICK, "and changes nothing else"


@pytest.mark.parametrize(
    ("data", "changes", "images", "epochs"),
    [
        ("cifar10", {"epochs": 3}, 2000, 3),
        ("digits", {"epochs": 3}, 200, 3),
        ("cifar10", {"training_images": 500}, 500, 47),
        ("digits", {"training_images": 800}, 800, 30),  # the epochs follow from the images that are asked for
        ("digits", {"training_images": 100}, 100, 60),
        ("mine", {"training_images": 9000}, 1000, 23),  # all that there are
        ("cifar10", {"training_images": 500, "epochs": 5}, 500, 5),
        ("cifar10", {"batch_size": 128}, 2000, 47),  # 16 steps an epoch
    ],
)
def test_what_was_asked_for_stays(data, changes, images, epochs):
    available = {"cifar10": 35_000, "digits": 1006, "mine": 1000}[data]
    found = fitted(protocol_named("quick", **changes), data, available, changes)
    assert (found.training_images, found.epochs) == (images, epochs)


@given(st.integers(1, 10**6), st.integers(1, 512), st.sampled_from(["digits", "mine"]))
def test_quick_trains_for_about_as_many_steps_on_any_number_of_images(available, batch_size, data):
    found = fitted(protocol_named("quick", batch_size=batch_size), data, available)
    steps = math.ceil(found.training_images / batch_size)
    assert found.epochs in range(12, 61)
    if 12 < found.epochs < 60:
        assert abs(found.epochs * steps - 750) <= steps / 2 + 1


def test_more_training_images_than_there_are_is_all_of_them():
    """So it is the same run as without the option."""
    assert fitted(protocol_named("clean", training_images=1006), "digits", 1006, ["training_images"]) == CLEAN
    assert fitted(protocol_named("clean", training_images=1005), "digits", 1006).training_images == 1005


def test_a_folder_called_digits_is_no_digits():
    assert fitted(QUICK, "/home/me/digits", 5000).training_images == QUICK.training_images
