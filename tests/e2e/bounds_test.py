"""What one client, or very many, may cost a server: memory, turns of others, and for how long."""

import contextlib
import itertools
import re
import resource
import socket
import tempfile
import threading
import unittest

from faults import SHIM, Faults
from flood import Flood, stats_at_turns
from support import NETD, SANITIZED, Connection, Server, cpu_s, free_port, is_asleep, require, wait_until
from vectors import END, NO_MEMORY, OK, STORED, store, value

KIB = 1 << 10
BIG = bytes(range(256)) * 4096  # 1 MiB


def setUpModule():
    require(NETD, 'netd')


class BoundsTestCase(unittest.TestCase):
    def server(self, *flags, **options):
        return self.enterContext(Server(NETD, '-I', '2m', *flags, **options))

    def connect(self, server):
        return self.enterContext(server.connect())


class BytesOfAConnection(BoundsTestCase):
    """Measured over so many connections that what a worker keeps for the next taker does not matter."""

    COUNT = 200

    def setUp(self):
        # A quarter of a large memory is for long values: none of those here is refused.
        self.netd = self.server('-t', '1', '-m', '2g')
        self.control = self.connect(self.netd)
        self.control.ask(store(b'big', BIG))
        self.connect_clients()

    def connect_clients(self):
        self.clients = [self.connect(self.netd) for _ in range(self.COUNT)]
        self.wait_until_served(self.COUNT)
        self.before = self.held()

    def wait_until_served(self, count):
        wait_until(lambda: int(self.control.stats()['curr_connections']) == count + 1, f'{count} are being served')

    def held(self):
        return int(self.control.stats()['read_buf_bytes'])

    def check_each_holds_at_most(self, content):
        each = (self.held() - self.before) / self.COUNT
        self.assertLessEqual(each, content)

    def send_all(self, pieces):
        """Over UNIX sockets, where one sees that each piece has been read before the next is sent."""
        for client in self.clients:
            client.send_in_pieces(pieces)

    def test_a_writer_that_trickles_holds_2_KiB(self):
        for request in [b'set key 0 0 1048576\r\n' + b'x' * 60, b'get ' + b'key ' * 20, b'ms key 1000000\r\nx']:
            with self.subTest(request=request[:30]):
                self.send_all([request[i:i + 20] for i in range(0, len(request), 30)])
                self.check_each_holds_at_most(2 * KIB)
                for client in self.clients:
                    client.close()
                self.wait_until_served(0)
                self.connect_clients()

    def test_an_unfinished_line_holds_2_KiB(self):
        self.send_all([b'x' * 2048])
        self.check_each_holds_at_most(2 * KIB)

    def test_a_value_takes_memory_as_it_arrives(self):
        self.send_all([b'set key 0 0 1048576\r\n', bytes(3 * KIB)])
        self.check_each_holds_at_most(8 * 4 * KIB)
        self.send_all([bytes(17 * KIB)])
        self.check_each_holds_at_most(8 * 21 * KIB)

    def test_replies_that_are_not_taken_are_made_up_to_64_KiB_and_an_item(self):
        clients = self.clients[:50]
        for client in clients:
            client.socket.sendall(b'get big\r\n' * 1000)
        wait_until(lambda: list(self.control.stats('conns').values()).count('conn_mwrite') == len(clients),
                   'nobody takes more')
        self.assertLessEqual((self.held() - self.before) / len(clients), 64 * KIB + len(BIG) + 16 * KIB + 100)
        # They are paused: of all those requests a few have been looked up.
        self.assertLess(int(self.control.stats()['get_hits']), 10 * len(clients))

    def test_between_requests_a_connection_holds_nothing(self):
        for client in self.clients:
            self.assertEqual(STORED, client.ask(store(b'a', bytes(10 * KIB))))
        # But a worker keeps some blocks for the next taker.
        wait_until(lambda: self.held() - self.before <= 128 * KIB, 'the buffers are given back')


