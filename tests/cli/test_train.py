"""`overfitlab train` as a person types it."""

import csv
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import click
import pytest
from outcomes import error_line
from typed import overfitlab

from overfitlab.cli.main import cli

QUICK = ["--data", "digits", "--epochs", "1"]


@pytest.mark.slow
def test_it_leaves_a_run_folder():
    done = overfitlab("train", "--data", "digits", "--epochs", 2, "--out", "run", check=0)
    folder = Path("run")
    wanted = {
        "history.csv", "curves.png", "curves.svg", "weights.safetensors", "probabilities.safetensors", "run.json",
        "model.txt",
    }  # fmt: skip
    assert wanted <= {path.name for path in folder.iterdir()} <= wanted | {".lock"}
    assert "Epoch 2/2" in done.stdout
    assert "32/32 [====" in done.stdout
    assert "Wrote run/curves.png" in done.stdout
    assert not done.stderr
    header, *rows = csv.reader((folder / "history.csv").read_text().splitlines())
    assert header == ["epoch", "seconds", "loss", "acc", "val_loss", "val_acc"]
    assert [row[0] for row in rows] == ["1", "2"]
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "finished"
    assert record["config"]["seed"] == 0
    assert record["resolved"].keys() == {"precision", "threads", "device", "kernels"}
    assert len(record["data"]["sha256"]) == 64
    assert record["environment"].keys() >= {"python", "torch", "numpy", "processor", "cores", "overfitlab"}
    assert record["times"].keys() >= {"started", "finished", "training_seconds", "peak_memory_mb"}
    assert "Total params: 324,842" in (folder / "model.txt").read_text()


def test_json_is_one_document_on_standard_output():
    done = overfitlab("train", *QUICK, "--json", check=0)
    document = json.loads(done.stdout)
    assert document["status"] == "finished"
    assert len(document["history"]["val_acc"]) == 1
    assert Path(document["folder"]).is_dir()
    assert document["result"]["onset"] == 1
    assert "Epoch 1/1" in done.stderr


@pytest.mark.slow
def test_without_cifar10_digits_are_announced_loudly():
    done = overfitlab("train", "--epochs", 1, check=0)
    assert "!! NOT CIFAR-10" in done.stdout


@pytest.mark.slow
def test_cifar10_from_a_named_folder(small_cifar10):
    done = overfitlab("train", "--epochs", 1, "--data-dir", small_cifar10, check=0)
    assert "cifar10 from" in done.stdout
    assert "other checksums than the official release" in done.stdout
    again = overfitlab("train", "--epochs", 1, "--data", "cifar10", OVERFITLAB_DATA=str(small_cifar10), check=0)
    assert "nothing is trained again" in again.stdout, "auto and the name of what it found are one run"


@pytest.mark.slow
def test_real_cifar10_trains(real_cifar10):
    # one thread: beside other programs on the same cores, two of them wait for each other most of the time
    settings = ["--epochs", 1, "--training-images", 12_000, "--threads", 1]  # a third: all of them take minutes
    done = overfitlab("train", *settings, "--json", "--data-dir", real_cifar10, check=0, patience=900)
    document = json.loads(done.stdout)
    assert document["data"]["training"] == 12_000
    assert document["data"]["validation"] == 15_000
    assert document["network"]["parameters"] == {"total": 816_938, "trainable": 815_530}
    assert document["times"]["peak_memory_mb"] < 2000
    assert (
        document["result"]["val_acc"] > 0.35
    )  # after a third of the notebook's first epoch, which reached .55; chance is .10


BAD = [
    (["trian"], 2, "unknown command 'trian'; did you mean 'train'"),
    (["train", "--metod", "none"], 2, "'--method'"),
    (["train", "--method", "drpout"], 2, "unknown method 'drpout'; did you mean 'dropout'"),
    (["train", "--method", "dropout:rate=2"], 2, "rate must be a number from 0 to 0.99, not 2.0"),
    (["train", "--data", "cifar"], 2, "did you mean 'cifar10'"),
    (["train", "--protocol", "clena"], 2, "unknown protocol 'clena'"),
    (["train", "--epochs", "0"], 2, "epochs must be a whole number from 1 to 100000, not 0"),
    (["train", "--epochs", "many"], 2, "'many' is not a valid integer"),
    (["train", "--learning-rate", "nan"], 2, "learning rate must be a finite number above 0, not nan"),
    (["train", "--batch-size", "-4"], 2, "batch size must be"),
    (["train", "--seed", "-1"], 2, "seed must be"),
    (["train", "--threads", "0"], 2, "threads must be"),
    (["train", "--precision", "half"], 2, "unknown precision 'half'"),
    (["train", "surplus"], 2, "train takes only options, not 'surplus'"),
    (["train", "--data", "digits", "--data-dir", "."], 2, "leave one of them out"),
    (["train", *QUICK, "--out", "~nobody-of-that-name/run"], 2, "~nobody-of-that-name"),
    (["train", "--data", "cifar10"], 1, "CIFAR-10 is not on this machine"),
    (["train", "--data-dir", "missing"], 1, "missing is not a folder"),
    (["train", *QUICK, "--out", "/dev/null/run"], 1, "cannot write to /dev/null/run"),
    (["train", *QUICK, "--out", "/dev/null"], 2, "/dev/null is a file"),
]


