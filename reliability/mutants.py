"""Take away, one at a time, what keeps results safe, and see that a test notices: `python reliability/mutants.py`.

Each mutant is a copy of the package with one small change, in a folder of its own; the tests that are to notice run
against it, and have to fail. docs/reliability.md has the list (`--markdown`). The exit code is 1 where one survives.
"""

import argparse
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "overfitlab"


@dataclass(frozen=True)
class Mutant:
    """One change: in `file` below the package, `old` (which is there once) becomes `new`; `tests` have to notice."""

    what: str
    file: str
    old: str
    new: str
    tests: str
    hangs: bool = False  # then tests that take too long have noticed it, too


MUTANTS = (
    Mutant(
        "an atomic write without fsync of the file", "files.py",
        "            os.fsync(stream.fileno())\n", "", "tests/reliability/test_order.py",
    ),
    Mutant(
        "an atomic write without fsync of the folder", "files.py",
        "    sync_folder(path.parent)\n", "", "tests/reliability/test_order.py",
    ),
    Mutant(
        "a write in place instead of a rename", "files.py",
        "    with _named(path), _swapped(path) as stream:\n        stream.write(content)",
        "    path.write_bytes(content)",
        "tests/records/test_run_folder.py tests/reliability/test_order.py",
    ),
    Mutant(
        "a temporary file that stays after an error", "files.py",
        "            Path(temporary).unlink(missing_ok=True)\n", "            pass\n", "tests/test_files.py",
    ),
    Mutant(
        "the checksum of a checkpoint", "training/checkpoint.py",
        'if metadata["sha256"] != _digest(state, tensors):', "if False:", "tests/records/test_damage.py",
    ),
    Mutant(
        "the owner of a checkpoint", "training/checkpoint.py",
        "if owner != run_id:", "if False:", "tests/records/test_damage.py",
    ),
    Mutant(
        "the previous checkpoint", "training/checkpoint.py",
        "        current.replace(folder / PREVIOUS_CHECKPOINT)\n", "        pass\n", "tests/training/test_resume.py",
    ),
    Mutant(
        "damaged checkpoints are put away", "training/checkpoint.py",
        "        (folder / name).replace(_free_place(folder, name))\n", "        pass\n",
        "tests/training/test_resume.py",
    ),
    Mutant(
        "a fresh network after a checkpoint that did not fit", "runs/execution.py",
        "            trainer, _ = _trainer(job, training, resolved, method)", "            pass",
        "tests/training/test_resume.py",
    ),
    Mutant(
        "the optimizer's steps after a resume", "training/optimizer.py",
        "        self._steps = steps\n        self._state", "        self._steps = 0\n        self._state",
        "tests/training/test_resume.py",
    ),
    Mutant(
        "the optimizer's moments after a resume", "training/checkpoint.py",
        '        learner.optimizer.load_state(part("optimizer."), state["steps"])\n', "",
        "tests/training/test_resume.py",
    ),
    Mutant(
        "the method's state after a resume", "training/checkpoint.py",
        '        learner.regularization.load_state(part("method."))\n', "", "tests/training/test_resume.py",
    ),
    Mutant(
        "random draws that go on where they stopped", "training/loop.py",
        'order = (self._key / "order" / epoch).generator()',
        'turn = self.__dict__["turn"] = self.__dict__.get("turn", 0) + 1\n'
        '        order = (self._key / "order" / turn).generator()',
        "tests/training/test_resume.py",
    ),
    Mutant(
        "the checksum of a record", "records/record_file.py",
        "if seal != _seal(body):", "if False:",
        "tests/records/test_damage.py",
    ),
    Mutant(
        "the checksum of a history or of predictions", "files.py",
        "if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:", "if False:",
        "tests/records/test_damage.py",
    ),
    Mutant(
        "the checksum of weights", "inference/trained.py",
        'if folder.checksums([name])[name] != run.record.files.get(name):', "if False:",
        "tests/records/test_damage.py",
    ),
    Mutant(
        "a link in place of a file of ours", "files.py",
        "    with _named(path), _swapped(path) as stream:",
        "    path = Path(os.path.realpath(path))\n    with _named(path), _swapped(path) as stream:",
        "tests/test_files.py",
    ),
    Mutant(
        "a pipe in place of a record", "files.py",
        "    if not stat.S_ISREG(status.st_mode) or status.st_size > largest:", "    if False:",
        "tests/test_files.py", hangs=True,
    ),
    Mutant(
        "a checkpoint that is kept where memory was short", "training/checkpoint.py",
        "        if is_want_of_memory(error):\n            raise\n", "", "tests/records/test_damage.py",
    ),
    Mutant(
        "escapes for the terminal", "cli/main.py",
        "display_name(' '.join(message.split()))", "' '.join(message.split())", "tests/reliability/test_strangers.py",
    ),
    Mutant(
        "the lock of a folder", "records/claim.py",
        "        lock.acquire()\n", "        pass\n", "tests/records/test_run_folder.py",
    ),
    Mutant(
        "the lock of a download", "data/catalog/download.py",
        "        with _alone_with(target, size, listener):", "        if True:", "tests/data/test_download.py",
    ),
    Mutant(
        "the checksum of a download", "data/catalog/download.py",
        "return all(digests[name].hexdigest() == value for name, value in wanted.items())", "return True",
        "tests/data/test_download.py",
    ),
    Mutant(
        "the names that a pickle may use", "data/sources/unpickling.py",
        "            return self._allowed[module, name]\n        except KeyError:",
        "            return super().find_class(module, name)\n        except KeyError:",
        "tests/data/test_unpickling.py",
    ),
    Mutant(
        "the memory that a pickle may use", "data/sources/unpickling.py",
        "        _refuse_bombs(content)\n", "", "tests/data/test_unpickling.py", hangs=True,
    ),
    Mutant(
        "tuples that a pickle holds more than once", "data/sources/unpickling.py",
        "        if name in RECALLING and memory.get(_number(name, argument), 0):\n",
        "        if False:\n", "tests/data/test_unpickling.py", hangs=True,
    ),
    Mutant(
        "arrays of Python objects in an .npz file", "data/sources/npz_members.py",
        "    if dtype.hasobject:", "    if False:", "tests/data/test_npz.py",
    ),
    Mutant(
        "weights that are a program", "models/weights_file.py",
        "weights_only=True", "weights_only=False", "tests/models/test_weights_file.py",
    ),
    Mutant(
        "consent to a network that is a program", "inference/trained.py",
        "    if model is None:\n        raise UsageError(", "    if model == '':\n        raise UsageError(",
        "tests/inference/test_trained.py",
    ),
    Mutant(
        "the checksum of a member of CIFAR-10", "data/catalog/members.py",
        "if md5 != published.members[member]:", "if False:", "tests/data",
    ),
    Mutant(
        "the size that an archive may unpack to", "data/catalog/members.py",
        "if size is None or not 0 <= size <= self._largest_read or self.tell() > LARGEST_ARCHIVE:", "if False:",
        "tests/data",
    ),
    Mutant(
        "what a finished run must have measured", "records/run_record.py",
        "if self.status == FINISHED and (self.result is None or self.result.measured.end is None):", "if False:",
        "tests/study/test_damaged.py",
    ),
    Mutant(
        "names that are cleaned at the door", "display.py",
        "sign if sign.isprintable() else sign.encode", "sign if True else sign.encode",
        "tests/records/test_run_folder.py",
    ),
    Mutant(
        "paths that no system has", "records/data_record.py",
        'if b"\\0" in os.fsencode(path):', "if False:", "tests/records/test_strange_records.py",
    ),
    Mutant(
        "names of files that are ours in a run's record", "records/run_record.py",
        "    files: dict[FileName, Sha256]\n", "    files: dict[str, Sha256]\n", "tests/reliability/test_strangers.py",
        hangs=True,
    ),
    Mutant(
        "a link in place of a report", "api/report_folder.py",
        "if place.is_symlink() and (", "if False and (", "tests/reliability/test_strangers.py",
    ),
    Mutant(
        "the bound on attempts", "study/runner.py",
        "again = not failed.final and task.attempt < MOST_ATTEMPTS", "again = not failed.final",
        "tests/study/test_what_goes_wrong.py",
    ),
    Mutant(
        "workers that hang", "study/execute/local.py",
        "        self._end_what_hangs()\n", "", "tests/study/test_what_goes_wrong.py",
        hangs=True,
    ),
    Mutant(
        "a new process after running out of memory", "study/execute/local.py",
        "                self._give_up(worker, message.reason)\n", "                pass\n",
        "tests/reliability/test_memory.py",
    ),
    Mutant(
        "a complete report", "cli/compare.py",
        "if report and not is_current(study, study.folder / REPORT, say.code):",
        'if report and not (study.folder / REPORT / "report.html").exists():', "tests/reliability/test_kills.py",
    ),
)  # fmt: skip
SLOWNESS, PATIENCE = 4.0, 60.0  # times what the tests take without a mutant, and seconds: then it hangs


