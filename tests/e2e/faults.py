"""Faults that a server meets seldom: fault_shim.cc, loaded into it, makes them happen when a test says so."""

import mmap
import os
import struct
import tempfile
import time

SHIM = os.environ.get('FAULT_SHIM')
# An item may be there for so much longer than it was given: twice what the coarse clock is behind (Clock::lag_ms).
LATE_S = 0.03


class Faults:
    """The fields of the shim's `Faults`, to be read and set while the server runs; its comments say what they mean."""

    FIELDS = ['accept_failures', 'accept_errno', 'send_bytes', 'transfers', 'realtime_shift_s', 'socket_mode',
              'uid_at_recv', 'monotonic_ns', 'ipv6_errno', 'links_socket']

    def __init__(self):
        descriptor, path = tempfile.mkstemp(prefix='larder-faults-')
        os.ftruncate(descriptor, 8 * len(self.FIELDS))
        # A server may give up its rights before it opens the file.
        os.fchmod(descriptor, 0o666)
        self.__dict__['memory'] = mmap.mmap(descriptor, 8 * len(self.FIELDS))
        self.__dict__['path'] = path
        os.close(descriptor)
        self.uid_at_recv = -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.unlink(self.path)
        self.memory.close()

    def environment(self):
        """For the server."""
        return {'LD_PRELOAD': SHIM, 'FAULTS': self.path}

    def stop_clock(self):
        """No time passes for the server from now on, however long a test takes, but for `pass_time`."""
        self.monotonic_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)

    def start_clock(self):
        """The server goes by the system's time again."""
        self.monotonic_ns = 0

    def pass_time(self, seconds):
        self.monotonic_ns += int(seconds * 1e9)

    def __getattr__(self, name):
        return struct.unpack_from('q', self.memory, 8 * self.FIELDS.index(name))[0]

    def __setattr__(self, name, value):
        struct.pack_into('q', self.memory, 8 * self.FIELDS.index(name), value)