class ValuesHeld(BoundsTestCase):
    COUNT = 12

    def value_of(self, i):
        return bytes([i]) + BIG[1:]

    def test_slow_readers_pin_an_eighth_of_the_memory_at_most_and_get_what_they_asked_for(self):
        server = self.server('-m', '64')
        control = self.connect(server)
        clients = [self.connect(server) for _ in range(self.COUNT)]
        for i, client in enumerate(clients):
            control.ask(store(b'big%d' % i, self.value_of(i)))
            client.send(b'get big%d\r\n' % i)
        wait_until(lambda: list(control.stats('conns').values()).count('conn_mwrite') == self.COUNT, 'all are sent a part')
        stats = control.stats()
        # A value takes a page more than itself, so that eight of them would be too much; others are copied.
        self.assertEqual('7', stats['handles'])
        self.assertEqual(7 * (len(BIG) + 4 * KIB), int(stats['mem_pinned_bytes']))
        # Everything goes, more than once.
        for i in range(100):
            self.assertEqual(STORED, control.ask(store(b'other%d' % i, BIG)))
        self.assertEqual(OK, control.ask(b'flush_all\r\n'))
        for i, client in enumerate(clients[:-1]):
            self.assertEqual(value(b'big%d' % i, self.value_of(i)) + END, client.read_until(lambda reply: reply.endswith(END)))
        clients[-1].close()

        def held():
            stats = control.stats()
            return stats['handles'], stats['mem_pinned_bytes']

        wait_until(lambda: held() == ('0', '0'), 'they are released with the last byte, or with the client')

    def test_of_many_long_values_on_one_line_one_at_a_time_is_held(self):
        server = self.server('-m', '64')
        control = self.connect(server)
        control.ask(store(b'big', BIG) + store(b'small', b'1'))
        client = self.connect(server)
        client.send(b'get' + b' big small' * 20 + b'\r\n' + b'get big\r\n' * 20)
        wait_until(lambda: 'conn_mwrite' in control.stats('conns').values(), 'its socket is full')
        self.assertEqual('1', control.stats()['handles'])
        wait_until(lambda: int(control.stats()['read_buf_bytes']) < 200 * KIB, 'what was used to store it is given back')
        whole = (value(b'big', BIG) + value(b'small', b'1')) * 20 + END + (value(b'big', BIG) + END) * 20
        self.assertEqual(whole, client.read_until(lambda reply: len(reply) >= len(whole)))


class IdleConnections(BoundsTestCase):
    USER_BYTES_MAX = 1 << 10

    @unittest.skipIf(SANITIZED, 'sanitizers own most of the memory of their programs')
    def test_10000_idle_connections_cost_at_most_1_KiB_each(self):
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        count = min(10000, limits[1] - 300)
        resource.setrlimit(resource.RLIMIT_NOFILE, (count + 200, limits[1]))
        server = self.server('-l', '127.0.0.1', '-p', free_port(), '-c', count + 50, '-m', '64')
        control = self.connect(server)
        control.ask(b'get a\r\n')
        before = self.memory(server.pid)
        clients = []
        self.addCleanup(lambda: [client.close() for client in clients])
        for _ in range(count):
            clients.append(socket.create_connection(server.address))
        wait_until(lambda: int(control.stats()['curr_connections']) > count, 'all are being served')
        silent = self.memory(server.pid)
        for client in clients:
            client.sendall(b'get a\r\n')
        for client in clients:
            self.assertEqual(END, client.recv(100))
        after_a_request = self.memory(server.pid)
        self.assertLessEqual((silent - before) / count, self.USER_BYTES_MAX)
        self.assertLessEqual((after_a_request - before) / count, self.USER_BYTES_MAX)
        # What -m counts for them is not less than what they take.
        self.assertGreaterEqual(int(control.stats()['read_buf_bytes']), after_a_request - before)

    def memory(self, pid):
        with open(f'/proc/{pid}/status', encoding='ascii') as status:
            return int(re.search(r'RssAnon:\s+(\d+) kB', status.read())[1]) << 10


class TimeLimits(BoundsTestCase):
    """Of the server's clock, which `debugtime` moves: nobody waits. Beside its steps, the time of a test is nothing."""

    FLAGS = ('-t', '1', '-o', 'send_timeout=50000,idle_timeout=10000', '--enable-debugtime')
    STEP_S = 20000

    def serve(self, *flags):
        self.netd = self.server(*self.FLAGS, *flags)
        self.control = self.connect(self.netd)
        self.control.ask(store(b'big', BIG))
        self.steps = 0

    def pass_time(self):
        """A step of time, after which the server has looked at its connections: an idle one is sent away."""
        self.steps += 1
        with self.netd.connect() as idle:
            self.assertEqual(END, idle.ask(b'get absent\r\n'))
            self.assertEqual(OK, self.control.ask(b'debugtime %d\r\n' % self.STEP_S))
            self.assertEqual(b'', idle.read_to_end())

    def timeouts(self):
        """How many have been sent away besides those that `pass_time` needs."""
        stats = self.control.stats()
        return int(stats['send_timeouts']), int(stats['idle_kicks']) - self.steps