@pytest.mark.parametrize(("arguments", "code", "message"), BAD, ids=[" ".join(case[0]) for case in BAD])
def test_bad_input_is_one_line_and_leaves_nothing(arguments, code, message):
    done = overfitlab(*arguments)
    assert done.returncode == code
    assert message in error_line(done.stderr)
    assert list(Path().iterdir()) == []


def test_bad_input_is_said_on_standard_error():
    done = overfitlab(*BAD[0][0], check=BAD[0][1])
    assert not done.stdout
    [line] = done.stderr.splitlines()
    assert BAD[0][2] in line


@pytest.mark.slow
def test_a_corrupt_copy_is_one_line_and_leaves_nothing(small_cifar10):
    (small_cifar10 / "cifar-10-batches-py" / "test_batch").write_bytes(pickle.dumps(print))
    done = overfitlab("train", "--data-dir", small_cifar10, check=1)
    [line] = done.stderr.splitlines()
    assert "test_batch is not a readable CIFAR batch" in line
    assert list(Path().iterdir()) == []


@pytest.mark.slow
def test_a_broken_run_folder_is_one_line():
    overfitlab("train", *QUICK, "--out", "run", check=0)
    Path("run/run.json").write_text("{")
    [line] = overfitlab("train", *QUICK, "--out", "run", check=1).stderr.splitlines()
    assert "run/run.json is damaged" in line


@pytest.mark.slow
def test_a_batch_larger_than_the_data_is_all_of_it():
    done = overfitlab("train", *QUICK, "--batch-size", 10**9, check=0)
    assert "1/1 [====" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() == 0 and not Path("/sys/kernel").exists(), reason="needs a folder nobody can write")
def test_a_folder_nobody_can_write_is_one_line():
    [line] = overfitlab("train", *QUICK, "--out", "/sys/kernel/run", check=1).stderr.splitlines()
    assert "cannot write to /sys/kernel/run" in line


@pytest.mark.slow
def test_a_bug_of_ours_is_one_line_too():
    code = (
        "import sys; from overfitlab.api import training\n"
        "def broken(**_): raise RuntimeError('bug')\n"
        "training.train = broken; sys.argv = ['overfitlab', 'train']\n"
        "from overfitlab.cli.main import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "overfitlab: internal error, RuntimeError: bug; OVERFITLAB_DEBUG=1 shows where\n"


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "code"), [("INT", 130), ("TERM", 143)])
def test_an_interruption_says_how_to_go_on(sent, code):
    settings = [
        "--data",
        "digits",
        "--protocol",
        "quick",
        "--training-images",
        "60",
        "--threads",
        "1",
        "--epochs",
        "5000",
        "--out",
        "run",
    ]
    command = [sys.executable, "-u", "-m", "overfitlab", "train", *map(str, settings), "--out", "run"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stdout:
            if line.startswith("Epoch 3/"):
                break
        subprocess.run(["kill", f"-{sent}", str(process.pid)], check=True)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == code
    assert errors.strip() == "overfitlab: stopped; run the same command to continue after the last finished epoch"
    assert json.loads(Path("run/run.json").read_text())["status"] == "interrupted"


def commands():
    return [("overfitlab", cli), *((name, command) for name, command in cli.commands.items())]


@pytest.mark.parametrize(("name", "command"), commands())
def test_every_command_and_option_has_help_with_an_example(name, command):
    assert command.help
    assert "overfitlab " in command.epilog
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.name} has no help"
        else:
            assert parameter.metavar.strip(".[]") in command.help, f"{name} does not say what {parameter.metavar} is"


def test_version_and_no_arguments():
    assert overfitlab("--version", check=0).stdout.startswith("overfitlab, version ")
    assert "Usage: overfitlab" in overfitlab(check=2).stderr
