"""What every end-to-end test needs: servers to talk to, and raw connections to talk to them with.

A server is netd or memcached, started on a UNIX socket or on a loopback port that was free a moment ago, stopped by
its pid, with what it wrote to stderr kept. Nothing here sleeps to let something happen: it polls for the thing itself,
up to DEADLINE_S.
"""

import array
import errno
import fcntl
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import termios
import threading
import time
import unittest

NETD = os.environ.get('NETD')
MEMCACHED = shutil.which('memcached')
# Its maintainer unlinks flushed items a millisecond later, and may hold an item's lock while flush_all passes by.
MEMCACHED_ALONE = ('-o', 'no_lru_crawler,no_lru_maintainer')
SANITIZED = os.environ.get('LARDER_SANITIZED') == '1'

# Nothing takes this long unless it never happens, on a slow and busy machine too.
DEADLINE_S = 180
POLL_S = 0.002
# How long netd waits for its clients when it stops, as in netd/server.h.
GRACE_S = 2

# Sent behind a batch of requests, to see where its replies end.
SENTINEL = b'version\r\n'
SENTINEL_REPLY = re.compile(rb'VERSION [^\r\n]*\r\n\Z')


def require(program, name):
    """Skips the running test class when `program` is not there."""
    if not program:
        raise unittest.SkipTest(f'{name} is not here: give netd in $NETD, install memcached with the system packages')


def wait_until(condition, what):
    """Returns the first true value of `condition()`."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f'not within {DEADLINE_S} s: {what}')
        time.sleep(POLL_S)


def free_port():
    """A loopback port nobody listens on, below those that the system gives to outgoing connections."""
    while True:
        port = random.randrange(15000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(('127.0.0.1', port))
                return port
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise


def is_alive(pid):
    """Whether a process has this pid; one that ended and waits to be reaped does not count."""
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as stat:
            return stat.read().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def cpu_s(pid):
    """How much of a processor's time a process has taken."""
    with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as stat:
        fields = stat.read().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def is_asleep(pid):
    """Whether no thread of the process has anything to do: what is sent to one that sleeps wakes it at once."""
    states = []
    try:
        for thread in os.listdir(f'/proc/{pid}/task'):
            with open(f'/proc/{pid}/task/{thread}/stat', encoding='ascii', errors='replace') as stat:
                states.append(stat.read().rpartition(')')[2].split()[0])
    except (FileNotFoundError, ProcessLookupError):
        return False  # One has just ended: netd tries at its start how many there can be.
    return set(states) == {'S'}


def user_flags():
    """Both servers refuse to run as root unless told so."""
    return ['-u', 'root'] if os.geteuid() == 0 else []