class Readers(TimeLimits):
    def each_transport(self):
        for flags in [[], ['-l', '127.0.0.1', '-p', free_port()]]:
            with self.subTest(flags=flags):
                self.serve(*flags)
                yield

    def stalled_client(self):
        client = self.connect(self.netd)
        client.socket.sendall(b'get big\r\n' * 40)
        wait_until(lambda: 'conn_mwrite' in self.control.stats('conns').values(), 'its socket is full')
        return client

    def test_one_that_does_not_read_is_closed_and_counted(self):
        for _ in self.each_transport():
            watcher = self.connect(self.netd)
            watcher.send(b'watch connevents\r\n')
            self.assertEqual(OK, watcher.read_until(lambda reply: reply.endswith(b'\n')))
            self.stalled_client()
            wait_until(lambda: self.pass_time() or self.timeouts() == (1, 0), 'the client is sent away')
            wait_until(lambda: 'conn_mwrite' not in self.control.stats('conns').values(), 'it has gone')
            self.assertIn(b'reason=send_timeout', watcher.read_until(lambda events: b'conn_close' in events))

    def test_a_slow_one_gets_everything_however_long_it_takes(self):
        for _ in self.each_transport():
            client = self.stalled_client()
            taken = bytearray()
            # In all far longer than any of the limits.
            for _ in range(6):
                taken += client.socket.recv(300000, socket.MSG_WAITALL)
                self.pass_time()
            client.socket.shutdown(socket.SHUT_WR)
            while content := client.socket.recv(1 << 20):
                taken += content
            self.assertEqual((value(b'big', BIG) + END) * 40, taken)
            self.assertEqual((0, 0), self.timeouts())


class OtherTimeLimits(TimeLimits):
    def test_a_writer_that_does_not_finish_is_idle(self):
        self.serve()
        client = self.connect(self.netd)
        client.send_in_pieces([b'set a 0 0 100\r\nhalf'])
        self.pass_time()
        self.assertEqual(b'', client.read_to_end())
        self.assertEqual((0, 1), self.timeouts())

    def test_a_slow_writer_is_not_idle(self):
        self.serve()
        client, idle = self.connect(self.netd), self.connect(self.netd)
        client.send(b'set a 0 0 4\r\n')
        idle.ask(b'get absent\r\n')
        for byte in b'slow':
            self.assertEqual(OK, self.control.ask(b'debugtime 6000\r\n'))
            client.send(bytes([byte]))
        self.assertEqual(b'', idle.read_to_end())
        client.send(b'\r\n')
        self.assertEqual(STORED, client.read_until(lambda reply: reply.endswith(b'\n')))
        self.assertEqual((0, 1), self.timeouts())

    def test_the_limit_for_readers_is_ten_minutes_by_default_and_0_is_none(self):
        for flags, seconds in [([], '600'), (['-o', 'send_timeout=0'], '0'), (['-o', 'send_timeout=7'], '7')]:
            with Server(NETD, '-I', '2m', *flags) as server:
                self.assertEqual(seconds, server.stats('settings')['send_timeout'])


