"""Ctrl-C before a program has begun: while Python is still importing, nothing is at stake."""

import os
import signal
import threading
from types import FrameType


def quiet_until_started() -> None:
    """Makes Ctrl-C end this process with one line and status 130, until the program sets its own handler.

    The process ends at once: an exception raised during an import can be lost, or end in a long traceback.
    """

    def stop(signum: int, frame: FrameType | None) -> None:
        os.write(2, b"\nstopped. Nothing was begun.\n")
        os._exit(130)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, stop)
