"""Between the machine's situation and the record on disk."""

from supervise.core.situation import Situation
from supervise.protocol.record import Record


def enter(record: Record, situation: Situation) -> Record:
    """Write the situation into the record."""
    for name in Situation.__slots__:
        setattr(record, name, getattr(situation, name))
    return record


def situation_of(record: Record) -> Situation:
    """The situation that the record tells of."""
    situation = Situation(record.want)
    for name in Situation.__slots__:
        setattr(situation, name, getattr(record, name))
    return situation
