"""What a client can wait for. A goal is asked again after every change, given the view of now and
the view from before the letters were sent."""

from collections.abc import Callable

from supervise.commands.view import View

Goal = Callable[[View, View], bool]
"""True when it has happened, False when not yet. Raises HopelessError."""

_AT_REST = ("down", "waiting", "gone")


class HopelessError(Exception):
    """It can no longer happen by itself; the text says why."""


def running(now: View, before: View) -> bool:
    if now.state == "up" and now.pid != 0:
        return True
    _check_hope(now)
    return False


def surely_ready(now: View, before: View) -> bool:
    """As `ready`, but not where the service may have said something that we cannot read."""
    if now.unreadable:
        raise HopelessError(f"whether it is ready cannot be told ({now.remark})")
    return ready(now, before)


def ready(now: View, before: View) -> bool:
    """Up, and ready where the service can say so."""
    return running(now, before) and _can_serve(now)


def at_rest(now: View, before: View) -> bool:
    """No process of it runs: not the instance, nor what it left, nor `finish`."""
    return now.state in _AT_REST and now.pid == 0


def stay_up(now: View, before: View) -> bool:
    """What `u` asks for."""
    if now.want == "down" and now.pid == 0:
        _check_hope(now)
        raise HopelessError(_with_reason("it is wanted down", now))
    return ready(now, before) and not _was_ending(now, before)


def _was_ending(now: View, before: View) -> bool:
    """Whether this one was told to end before, where no record says so: in 0.76, what is wanted
    down and runs has got its TERM."""
    told = before.record is None and before.pid != 0 and before.want == "down"
    return told and now.same_instance(before)


def run_once(now: View, before: View) -> bool:
    """What `o` asks for: it also has happened when it is over already."""
    if now.state != "down":
        return ready(now, before)
    if now.same_instance(before):
        _check_hope(now)
        raise HopelessError(_with_reason("it did not start", now))
    return True


def stay_down(now: View, before: View) -> bool:
    """What `d` asks for."""
    if now.want != "down":
        _check_hope(now)
        raise HopelessError("it is wanted up again")
    return at_rest(now, before)


def new_instance(now: View, before: View) -> bool:
    """What the deadly signals ask for, and `du`."""
    if now.same_instance(before) or now.state != "up":
        _check_hope(now)
        if now.state == "down" and now.want != "up":
            raise HopelessError(_with_reason("it is down, and not wanted up", now))
        return False
    doomed = now.record is not None and now.record.asked
    return ready(now, before) and not doomed


def paused(now: View, before: View) -> bool:
    if now.pid == 0:
        raise HopelessError("it is down")
    if not now.paused:
        _check_hope(now)
    return now.paused


def continued(now: View, before: View) -> bool:
    return not now.paused


def gone(now: View, before: View) -> bool:
    """What `x` asks for: as long as there is anything to look at, it has not happened."""
    return False


_GOALS: dict[str, Goal] = {
    "u": stay_up,
    "o": run_once,
    "d": stay_down,
    "p": paused,
    "c": continued,
}


def asked_by(letters: str) -> list[Goal]:
    """The goals of letters that are served in this order; none where delivery is all there is."""
    if "x" in letters:
        return [gone]
    want = _last_of("udo", letters)
    if want == "d":
        return [stay_down]
    if "d" in letters or any(letter in letters for letter in "tkiq"):
        return [new_instance]
    return [_GOALS[letter] for letter in (want, _last_of("pc", letters)) if letter]


def _last_of(these: str, letters: str) -> str:
    found = [letter for letter in letters if letter in these]
    return found[-1] if found else ""


def _can_serve(now: View) -> bool:
    return now.record is None or now.record.readiness != "not yet"


def _check_hope(now: View) -> None:
    if now.record is None:
        return
    if now.record.failed:
        raise HopelessError(_with_reason("it failed for good", now))
    if now.record.held or now.record.alone:
        raise HopelessError(_with_reason("it is held back", now))


def _with_reason(what: str, now: View) -> str:
    return f"{what} ({now.reason})" if now.reason else what