class UnfinishedRequests(BoundsTestCase):
    """Connections that send a part of a request, and then nothing."""

    KICKED = b'SERVER_ERROR out of memory reading request\r\n'

    def leave_unfinished(self, server, count, request):
        clients = [self.connect(server) for _ in range(count)]
        for client in clients:
            client.send(request)
        return clients

    def test_little_of_each_leaves_everybody_served(self):
        server = self.server('-m', '8', '-t', '2')
        control = self.connect(server)
        for request in [b'set a 0 0 15000\r\n' + bytes(2100), b'set a 0 0 1000000\r\n' + bytes(1000)]:
            clients = self.leave_unfinished(server, 400, request)
            self.assertEqual(STORED + value(b'b', b'1') + END, control.ask(store(b'b', b'1') + b'get b\r\n'))
            with server.connect() as newcomer:
                self.assertEqual(value(b'b', b'1') + END, newcomer.ask(b'get b\r\n'))
            self.assertEqual('0', control.stats()['memory_kicks'])
            for client in clients:
                client.close()

    def test_when_memory_is_short_who_holds_most_for_longest_is_told_and_closed(self):
        server = self.server('-m', '8', '-t', '1', '--enable-debugtime')
        control = self.connect(server)
        control.ask(store(b'ten', bytes(10 * KIB)))
        early = self.leave_unfinished(server, 100, b'set a 0 0 16000\r\n' + bytes(12 * KIB))
        small = self.leave_unfinished(server, 2, b'set a 0 0 16000\r\n' + bytes(KIB))
        wait_until(lambda: int(control.stats()['read_buf_bytes']) > 100 * 12 * KIB, 'all of that has been received')
        self.assertEqual(OK, control.ask(b'debugtime 30\r\n'))
        late = self.leave_unfinished(server, 300, b'set a 0 0 16000\r\n' + bytes(12 * KIB))
        wait_until(lambda: int(control.stats()['memory_kicks']) >= 100, 'those who came first are closed')
        for client in early:
            self.assertEqual(self.KICKED, client.read_to_end())
        wait_until(lambda: int(control.stats()['read_buf_bytes']) <= 4608 * KIB, 'no more is held than may be')
        for client in small:
            client.send(bytes(16000 - KIB) + b'\r\n')
            self.assertEqual(STORED, client.read_until(lambda reply: reply.endswith(b'\n')))
        self.assertEqual(value(b'ten', bytes(10 * KIB)) + END, control.ask(b'get ten\r\n'))
        for client in late:
            client.close()
        wait_until(lambda: control.stats()['curr_connections'] == '3', 'the others are gone')

    def test_very_many_that_hold_little_cost_nobody_who_goes_on(self):
        server = self.server('-m', '8', '-t', '2')
        self.leave_unfinished(server, 1000, b'set a 0 0 15000\r\n' + bytes(2000))
        half = bytes(10 * KIB)
        for _ in range(20):
            with server.connect() as client:
                client.send_in_pieces([b'set half 0 0 20480\r\n' + half, half + b'\r\n'])
                self.assertEqual(STORED, client.read_until(lambda reply: reply.endswith(b'\n')))

    def test_one_that_holds_much_has_a_minute_for_its_next_bytes(self):
        server = self.server('-t', '1', '--enable-debugtime')
        control = self.connect(server)
        much, little, busy = (self.connect(server) for _ in range(3))
        much.send(b'set much 0 0 100000\r\n' + bytes(5 * KIB))
        little.send(b'set little 0 0 100000\r\n' + bytes(KIB))
        busy.send(b'set busy 0 0 50000\r\n')
        for _ in range(5):
            busy.send_in_pieces([bytes(8 * KIB)])
            self.assertEqual(OK, control.ask(b'debugtime 50\r\n'))
        self.assertEqual(b'SERVER_ERROR request not finished in time\r\n', much.read_to_end())
        self.assertEqual('1', control.stats()['request_timeouts'])
        little.send(bytes(100000 - KIB) + b'\r\n')
        self.assertEqual(STORED, little.read_until(lambda reply: reply.endswith(b'\n')))
        busy.send(bytes(50000 - 5 * 8 * KIB) + b'\r\n')
        self.assertEqual(STORED, busy.read_until(lambda reply: reply.endswith(b'\n')))

    def test_one_that_holds_much_has_no_more_time_for_a_few_bytes_now_and_then(self):
        server = self.server('-t', '1', '-o', 'request_timeout=50000', '--enable-debugtime')
        control = self.connect(server)
        trickling = self.connect(server)
        trickling.send_in_pieces([b'set much 0 0 1000000\r\n' + bytes(500 * KIB)])
        for _ in range(2):
            self.assertEqual(OK, control.ask(b'debugtime 20000\r\n'))
            trickling.send_in_pieces([bytes(2 * KIB)])
        self.assertEqual(OK, control.ask(b'debugtime 20000\r\n'))
        self.assertEqual(b'SERVER_ERROR request not finished in time\r\n', trickling.read_to_end())
        self.assertEqual('1', control.stats()['request_timeouts'])

    @unittest.skipUnless(SHIM, 'the shim is given in $FAULT_SHIM')
    def test_those_who_hold_much_and_send_little_lose_it_to_one_who_needs_it(self):
        # Whose time goes on only where this says so.
        faults = self.enterContext(Faults())
        faults.stop_clock()
        server = self.server('-m', '8', '-t', '1', environment=faults.environment())
        self.addCleanup(faults.start_clock)  # Before the server is to stop.
        # They leave too little for a value of 900,000 bytes.
        trickling = [self.connect(server) for _ in range(5)]
        for client in trickling:
            client.send_in_pieces([b'set a 0 0 500000\r\n' + bytes(400 * KIB)])

        def trickle():
            for client in trickling:
                with contextlib.suppress(OSError):  # It has been closed.
                    client.send_in_pieces([bytes(2 * KIB)])

        for _ in range(5):
            faults.pass_time(0.25)
            trickle()
        needy = self.connect(server)
        flood = Flood(needy, store(b'needy', bytes(900000)), once=True)
        # Until it is answered: stored, or has waited for memory in vain, while they go on.
        for step in itertools.count(1):
            flood.go_on()
            if flood.moved_bytes > len(flood.requests):
                break
            wait_until(lambda: is_asleep(server.pid), 'the server has done what there is to do')
            faults.pass_time(0.02)
            if step % 12 == 0:
                trickle()
        self.assertEqual(b'HD s900000\r\n', server.ask(b'mg needy s\r\n'))
        self.assertNotEqual('0', server.stats()['memory_kicks'])

    def test_those_who_wait_to_log_in_leave_everybody_served(self):
        with tempfile.NamedTemporaryFile('w') as users:
            users.write('alice:secret\n')
            users.flush()
            server = self.server('-m', '8', '-t', '1', '-Y', users.name, '--enable-debugtime')
            insider = self.connect(server)
            insider.send(store(b'auth', b'alice secret'))
            self.assertEqual(STORED, insider.read_until(lambda reply: reply.endswith(b'\n')))
            guess = store(b'auth', b'alice ' + b'x' * 4000)
            self.leave_unfinished(server, 1000, guess)
            wait_until(lambda: int(insider.stats()['bytes_read']) > 1000 * len(guess), 'all of that has been received')
            # They have been there for much longer than it takes the insider to send a value.
            self.assertEqual(OK, insider.ask(b'debugtime 50\r\n'))
            half = bytes(10 * KIB)
            for _ in range(20):
                insider.send_in_pieces([b'set half 0 0 20480\r\n' + half, half + b'\r\n'])
                self.assertEqual(STORED, insider.read_until(lambda reply: reply.endswith(b'\n')))
            self.assertLess(int(insider.stats()['read_buf_bytes']), 5 << 20)

    def test_without_eviction_they_hold_16_MiB_at_most_and_everybody_is_answered(self):
        server = self.server('-m', '64', '-M', '-t', '1')
        control = self.connect(server)
        data = bytes(3000)
        count = 0
        while NO_MEMORY not in control.ask(b''.join(store(b'key%d' % (count + i), data) for i in range(100))):
            count += 100
        received_bytes = int(control.stats()['bytes_read'])
        request = b'set a 0 0 60000\r\n' + bytes(33000)
        self.leave_unfinished(server, 900, request)
        wait_until(lambda: int(control.stats()['bytes_read']) - received_bytes > 900 * len(request),
                   'all of that has been received')
        # When that is an eighth too much, it is brought down.
        self.assertLess(int(control.stats()['read_buf_bytes']), 19 << 20)
        self.assertEqual(value(b'key1', data) + END, control.ask(b'get key1\r\n'))
        with server.connect() as newcomer:
            self.assertEqual(value(b'key2', data) + END + b'DELETED\r\n', newcomer.ask(b'get key2\r\ndelete key2\r\n'))
        self.assertEqual(NO_MEMORY, control.ask(store(b'b', data)))

    def test_the_limit_is_a_minute_by_default_and_0_is_none(self):
        for flags, seconds in [([], '60'), (['-o', 'request_timeout=0'], '0'), (['-o', 'request_timeout=7'], '7')]:
            with Server(NETD, '-I', '2m', *flags) as server:
                self.assertEqual(seconds, server.stats('settings')['request_timeout'])


