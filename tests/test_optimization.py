"""Optimizers and schedules as they are asked for: read, refused in one line, and in a run's identity."""

import json
from dataclasses import asdict, replace

import msgspec
import pytest
from refusals import refused

from overfitlab import optimization
from overfitlab.config import CLEAN, NOTEBOOK, QUICK, Protocol, RunConfig, StudyConfig, canonical_json, changed, fitted
from overfitlab.errors import UsageError


@pytest.mark.parametrize(
    ("text", "recorded"),
    [
        ("adam", "adam"),
        (" adam ", "adam"),
        ("adam:beta_1=0.9,epsilon=1e-7", "adam"),
        ("adam:beta_2=0.99", "adam:beta_2=0.99"),
        ("adamw", "adamw:weight_decay=0.01,beta_1=0.9,beta_2=0.999,epsilon=1e-07"),
        ("sgd", "sgd:momentum=0.0,nesterov=false,weight_decay=0.0"),
        ("sgd:nesterov=True,momentum=.9", "sgd:momentum=0.9,nesterov=true,weight_decay=0.0"),
    ],
)
def test_an_optimizer_has_one_text(text, recorded):
    assert optimization.optimizer(text).recorded == recorded
    assert optimization.optimizer(recorded) == optimization.optimizer(text)
    assert replace(NOTEBOOK, optimizer=text).optimizer == recorded


@pytest.mark.parametrize(
    ("text", "recorded"),
    [
        ("constant", "constant"),
        ("cosine:warm_up=0", "cosine"),
        ("cosine:warm_up=5.0", "cosine:warm_up=5"),
        ("step", "step:every=10,factor=0.1,warm_up=0"),
        ("one-cycle", "one-cycle:pct_start=0.3,div_factor=25.0,final_div_factor=10000.0"),
    ],
)
def test_a_schedule_has_one_text(text, recorded):
    assert optimization.schedule(text).recorded == recorded
    assert optimization.schedule(recorded) == optimization.schedule(text)
    assert replace(NOTEBOOK, schedule=text).schedule == recorded


@pytest.mark.parametrize(
    ("field", "text", "code", "values"),
    [
        ("optimizer", "SGD", "unknown_name_like", {"kind": "optimizer", "near": "sgd"}),
        ("optimizer", "rmsprop", "unknown_name", {"kind": "optimizer", "known": "adam, adamw, sgd"}),
        ("optimizer", "sgd(0.9)", "written_otherwise", {"kind": "optimizer", "right": "sgd:momentum=0.9"}),
        ("optimizer", "sgd:0.9", "written_otherwise", {"right": "sgd:momentum=0.9"}),
        ("optimizer", "SGD(momentum=0.9, nesterov=True)", "written_otherwise",
         {"right": "sgd:momentum=0.9,nesterov=true"}),
        ("optimizer", "torch.optim.AdamW(weight_decay=0.1)", "written_otherwise", {"right": "adamw:weight_decay=0.1"}),
        ("optimizer", "adamw:wd=0.1", "unknown_hyperparameter_like", {"near": "weight_decay"}),
        ("optimizer", "adam:eps=1e-8", "unknown_hyperparameter_like", {"near": "epsilon"}),
        ("optimizer", "adam:weight_decay=0.1", "setting_of_another", {"right": "adamw:weight_decay=0.1"}),
        ("optimizer", "adam:nesterov", "setting_of_another", {"right": "sgd:momentum=0.9,nesterov=true"}),
        ("optimizer", "adam:momentum=0.9", "setting_of_another", {"right": "sgd:momentum=0.9"}),
        ("optimizer", "sgd:momentum=0.9,momentum=0.8", "setting_twice", {"parameter": "momentum"}),
        ("schedule", "cosine:every=3", "setting_of_another", {"right": "step:every=3"}),
        ("optimizer", "sgd:lr=0.1", "learning_rate_is_an_option", {"method": "sgd"}),
        ("optimizer", "sgd:nesterov", "nesterov_without_momentum", {}),
        ("optimizer", "sgd:momentum", "settings_unreadable", {"name": "sgd", "example": "momentum"}),
        ("optimizer", "sgd:nesterov=true", "nesterov_without_momentum", {}),
        ("optimizer", "sgd:nesterov=1", "setting_is_no_switch", {"parameter": "nesterov", "value": "'1'"}),
        ("optimizer", "sgd:momentum=true", "setting_is_no_number", {"parameter": "momentum"}),
        ("optimizer", "sgd:momentum=1", "hyperparameter_not_between", {"parameter": "momentum"}),
        ("optimizer", "sgd(9)", "hyperparameter_not_between", {"parameter": "momentum"}),
        ("optimizer", "", "unknown_name", {}),
        ("optimizer", 3, "option_is_no_text", {"what": "optimizer", "type": "int"}),
        ("optimizer", ["sgd"], "option_is_no_text", {"type": "list"}),
        ("schedule", "onecycle", "unknown_name_like", {"kind": "schedule", "near": "one-cycle"}),
        ("schedule", "CosineAnnealingLR", "unknown_name_like", {"near": "cosine"}),
        ("schedule", "none", "unknown_name_like", {"near": "constant"}),
        ("schedule", "StepLR(step_size=5, gamma=0.5)", "written_otherwise", {"right": "step:every=5,factor=0.5"}),
        ("schedule", "step(5, 0.5)", "written_otherwise", {"right": "step:every=5,factor=0.5"}),
        ("schedule", "cosine=5", "written_otherwise", {"right": "cosine:warm_up=5"}),
        ("schedule", "step:gamma=0.5", "unknown_hyperparameter_like", {"near": "factor"}),
        ("schedule", "step:every=2.5", "hyperparameter_not_whole_from", {"parameter": "every"}),
        ("schedule", "step:factor=2", "hyperparameter_not_between", {"parameter": "factor"}),
        ("schedule", "one-cycle:max_lr=2", "learning_rate_is_an_option", {}),
        ("schedule", None, "option_is_no_text", {"what": "schedule"}),
        ("keep", "onset", "unknown_name_like", {"near": "best"}),
        ("keep", "lowest", "unknown_name_like", {"near": "best"}),
        ("keep", "bset", "unknown_name_like", {"kind": "word after --keep:", "near": "best"}),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_line_that_says_what_to_write(field, text, code, values):
    with refused(UsageError, code, **values) as caught:
        replace(NOTEBOOK, **{field: text})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "epochs", "code"),
    [
        ("cosine:warm_up=5", 5, "warm_up_too_long"),
        ("constant:warm_up=1", 1, "warm_up_too_long"),
        ("step", 10, "step_never_comes"),
        ("step:every=3,warm_up=2", 5, "step_never_comes"),
        ("step:every=1,warm_up=3", 4, "step_never_comes_after_its_warm_up"),
    ],
)
def test_a_schedule_that_does_not_fit_is_refused_once_the_epochs_are_known(text, epochs, code):
    protocol = replace(CLEAN, schedule=text, epochs=epochs)
    with refused(UsageError, code, epochs=epochs):
        fitted(protocol, "mine", 1000)
    assert fitted(replace(protocol, epochs=epochs + 1), "mine", 1000).schedule == protocol.schedule


