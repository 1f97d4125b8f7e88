"""What to type instead of an option or an argument that there is not."""

import difflib
from collections.abc import Sequence
from typing import Any

import click

from overfitlab.errors import OverfitlabError, UsageError, unknown_name
from overfitlab.methods.names import built_in, called
from overfitlab.spelling import is_number, same_word
from overfitlab.words.languages import CODES, speak

NEAR = 0.7  # how alike a mistyped option has to be
# an option as other programs call it, its signs left out: what it is called here, {} being what stands behind it
ANYWHERE = {
    "arch": "--model {}", "architecture": "--model {}", "backbone": "--model {}", "net": "--model {}",
    "network": "--model {}",
    "amp": "--precision bfloat16", "bf16": "--precision bfloat16", "fp16": "--precision bfloat16",
    "half": "--precision bfloat16", "mixedprecision": "--precision bfloat16", "fp32": "--precision float32",
    "dtype": "--precision {}",
    "batch": "--batch-size {}", "b": "--batch-size {}", "bs": "--batch-size {}",
    "best": "--keep best", "restorebest": "--keep best", "restorebestweights": "--keep best", "savebest": "--keep best",
    "savebestonly": "--keep best", "keepbest": "--keep best", "keeplast": "--keep last",
    "checkpoint": "--weights {}", "ckpt": "--weights {}", "load": "--weights {}", "pretrained": "--weights FILE",
    "dataset": "--data {}", "datapath": "--data {}", "dataroot": "--data {}", "dir": "--data {}", "folder": "--data {}",
    "images": "--data {}", "input": "--data {}", "path": "--data {}", "root": "--data {}",
    "e": "--epochs {}", "epoch": "--epochs {}", "maxepochs": "--epochs {}", "nepochs": "--epochs {}",
    "numepochs": "--epochs {}",
    "img": "--image-size {}", "imgsize": "--image-size {}", "imsize": "--image-size {}", "inputsize": "--image-size {}",
    "resolution": "--image-size {}", "size": "--image-size {}",
    "ko": "--lang ko", "korean": "--lang ko", "english": "--lang en", "l": "--lang {}", "language": "--lang {}",
    "locale": "--lang {}",
    "rate": "--learning-rate {}", "baselr": "--learning-rate {}", "maxlr": "--learning-rate {}",
    "lrdecay": "--schedule {}", "lrschedule": "--schedule {}", "lrscheduler": "--schedule {}", "sched": "--schedule {}",
    "scheduler": "--schedule {}",
    "momentum": "--optimizer sgd:momentum={}", "nesterov": "--optimizer sgd:momentum=0.9,nesterov=true",
    "opt": "--optimizer {}", "optim": "--optimizer {}",
    "adam": "--optimizer adam", "adamw": "--optimizer adamw", "sgd": "--optimizer sgd:momentum=0.9",
    "cosine": "--schedule cosine", "onecycle": "--schedule one-cycle",
    "limit": "--training-images {}", "ntrain": "--training-images {}", "samples": "--training-images {}",
    "subset": "--training-images {}", "trainsize": "--training-images {}",
    "ncpu": "--threads {}", "nthreads": "--threads {}", "numthreads": "--threads {}",
    "o": "--out {}", "outdir": "--out {}", "output": "--out {}", "outputdir": "--out {}", "savedir": "--out {}",
    "quick": "--protocol quick", "fast": "--protocol quick", "clean": "--protocol clean",
    "notebook": "--protocol notebook",
    "warmup": "--schedule cosine:warm_up={}", "warmupepochs": "--schedule cosine:warm_up={}",
}  # fmt: skip
ONLY = {  # the same, of one command
    "train": {
        "cpu": "--device cpu", "cuda": "--device cuda", "gpu": "--device cuda", "gpus": "--device cuda",
        "mps": "--device mps",
        "numworkers": "--threads {}", "workers": "--threads {}",
        "methods": "--method {}", "regularization": "--method {}", "study": "--like {}",
    },
    "compare": {
        "j": "--jobs {}", "njobs": "--jobs {}", "numworkers": "--jobs {}", "parallel": "--jobs {}",
        "workers": "--jobs {}",
        "maxtime": "--budget {}", "time": "--budget {}", "timeout": "--budget {}",
        "margin": "--equivalence {}", "nseeds": "--seeds {}", "repeats": "--seeds {}", "runs": "--seeds {}",
    },
}  # fmt: skip


def in_our_words(error: click.ClickException, words: Sequence[str]) -> str | OverfitlabError:
    """Return what to say of a command line that click refuses; `words` are those behind the program's name."""
    language = _behind("--lang", words)
    if language in CODES:  # the option itself may not have been reached
        speak(language)
    if not isinstance(error, click.NoSuchOption) or error.ctx is None:
        return " ".join(error.format_message().split())
    command, option = error.ctx.command, error.option_name
    name = command.name or ""
    if isinstance(command, click.Group):
        name = next((word for word in words if word in command.commands), "train")
        command = command.commands.get(name, command)
        for each in command.params:
            if option in each.opts:
                return _in_front(option, name, None if getattr(each, "is_flag", False) else _behind(option, words))
    return _no_such_option(option, name, command, _behind(option, words), error.ctx)


def _in_front(option: str, name: str, behind: str | None) -> UsageError:
    """Return the error for an option of a command that stands before it."""
    return UsageError(
        "option_before_its_command", "{option} comes after the command: overfitlab {command} {right}",
        option=option, command=name, right=option if behind is None else f"{option} {behind}",
    )  # fmt: skip