def main() -> int:
    """Try all mutants, or those whose description has a text in it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="")
    parser.add_argument("--markdown", action="store_true", help="print the list, and try nothing")
    given = parser.parse_args()
    chosen = [each for each in MUTANTS if given.only in each.what]
    if given.markdown:
        print("| without | in | noticed by |\n|---|---|---|")
        for each in chosen:
            tests = ", ".join(f"`{name}`" for name in each.tests.split())
            print(f"| {each.what} | `{each.file}` | {tests} |")
        return 0
    for each in chosen:
        if (PACKAGE / each.file).read_text().count(each.old) != 1:
            sys.exit(f"mutants: {each.file} no longer has what {each.what!r} takes away, exactly once")
    survivors = [each.what for each in chosen if not _noticed(each, SLOWNESS * _unharmed(each.tests) + PATIENCE)]
    print(
        f"{len(chosen) - len(survivors)} of {len(chosen)} mutants noticed"
        + "".join(f"\n- {each}" for each in survivors)
    )
    return 1 if survivors else 0


def _tested(tests: str, package_in: Path, patience: float | None) -> "subprocess.CompletedProcess[str] | None":
    """Run tests against the package in that folder; None where they take more than `patience` seconds."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests.split()]
    environment = os.environ | {"PYTHONPATH": str(package_in)}
    try:
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=patience, check=False
        )
    except subprocess.TimeoutExpired:
        return None


@functools.cache
def _unharmed(tests: str) -> float:
    """Return how long the tests take where nothing is taken away; they have to pass."""
    began = time.monotonic()
    ended = _tested(tests, ROOT / "src", None)
    if ended is None or ended.returncode:
        sys.exit(f"mutants: {tests} fails without any: {ended.stdout[-2000:] if ended else ''}")
    return time.monotonic() - began


def _noticed(mutant: Mutant, patience: float) -> bool:
    with tempfile.TemporaryDirectory(prefix="overfitlab-mutant-") as folder:
        package = Path(folder) / "overfitlab"
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
        path = package / mutant.file
        path.write_text(path.read_text().replace(mutant.old, mutant.new))
        ended = _tested(mutant.tests, Path(folder), patience)
    noticed = mutant.hangs if ended is None else ended.returncode == 1 and " failed" in ended.stdout
    last = "took too long" if ended is None else ended.stdout.strip().splitlines()[-1] if ended.stdout else ended.stderr
    print(f"{'noticed' if noticed else 'SURVIVED'}: {mutant.what} ({last})", flush=True)
    return noticed


if __name__ == "__main__":
    sys.exit(main())
