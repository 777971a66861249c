"""How a client knows that its letters were served."""

import os

from supervise.commands.delivery import Delivery
from supervise.protocol import client
from tests.commands.fake import Fake


def test_it_is_over_when_the_letters_and_then_the_fence_were_read(fake: Fake) -> None:
    control = client.open_control(fake.directory)
    os.write(control, b"du")
    delivery = Delivery(control)
    assert not delivery.over()
    assert fake.read(1) == b"d"
    assert not delivery.over()
    assert fake.read(1) == b"u"
    assert fake.read() == b""
    assert not delivery.over()
    assert fake.read() == b"\n"
    assert delivery.over()
    assert delivery.over()
    assert fake.read() == b""


def test_it_does_not_end_before_letters_that_were_there_already(fake: Fake) -> None:
    other = client.open_control(fake.directory)
    os.write(other, b"k")
    control = client.open_control(fake.directory)
    os.write(control, b"u")
    delivery = Delivery(control)
    assert fake.read(1) == b"k"
    assert not delivery.over()
    assert fake.read() == b"u"
    assert not delivery.over()
    assert fake.read() == b"\n"
    assert delivery.over()
    os.close(other)