def test_quick_may_have_more_epochs_than_it_began_with():
    assert fitted(replace(QUICK, schedule="step:every=20"), "digits", 1257).epochs == 60


@pytest.mark.parametrize(
    ("protocol", "changes"),
    [
        (NOTEBOOK, {"optimizer": "sgd"}),
        (QUICK, {"optimizer": "sgd:momentum=0.9", "epochs": 3}),
        (replace(CLEAN, optimizer="sgd", learning_rate=0.1), {"optimizer": "adam"}),
    ],
)
def test_an_optimizer_of_another_kind_needs_a_learning_rate_of_its_own(protocol, changes):
    with refused(UsageError, "learning_rate_of_another_optimizer", rate=protocol.learning_rate):
        changed(protocol, **changes)
    assert changed(protocol, **changes, learning_rate=0.02).learning_rate == 0.02


def test_adam_and_adamw_share_their_learning_rate():
    assert changed(QUICK, optimizer="adamw").learning_rate == QUICK.learning_rate
    sgd = replace(CLEAN, optimizer="sgd", learning_rate=0.1)
    assert changed(sgd, optimizer="sgd:momentum=0.5").learning_rate == 0.1


def test_the_identity_knows_only_what_was_asked_for():
    plain = RunConfig(NOTEBOOK, "none", "digits")
    assert {"optimizer", "keep"} & plain.as_dict()["protocol"].keys() == set()
    same = replace(plain, protocol=replace(NOTEBOOK, optimizer="adam:beta_1=0.9", keep="last"))
    assert same.run_id("x") == plain.run_id("x")
    ids = {
        replace(plain, protocol=replace(NOTEBOOK, **change)).run_id("x")
        for change in (
            {}, {"optimizer": "adamw"}, {"optimizer": "adamw:weight_decay=0.1"}, {"optimizer": "sgd"}, {"keep": "best"},
            {"schedule": "cosine"}, {"schedule": "cosine:warm_up=1"}, {"schedule": "step"},
        )
    }  # fmt: skip
    assert len(ids) == 8
    study = StudyConfig(CLEAN, ("none",), (), "digits")
    assert {"optimizer", "keep"} & study.as_dict()["protocol"].keys() == set()
    assert study.study_id("x") != replace(study, protocol=replace(CLEAN, keep="best")).study_id("x")


def test_a_record_gives_a_recipe_back_and_one_without_is_of_before():
    protocol = replace(CLEAN, optimizer="sgd:momentum=0.9", learning_rate=0.1, schedule="step", keep="best")
    assert msgspec.convert(json.loads(canonical_json(asdict(protocol))), Protocol) == protocol
    config = RunConfig(protocol, "none", "digits")
    assert msgspec.convert(config.as_dict(), RunConfig) == config
    of_before = {name: value for name, value in asdict(CLEAN).items() if name not in ("optimizer", "keep")}
    assert msgspec.convert(of_before, Protocol) == CLEAN
    for name, value in (("optimizer", "sgdd"), ("schedule", "step:every=0"), ("keep", "worst")):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(asdict(CLEAN) | {name: value}, Protocol)
