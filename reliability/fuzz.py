"""Throw bytes at the readers for some minutes each: `python reliability/fuzz.py --minutes 10 images history`.

Each target is a process of Atheris (libFuzzer), which begins with what lies in `corpus/TARGET`. What it finds is added
there, as little of it as covers the same code; what crashes a reader is written to `build/fuzz/`, and the exit code
is 1. Atheris has to be installed: `pip install 'overfitlab[fuzz]'` (Linux).
"""

import argparse
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORPUS, FOUND = HERE / "corpus", HERE.parent / "build" / "fuzz"
LONGEST_INPUT = 4096  # bytes
MOST_MEMORY = 2048  # MB
MOST_SECONDS = 20  # for one input


def main() -> int:
    """Fuzz what was asked for, one target after the other."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", help="all of them where none is named")
    parser.add_argument("--minutes", type=float, default=10.0, help="for each target")
    parser.add_argument("--inside", help=argparse.SUPPRESS)  # the process of one target
    given, rest = parser.parse_known_args()
    if given.inside:
        return _inside(given.inside, [*rest, *given.targets])  # options of libFuzzer, then folders
    names = given.targets or sorted(path.name for path in CORPUS.iterdir())
    failed = [name for name in names if not _fuzzed(name, given.minutes)]
    print(f"fuzz: {', '.join(failed)} failed" if failed else f"fuzz: {', '.join(names)}: nothing found")
    return 1 if failed else 0


def _fuzzed(name: str, minutes: float) -> bool:
    """Return whether nothing was found in that time; the corpus is then as small as it can be."""
    found = FOUND / name
    found.mkdir(parents=True, exist_ok=True)
    grown = found / "corpus"
    shutil.rmtree(grown, ignore_errors=True)
    grown.mkdir()
    limits = [f"-rss_limit_mb={MOST_MEMORY}", f"-timeout={MOST_SECONDS}", f"-max_len={LONGEST_INPUT}"]
    began = [f"-max_total_time={round(60 * minutes)}", f"-artifact_prefix={found}/", "-print_final_stats=1"]
    with (found / "log").open("w") as log:
        code = _process(name, [*began, *limits, str(grown), str(CORPUS / name)], log)
        if code == 0:
            code = _process(name, ["-merge=1", *limits, str(CORPUS / name), str(grown)], log)
    executed = [line for line in (found / "log").read_text().splitlines() if "number_of_executed_units" in line]
    count = len(list((CORPUS / name).iterdir()))
    said = "nothing found" if code == 0 else f"FAILED; {found} has the log and the input"
    print(f"{name}: {minutes:g} minutes, {executed[0].split()[-1] if executed else '?'} inputs, corpus {count}: {said}")
    sys.stdout.flush()
    return code == 0


def _process(name: str, arguments: list[str], log: object) -> int:
    command = [sys.executable, __file__, "--inside", name, *arguments]
    return subprocess.run(command, stdout=log, stderr=log, check=False).returncode  # type: ignore[call-overload]


def _inside(name: str, arguments: list[str]) -> int:
    try:
        import atheris
    except ImportError:
        print("fuzzing needs Atheris: pip install 'overfitlab[fuzz]'", file=sys.stderr)
        return 2
    with atheris.instrument_imports(include=["overfitlab", "PIL"]):
        import targets
    again = shlex.join([sys.executable, __file__, "--inside", name])  # to merge it starts itself, with a shell
    atheris.Setup([again, *arguments], targets.TARGETS[name])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