class Fairness(BoundsTestCase):
    """One worker, one client that asks for all it can, and another that waits for no more than a turn of the first.

    How long a turn takes is the machine's to say; how much of the flood is met in it is not.
    """

    TURNS = 50
    BYTES = ('bytes_read', 'bytes_written')
    # A buffer of 16 KiB, and what the other client itself asks and is told. A flood's socket holds far more.
    SHORT_MAX = 40 * KIB
    # The output is full, or input is taken, 17 times at most. A value of 1 MiB goes with it each time.
    LONG_MAX = 17 * (1024 + 64) * KIB + SHORT_MAX
    # As many keys of a line, and before them the last ones of another line.
    KEYS_MAX = 2 * 1024 + 32

    def check(self, requests, turn_max, names=BYTES):
        """That the statistics `names` grow by `turn_max` at most from one turn of the client to its next."""
        server = self.server('-t', '1')
        client = self.connect(server)
        client.ask(store(b'a', b'1') + store(b'big', BIG))
        flooder = self.connect(server)
        flooder.ask(b'')
        flood = Flood(flooder, requests)
        counts = stats_at_turns(server, client, flood, names, self.TURNS)
        self.assertLessEqual(max(after - before for before, after in zip(counts, counts[1:])), turn_max)
        wait_until(lambda: flood.go_on() or flood.moved_bytes > 2 << 20, 'the flood goes on')

    def test_a_flood_of_small_requests(self):
        self.check(b'get a\r\n', self.SHORT_MAX)

    def test_a_flood_of_requests_without_reply(self):
        self.check(b'set b 0 0 1 noreply\r\n1\r\n', self.SHORT_MAX)

    def test_a_flood_of_long_values_in(self):
        self.check(b'set other 0 0 1048576 noreply\r\n' + BIG + b'\r\n', self.LONG_MAX)

    def test_a_flood_of_long_values_that_are_refused(self):
        self.check(b'set other 0 0 4194304 noreply\r\n' + BIG * 4 + b'\r\n', self.LONG_MAX)

    def test_a_flood_of_requests_for_long_values(self):
        self.check(b'get big\r\n' * 10 + b'set b 0 0 100000 noreply\r\n' + bytes(100000) + b'\r\n', self.LONG_MAX)

    def test_a_flood_of_lines_with_many_long_values(self):
        self.check(b'get' + b' big' * 1000 + b'\r\n', self.LONG_MAX)

    def test_a_flood_of_requests_for_statistics(self):
        # One a turn, and that of the other client.
        self.check(b'stats\r\n', 20 * KIB, names=['bytes_written'])

    def test_of_many_reports_one_goes_on_at_a_time(self):
        server = self.server('-t', '1')
        client = self.connect(server)
        others = [self.connect(server) for _ in range(30)]
        for other in others:
            other.send(b'stats sizes\r\n' * 1000)
        # The first time all others may be met between.
        client.stats()
        client.stats()
        flood = Flood(self.connect(server), b'stats sizes\r\n')
        counts = stats_at_turns(server, client, flood, ['conn_yields'], self.TURNS)
        # The client gives way itself, one goes on with its report, one asks for its next, and more of the flood comes.
        self.assertLessEqual(max(after - before for before, after in zip(counts[1:], counts[2:])), 4)

    def test_a_flood_of_lines_with_very_many_keys(self):
        # Short enough for the flood's socket to hold it.
        self.check(b'get' + b' k' * 50000 + b'\r\n', self.KEYS_MAX, names=['get_misses'])

    def test_a_flood_of_connections(self):
        server = self.server('-t', '1', '-l', '127.0.0.1', '-p', free_port())
        over = threading.Event()

        def churn():
            while not over.is_set():
                with Connection(server.address) as passer_by:
                    passer_by.send(b'get a\r\n')

        client = self.connect(server)
        churners = [threading.Thread(target=churn) for _ in range(2)]
        for churner in churners:
            churner.start()
        try:
            wait_until(lambda: int(client.stats()['total_connections']) > 50, 'the flood is rising')
            cpu_before_s, before = cpu_s(server.pid), int(client.stats()['total_connections'])
            answers = 200
            for _ in range(answers):
                self.assertEqual(END, client.ask(b'get a\r\n'))
            connections = int(client.stats()['total_connections']) - before
        finally:
            over.set()
            for churner in churners:
                churner.join()
        # A hundredth of it each; so nobody waits long for the worker.
        self.assertLess((cpu_s(server.pid) - cpu_before_s) / (answers + connections), 0.05 if SANITIZED else 0.01)


if __name__ == '__main__':
    unittest.main()
