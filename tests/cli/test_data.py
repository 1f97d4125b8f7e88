"""`overfitlab data` and what it says of the data on this machine."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import click
import pytest
from typed import overfitlab, typed_anew

from overfitlab.cli.main import cli
from overfitlab.data.catalog import inventory, library
from overfitlab.data.catalog.inventory import DAMAGED, OFFICIAL, OTHER, UNVERIFIED
from overfitlab.data.catalog.published import CIFAR10, SETS
from overfitlab.files import cache_folder

ARCHIVE = CIFAR10.archives[0].name


def the_entry(name, data_dir=None):
    return next(entry for entry in inventory.inventory(data_dir) if entry.name == name)


def test_everything_is_listed_and_how_to_get_it():
    shown = overfitlab("data", "list", check=0).stdout
    for published in SETS.values():
        assert f"{published.title}: {published.images:,} images" in shown
        assert f"not here; overfitlab data fetch {published.name} ({published.size / 1e6:.1f} MB)" in shown
    assert "always here" in shown
    assert "\x1b" not in shown, "colour is for terminals"


def test_the_list_as_json(small_cifar10):
    done = overfitlab("data", "list", "--json", check=0, OVERFITLAB_DATA=str(small_cifar10))
    document = json.loads(done.stdout)
    sets = {entry["name"]: entry for entry in document["data_sets"]}
    assert sets.keys() == {*SETS, "digits"}
    [copy] = sets["cifar10"]["copies"]
    assert copy["path"] == str(small_cifar10 / CIFAR10.folder)
    assert copy["place"] == "$OVERFITLAB_DATA"
    assert copy["state"] == UNVERIFIED
    assert sets["cifar10"]["here"]
    assert not sets["cifar100"]["here"]
    assert sets["digits"]["here"]


@pytest.mark.slow
def test_the_list_reads_no_data_and_imports_no_torch(declared_official, monkeypatch):
    monkeypatch.setenv("OVERFITLAB_DATA", str(declared_official))
    monkeypatch.setattr(library, "read", lambda *_, **__: pytest.fail("it reads"))
    assert the_entry("cifar10").found[0].state == UNVERIFIED
    code = "import sys, overfitlab.data.catalog.inventory; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_a_training_leaves_behind_that_a_copy_was_verified(small_cifar10):
    overfitlab("train", "--epochs", 1, "--data-dir", small_cifar10, check=0)
    shown = overfitlab("data", "list", "--data-dir", small_cifar10, check=0).stdout
    assert "other checksums, verified 20" in shown
    assert "used because it was named" in shown


@pytest.mark.slow
def test_verify_tells_official_from_other_and_damaged(declared_official, small_cifar10, tmp_path, monkeypatch):
    shutil.copytree(declared_official, tmp_path / "official")
    overfitted = tmp_path / "damaged"
    shutil.copytree(declared_official, overfitted)
    (overfitted / CIFAR10.folder / "data_batch_2").write_bytes(b"damaged")
    shutil.copytree(declared_official, Path("data"))
    monkeypatch.setitem(CIFAR10.members, "test_batch", "0" * 32)
    [found] = inventory.verify("cifar10")
    assert (found.state, found.used) == (OTHER, False), "torchvision's folder: nobody vouched for it"
    [named, _] = inventory.verify("cifar10", tmp_path / "official")
    assert (named.state, named.used) == (OTHER, True)
    assert named.verified
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    [found, *_] = inventory.verify("cifar10", overfitted)
    assert (found.state, found.used) == (DAMAGED, False)
    assert "fetch CIFAR-10 again: overfitlab data fetch cifar10" in str(found.problem)


def test_verify_reads_again_what_list_remembers(official_archive):
    archive = cache_folder() / ARCHIVE
    archive.parent.mkdir(parents=True)
    archive.write_bytes(official_archive)
    assert the_entry("cifar10").found[0].size_fits
    [found] = inventory.verify()
    assert (found.state, found.repacked) == (OFFICIAL, False)
    assert found.sha256 == {ARCHIVE: SETS["cifar10"].archives[0].sha256}
    assert the_entry("cifar10").found[0] == found
    state = archive.stat()
    archive.write_bytes(official_archive[:-100] + bytes(100))  # as a disk that forgets would
    os.utime(archive, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert the_entry("cifar10").found[0].state == OFFICIAL
    [found] = inventory.verify("cifar10")
    assert found.state == DAMAGED
    assert the_entry("cifar10").found[0].state == UNVERIFIED, "what was remembered is forgotten"


def test_another_release_in_our_own_cache_is_damage(official_archive, monkeypatch):
    cache_folder().mkdir(parents=True)
    (cache_folder() / ARCHIVE).write_bytes(official_archive)
    monkeypatch.setitem(SETS["cifar10"].members, "test_batch", "0" * 32)
    [found] = inventory.verify("cifar10")
    assert found.state == DAMAGED
    assert "is not what was downloaded" in str(found.problem)
    assert the_entry("cifar10").found[0].state == DAMAGED
    assert not the_entry("cifar10").here


def test_an_archive_packed_anew_says_so(declared_official, official_archive):
    shutil.make_archive("data/cifar-10-python", "gztar", declared_official, CIFAR10.folder)
    [found] = inventory.verify("cifar10")
    assert (found.state, found.repacked, found.size_fits) == (OFFICIAL, True, False)


@pytest.mark.slow
def test_verify_on_the_command_line(declared_official, small_cifar10):
    done = overfitlab("data", "verify", check=0)
    assert "There is no copy to verify" in done.stdout
    done = overfitlab("data", "verify", "cifar10", "--data-dir", small_cifar10, check=0)
    assert "other checksums" in done.stdout  # the process knows the real checksums
    (small_cifar10 / CIFAR10.folder / "test_batch").write_bytes(b"")
    done = overfitlab("data", "verify", "--json", "--data-dir", small_cifar10, check=1)
    [line] = [line for line in done.stderr.splitlines() if line.startswith("overfitlab: ")]
    assert "test_batch is not a readable CIFAR batch" in line
    [copy] = json.loads(done.stdout)["copies"]
    assert (copy["name"], copy["state"]) == ("cifar10", DAMAGED)
    assert "fetch CIFAR-10 again" in copy["problem"]


def as_official(tmp_path, monkeypatch, content, name="cifar10"):
    """Let processes that are started believe that this content is the official archive."""
    hook = tmp_path / "hook"
    hook.mkdir()
    archive = SETS[name].archives[0]
    facts = {"size": len(content), "md5": archive.md5, "sha256": archive.sha256, "urls": ()}
    (hook / "sitecustomize.py").write_text(
        "from dataclasses import replace\n"
        "from overfitlab.data.catalog.published import SETS\n"
        f"own = replace(SETS[{name!r}].archives[0], **{facts!r})\n"
        f"SETS[{name!r}] = replace(SETS[{name!r}], archives=(own,), members={dict(SETS[name].members)!r})\n"
    )
    paths = [str(hook), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))


@pytest.fixture
def mirror(official_archive, serve, tmp_path, monkeypatch):
    """A server that has the small CIFAR-10, for processes that believe it to be the official one."""
    as_official(tmp_path, monkeypatch, official_archive)

    def start(behave=None):
        server = serve(official_archive, behave)
        monkeypatch.setenv("OVERFITLAB_MIRROR", server.base)
        return server

    return start


@pytest.mark.slow
def test_fetch_puts_it_into_the_cache_and_verifies_it(mirror):
    server = mirror()
    done = typed_anew("data", "fetch", "cifar10", check=0)
    assert f"Fetching {ARCHIVE} from 127.0.0.1" in done.stdout
    assert "official, verified 20" in done.stdout
    assert not done.stderr
    again = typed_anew("data", "fetch", "cifar10", "--json", check=0)
    assert "CIFAR-10 is here already." in again.stderr
    assert json.loads(again.stdout)["path"] == str(cache_folder() / ARCHIVE)
    assert server.asked == [None]
    assert "official, verified 20" in typed_anew("data", "list", check=0).stdout
    assert typed_anew("data", "verify", "cifar10", check=0)


@pytest.mark.slow
def test_fetch_to_a_folder(mirror):
    mirror()
    typed_anew("data", "fetch", "cifar10", "--to", "there", check=0)
    assert [path.name for path in Path("there").iterdir() if not path.name.startswith(".")] == [ARCHIVE]
    assert not (cache_folder() / ARCHIVE).exists()
    Path("there", ARCHIVE).write_bytes(b"something else")
    [line] = typed_anew("data", "fetch", "cifar10", "--to", "there", check=1).stderr.splitlines()
    assert "move it away or choose another folder with --to" in line


@pytest.mark.slow
def test_train_fetches_what_is_missing(mirror):
    server = mirror()
    done = typed_anew("train", "--epochs", 1, check=0)
    assert "CIFAR-10 is not on this machine; fetching it once" in done.stdout
    assert "cifar10 from" in done.stdout
    typed_anew("train", "--epochs", 1, "--seed", 1, check=0)
    assert server.asked == [None]


@pytest.mark.slow
def test_ctrl_c_keeps_what_came(mirror):
    release = threading.Event()

    def slow(request, content):
        if request.headers.get("Range"):
            request.answer_from(content)
            return
        request.answer(200, content[:200_000], length=len(content))
        release.wait(60)

    server = mirror(slow)
    command = [sys.executable, "-u", "-m", "overfitlab", "data", "fetch", "cifar10"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline().startswith("Fetching")
    part = cache_folder() / f"{ARCHIVE}.part"
    while not part.exists() or part.stat().st_size < 190_000:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    release.set()
    assert process.returncode == 130
    assert "overfitlab: stopped; what has been fetched so far is kept; run the same command to resume" in errors
    assert "of which 0.2 are here" in typed_anew("data", "list", check=0).stdout
    typed_anew("data", "fetch", "cifar10", check=0)
    assert int(server.asked[1].removeprefix("bytes=").removesuffix("-")) >= 190_000


BAD = [
    (["data", "lst"], 2, "unknown command 'lst'; did you mean 'list'"),
    (["data", "fetch", "cifar"], 2, "unknown data set 'cifar'; did you mean 'cifar10'"),
    (["data", "fetch", "digits"], 2, "unknown data set 'digits'"),
    (["data", "fetch"], 2, "Missing argument 'NAME'"),
    (["data", "verify", "cifra10"], 2, "did you mean 'cifar10'"),
    (["data", "list", "--data-dir", "missing"], 1, "missing (--data-dir) is not a folder"),
    (["data", "fetch", "cifar10", "--to", "~nobody-of-that-name"], 2, "~nobody-of-that-name"),
    (["data", "fetch", "cifar10"], 1, "CIFAR-10 cannot be fetched: $OVERFITLAB_OFFLINE forbids"),
    (["train", "--data", "cifar100"], 1, "CIFAR-100 is not on this machine"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "code", "message"), BAD, ids=[" ".join(case[0]) for case in BAD])
def test_bad_input_is_one_line_and_leaves_nothing(arguments, code, message):
    done = overfitlab(*arguments, check=code)
    [line] = done.stderr.splitlines()
    assert line.startswith("overfitlab: ")
    assert message in line
    assert list(Path().iterdir()) == []


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_one_line(mirror):
    mirror()
    Path("file").write_bytes(b"")
    [line] = typed_anew("data", "fetch", "cifar10", "--to", "file/below", check=1).stderr.splitlines()
    assert "cannot write to file" in line


def commands_below(group, path=()):
    for name, command in group.commands.items():
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from commands_below(command, (*path, name))


@pytest.mark.parametrize(("name", "command"), [*commands_below(cli)])
def test_commands_at_every_depth_have_help_with_an_example(name, command):
    assert command.help
    assert f"overfitlab {name}" in command.epilog
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.name} has no help"
