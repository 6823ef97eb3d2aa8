"""What goes wrong around a server: clients that break off, a system that is short of something, a log nobody reads, a
clock that is set. netd answers whom it can, loses nothing that it owes, and goes on by itself."""

import contextlib
import errno
import fcntl
import hashlib
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from faults import LATE_S, SHIM, Faults
from support import (DEADLINE_S, NETD, SANITIZED, Connection, Server, cpu_s, free_port, is_asleep, loopback_server,
                     require, user_flags, wait_until)
from vectors import DELETED, END, NOT_FOUND, OK, STORED, store, value

BIG = bytes(range(256)) * 4096  # 1 MiB

# Requests with their replies, which are the same however often they are sent.
DIALOGUE = [
    (store(b'a', b'1\r\n2'), STORED),
    (b'get a b\r\n', value(b'a', b'1\r\n2') + END),
    (b'incr n 1\r\n', NOT_FOUND),
    (b'ms k 3\r\nabc\r\n', b'HD\r\n'),
    (b'mg k v q\r\nmn\r\n', b'VA 3\r\nabc\r\nMN\r\n'),
    (b'delete a\r\n', DELETED),
]
REQUESTS = b''.join(request for request, _ in DIALOGUE)
REPLIES = b''.join(reply for _, reply in DIALOGUE)


def setUpModule():
    require(NETD, 'netd')


def replies_to(prefix):
    """What is owed for the requests that are whole in the first bytes of REQUESTS."""
    replies = b''
    for request, reply in DIALOGUE:
        # A line of several is answered line by line.
        if request.count(b'\n') == reply.count(b'\n') == 1 or not request.startswith(b'mg'):
            if len(prefix) < len(request):
                return replies
            replies += reply
        else:
            for line, answer in [(b'mg k v q\r\n', b'VA 3\r\nabc\r\n'), (b'mn\r\n', b'MN\r\n')]:
                if len(prefix) < len(line):
                    return replies
                replies += answer
                prefix = prefix[len(line):]
            continue
        prefix = prefix[len(request):]
    return replies


