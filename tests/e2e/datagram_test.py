"""memcached's protocol over UDP, spoken to netd and to memcached."""

import os
import socket
import struct
import unittest

from support import DEADLINE_S, MEMCACHED, NETD, Server, free_port, require
from vectors import END, STORED, store, value

HEADER = struct.Struct('>HHHH')
PART_BYTES = 1392
LAST_ID = 0xfffe
ERROR = b'ERROR\r\n'
REFUSED = b'CLIENT_ERROR not available over UDP\r\n'


def setUpModule():
    require(NETD, 'netd')


def parts(reply):
    """What a reply is sent as: number, how many there are, and content of each datagram."""
    pieces = [reply[i:i + PART_BYTES] for i in range(0, len(reply), PART_BYTES)]
    return [(number, len(pieces), piece) for number, piece in enumerate(pieces)]


class Client:
    """Asks with datagrams, each from the same socket."""

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(DEADLINE_S)
        self.socket.connect(('127.0.0.1', port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, *requests, number=0, count=1, raw=False):
        """All that comes back for the requests, a datagram each, before the reply to a last one."""
        for request in requests:
            self.socket.send(request if raw else HEADER.pack(7, number, count, 0) + request)
        self.socket.send(HEADER.pack(LAST_ID, 0, 1, 0) + b'mn\r\n')
        received = []
        while True:
            datagram = self.socket.recv(1 << 16)
            request_id, number, count, reserved = HEADER.unpack(datagram[:HEADER.size])
            if request_id == LAST_ID:
                return received
            assert (request_id, reserved) == (7, 0), datagram[:HEADER.size]
            received.append((number, count, datagram[HEADER.size:]))


class DatagramTestCase(unittest.TestCase):
    def start(self, program=NETD, *flags):
        """A server of one thread, so that datagrams are answered in order, and a client of it."""
        port = free_port()
        server = self.enterContext(Server(program, '-l', '127.0.0.1', '-p', free_port(), '-U', port, '-t', 1, *flags))
        # Connections are accepted by the system as soon as the first socket listens; answered when all are there.
        server.ask(b'version\r\n')
        return server, self.enterContext(Client(port))

    def both(self):
        for program in filter(None, [NETD, MEMCACHED]):
            with self.subTest(program=os.path.basename(program)):
                yield self.start(program)


class Protocol(DatagramTestCase):
    def test_requests_and_their_replies(self):
        for server, client in self.both():
            for request, reply in [(store(b'a', b'5'), STORED), (b'get a\r\n', value(b'a', b'5') + END),
                                   (b'get b\r\n', END), (b'incr a 1\r\n', b'6\r\n'), (b'mg a v\r\n', b'VA 1\r\n6\r\n'),
                                   (b'mn\r\n', b'MN\r\n'), (b'touch b 1\r\n', b'NOT_FOUND\r\n'), (b'foo\r\n', ERROR),
                                   (b'delete a noreply\r\n', b''), (b'mg a q\r\n', b'')]:
                with self.subTest(request=request):
                    self.assertEqual(parts(reply), client.ask(request))
            self.assertEqual(END, server.ask(b'get a\r\n'))

    def test_each_request_of_a_datagram_has_a_reply_of_its_own(self):
        for _, client in self.both():
            self.assertEqual(parts(STORED) + parts(value(b'a', b'5') + END) + parts(END),
                             client.ask(store(b'a', b'5') + b'get a\r\nget b\r\n'))

    def test_a_long_reply_is_several_datagrams(self):
        for server, client in self.both():
            for size in [1000, 1360, 1370, 1380, 5000, 60000]:
                data = os.urandom(size)
                server.ask(store(b'a', data))
                self.assertEqual(parts(value(b'a', data) + END), client.ask(b'get a\r\n'))

    def test_a_request_of_several_datagrams_or_of_none_is_dropped(self):
        for _, client in self.both():
            for count in [0, 2, 256, 257]:
                self.assertEqual([], client.ask(b'version\r\n', count=count))
            for datagram in [b'', b'1234567', b'\0\7\0\0\0\1\0\0']:
                self.assertEqual([], client.ask(datagram, raw=True))
            self.assertEqual(parts(END), client.ask(b'get a\r\n', number=5))


class Netd(DatagramTestCase):
    def test_what_is_more_than_lookups_is_refused_and_has_no_effect(self):
        server, client = self.start()
        server.ask(store(b'a', b'5'))
        for request in [b'watch fetchers', b'watch', b'cache_memlimit 32', b'stats items', b'stats slabs',
                        b'stats sizes', b'stats conns', b'stats cachedump 1 0', b'stats detail dump',
                        b'lru_crawler metadump all', b'lru_crawler mgdump hash', b'lru_crawler metadump prefix:a',
                        b'lru_crawler crawl all']:
            with self.subTest(request=request):
                self.assertEqual(parts(REFUSED) + parts(value(b'a', b'5') + END),
                                 client.ask(request + b'\r\nget a\r\n'))
        self.assertEqual([], client.ask(b'cache_memlimit 32 noreply\r\n'))
        stats = server.stats()
        self.assertEqual(['0', '0', str(64 << 20)],
                         [stats[name] for name in ['log_watchers', 'lru_crawler_starts', 'limit_maxbytes']])

    def test_what_costs_little_is_answered(self):
        server, client = self.start()
        for request in [b'stats', b'stats settings', b'stats detail on', b'stats reset', b'lru_crawler disable',
                        b'lru_crawler sleep 5', b'slabs automove 0', b'verbosity 0']:
            with self.subTest(request=request):
                self.assertNotIn(b'ERROR', b''.join(part for _, _, part in client.ask(request + b'\r\n')))
        self.assertEqual('yes', server.stats('settings')['detail_enabled'])

    def test_several_values_are_one_reply(self):
        _, client = self.start()
        client.ask(store(b'a', bytes(1000)) + store(b'b', bytes(1000)))
        self.assertEqual(parts(value(b'a', bytes(1000)) + value(b'b', bytes(1000)) + END),
                         client.ask(b'get a b\r\n'))

    def test_what_is_incomplete_is_dropped_and_harms_no_later_datagram(self):
        _, client = self.start()
        for request in [b'get a', b'set a 0 0 10\r\nhi', b'ms a 10\r\nhi', b'quit\r\nget a\r\n']:
            self.assertEqual([], client.ask(request))
        self.assertEqual(parts(END), client.ask(b'get a\r\n'))

    def test_a_reply_that_is_not_complete_at_64_KiB_is_dropped(self):
        server, client = self.start()
        server.ask(store(b'a', bytes(40000)))
        self.assertEqual(parts(2 * value(b'a', bytes(40000)) + END), client.ask(b'get a a\r\n'))
        self.assertEqual([], client.ask(b'get a a a\r\n'))
        self.assertEqual(parts(END), client.ask(b'get b\r\n'))

    def test_a_value_of_more_than_1_MiB_is_not_sent(self):
        server, client = self.start(NETD, '-I', '4m')
        server.ask(store(b'a', bytes(1 << 20)) + store(b'b', bytes((1 << 20) + 1)))
        before = int(server.stats()['bytes_written'])
        self.assertEqual([], client.ask(b'get b\r\nmg b v\r\n', b'get x b\r\n', b'mg b v\r\n'))
        self.assertEqual(parts(b'HD s%d\r\n' % ((1 << 20) + 1)), client.ask(b'mg b s\r\n'))
        self.assertLess(int(server.stats()['bytes_written']) - before, 100_000)
        client.socket.send(HEADER.pack(7, 0, 1, 0) + b'get a\r\n')
        # What the client has no room for is lost; the first part is not.
        count = len(parts(value(b'a', bytes(1 << 20)) + END))
        self.assertEqual((7, 0, count, 0), HEADER.unpack(client.socket.recv(1 << 16)[:HEADER.size]))

    def test_a_value_that_is_too_large_for_a_datagram_or_the_cache(self):
        _, client = self.start(NETD, '-I', '2k')
        self.assertEqual(parts(b'SERVER_ERROR object too large for cache\r\n') + parts(END),
                         client.ask(store(b'a', bytes(3000)) + b'get a\r\n'))

    def test_a_reply_made_in_parts_is_whole(self):
        server, client = self.start()
        server.ask(b''.join(store(b'%d' % i, b'1') for i in range(0, 5000, 3)))
        found = b''.join(value(b'%d' % i, b'1') for i in range(0, 5000, 3))
        self.assertEqual(parts(found + END), client.ask(b'get ' + b' '.join(b'%d' % i for i in range(5000)) + b'\r\n'))

    def test_statistics(self):
        server, client = self.start()
        before = server.stats()
        client.ask(b'version\r\n')
        after = server.stats()
        self.assertGreaterEqual(int(after['bytes_read']) - int(before['bytes_read']), 2 * HEADER.size + 13)
        port = client.socket.getpeername()[1]
        self.assertEqual(str(port), server.stats('settings')['udpport'])
        conns = server.stats('conns')
        fd = next(name.split(':')[0] for name, text in conns.items() if text == f'udp:127.0.0.1:{port}')
        self.assertEqual(('UDP', 'conn_read'), (conns[f'{fd}:UDP'], conns[f'{fd}:state']))
        self.assertNotIn(f'{fd}:listen_addr', conns)

    def test_clients_take_turns(self):
        server, client = self.start()
        server.ask(store(b'a', b'5'))
        with Client(client.socket.getpeername()[1]) as other:
            for _ in range(50):
                for one in [client, other]:
                    self.assertEqual(30 * parts(value(b'a', b'5') + END), one.ask(10 * b'get a\r\n', 20 * b'get a\r\n'))


if __name__ == '__main__':
    unittest.main()
