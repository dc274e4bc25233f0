"""What a thread's turn on a processor is worth."""

import ctypes
import os
import platform
import struct
import sys
import threading
from contextlib import suppress

_NICEST = 19
_TURN_NS = 100_000
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
"""The system call's number; libc had no function for it before glibc 2.41."""


def step_back() -> None:
    """Let the calling thread run where the engine's threads leave a core, on Linux.

    Where all cores compute, a thread that takes a fair share of one holds up the engine: what
    its thread there has begun, the others wait for. Its turns are short, too, because a
    thread that wakes is made to wait for the end of a turn that has begun. Who needs Python's
    lock while it holds it waits for its next turn. A system that refuses any of it costs speed.
    """
    if sys.platform != "linux" or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICEST)
    if number := _SCHED_SETATTR.get(platform.machine()):
        # struct sched_attr: its size, policy, flags, nice, priority, then three times. Of a
        # common thread Linux takes the first for the length of a turn, from 6.12 on.
        values = (48, os.SCHED_OTHER, 0, _NICEST, 0, _TURN_NS, 0, 0)
        ctypes.CDLL(None).syscall(number, 0, struct.pack("=IIQiIQQQ", *values), 0)
