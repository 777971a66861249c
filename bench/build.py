"""The two programs that are supervised: one that stays, one that fails at once."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("probe.c")

# Without a compiler a shell has to do. It cannot tell the time exactly:
# 0 means "take the time at which it is read".
SHELL = '#!/bin/sh\necho "0 $$ ${PWD##*/}" >../events\n'


@dataclass(frozen=True)
class Programs:
    stays: Path
    fails: Path


def build(directory: Path) -> Programs:
    directory.mkdir(parents=True)
    programs = Programs(directory / "stays", directory / "fails")
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler:
        _compile(compiler, programs.stays)
        _compile(compiler, programs.fails, "-DCRASH")
    else:
        _script(programs.stays, "exec sleep 1000000\n")
        _script(programs.fails, "exit 1\n")
    return programs


def _compile(compiler: str, target: Path, *options: str) -> None:
    # Static when it can be: no time goes to the dynamic linker, which is no supervisor's doing.
    for linking in (["-static"], []):
        command = [compiler, "-O2", *linking, *options, "-o", str(target), str(SOURCE)]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return
    raise SystemExit(f"bench: unable to compile {SOURCE}")


def _script(target: Path, end: str) -> None:
    target.write_text(SHELL + end)
    target.chmod(0o755)