class Connection:
    """A client socket that sends bytes and reads replies, with a deadline on every wait."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        self.socket.settimeout(DEADLINE_S)
        self.received = bytearray()
        self.at_end = False
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, request):
        """Sends all of `request`, and takes in replies meanwhile, lest both sides wait for each other to read."""
        rest = memoryview(request)
        while rest:
            readable, writable, _ = select.select([] if self.at_end else [self.socket], [self.socket], [], DEADLINE_S)
            if readable:
                self.receive_some()
            if writable:
                rest = rest[self.socket.send(rest):]
            if not readable and not writable:
                raise AssertionError(f'the server does not read {bytes(rest[:60])!r}')

    def send_in_pieces(self, pieces):
        """Sends each piece only when the server has read the one before. For UNIX sockets, where that can be seen."""
        unread_bytes = array.array('i', [0])

        def all_is_read():
            while not self.at_end and select.select([self.socket], [], [], 0)[0]:
                self.receive_some()
            fcntl.ioctl(self.socket, termios.TIOCOUTQ, unread_bytes)
            return unread_bytes[0] == 0

        for piece in pieces:
            self.send(piece)
            wait_until(all_is_read, f'the server reads {piece[:60]!r}')

    def read_until(self, is_complete):
        """What has arrived when `is_complete(reply)` is true; less if the server closes or falls silent."""
        while not is_complete(self.received) and not self.at_end:
            try:
                self.receive_some()
            except socket.timeout:
                break
        return self._take_received()

    def read_to_end(self):
        """Everything up to the end of the stream, which must come."""
        while not self.at_end:
            try:
                self.receive_some()
            except socket.timeout:
                raise AssertionError(f'the connection stays open after {bytes(self.received)!r}') from None
        return self._take_received()

    def receive_some(self):
        """Waits until something arrives, or the end of the stream."""
        try:
            data = self.socket.recv(1 << 20)
        except ConnectionResetError:
            data = b''
        self.received += data
        self.at_end = not data

    def _take_received(self):
        reply = bytes(self.received)
        self.received.clear()
        return reply

    def ask(self, request):
        """The replies to `request`, found by asking for the version behind it."""
        self.send(request + SENTINEL)
        return self.read_batch()

    def read_batch(self):
        """The replies to requests that were sent with SENTINEL behind them."""
        reply = self.read_until(lambda reply: SENTINEL_REPLY.search(reply[-100:]))
        if not SENTINEL_REPLY.search(reply[-100:]):
            raise AssertionError(f'this is no whole reply: {reply[:500]!r}')
        return SENTINEL_REPLY.sub(b'', reply)

    def stats(self, arguments=''):
        """`stats` as a dictionary of strings."""
        self.send(f'stats {arguments}'.strip().encode() + b'\r\n')
        lines = self.read_until(lambda reply: reply.endswith(b'END\r\n')).decode().split('\r\n')
        return dict(line.split(' ', 2)[1:] for line in lines if line.startswith('STAT '))


class Server:
    """A running netd or memcached in a directory of its own.

    `flags` are those of its command line; without a port among them it serves a UNIX socket. `under` is a command that
    is run with the server's as its arguments, and becomes it.
    """

    def __init__(self, program, *flags, environment=None, under=()):
        self.name = os.path.basename(program)
        self.directory = tempfile.mkdtemp(prefix='larder-e2e-')
        self.address = os.path.join(self.directory, 'socket')
        flags = [str(flag) for flag in flags]
        port = int(flags[flags.index('-p') + 1]) if '-p' in flags else 0
        if port > 0:
            self.address = ('127.0.0.1', port)
        elif '-s' in flags:
            self.address = flags[flags.index('-s') + 1]
        else:
            flags += ['-s', self.address]
        with open(os.path.join(self.directory, 'stderr'), 'wb') as stderr:
            self.process = subprocess.Popen([*under, program, *user_flags(), *flags], stderr=stderr, stdout=stderr,
                                            env={**os.environ, **(environment or {})})
        self.pid = self.process.pid
        try:
            wait_until(self._accepts, f'{program} accepts connections at {self.address}')
        except BaseException:
            self.process.kill()
            self._clean_up()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def connect(self):
        return Connection(self.address)

    def ask(self, request):
        with self.connect() as connection:
            return connection.ask(request)

    def stats(self, arguments=''):
        with self.connect() as connection:
            return connection.stats(arguments)

    def stderr(self):
        with open(os.path.join(self.directory, 'stderr'), encoding='utf-8', errors='replace') as stderr:
            return stderr.read()

    def stop(self, signal_number=signal.SIGTERM):
        """Stops the server; an exit code other than 0, also a sanitizer's, is a failure. Can be called again."""
        if not os.path.exists(self.directory):
            return
        self.process.send_signal(signal_number)
        try:
            exit_code = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            exit_code = 'none, it had to be killed'
        stderr = self.stderr()
        self._clean_up()
        if exit_code != 0:
            raise AssertionError(f'exit code of the server: {exit_code}; it wrote:\n{stderr}')

    def kill(self):
        """Ends the server as a crash would: without a word to its clients."""
        self.process.kill()
        self._clean_up()

    def _accepts(self):
        if self.process.poll() is not None:
            raise AssertionError(f'exit code {self.process.returncode} instead of a server; it wrote:\n{self.stderr()}')
        try:
            self.connect().close()
            return True
        except OSError:
            return False

    def _clean_up(self):
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


class NetdTestCase(unittest.TestCase):
    """With a directory of its own, and servers that are gone with it."""

    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory(prefix='larder-e2e-'))

    def path(self, name):
        return os.path.join(self.directory, name)

    def server(self, *flags, **options):
        return self.enterContext(Server(NETD, *flags, **options))


class ResidentMemory:
    """Samples a process's resident memory on a thread while a `with` block runs."""

    SAMPLE_INTERVAL_S = 0.005

    def __init__(self, pid):
        self.pid = pid
        self.samples = array.array('q', [self.now_bytes()])
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._sample)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()

    def now_bytes(self):
        with open(f'/proc/{self.pid}/status', encoding='ascii') as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith('VmRSS:'))

    def peak_bytes(self, from_share=0, to_share=1):
        """The highest from one share of the time to another."""
        return max(self.samples[int(len(self.samples) * from_share):int(len(self.samples) * to_share)], default=0)

    def _sample(self):
        while not self.is_over.wait(self.SAMPLE_INTERVAL_S):
            self.samples.append(self.now_bytes())


def ttl_s(server, key):
    """The seconds that an item has left."""
    return int(server.ask(b'mg %s t\r\n' % key.encode()).strip().removeprefix(b'HD t'))


def loopback_server(program, port=None):
    return Server(program, '-l', '127.0.0.1', '-p', port or free_port())


def host(server):
    """What clients call a server on a loopback port."""
    return '%s:%d' % server.address
