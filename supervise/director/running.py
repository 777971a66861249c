"""What a director runs with, as its command line has it, and what is set for its next start."""

import os
import re

from supervise.director import service_directory

_OURS = {"--check", "--vrrp", "--dont-release-vrrp", "--dont-release-ipvs"}
"""What `run` may put before OPTIONS."""
_KNOWS_THE_PAIR = re.compile(r"1\.2\.([1-9]|1[0-9])")
"""Versions, as `common.sh` has them."""


def command_line(pid: int | None) -> list[str]:
    """The words with which it was started; none where it is no keepalived yet, because its `run`
    still prepares, or where nothing runs."""
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="surrogateescape") as file:
            words = file.read().split("\0")[:-1]
    except OSError:
        return []
    return words if option(words, "-f", "--use-file") else []


def option(words: list[str], *names: str) -> str:
    """The value of an option in one of its spellings; empty where it is not there."""
    for number, word in enumerate(words):
        for name in names:
            if word == name and number + 1 < len(words):
                return words[number + 1]
            if name.startswith("--") and word.startswith(name + "="):
                return word[len(name) + 1 :]
            if len(name) == 2 and word.startswith(name) and len(word) > 2:
                return word[2:]
    return ""


def configuration(directory: str, words: list[str]) -> str:
    """The file that it reads, or would read if it were started."""
    path = option(words, "-f", "--use-file") or service_directory.configuration_path(directory)
    return os.path.normpath(os.path.join(directory, path))


def differences(directory: str, words: list[str]) -> tuple[str, ...]:
    """What was set otherwise since it was started, so that a reload does not bring it. A `run` that
    is not ours may have settings that we do not know."""
    if not words or not os.path.exists(os.path.join(directory, "common.sh")):
        return ()
    found = []
    runs, wanted = configuration(directory, words), configuration(directory, [])
    if runs != wanted:
        found.append(f"it runs with {runs}, and env/CONFIGURATION now says {wanted}")
    started = _own(words)
    options = service_directory.setting(directory, "OPTIONS").split()
    if started != _own(options):
        both = f"'{' '.join(started)}', and env/OPTIONS now says '{' '.join(options)}'"
        found.append(f"it was started with OPTIONS {both}")
    alone = service_directory.setting(directory, "VRRP_ALONE") == "yes" or _alone(options)
    if _alone(_after(words)) != (alone or _lacks_ipvs(directory)):
        now = "set to run VRRP alone" if alone else "set to run health checks too"
        found.append(f"it is {now} by env/VRRP_ALONE or env/OPTIONS, and was not when it started")
    return tuple(found)


def _lacks_ipvs(directory: str) -> bool:
    """Then `run` starts what knows `--check --vrrp` with VRRP alone, whatever is set."""
    version = service_directory.checked_version(directory)
    return bool(_KNOWS_THE_PAIR.fullmatch(version)) and not os.path.exists("/proc/net/ip_vs")


def _after(words: list[str]) -> list[str]:
    """What follows the configuration: what `run` adds, and the options that somebody chose."""
    return words[words.index("-f") + 2 :] if "-f" in words else words


def _own(words: list[str]) -> list[str]:
    """The options that somebody chose, without what `run` adds."""
    return [word for word in _after(words) if word not in _OURS]


def _alone(options: list[str]) -> bool:
    """Only VRRP is asked for. Both together, and neither, mean health checks too."""
    return bool({"--vrrp", "-P"} & set(options)) and not {"--check", "-C"} & set(options)
