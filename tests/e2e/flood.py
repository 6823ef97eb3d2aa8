"""A client that asks for all it can, and how much a server does for it before it answers another."""

import os
import re
import select
import signal

from support import DEADLINE_S

REQUESTS_PER_TURN = 20  # netd's -R


class Flood:
    """Sends requests without end, and takes what comes back, as far as the server lets it whenever `go_on` is called."""

    def __init__(self, connection, requests, *, once=False):
        self.socket = connection.socket
        self.socket.setblocking(False)
        # More than a socket takes at once.
        self.requests = memoryview(requests if once else requests * (1 + (1 << 20) // len(requests)))
        self.rest = self.requests
        self.once = once
        self.moved_bytes = 0

    def go_on(self):
        try:
            self.moved_bytes += len(self.socket.recv(1 << 20))
        except BlockingIOError:
            pass
        if not self.rest:
            return
        try:
            sent_bytes = self.socket.send(self.rest)
        except BlockingIOError:
            return
        self.moved_bytes += sent_bytes
        self.rest = self.rest[sent_bytes:]
        if not self.rest and not self.once:
            self.rest = self.requests


def stats_at_turns(server, client, flood, names, count):
    """The sums of the statistics `names` at `count` successive turns of `client`, after one from before the flood.

    The server has one worker. It is stopped until the flood's socket is full and the client has asked, so that it finds
    both at once, however busy the machine is. The client asks for more than a turn's worth: each of its turns ends with
    a report, and the worker may turn to the flood in between.
    """
    before = client.stats()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        os.waitpid(server.pid, os.WUNTRACED)
        flood.go_on()
        client.send((b'mn\r\n' * (REQUESTS_PER_TURN - 1) + b'stats\r\n') * count)
    finally:
        os.kill(server.pid, signal.SIGCONT)
    while client.received.count(b'\nEND\r\n') < count:
        readable, writable, _ = select.select([client.socket, flood.socket], [flood.socket], [], DEADLINE_S)
        assert readable or writable, 'the server does nothing any more'
        flood.go_on()
        client.receive_some()
    reply = client.read_until(lambda _: True)
    assert reply.count(b'MN\r\n') == (REQUESTS_PER_TURN - 1) * count, reply[:200]
    sums = [sum(map(int, of_turn)) for of_turn in
            zip(*(re.findall(rb'STAT %s (\d+)\r' % name.encode(), reply) for name in names))]
    return [sum(int(before[name]) for name in names), *sums]
