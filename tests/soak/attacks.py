#!/usr/bin/env python3
"""What attacks cost others: a line of a table for each attack, netd beside memcached.

    attacks.py [NETD] [MEMCACHED] [part of an attack's title …]

Servers have two workers. Beside each attack, a healthy client in a process of its own makes 200 requests a second, on
four connections by turns, and each tenth on a new one. For each server the table shows, each at most: how long it
waited; for how much of such a wait one of the server's threads ran; by how much resident memory exceeded -m; and how
many of its requests were refused: by an error, the end of the connection, or silence until a second after the attack.
Waits contain those for a core: how long they are without an attack is in the first line.
"""

import contextlib
import functools
import itertools
import multiprocessing
import os
import pathlib
import resource
import select
import socket
import sys
import tempfile
import time
from typing import Callable, NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/e2e'))

from support import ResidentMemory, Server, free_port  # noqa: E402
from vectors import STORED, store  # noqa: E402

SECONDS = 6
# The healthy client has its connections by then.
ATTACK_AFTER_S = 0.5
HEALTHY_INTERVAL_S = 1 / 200
HEALTHY = b'get healthy\r\n', b'END\r\n'
DUMP = b'lru_crawler metadump all\r\n', b'\n'
LOGIN = store(b'user', b'user password'), STORED
WRONG_LOGIN = store(b'user', b'user guess')
UDP_HEADER = b'\0\1\0\0\0\1\0\0'
SCANS = b'lru_crawler metadump all\r\n', b'stats cachedump 63 0\r\n', b'stats sizes\r\n', b'stats items\r\n'

processes = multiprocessing.get_context('fork')


# --- the healthy client ---


class Refused(Exception):
    pass


class Client:
    """Asks and waits for the answer, over UDP if that is attacked."""

    def __init__(self, server, attack, until):
        """From a second after `until` on, waiting is in vain."""
        self.until = until
        self.header = UDP_HEADER if attack.has_udp else b''
        self.socket = socket.socket(type=socket.SOCK_DGRAM if attack.has_udp else socket.SOCK_STREAM)
        self.socket.connect(server.address)
        if attack.has_passwords:
            self.ask(*LOGIN)

    def ask(self, request, end):
        while self.ask_once(request, end).startswith(b'BUSY'):
            time.sleep(0.02)

    def ask_once(self, request, end):
        self.socket.settimeout(max(self.until + 1 - time.monotonic(), 0.01))
        self.socket.sendall(self.header + request)
        reply = b''
        while end not in reply:
            data = self.socket.recv(1 << 16)
            reply += data
            if not data or b'ERROR' in reply[:64]:
                raise Refused
        return reply


def cpu_of_threads_s(pid):
    times = {}
    for thread in os.listdir(f'/proc/{pid}/task'):
        with contextlib.suppress(OSError), open(f'/proc/{pid}/task/{thread}/schedstat', encoding='ascii') as schedstat:
            times[thread] = int(schedstat.read().split()[0]) / 1e9
    return times


def stay_healthy(server, attack, until, result):
    """Sends to `result`: the longest wait, most CPU time of a thread in a wait, how many requests, how many refused."""
    clients = [None] * 4
    longest_s = longest_cpu_s = refused = 0
    begin = time.monotonic()
    for number in itertools.count():
        time.sleep(max(begin + HEALTHY_INTERVAL_S - time.monotonic(), 0))
        cpu_before_s = cpu_of_threads_s(server.pid)
        begin = time.monotonic()
        if begin > until:
            break
        place = number % len(clients)
        try:
            if number % 10 == 9:
                Client(server, attack, until).ask(*attack.on_new)
            else:
                clients[place] = clients[place] or Client(server, attack, until)
                clients[place].ask(*HEALTHY)
        except (OSError, Refused):
            clients[place] = None
            refused += 1
        longest_s = max(longest_s, time.monotonic() - begin)
        cpu_s = cpu_of_threads_s(server.pid)
        longest_cpu_s = max([longest_cpu_s, *(cpu_s[thread] - cpu_before_s.get(thread, 0) for thread in cpu_s)])
    result.send((longest_s, longest_cpu_s, number, refused))


# --- what attackers do ---


