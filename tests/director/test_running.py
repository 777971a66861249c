"""What a director runs with, against what is set; and the last lines of its log."""

import os
import subprocess
from pathlib import Path

import pytest

from supervise.commands import tail
from supervise.director import running
from supervise.director.notify_fifo import NotifyFifo

STARTED = ["keepalived", "-n", "-S", "1", "-f", "/a.conf"]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "common.sh").touch()
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "CONFIGURATION").write_text("/a.conf\n")
    return tmp_path


@pytest.mark.parametrize(
    "words", [["-f", "/x"], ["-f/x"], ["--use-file", "/x"], ["--use-file=/x"], ["-n", "-f", "/x"]]
)
def test_the_file_in_every_spelling(words: list[str]) -> None:
    assert running.configuration("/d", ["keepalived", *words]) == "/x"


def test_a_relative_one_is_meant_from_the_service_directory() -> None:
    assert running.configuration("/d", ["keepalived", "-f", "x/../y"]) == "/d/y"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("", []),
        ("", ["--check", "--vrrp"]),
        ("-d -r /run/v", ["--dont-release-vrrp", "--dont-release-ipvs", "-d", "-r", "/run/v"]),
    ],
)
def test_what_run_adds_is_no_difference(directory: Path, options: str, words: list[str]) -> None:
    (directory / "env" / "OPTIONS").write_text(options)
    assert running.differences(str(directory), STARTED + words) == ()


def test_differences(directory: Path) -> None:
    (directory / "env" / "CONFIGURATION").write_text("/b.conf\n")
    (directory / "env" / "OPTIONS").write_text("-d\n")
    file, options = running.differences(str(directory), [*STARTED, "-D"])
    assert file == "it runs with /a.conf, and env/CONFIGURATION now says /b.conf"
    assert options == "it was started with OPTIONS '-D', and env/OPTIONS now says '-d'"


@pytest.mark.parametrize(
    ("setting", "options", "words", "told"),
    [
        ("yes", "", ["--vrrp"], None),
        ("no", "--vrrp", ["--vrrp"], None),
        ("yes", "", [], "set to run VRRP alone"),
        ("yes", "", ["--check", "--vrrp"], "set to run VRRP alone"),
        ("no", "--vrrp", [], "set to run VRRP alone"),
        ("no", "", ["--vrrp"], "set to run health checks too"),
        ("", "", ["-P"], "set to run health checks too"),
    ],
)
def test_vrrp_alone(
    directory: Path, setting: str, options: str, words: list[str], told: str | None
) -> None:
    (directory / "env" / "VRRP_ALONE").write_text(f"{setting}\n")
    (directory / "env" / "OPTIONS").write_text(f"{options}\n")
    found = running.differences(str(directory), STARTED + words)
    assert [one.partition(" by ")[0] for one in found if "VRRP_ALONE" in one] == (
        [f"it is {told}"] if told else []
    )


@pytest.mark.skipif(Path("/proc/net/ip_vs").exists(), reason="needs a kernel without IPVS")
@pytest.mark.parametrize(
    ("version", "told"),
    [("1.2.1", False), ("1.2.19", False), ("1.2.20", True), ("1.2.24", True), ("2.2.7", True)],
)
def test_an_old_one_without_ipvs_runs_vrrp_alone_whatever_is_set(
    directory: Path, version: str, told: bool
) -> None:
    (directory / "supervise").mkdir(exist_ok=True)
    (directory / "supervise/checked").write_text(f"version {version}\npath /a.conf\n")
    found = running.differences(str(directory), [*STARTED, "--vrrp"])
    assert any("VRRP_ALONE" in one for one in found) == told


def test_of_a_run_that_is_not_ours_nothing_is_known(directory: Path) -> None:
    (directory / "common.sh").unlink()
    assert running.differences(str(directory), ["keepalived", "-f", "/other"]) == ()


# --- the log


def test_the_services_own_log_goes_before_the_usual_ones(tmp_path: Path) -> None:
    own, *usual = tail.usual_logs(str(tmp_path))
    assert own == str(tmp_path / "log/main/current")
    assert usual == ["/var/log/keepalived.log", "/var/log/messages", "/var/log/syslog"]


def test_the_last_lines_of_the_first_log_that_has_some(tmp_path: Path) -> None:
    empty, long, other = (tmp_path / name for name in ("empty", "long", "other"))
    empty.write_text("cron[1]: of somebody else\n")
    lines = [f"host Keepalived_vrrp[7]: {number}" for number in range(1000)]
    long.write_bytes("\n".join([*lines, "cron[1]: x"]).encode() + b"\n\xff\n")
    other.write_text("Keepalived[7]: not this\n")
    logs = tuple(map(str, (tmp_path / "missing", tmp_path, empty, long, other)))
    assert tail.last_lines(logs) == lines[-5:]
    assert tail.last_lines((str(empty),)) == []


# --- the FIFO


@pytest.fixture
def fifo(tmp_path: Path) -> str:
    os.mkfifo(tmp_path / "fifo")
    return str(tmp_path / "fifo")


def test_lines_come_whole_and_the_end_is_told(fifo: str) -> None:
    reader = NotifyFifo(fifo)
    writer = os.open(fifo, os.O_WRONLY)
    assert not reader.tells()
    os.write(writer, b"one\ntw")
    assert reader.read() == ["one"]
    os.write(writer, b"o\n")
    os.close(writer)
    assert reader.tells()
    assert reader.read() == ["two"]
    assert reader.read() is None
    reader.close()


def test_what_comes_out_of_a_full_one_is_old(fifo: str) -> None:
    reader = NotifyFifo(fifo)
    writer = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    line = b'INSTANCE "VI_1" MASTER 100\n'
    os.write(writer, line * (65536 // len(line)))
    assert reader.read() == []
    os.write(writer, line)
    assert reader.read() == [line.decode().strip()]
    os.close(writer)
    reader.close()


def test_another_reader_is_seen(fifo: str) -> None:
    reader = NotifyFifo(fifo)
    assert reader.other_reader("/nowhere") == 0
    with open(fifo, "r+b", buffering=0) as other:
        child = subprocess.Popen(["sleep", "1000"], stdin=other)
    try:
        assert reader.other_reader("/nowhere") == child.pid
        assert reader.other_reader(os.readlink(f"/proc/{child.pid}/exe")) == 0
    finally:
        child.kill()
        child.wait()
        reader.close()


def test_what_is_no_fifo_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="no FIFO"):
        NotifyFifo(str(tmp_path / "file"))