def _no_such_option(
    option: str, name: str, command: click.Command, behind: str | None, context: click.Context
) -> UsageError:
    known = [each for parameter in command.params for each in parameter.opts if each.startswith("--")]
    word = same_word(option)
    same = {same_word(each): f"{each} {{}}" for each in known}
    if word not in same and (special := _not_merely_renamed(option, word, name, behind)) is not None:
        return special
    right = same.get(word) or ONLY.get(name, {}).get(word) or ANYWHERE.get(word)
    if right is not None and right.split(" ")[0] in known:
        return UsageError(
            "option_called_otherwise", "there is no option {option}; use {right}",
            option=option, right=right.format(behind or "").strip(),
        )  # fmt: skip
    others = _with(option, context)
    if others:
        return UsageError(
            "option_of_another_command", "{command} has no {option}; it is an option of {others}",
            command=name, option=option, others=", ".join(others),
        )  # fmt: skip
    method = called(option, built_in())
    if method is not None and name in ("train", "compare"):
        return _method_as_option(option, name, method, behind)
    near = difflib.get_close_matches(option.lower(), known, n=1, cutoff=NEAR)
    if near:
        return unknown_name("option", option, known, meant=near[0])
    return UsageError(
        "no_such_option", "there is no option {option}; overfitlab {command} --help lists all options",
        option=option, command=name,
    )  # fmt: skip


def _not_merely_renamed(option: str, word: str, name: str, behind: str | None) -> UsageError | None:
    """Return the error for an option that is not merely called otherwise here."""
    if word in ("resume", "continue"):
        return UsageError(
            "resumes_by_itself",
            "there is no option {option}: the same command continues where it was interrupted",
            option=option,
        )
    if word in ("seed", "seeds") and name in ("train", "compare"):
        return one_seed() if name == "train" else _several_seeds(behind)
    if word in ("device", "gpu", "cuda", "mps", "gpus", "cpu") and name == "compare":
        return UsageError(
            "compare_on_the_cpu",
            "a study runs on the CPU, so compare has no {option}; train --device cuda uses a graphics processor",
            option=option,
        )
    if word in ("method", "methods") and name == "compare":
        return UsageError(
            "methods_are_named", "compare has no {option}; give the methods by name: overfitlab compare {method}",
            option=option, method=behind or "dropout",
        )  # fmt: skip
    return None


def one_seed() -> UsageError:
    """Return the error for several seeds of one training."""
    return UsageError(
        "training_has_one_seed",
        "a training has one seed, --seed N; for several, run a study: overfitlab compare --seeds 6",
    )


def _several_seeds(behind: str | None) -> UsageError:
    return UsageError(
        "study_has_several_seeds",
        "a study has several seeds: --seeds N is how many, --first-seed {first} the first",
        first=behind if behind and behind.isdigit() else "N",
    )


def _method_as_option(option: str, name: str, method: str, behind: str | None) -> UsageError:
    """Return how to write a method that was taken for an option."""
    from overfitlab.methods import registry  # imports torch, which a mistyped option need not wait for

    method = registry.spelled(f"{method}:{behind}" if behind and is_number(behind) else method) or method
    if method.startswith("weight_decay:"):
        return UsageError(
            "weight_decay_as_an_option",
            "{option} is a method, not an option: {method}; for the optimizer's own decay, with every method, use "
            "--optimizer adamw:weight_decay={rate}",
            option=option, method=method, rate=method.partition("=")[2],
        )  # fmt: skip
    if name == "train":
        return UsageError(
            "method_as_an_option_of_train", "{option} is a method, not an option; write --method {method}",
            option=option, method=method,
        )  # fmt: skip
    return UsageError(
        "method_as_an_option_of_compare",
        "{option} is a method, not an option; give the methods by name: overfitlab compare {method}",
        option=option, method=method,
    )  # fmt: skip


def _behind(option: str, words: Sequence[str]) -> str | None:
    """Return the value that stands behind an option."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
        if word == option:
            return following if following and not following.startswith("-") else None
    return None


def _with(option: str, context: click.Context) -> list[str]:
    """Return the other commands that have an option."""
    group = context.find_root().command
    commands = group.commands.items() if isinstance(group, click.Group) else ()
    return [name for name, command in commands if any(option in parameter.opts for parameter in command.params)]


class OptionsAlone(click.Command):
    """A command that takes no arguments, and says what one was probably meant as."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options; raises `UsageError` for what is none."""
        ctx.allow_extra_args = True
        words = [*args]
        rest = super().parse_args(ctx, args)
        if ctx.args:
            raise _argument_of_train(ctx.args[0], words)
        return rest


def _argument_of_train(word: str, words: Sequence[str]) -> UsageError:
    """Return the error for an argument of `train`, which has options alone."""
    from overfitlab.methods import registry  # imports torch, which a mistyped argument need not wait for

    before = words[words.index(word) - 1] if word in words[1:] else ""
    method = registry.spelled(f"{before}:{word}" if is_number(word) else word)
    if method is not None:
        return UsageError("method_as_an_argument", "train takes only options; write --method {method}", method=method)
    return UsageError(
        "argument_of_train",
        "train takes only options, not {word!r}; if that is the data, write --data {word}",
        word=word,
    )


class Seed(click.ParamType):  # type: ignore[type-arg] # it takes none before click 8.5
    """The seed of a training: one whole number."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; raises `UsageError` for several of them."""
        text = str(value)
        if sum(part.strip().isdigit() for part in text.replace("-", ",").split(",")) > 1:
            raise one_seed()
        return int(click.INT.convert(value, param, ctx))
