"""What is on disk, byte for byte. Engine and clients both read it here.

Clients are started often and on slow machines, so these modules import built-in modules only
(not struct, enum, dataclasses or re), except `record`, which only `svstat --json` and the
waiting clients need, and `handover`.
"""
