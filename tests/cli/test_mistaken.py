"""What other programs call it: the command line says what to type instead, in one line."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typed import overfitlab

from overfitlab.cli import mistaken
from overfitlab.cli.main import cli
from overfitlab.methods import registry

SAID = [
    ("--full show s", "--full comes after the command: overfitlab show --full"),
    ("--data digits train", "--data comes after the command: overfitlab train --data digits"),
    ("train --gpu", "there is no option --gpu; use --device cuda"),
    ("train --device gpu", "unknown device 'gpu'; did you mean 'cuda'?"),
    ("compare --gpu", "a study runs on the CPU, so compare has no --gpu"),
    ("compare --device cuda", "a study runs on the CPU, so compare has no --device"),
    ("train --optim sgd", "there is no option --optim; use --optimizer sgd"),
    ("compare --language ko", "there is no option --language; use --lang ko"),
    ("report --language ko x", "there is no option --language; use --lang ko"),
    ("train --batch 64", "there is no option --batch; use --batch-size 64"),
    ("train --batch_size=64", "there is no option --batch_size; use --batch-size 64"),
    ("train --EPOCHS 3", "there is no option --EPOCHS; use --epochs 3"),
    ("train -e 3", "there is no option -e; use --epochs 3"),
    ("train --epohcs 3", "unknown option '--epohcs'; did you mean '--epochs'?"),
    ("train --momentum 0.9", "there is no option --momentum; use --optimizer sgd:momentum=0.9"),
    ("compare --warmup 3", "there is no option --warmup; use --schedule cosine:warm_up=3"),
    ("train --save-best-only", "there is no option --save-best-only; use --keep best"),
    ("train --keep-best", "there is no option --keep-best; use --keep best"),
    ("compare l2 --until-decided 6,12", "--until-decided takes the maximum number of seeds, or none; not '6,12'"),
    ("train --dropout 0.5", "--dropout is a method, not an option; write --method dropout:rate=0.5"),
    ("train --batchnorm", "--batchnorm is a method, not an option; write --method batch_norm"),
    ("compare --dropout=0.5", "give the methods by name: overfitlab compare dropout:rate=0.5"),
    ("compare --method dropout", "give the methods by name: overfitlab compare dropout"),
    ("train --weight-decay 1e-4", "with every method, use --optimizer adamw:weight_decay=1e-4"),
    ("train --patience 3", "write --method early_stopping:patience=3"),
    ("train dropout", "train takes only options; write --method dropout"),
    ("train --method dropout 0.5", "train takes only options; write --method dropout:rate=0.5"),
    ("train photos/", "train takes only options, not 'photos/'; if that is the data, write --data photos/"),
    ("train --seed 1,2,3", "a training has one seed, --seed N; for several, run a study: overfitlab compare --seeds"),
    ("train --seeds 3", "a training has one seed"),
    ("compare --seed 3", "--seeds N is how many, --first-seed 3 the first"),
    ("train --seed one", "Invalid value for '--seed': 'one' is not a valid integer."),
    ("train --budget 3m", "train has no --budget; it is an option of compare"),
    ("train --resume", "there is no option --resume: the same command continues where it was interrupted"),
    ("--gpu train", "there is no option --gpu; use --device cuda"),
    ("predict --gpu x", "there is no option --gpu; overfitlab predict --help lists all options"),
    ("train --nonsense", "there is no option --nonsense; overfitlab train --help lists all options"),
    ("compare none,dropout", "compare takes them separately: overfitlab compare none dropout"),
    ("compare dropout(0.5)", "cannot read the method 'dropout(0.5)'; write dropout:rate=0.5"),
    ("compare dropout 0.5", "'0.5' is not a method"),
    ("train --method BatchNormalization", "did you mean 'batch_norm'?"),
    ("train --model ResNet-20", "unknown model 'ResNet-20'; did you mean 'resnet20'?"),
    ("train --optimizer sgd", "give one for SGD too, for example --learning-rate 0.01"),
    ("train --data digits --schedule step:every=40", "but there are only 30; use for example step:every=10"),
    ("compare --data digits --schedule cosine:warm_up=30", "its warm-up of 30 epochs leaves none of the 30"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "said"), SAID, ids=[line for line, _ in SAID])
def test_it_says_what_to_type_instead(line, said):
    done = overfitlab(*line.split())
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("overfitlab: ")
    assert said in last
    assert [path for path in Path().rglob("*") if path.is_file()] == []


def test_korean_says_it_too():
    done = overfitlab("train", "--gpu", "--lang", "ko")
    assert done.stderr.endswith("--device cuda로 쓰세요\n")


@pytest.mark.parametrize("name", ["train", "compare"])
def test_what_is_advised_is_an_option(name):
    options = {each for parameter in cli.commands[name].params for each in parameter.opts}
    for word, right in (mistaken.ANYWHERE | mistaken.ONLY[name]).items():
        option = right.split(" ")[0]
        assert option in options or option in ("--budget", "--jobs", "--device", "--method", "--like"), word
        assert f"--{word}" not in options, word
    for right in mistaken.ANYWHERE.values():
        option, _, value = right.partition(" ")
        if option == "--method":
            registry.parse(value)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("as_json", [False, True])
def test_a_line_stands_on_a_terminal_while_pytorch_loads(as_json, tmp_path):
    """At once, on standard error, and gone in the end."""
    import pty

    ours, its = pty.openpty()
    command = [sys.executable, "-m", "overfitlab", "train", "--method", "zzz", *(["--json"] if as_json else [])]
    began = time.monotonic()
    process = subprocess.Popen(command, stdin=its, stdout=subprocess.PIPE, stderr=its, cwd=tmp_path)
    os.close(its)
    said, first = b"", None
    while True:
        try:
            more = os.read(ours, 1000)
        except OSError:  # it has ended
            break
        if not more:
            break
        first = first or time.monotonic() - began
        said += more
    output, _ = process.communicate()
    whole = time.monotonic() - began
    os.close(ours)
    assert output == b""
    assert said.startswith(b"Loading PyTorch ...\r ")
    assert b"\roverfitlab: unknown method 'zzz'" in said
    assert first < 0.5 * whole


@pytest.mark.slow
def test_nothing_stands_in_a_file(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "overfitlab", "train", "--method", "zzz"], capture_output=True, check=False, cwd=tmp_path
    )
    assert b"Loading" not in done.stderr + done.stdout


@pytest.mark.parametrize("columns", ["60", "80"])
def test_the_list_of_commands_is_not_cut_off(columns):
    lines = overfitlab("--help", COLUMNS=columns, check=0).stdout.partition("Commands:\n")[2].partition("\n\n")[0]
    described = [line.split(maxsplit=1) for line in lines.splitlines()]
    assert len(described) >= 11
    assert all(len(each) == 2 and each[1].endswith(".") and not each[1].endswith("...") for each in described)