def connect(server, receive_bytes=1 << 16):
    """A connection with little memory on this side."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 14)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    connection.connect(server.address)
    connection.setblocking(False)
    return connection


def offer(connection, data):
    """Sends what the socket takes at once."""
    with contextlib.suppress(OSError):
        connection.send(data)


def flood(connections, requests, until, *, is_read=True):
    """Sends requests without end on all connections, each as far as the server takes them."""
    requests = memoryview(requests * (1 + (1 << 16) // len(requests)))
    poll = select.epoll()
    by_fd = {connection.fileno(): connection for connection in connections}
    rests = {fd: requests for fd in by_fd}
    for fd in by_fd:
        poll.register(fd, select.EPOLLOUT | (select.EPOLLIN if is_read else 0))
    while time.monotonic() < until:
        for fd, events in poll.poll(0.1, 64):
            try:
                if events & select.EPOLLIN and not by_fd[fd].recv(1 << 16):
                    raise ConnectionError
                if events & select.EPOLLOUT:
                    rests[fd] = rests[fd][by_fd[fd].send(rests[fd]):] or requests
            except BlockingIOError:
                pass
            except OSError:
                poll.unregister(fd)


def fill(server, count, value_bytes):
    with server.connect() as connection:
        for first in range(0, count, 1000):
            connection.send(b''.join(b'set %x 0 0 %d noreply\r\n%b\r\n' % (number, value_bytes, bytes(value_bytes))
                                     for number in range(first, first + 1000)))
        connection.ask(b'')


def do_nothing(_server, until):
    """The machine alone makes waits, too."""
    time.sleep(until - time.monotonic())


def leave_unfinished(count, server, until):
    """2 or 12 KB of each have come, and then nothing more."""
    held = [connect(server) for _ in range(count)]
    for number, connection in enumerate(held):
        value_bytes, sent_bytes = (1_000_000, 12_000) if number % 3 == 0 else (16_000, 2_100)
        offer(connection, b'set unfinished 0 0 %d\r\n%b' % (value_bytes, bytes(sent_bytes)))
    do_nothing(server, until)


def fill_after_buffers(server, until):
    """Of 900 requests of 32 KB almost all has come; most are given up, and the cache is filled. And again."""
    while time.monotonic() < until:
        held = [server.connect() for _ in range(900)]
        for connection in held:
            offer(connection.socket, b'set unfinished 0 0 32000\r\n' + bytes(31_900))
        for connection in held[:-45]:
            connection.close()
        fill(server, 64_000, 1000)


def know_prefixes(server):
    """Long ones, in the statistics of both workers."""
    for number in range(2):
        with server.connect() as connection:
            connection.ask(b'stats detail on\r\n')
            connection.ask(b''.join(b'get %d%b%d:1\r\n' % (number, b'p' * 200, prefix) for prefix in range(4096)))


def ask_for(request, count, server, until):
    """The same on many connections, without end, and all answers are read."""
    flood([connect(server) for _ in range(count)], request, until)


def have_many_sizes(server):
    fill(server, 25_000, 1)
    with server.connect() as connection:
        for number in range(1800):
            connection.ask(store(b'size%d' % number, bytes(32 * number + 8)))


def ask_for_sizes(server, until):
    """On 900 connections that do not read them."""
    flood([connect(server, 2048) for _ in range(900)], b'stats sizes\r\n', until, is_read=False)


def have_long_values(server):
    with server.connect() as connection:
        for number in range(8):
            connection.ask(store(b'long%d' % number, bytes(500_000)))


def lengthen(server, until):
    """A byte at a time, on 50 connections."""
    requests = b''.join(b'append long%d 0 0 1\r\nx\r\nprepend long%d 0 0 1\r\nx\r\n' % (number, number)
                        for number in range(8))
    ask_for(requests, 50, server, until)


def take_buffers_in_steps(server, until):
    """60 of up to 1 MB, one after the other, and then none."""
    while time.monotonic() < until:
        held = []
        for _ in range(60):
            held.append(server.connect())
            offer(held[-1].socket, b'set unfinished 0 0 1000000\r\n' + bytes(135_000))
            time.sleep(0.02)
        for connection in held:
            connection.close()


def move_limit(server, until):
    """Down to an eighth, and up again."""
    with server.connect() as connection:
        while time.monotonic() < until:
            connection.ask(b'cache_memlimit 16\r\n')
            connection.ask(b'cache_memlimit 128\r\n')


def ask_over_udp(server, until):
    """For scans, some hundred times a second."""
    with socket.socket(type=socket.SOCK_DGRAM) as attacker:
        attacker.connect(server.address)
        while time.monotonic() < until:
            for scan in SCANS:
                attacker.send(UDP_HEADER + scan)
            time.sleep(0.02)


def leave_dump_unread(server, until):
    """While the healthy client asks for a dump on each new connection, and again when the answer is BUSY."""
    dump = connect(server, 2048)
    offer(dump, DUMP[0])
    do_nothing(server, until)


# --- which attacks there are ---


class Attack(NamedTuple):
    title: str
    run: Callable  # with the server, and until when
    prepare: Callable = lambda _: None
    megabytes: int = 64  # -m
    memcached_flags: tuple = ()
    on_new: tuple = HEALTHY  # what the healthy client asks for on new connections
    has_passwords: bool = False
    has_udp: bool = False


fill_small = functools.partial(fill, count=200_000, value_bytes=10)
fill_tiny = functools.partial(fill, count=4_000_000, value_bytes=0)

ATTACKS = [
    Attack('none', do_nothing),
    Attack('832 unfinished requests', functools.partial(leave_unfinished, 832)),
    Attack('400 unfinished requests, -m 8', functools.partial(leave_unfinished, 400), megabytes=8),
    Attack('buffers, then a full cache', fill_after_buffers),
    Attack('stats detail dump', functools.partial(ask_for, b'stats detail dump\r\n', 32), know_prefixes),
    Attack('stats conns', functools.partial(ask_for, b'stats conns\r\n', 900)),
    Attack('stats items', functools.partial(ask_for, b'stats items\r\n', 900), fill_small),
    Attack('stats sizes, of many sizes', ask_for_sizes, have_many_sizes, memcached_flags=('-o', 'track_sizes')),
    Attack('append and prepend to long values', lengthen, have_long_values),
    Attack('steps of buffers, tiny items, -m 128', take_buffers_in_steps, fill_tiny, megabytes=128),
    Attack('cache_memlimit 16 and 128, tiny items', move_limit, fill_tiny, megabytes=128),
    Attack('scans over UDP', ask_over_udp, fill_small, has_udp=True),
    Attack('wrong passwords', functools.partial(ask_for, WRONG_LOGIN, 200), has_passwords=True),
    Attack('an unread dump', leave_dump_unread, fill_small, on_new=DUMP),
]


def measure(program, attack, flags):
    """A server's columns."""
    port = free_port()
    flags = ['-l', '127.0.0.1', '-p', port, '-m', attack.megabytes, '-t', 2, *flags]
    if attack.has_udp:
        flags += ['-U', port]
    with tempfile.NamedTemporaryFile('w') as users:
        if attack.has_passwords:
            print('user:password', file=users, flush=True)
            flags += ['-Y', users.name]
        server = Server(program, *flags)
    try:
        attack.prepare(server)
        now = time.monotonic()
        until = now + ATTACK_AFTER_S + SECONDS
        result, result_end = processes.Pipe(duplex=False)
        healthy = processes.Process(target=stay_healthy, args=(server, attack, until, result_end))
        attacker = processes.Process(target=attack.run, args=(server, until))
        healthy.start()
        time.sleep(ATTACK_AFTER_S)
        attacker.start()
        with ResidentMemory(server.pid) as memory:
            wait_s, cpu_s, count, refused = result.recv()
        healthy.join()
        attacker.kill()
        attacker.join()
    finally:
        server.kill()
    beyond_mib = max((memory.peak_bytes() >> 20) - attack.megabytes, 0)
    return [f'{wait_s * 1000:.0f} ms', f'{cpu_s * 1000:.0f} ms', f'{beyond_mib} MiB', f'{refused} of {count}']


def main(netd=ROOT / 'build/release/netd/netd', memcached='memcached', *titles):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(f'{SECONDS} s each, on {os.cpu_count()} cores\n')
    print('| attack | netd: wait | CPU | memory | refused | memcached: wait | CPU | memory | refused |')
    print('|---' + '|--:' * 8 + '|')
    for attack in ATTACKS:
        if not titles or any(title in attack.title for title in titles):
            of_netd = measure(netd, attack, ())
            of_memcached = measure(memcached, attack, attack.memcached_flags)
            print('|', ' | '.join([attack.title, *of_netd, *of_memcached]), '|', flush=True)


if __name__ == '__main__':
    main(*sys.argv[1:])
