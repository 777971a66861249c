"""What is waited for after which letters, and when it has happened."""

from pathlib import Path
from typing import Any

import pytest

from supervise.commands import goals
from supervise.commands.goals import HopelessError
from supervise.commands.view import View
from supervise.protocol import status
from tests.commands.fake import make_record, stamp


def classic(pid: int, want: str = "up", at: float = 0, paused: bool = False) -> View:
    return View(status.pack(stamp(at), pid, paused, want))


def ours(path: Path, state: str, **fields: Any) -> View:
    fields.setdefault("pid", 7 if state in ("up", "stopping") else 0)
    found = make_record(path, state=state, **fields)
    view = View(status.pack(found.since, found.pid, found.paused, found.want))
    view.record = found
    return view


@pytest.mark.parametrize(
    ("letters", "wanted"),
    [
        ("u", [goals.stay_up]),
        ("o", [goals.run_once]),
        ("d", [goals.stay_down]),
        ("t", [goals.new_instance]),
        ("k", [goals.new_instance]),
        ("i", [goals.new_instance]),
        ("q", [goals.new_instance]),
        ("du", [goals.new_instance]),
        ("ut", [goals.new_instance]),
        ("ud", [goals.stay_down]),
        ("td", [goals.stay_down]),
        ("dx", [goals.gone]),
        ("x", [goals.gone]),
        ("p", [goals.paused]),
        ("c", [goals.continued]),
        ("pc", [goals.continued]),
        ("up", [goals.stay_up, goals.paused]),
        ("h", []),
        ("a12w", []),
        ("", []),
    ],
)
def test_goals_of_letters(letters: str, wanted: list[goals.Goal]) -> None:
    assert goals.asked_by(letters) == wanted


def test_up_by_the_status_alone() -> None:
    assert not goals.stay_up(classic(0), classic(0))
    assert goals.stay_up(classic(7), classic(0))


def test_up_waits_for_readiness_where_the_service_can_say(tmp_path: Path) -> None:
    before = ours(tmp_path, "down")
    for readiness, enough in [("not yet", False), ("ready", True), ("untold", True)]:
        assert goals.stay_up(ours(tmp_path, "up", readiness=readiness), before) is enough
        assert goals.running(ours(tmp_path, "up", readiness=readiness), before)


def test_an_instance_that_is_to_end_is_not_up(tmp_path: Path) -> None:
    before = ours(tmp_path, "down")
    assert not goals.stay_up(ours(tmp_path, "stopping"), before)
    assert not goals.stay_up(ours(tmp_path, "up", pid=0, intent=True), before)


def test_an_instance_that_was_to_end_before_is_not_up_by_the_status_alone() -> None:
    """0.76 has sent TERM to what is wanted down and runs, and tells of no more."""
    before = classic(7, "down")
    assert not goals.stay_up(classic(7, "up"), before)
    assert goals.stay_up(classic(8, "up", at=1), before)


def test_what_is_left_alone_and_runs_is_up(tmp_path: Path) -> None:
    alone = ours(tmp_path, "up", alone=True)
    assert goals.running(alone, alone)
    for goal in (goals.stay_down, goals.paused, goals.new_instance):
        with pytest.raises(HopelessError, match="held back"):
            goal(alone, alone)


def test_two_looks_of_which_only_one_has_a_record_are_of_one_instance(tmp_path: Path) -> None:
    before = ours(tmp_path, "up", starts=3)
    now = classic(7)
    assert not goals.new_instance(now, before)
    assert goals.new_instance(classic(8, at=1), before)


def test_up_is_hopeless_after_a_verdict(tmp_path: Path) -> None:
    failed = ours(tmp_path, "down", want="down", failed=True, reason="exit 125")
    with pytest.raises(HopelessError, match=r"failed for good \(exit 125\)"):
        goals.running(failed, failed)
    for why in ("held", "alone"):
        held = ours(tmp_path, "down", **{why: True})
        with pytest.raises(HopelessError, match="held back"):
            goals.running(held, held)


def test_up_is_hopeless_when_somebody_wants_it_down() -> None:
    with pytest.raises(HopelessError, match="wanted down"):
        goals.stay_up(classic(0, "down"), classic(0))
    assert not goals.running(classic(0, "down"), classic(0))


def test_down_is_when_nothing_of_it_runs(tmp_path: Path) -> None:
    before = ours(tmp_path, "up")
    for state in ("stopping", "leftovers", "finishing", "checking"):
        assert not goals.stay_down(ours(tmp_path, state, want="down"), before)
    assert goals.stay_down(ours(tmp_path, "down", want="down"), before)
    assert goals.at_rest(ours(tmp_path, "waiting"), before)
    assert goals.stay_down(classic(0, "down"), classic(7))


def test_down_is_hopeless_when_somebody_wants_it_up() -> None:
    with pytest.raises(HopelessError, match="wanted up again"):
        goals.stay_down(classic(7), classic(7))


def test_a_new_instance_by_the_status_alone() -> None:
    before = classic(7, at=0)
    assert not goals.new_instance(before, before)
    assert not goals.new_instance(classic(0, at=1), before)
    assert goals.new_instance(classic(8, at=1), before)
    assert goals.new_instance(classic(7, at=1), before)  # the number was used again


def test_a_new_instance_by_the_record(tmp_path: Path) -> None:
    before = ours(tmp_path, "up", starts=3)
    assert not goals.new_instance(ours(tmp_path, "up", starts=3), before)
    assert not goals.new_instance(ours(tmp_path, "waiting", starts=4), before)
    assert not goals.new_instance(ours(tmp_path, "up", starts=4, readiness="not yet"), before)
    assert goals.new_instance(ours(tmp_path, "up", starts=4), before)


def test_a_new_instance_that_the_letter_has_yet_to_end(tmp_path: Path) -> None:
    """The one before died by itself just before the letter was served."""
    before = ours(tmp_path, "up", starts=3)
    assert not goals.new_instance(ours(tmp_path, "up", starts=4, asked=True), before)
    assert goals.new_instance(ours(tmp_path, "up", starts=5), before)


def test_no_new_instance_comes_of_what_is_not_wanted() -> None:
    with pytest.raises(HopelessError, match="not wanted up"):
        goals.new_instance(classic(0, "down"), classic(0, "down"))
    with pytest.raises(HopelessError, match="not wanted up"):
        goals.new_instance(classic(0, "once", at=1), classic(7, "once"))


def test_once_has_happened_also_when_it_is_over(tmp_path: Path) -> None:
    before = ours(tmp_path, "down", want="down", starts=3)
    assert goals.run_once(ours(tmp_path, "up", want="once", starts=4), before)
    assert goals.run_once(ours(tmp_path, "down", want="once", starts=4), before)
    assert not goals.run_once(ours(tmp_path, "finishing", want="once", starts=4), before)
    verdict = ours(tmp_path, "down", want="down", failed=True, starts=4)
    assert goals.run_once(verdict, before)
    with pytest.raises(HopelessError, match=r"did not start \(no file\)"):
        goals.run_once(ours(tmp_path, "down", starts=3, reason="no file"), before)


def test_paused_and_continued() -> None:
    before = classic(7)
    assert goals.paused(classic(7, paused=True), before)
    assert not goals.paused(classic(7), before)
    assert goals.continued(classic(7), before)
    assert not goals.continued(classic(7, paused=True), before)
    with pytest.raises(HopelessError):
        goals.paused(classic(0), before)


def test_supervision_is_not_gone_as_long_as_there_is_a_status() -> None:
    assert not goals.gone(classic(0, "down"), classic(7))
