"""Who goes first where processors are few: those who answer."""

from __future__ import annotations

import os
import sys
import threading
from typing import Final

_NICE: Final = 10  # a tenth of the time of somebody who does not step back


def step_back() -> None:
    """Let this thread leave the processor to those who answer requests.

    A thread that does so ends when its work is done: a whole process would have to be root to get its place again.
    """
    if sys.platform == "linux":  # elsewhere it is all threads that share it
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
