"""Work for other threads: what is waited for."""

from supervise.engine.background import Background
from supervise.engine.loop import Loop


def test_what_an_outcome_sets_off_is_waited_for_too() -> None:
    background = Background(Loop(), lambda: None)
    done: list[int] = []

    def go_on(outcome: int) -> None:
        done.append(outcome)
        if outcome < 3:
            background.do(lambda: outcome + 1, go_on)

    background.do(lambda: 1, go_on)
    background.wait_for_outcomes()
    assert done == [1, 2, 3]
    assert not background.busy