def reset(connection):
    """Closes a TCP connection the hard way, as a host that crashes and comes back does."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connection.close()


def read_exactly(connection, count):
    return connection.socket.recv(count, socket.MSG_WAITALL) if count else b''


def descriptors(pid):
    return len(os.listdir(f'/proc/{pid}/fd'))


class FaultTestCase(unittest.TestCase):
    def server(self, *flags, **options):
        return self.enterContext(Server(NETD, '-I', '2m', *flags, **options))

    def connect(self, server, receive_buffer_bytes=None):
        if receive_buffer_bytes is None:
            return self.enterContext(server.connect())
        # Set before the connection is made, it bounds the window too.
        family = socket.AF_UNIX if isinstance(server.address, str) else socket.AF_INET
        with contextlib.ExitStack() as stack:
            client = stack.enter_context(socket.socket(family))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
            client.connect(server.address)
            connection = self.connect(server)
            connection.socket.close()
            connection.socket = client
            client.settimeout(DEADLINE_S)
            stack.pop_all()
        return connection


class BrokenConnections(FaultTestCase):
    def setUp(self):
        self.netd = self.server('-l', '127.0.0.1', '-p', free_port())
        self.control = self.connect(self.netd)
        wait_until(lambda: self.control.stats()['curr_connections'] == '1', 'this connection is the only one')
        self.descriptors_before = descriptors(self.netd.pid)

    def check_nothing_is_left(self):
        wait_until(lambda: self.control.stats()['curr_connections'] == '1', 'the broken connections are gone')
        wait_until(lambda: descriptors(self.netd.pid) == self.descriptors_before, 'their descriptors are closed')
        self.assertEqual(REPLIES, self.control.ask(REQUESTS))

    def test_half_closed_at_every_byte_of_a_request(self):
        for count in range(len(REQUESTS) + 1):
            with self.netd.connect() as client:
                client.send(REQUESTS[:count])
                client.socket.shutdown(socket.SHUT_WR)
                self.assertEqual(replies_to(REQUESTS[:count]), client.read_to_end(), f'after {count} bytes')
        self.check_nothing_is_left()

    def test_reset_at_every_byte_of_a_request(self):
        for count in range(len(REQUESTS) + 1):
            client = self.netd.connect()
            client.send(REQUESTS[:count])
            reset(client)
        self.check_nothing_is_left()

    def test_half_closed_at_every_byte_of_a_reply(self):
        for count in range(len(REPLIES) + 1):
            with self.netd.connect() as client:
                client.send(REQUESTS)
                replies = read_exactly(client, count)
                client.socket.shutdown(socket.SHUT_WR)
                self.assertEqual(REPLIES, replies + client.read_to_end(), f'after {count} bytes')
        self.check_nothing_is_left()

    def test_reset_at_every_byte_of_a_reply(self):
        for count in range(len(REPLIES) + 1):
            client = self.netd.connect()
            client.send(REQUESTS)
            self.assertEqual(REPLIES[:count], read_exactly(client, count))
            reset(client)
        self.check_nothing_is_left()

    def test_reset_in_the_middle_of_a_long_value_in_either_direction(self):
        self.control.ask(store(b'big', BIG))
        for count in range(0, len(BIG), len(BIG) // 16):
            sender, receiver = self.netd.connect(), self.netd.connect()
            sender.send(store(b'other', BIG)[:count])
            receiver.send(b'get big\r\n' * 10)
            read_exactly(receiver, count)
            reset(sender)
            reset(receiver)
        self.check_nothing_is_left()
        self.assertEqual(value(b'big', BIG) + END * 2, self.control.ask(b'get big\r\nget other\r\n'))


class PartialTransfers(FaultTestCase):
    def test_a_client_with_the_smallest_buffer_gets_every_byte(self):
        for server in [self.server(), self.enterContext(loopback_server(NETD))]:
            client = self.connect(server, receive_buffer_bytes=1)
            client.socket.sendall(store(b'big', BIG[:300001]) + b'get big\r\n' * 3 + b'quit\r\n')
            replies = bytearray()
            while content := client.socket.recv(3001):
                replies += content
            self.assertEqual(STORED + (value(b'big', BIG[:300001]) + END) * 3, replies)

    @unittest.skipUnless(SHIM, 'the shim is given in $FAULT_SHIM')
    def test_replies_leave_byte_by_byte_between_interruptions(self):
        faults = self.enterContext(Faults())
        server = self.server(environment=faults.environment())
        client = self.connect(server)
        data = BIG[:5000]
        faults.send_bytes = 1
        self.assertEqual(REPLIES * 3, client.ask(REQUESTS * 3))
        self.assertGreater(faults.transfers, 3 * len(REPLIES))
        client.send_in_pieces(REQUESTS[i:i + 1] for i in range(len(REQUESTS)))
        self.assertEqual(REPLIES, client.ask(b''))
        faults.send_bytes = 7
        self.assertEqual(STORED + (value(b'long', data) + END) * 2,
                         client.ask(store(b'long', data) + b'get long\r\n' * 2))
        # So long that it goes around the output buffer.
        faults.send_bytes = 1009
        self.assertEqual(STORED + value(b'big', BIG) + END, client.ask(store(b'big', BIG) + b'get big\r\n'))


class Accepting(FaultTestCase):
    @unittest.skipIf(SANITIZED, 'without a descriptor to spare a sanitizer cannot look at memory, and takes it for bad')
    def test_EMFILE_leaves_clients_waiting_until_there_are_descriptors_again(self):
        server = self.enterContext(loopback_server(NETD))
        control = self.connect(server)
        wait_until(lambda: control.stats()['curr_connections'] == '1', 'one connection is left')
        limits = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        used = set(map(int, os.listdir(f'/proc/{server.pid}/fd')))
        lowest_free = next(number for number in range(len(used) + 1) if number not in used)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (lowest_free, limits[1]))
        waiting = [self.connect(server) for _ in range(5)]
        for client in waiting:
            client.send(b'get a\r\n')
        wait_until(lambda: control.stats()['accepting_conns'] == '0', 'accepting has paused')
        self.check_that_little_is_done(server, lambda: int(control.stats()['listen_disabled_num']) > 20)
        self.assertEqual([], select.select([client.socket for client in waiting], [], [], 0)[0])
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limits)
        for client in waiting:
            self.assertEqual(END, client.ask(b''))
        self.assertEqual('1', control.stats()['accepting_conns'])
        self.assertGreater(int(control.stats()['time_in_listen_disabled_us']), 0)

    def check_that_little_is_done(self, server, condition):
        cpu_before_s, before = cpu_s(server.pid), time.monotonic()
        wait_until(condition, 'accepting is tried again and again')
        self.assertLess(cpu_s(server.pid) - cpu_before_s, 0.1 + 0.5 * (time.monotonic() - before))

    @unittest.skipUnless(SHIM, 'the shim is given in $FAULT_SHIM')
    def test_service_resumes_by_itself_after_any_failure_to_accept(self):
        faults = self.enterContext(Faults())
        port = free_port()
        server = self.server('-l', '127.0.0.1', '-p', port, environment=faults.environment())
        control = self.connect(server)
        shortages = [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM]
        # Errors of the connection that is being accepted, and interruptions: none of them is a reason to pause.
        passing = [errno.ECONNABORTED, errno.EINTR, errno.EAGAIN, errno.EPROTO, errno.EPERM, errno.ENETDOWN,
                   errno.EHOSTUNREACH]
        for error in shortages + passing:
            with self.subTest(error=errno.errorcode[error]):
                paused_before = int(control.stats()['listen_disabled_num'])
                faults.accept_errno, faults.accept_failures = error, 3
                with server.connect() as client:
                    self.assertEqual(END, client.ask(b'get a\r\n'))
                self.assertEqual(0, faults.accept_failures)
                self.assertEqual(3 if error in shortages else 0,
                                 int(control.stats()['listen_disabled_num']) - paused_before)


# Sends requests, stops itself, and when it is continued reads; prints the digest of what it read.
STOPPED_CLIENT = '''
import hashlib, os, signal, socket, sys
client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
client.sendall(b'get big\\r\\n' * 10 + b'quit\\r\\n')
os.kill(os.getpid(), signal.SIGSTOP)
digest = hashlib.sha256()
while bytes := client.recv(1 << 20):
    digest.update(bytes)
print(digest.hexdigest())
'''


class StoppedClients(FaultTestCase):
    def test_a_stopped_client_holds_up_nobody_and_finds_its_replies_when_it_is_continued(self):
        server = self.server('-t', '1')
        control = self.connect(server)
        control.ask(store(b'big', BIG))
        with subprocess.Popen([sys.executable, '-c', STOPPED_CLIENT, server.address],
                              stdout=subprocess.PIPE) as client:
            self.addCleanup(lambda: client.poll() is None and client.kill())
            wait_until(lambda: os.waitpid(client.pid, os.WUNTRACED | os.WNOHANG)[0], 'the client has stopped')
            wait_until(lambda: 'conn_mwrite' in control.stats('conns').values(), 'its socket is full')
            paused_at = control.stats()['bytes_written']
            for _ in range(100):
                self.assertEqual(REPLIES, control.ask(REQUESTS))
            self.assertLess(int(control.stats()['bytes_written']) - int(paused_at), len(BIG))
            client.send_signal(signal.SIGCONT)
            digest = client.stdout.read().decode().strip()
        self.assertEqual(hashlib.sha256((value(b'big', BIG) + END) * 10).hexdigest(), digest)


class ValuesBeingSent(FaultTestCase):
    """What happens to an item while it is on its way does not show in what arrives."""

    NEW = BIG[::-1]

    def check(self, request, header, trailer, act):
        """Reads a part of the reply, has `act` done, and reads on."""
        client = self.connect(self.netd, receive_buffer_bytes=4096)
        client.send(request)
        wait_until(lambda: 'conn_mwrite' in self.control.stats('conns').values(), 'a part of the value is sent')
        # What gat shows is a copy, made when it changed the item.
        self.assertEqual('0' if request.startswith(b'gat') else '1', self.control.stats()['handles'])
        head = read_exactly(client, len(header) + 1000)
        act()
        expected = header + BIG + trailer
        rest = client.read_until(lambda rest: len(rest) >= len(expected) - len(head))
        self.assertEqual(hashlib.sha256(expected).digest(), hashlib.sha256(head + rest).digest())
        client.close()
        wait_until(lambda: self.control.stats()['curr_connections'] == '1', 'its connection has gone')
        self.assertEqual('0', self.control.stats()['mem_pinned_bytes'])

    def setUp(self):
        self.netd = self.server('-m', '16')
        self.control = self.connect(self.netd)

    def overwrite(self):
        self.assertEqual(STORED + value(b'big', self.NEW) + END,
                         self.control.ask(store(b'big', self.NEW) + b'get big\r\n'))

    def delete(self):
        self.assertEqual(DELETED + END, self.control.ask(b'delete big\r\nget big\r\n'))

    def flush(self):
        self.assertEqual(OK + END, self.control.ask(b'flush_all\r\nget big\r\n'))

    def evict(self):
        self.fill()
        # What is held is passed over, because it would give no memory; all around it goes.
        if self.control.stats()['handles'] == '0':
            wait_until(lambda: self.fill() or self.control.ask(b'get big\r\n') == END, 'the item is evicted')

    def fill(self):
        """Three times the memory, so that the room of what has gone is in use again."""
        for i in range(48):
            self.assertEqual(STORED, self.control.ask(store(b'filler%d' % i, self.NEW)))

    def test_a_value_is_sent_whole_though_its_item_goes(self):
        frames = [(b'get big\r\n', b'VALUE big 0 1048576\r\n', b'\r\n' + END),
                  (b'gat 0 big\r\n', b'VALUE big 0 1048576\r\n', b'\r\n' + END),
                  (b'mg big v\r\n', b'VA 1048576\r\n', b'\r\n')]
        for request, header, trailer in frames:
            for act in [self.overwrite, self.delete, self.flush, self.evict]:
                with self.subTest(request=request, act=act.__name__):
                    self.assertEqual(STORED, self.control.ask(store(b'big', BIG)))
                    self.check(request, header, trailer, act)


class MemoryOfBuffers(FaultTestCase):
    def test_buffers_alone_reach_the_limit_and_others_are_served_all_the_while(self):
        server = self.server('-m', '8', '--enable-debugtime')
        control = self.connect(server)
        control.ask(store(b'big', BIG))
        greedy = [self.connect(server, receive_buffer_bytes=4096) for _ in range(12)]
        for client in greedy:
            client.send(b'get big\r\n')
        wait_until(lambda: int(control.stats()['read_buf_bytes']) > 2 << 20, 'replies take much memory')
        # There is enough for ordinary requests of anybody.
        for _ in range(50):
            with server.connect() as client:
                self.assertEqual(REPLIES, client.ask(REQUESTS))
        stats = control.stats()
        self.assertLessEqual(int(stats['read_buf_bytes']), 4 << 20)
        if not SANITIZED:
            self.assertLessEqual(int(stats['rss_bytes']), (8 << 20) + (8 << 20))
        # And for long values when those who hold it have done nothing for a while, and they lose it.
        self.assertEqual(OK, control.ask(b'debugtime 2\r\n'))
        self.assertEqual(STORED + value(b'other', BIG) + END, control.ask(store(b'other', BIG) + b'get other\r\n'))
        self.assertGreater(int(control.stats()['memory_kicks']), 0)
        for client in greedy:
            client.close()
        wait_until(lambda: control.stats()['curr_connections'] == '1', 'the greedy are gone')
        self.assertEqual(STORED + value(b'other', BIG) + END, control.ask(store(b'other', BIG) + b'get other\r\n'))


class Log(FaultTestCase):
    def start(self, stderr, *flags):
        """A netd with this for its stderr; returns the process and its address."""
        address = os.path.join(self.enterContext(tempfile.TemporaryDirectory(prefix='larder-e2e-')), 'socket')
        process = subprocess.Popen([NETD, *user_flags(), *flags, '-s', address], stderr=stderr)

        def stop():
            process.terminate()
            self.assertEqual(0, process.wait(DEADLINE_S))

        self.addCleanup(stop)

        def accepts():
            self.assertIsNone(process.poll(), 'netd has ended')
            try:
                Connection(address).close()
                return True
            except OSError:
                return False

        wait_until(accepts, 'netd serves')
        return process, address

    def pipe(self):
        ends = os.pipe()
        return ends[0], ends[1]

    def test_a_log_that_nobody_reads_any_more_ends_and_slows_nothing(self):
        # A port, so that there is something to say at the start too.
        ours, theirs = self.pipe()
        os.close(ours)
        process, address = self.start(theirs, '-vv', '-p', str(free_port()))
        os.close(theirs)
        with Connection(address) as client:
            for _ in range(100):
                self.assertEqual(REPLIES, client.ask(REQUESTS))
        with Connection(address):
            wait_until(lambda: is_asleep(process.pid), 'netd has nothing to do')

    def test_a_log_whose_reader_has_stopped_holds_up_nobody(self):
        ours, theirs = self.pipe()
        self.addCleanup(os.close, ours)
        fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 16 << 10)
        _, address = self.start(theirs, '-vv')
        os.close(theirs)
        with Connection(address) as client:
            # Each is worth some lines of log: in all more than the pipe holds.
            for _ in range(300):
                self.assertEqual(REPLIES, client.ask(REQUESTS))
        os.set_blocking(ours, False)
        self.assertIn(b'\n>', os.read(ours, 1 << 20))


@unittest.skipUnless(SHIM, 'the shim is given in $FAULT_SHIM')
class ClockThatIsSet(FaultTestCase):
    HOUR_S = 3600

    def setUp(self):
        self.faults = self.enterContext(Faults())
        self.control = self.connect(self.server(environment=self.faults.environment()))

    def now_s(self):
        return int(self.control.stats()['time'])

    def test_relative_expiry_goes_by_time_that_passes(self):
        self.faults.stop_clock()
        for shift_s in [self.HOUR_S, -self.HOUR_S, 0]:
            with self.subTest(shift_s=shift_s):
                self.assertEqual(STORED * 2, self.control.ask(b'set long 0 1000 1\r\n1\r\nset short 0 1 1\r\n1\r\n'))
                self.faults.realtime_shift_s = shift_s
                before_s = int(time.time())
                now_s = self.now_s()
                self.assertIn(now_s - shift_s, range(before_s - 1, int(time.time()) + 1))
                self.faults.pass_time(0.999)
                both = value(b'long', b'1') + value(b'short', b'1') + END
                self.assertEqual(both, self.control.ask(b'get long short\r\n'))
                self.faults.pass_time(0.001 + LATE_S)
                self.assertEqual(value(b'long', b'1') + END + b'HD t999\r\n',
                                 self.control.ask(b'get long short\r\nmg long t\r\n'))

    def test_an_absolute_expiry_is_the_time_that_is_left_when_it_is_given(self):
        for shift_s in [self.HOUR_S, -self.HOUR_S]:
            with self.subTest(shift_s=shift_s):
                self.faults.realtime_shift_s = shift_s
                self.assertEqual(STORED * 2, self.control.ask(b'set later 0 %d 1\r\n1\r\nset before 0 %d 1\r\n1\r\n' %
                                                              (self.now_s() + 1000, self.now_s() - 100)))
                self.faults.realtime_shift_s = 0
                self.assertEqual(value(b'later', b'1') + END, self.control.ask(b'get later before\r\n'))
                self.assertRegex(self.control.ask(b'mg later t\r\n'), rb'\AHD t(9\d\d|1000)\r\n\Z')

    def test_what_a_flush_removed_stays_away_and_what_comes_after_it_stays(self):
        self.faults.realtime_shift_s = self.HOUR_S
        self.control.ask(store(b'old', b'1') + b'flush_all\r\n')
        self.faults.realtime_shift_s = -self.HOUR_S
        self.assertEqual(END + STORED + value(b'new', b'1') + END,
                         self.control.ask(b'get old\r\n' + store(b'new', b'1') + b'get new\r\n'))
        self.faults.realtime_shift_s = 2 * self.HOUR_S
        self.assertEqual(value(b'new', b'1') + END, self.control.ask(b'get old new\r\n'))

    def test_uptime_and_idle_time_do_not_jump(self):
        self.faults.realtime_shift_s = self.HOUR_S
        self.assertLess(int(self.control.stats()['uptime']), self.HOUR_S / 2)
        self.faults.realtime_shift_s = -self.HOUR_S
        self.assertLess(int(self.control.stats()['uptime']), self.HOUR_S / 2)
        idle = [int(text) for name, text in self.control.stats('conns').items() if name.endswith('secs_since_last_cmd')]
        self.assertTrue(all(0 <= seconds < self.HOUR_S / 2 for seconds in idle), idle)


@unittest.skipUnless(SHIM, 'the shim is given in $FAULT_SHIM')
class StoppingUnderLoad(FaultTestCase):
    """By a clock that stands still, so that no client is too slow for netd to wait for."""

    BATCH = b'incr n 1\r\n' * 50

    def setUp(self):
        self.faults = self.enterContext(Faults())
        self.faults.stop_clock()

    def test_what_has_been_read_is_answered_and_netd_exits_with_0(self):
        server = self.server(environment=self.faults.environment())
        server.ask(store(b'n', b'0'))
        clients = [self.connect(server) for _ in range(8)]
        answered, left_out = [0] * len(clients), []
        threads = [threading.Thread(target=self.load, args=(client, answered, left_out, i))
                   for i, client in enumerate(clients)]
        for thread in threads:
            thread.start()
        wait_until(lambda: min(answered) > 3, 'all clients are being served')
        os.kill(server.pid, signal.SIGTERM)
        for thread in threads:
            thread.join(DEADLINE_S)
            self.assertFalse(thread.is_alive(), 'a client is left without an answer and without an end')
        self.assertEqual([], left_out)
        self.assertEqual(0, server.process.wait(DEADLINE_S))

    def load(self, client, answered, left_out, index):
        """Asks until there is no answer. A UNIX socket tells a batch that was not read, by an error, from one that
        was, by the end of the stream."""
        while True:
            reply = b''
            try:
                client.socket.sendall(self.BATCH)
                while reply.count(b'\n') < 50:
                    content = client.socket.recv(1 << 16)
                    if not content:
                        left_out.append(reply)
                        return
                    reply += content
            except (ConnectionResetError, BrokenPipeError):
                if reply:
                    left_out.append(reply)
                return
            answered[index] += 1

    def test_replies_on_their_way_reach_a_client_that_goes_on_asking(self):
        server = self.server('-l', '127.0.0.1', '-p', free_port(), environment=self.faults.environment())
        client = self.connect(server, receive_buffer_bytes=8192)
        client.socket.sendall(store(b'a', BIG[:40000]) + b'get a\r\n')
        control = self.connect(server)
        wait_until(lambda: control.stats()['get_hits'] == '1', 'the request is answered')
        self.assertNotIn('conn_mwrite', control.stats('conns').values(), 'the reply is in the hands of the system')
        os.kill(server.pid, signal.SIGTERM)
        self.assertEqual(b'', control.read_to_end())
        # It is waited for, should its system have acknowledged the last reply too late, and no time passes here.
        control.close()
        client.socket.sendall(b'get a\r\n')
        replies = bytearray()
        while content := client.socket.recv(1 << 16):
            replies += content
        reply = value(b'a', BIG[:40000]) + END
        # The second request may still have been read; the client has the reply to the first in any case.
        self.assertIn(replies, [STORED + reply, STORED + reply * 2])
        client.close()
        self.assertEqual(0, server.process.wait(DEADLINE_S))


if __name__ == '__main__':
    unittest.main()
