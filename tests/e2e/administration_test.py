"""netd as operators and their tools look into it: statistics, dumps, watch, authentication.

Where memcached 1.6.18 has the feature, the same test runs against it.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from faults import SHIM, Faults
from flood import Flood, stats_at_turns
from support import (DEADLINE_S, GRACE_S, MEMCACHED, MEMCACHED_ALONE, NETD, SANITIZED, Connection, Server, free_port,
                     require, wait_until)
from vectors import END, OK, STORED, store, value

MEMCACHED_TOOL = '/usr/share/memcached/scripts/memcached-tool'


def setUpModule():
    require(NETD, 'netd')


def dump(connection, command, end, before_each=lambda: None):
    """The lines of a dump without what frames them."""
    def whole():
        before_each()
        connection.send(command + b'\r\n')
        reply = connection.read_until(lambda reply: reply.endswith(end) or reply.startswith(b'BUSY'))
        return None if reply.startswith(b'BUSY') else reply

    # memcached's crawler may be at work on its own account.
    return wait_until(whole, 'no other dump is under way').removesuffix(end).removeprefix(OK)


class AdministrationTestCase(unittest.TestCase):
    def server(self, *flags, program=NETD, **options):
        return self.enterContext(Server(program, *flags, **options))

    def both(self, *flags):
        """netd, and memcached if it is here."""
        for program in filter(None, [NETD, MEMCACHED]):
            with self.subTest(program=os.path.basename(program)), Server(program, *flags) as server:
                with server.connect() as connection:
                    yield connection

    def path(self, name):
        return os.path.join(self.enterContext(tempfile.TemporaryDirectory(prefix='larder-e2e-')), name)


class Counters(AdministrationTestCase):
    SEQUENCE = [
        (store(b'a', b'1'), dict(cmd_set=1, total_items=1, curr_items=1)),
        (b'get a\r\n', dict(cmd_get=1, get_hits=1)),
        (b'gets a nope\r\n', dict(cmd_get=2, get_hits=1, get_misses=1)),
        (b'add a 0 0 1\r\n2\r\n', dict(cmd_set=1)),
        (b'add b 0 0 1\r\n2\r\n', dict(cmd_set=1, total_items=1, curr_items=1)),
        (b'replace nope 0 0 1\r\n2\r\n', dict(cmd_set=1)),
        (b'append a 0 0 1\r\n0\r\n', dict(cmd_set=1, total_items=1)),
        (b'cas a 0 0 1 0\r\n2\r\n', dict(cmd_set=1, cas_badval=1)),
        (b'cas nope 0 0 1 5\r\n2\r\n', dict(cmd_set=1, cas_misses=1)),
        (b'incr a 5\r\n', dict(incr_hits=1)),
        (b'incr nope 5\r\n', dict(incr_misses=1)),
        (b'decr a 5\r\n', dict(decr_hits=1)),
        (b'decr nope 5\r\n', dict(decr_misses=1)),
        (b'touch a 100\r\n', dict(cmd_touch=1, touch_hits=1)),
        (b'touch nope 100\r\n', dict(cmd_touch=1, touch_misses=1)),
        (b'gat 100 a\r\n', dict(cmd_touch=1, touch_hits=1)),
        (b'delete b\r\n', dict(delete_hits=1, curr_items=-1)),
        (b'delete b\r\n', dict(delete_misses=1)),
        (b'ms m 1\r\n1\r\n', dict(cmd_set=1, total_items=1, curr_items=1)),
        (b'ms m 1 ME\r\n1\r\n', dict(cmd_set=1)),
        (b'ms m 1 MA C5\r\n1\r\n', dict(cmd_set=1)),
        (b'ms m 1 MA\r\n0\r\n', dict(cmd_set=1, total_items=1)),
        (b'ms m 1 C0\r\n1\r\n', dict(cmd_set=1, cas_badval=1)),
        (b'ms nope 1 C5\r\n1\r\n', dict(cmd_set=1, cas_misses=1)),
        (b'mg m v\r\n', dict(cmd_get=1, get_hits=1)),
        (b'mg m q\r\n', dict(cmd_get=1, get_hits=1)),
        (b'mg p:nope v\r\n', dict(cmd_get=1, get_misses=1)),
        (b'mg m T100\r\n', dict(cmd_touch=1, touch_hits=1)),
        (b'mg nope T100\r\n', dict(cmd_get=1, get_misses=1)),
        (b'mg viv N100\r\n', dict(cmd_get=1, get_hits=1, total_items=1, curr_items=1)),
        (b'ma m\r\n', dict(incr_hits=1)),
        (b'ma m MD q\r\n', dict(decr_hits=1)),
        (b'ma nope\r\n', dict(incr_misses=1)),
        (b'ma n N0\r\n', dict(total_items=1, curr_items=1)),
        (b'me m\r\n', dict(cmd_meta=1)),
        (b'mn\r\n', dict()),
        (b'md m I\r\n', dict()),
        (b'mg m v\r\n', dict(cmd_get=1, get_hits=1)),
        (b'md m C5\r\n', dict(delete_misses=1)),
        (b'md m q\r\n', dict(delete_hits=1, curr_items=-1)),
        (b'md p:m\r\n', dict(delete_misses=1)),
        (b'md n\r\n', dict(delete_hits=1, curr_items=-1)),
        (b'md viv\r\n', dict(delete_hits=1, curr_items=-1)),
        (b'ms Zm9v 1 b\r\n1\r\n', dict(cmd_set=1, total_items=1, curr_items=1)),
        (b'md Zm9v b\r\n', dict(delete_hits=1, curr_items=-1)),
        (b'ms big 2000000\r\n' + bytes(2000000) + b'\r\n', dict(store_too_large=1)),
        (b'set p:a 0 0 1\r\n1\r\n', dict(cmd_set=1, total_items=1, curr_items=1)),
        (b'get p:a p:b\r\n', dict(cmd_get=2, get_hits=1, get_misses=1)),
        (b'delete p:a\r\n', dict(delete_hits=1, curr_items=-1)),
        (b'set gone 0 -1 1\r\n1\r\n', dict(cmd_set=1, total_items=1)),
        (b'flush_all\r\n', dict(cmd_flush=1, curr_items=-1)),
        (b'set big 0 0 2000000\r\n' + bytes(2000000) + b'\r\n', dict(store_too_large=1)),
    ]
    NAMES = '''cmd_get cmd_set cmd_flush cmd_touch cmd_meta get_hits get_misses get_flushed get_expired delete_misses
        delete_hits incr_misses incr_hits decr_misses decr_hits cas_misses cas_hits cas_badval touch_hits touch_misses
        store_too_large store_no_memory auth_cmds auth_errors total_items curr_items'''.split()
    CLASS_NAMES = 'get_hits cmd_set delete_hits incr_hits decr_hits cas_hits cas_badval touch_hits'.split()

    def test_each_request_moves_its_counters_and_no_others(self):
        for connection in self.both():
            for request, moved in self.SEQUENCE:
                with self.subTest(request=request[:40]):
                    before = connection.stats()
                    connection.ask(request)
                    after = connection.stats()
                    difference = {name: int(after[name]) - int(before[name]) for name in self.NAMES
                                  if after[name] != before[name]}
                    if connection_is_memcached(connection):
                        # It keeps what is flushed or expired until somebody comes upon it.
                        difference.pop('curr_items', None)
                        moved = {name: n for name, n in moved.items() if name != 'curr_items'}
                        # An append and a cas may hold two items for a moment.
                        difference.pop('total_items', None)
                        moved.pop('total_items', None)
                    self.assertEqual(moved, difference)

    # What tells how things stand, and counts nothing.
    GAUGES = '''pid uptime time version libevent pointer_size rusage_user rusage_system max_connections curr_connections
        connection_structures read_buf_count read_buf_bytes reserved_fds limit_maxbytes accepting_conns threads
        hash_power_level hash_bytes slab_reassign_last_busy_status bytes slab_global_page_pool rss_bytes mem_items_bytes
        mem_index_bytes mem_buffers_bytes mem_other_bytes segments_free segments_total'''.split()
    def test_every_counter_is_what_a_known_sequence_makes_it(self):
        requests = [request for request, _ in self.SEQUENCE]
        with self.server().connect() as connection:
            def stats():
                connection.send(b'stats\r\n')
                reply = connection.read_until(lambda reply: reply.endswith(END))
                lines = [line.split() for line in reply.decode().splitlines()[:-1]]
                return {name: text for _, name, text in lines}, len(reply)

            before, bytes_of_stats = stats()
            replies = b''.join(connection.ask(request) for request in requests)
            after, _ = stats()
        versions = len(requests) * len(b'VERSION \r\n' + before['version'].encode())
        expected = dict.fromkeys(before.keys() - self.GAUGES, 0)
        for request in requests:
            if request[:2] in [b'mg', b'ms', b'md', b'ma', b'mn']:
                expected['cmd_' + request[:2].decode()] += 1
        expected |= dict(get_vivified=1, stale_served=1, refresh_wins=2)
        for _, moved in self.SEQUENCE:
            for name, number in moved.items():
                expected[name] += number
        expected['bytes_read'] = sum(map(len, requests)) + len(requests) * len(b'version\r\n') + len(b'stats\r\n')
        expected['bytes_written'] = bytes_of_stats + len(replies) + versions
        # A value of 2 MB takes more than a turn, how many more is the system's to say.
        self.assertLessEqual(0, int(after['conn_yields']) - int(before['conn_yields']))
        del expected['conn_yields']
        self.assertEqual(expected, {name: int(after[name]) - int(before[name]) for name in expected})

    def test_classes_and_prefixes_count_what_memcached_counts(self):
        require(MEMCACHED, 'memcached')
        counted = []
        for connection in self.both('-D', ':'):
            connection.ask(b''.join(request for request, _ in self.SEQUENCE))
            classes = connection.stats('slabs')
            counted.append((connection.ask(b'stats detail dump\r\n'),
                            {name: sum(int(text) for key, text in classes.items() if key.endswith(':' + name))
                             for name in self.CLASS_NAMES}))
        self.assertEqual(counted[1], counted[0])
        self.assertEqual(b'PREFIX p get 2 hit 1 set 1 del 1\r\n' + END, counted[0][0])

    def test_classes_add_up_to_the_whole(self):
        server = self.server()
        with server.connect() as connection:
            for i in range(300):
                connection.ask(store(b'key%d' % i, bytes(i * 50)))
            connection.ask(b'get key1 key2 key299\r\ndelete key7\r\nset n 0 0 1\r\n1\r\nincr n 1\r\ndecr n 1\r\n'
                           b'touch n 10\r\ngat 10 n\r\ncas n 0 0 1 0\r\n1\r\nmg n\r\nmg n T10\r\n'
                           b'mg viv N10\r\nma n\r\nma n MD\r\nmd viv\r\nms n 1 C5\r\n1\r\n')
            general, items, slabs = connection.stats(), connection.stats('items'), connection.stats('slabs')

            def total(stats, name):
                return sum(int(text) for key, text in stats.items() if key.endswith(':' + name))

            self.assertEqual(300, total(items, 'number'))
            self.assertEqual(300, total(slabs, 'used_chunks'))
            self.assertEqual(int(general['bytes']), total(items, 'mem_requested'))
            for name in self.CLASS_NAMES:
                self.assertEqual(int(general[name]), total(slabs, name), name)
            self.assertEqual(300, sum(map(int, connection.stats('sizes').values())))
            self.assertEqual(b'RESET\r\n', connection.ask(b'stats reset\r\n'))
            self.assertEqual(0, total(connection.stats('slabs'), 'cmd_set'))
            self.assertEqual(300, total(connection.stats('items'), 'number'))

    def test_evictions_are_counted_by_class_too(self):
        server = self.server('-m', '4')
        with server.connect() as connection:
            for i in range(2000):
                connection.ask(store(b'key%d' % i, bytes(5000)))
            self.assertGreater(int(connection.stats()['evictions']), 0)

            def evicted():
                items = connection.stats('items')
                return sum(int(n) for name, n in items.items() if name.endswith(':evicted'))

            # Their replies take memory, too, for which some may have to go.
            wait_until(lambda: evicted() == int(connection.stats()['evictions']), 'both count the same')

    def test_prefix_statistics(self):
        for connection in self.both():
            requests = (store(b'a:1', b'1') + b'get a:1 a:2 plain\r\ndelete a:1\r\ndelete a:1\r\n' + store(b'b:1', b'1')
                        + b'gat 10 b:1\r\n')
            connection.ask(requests)
            self.assertEqual(END, connection.ask(b'stats detail dump\r\n'))
            self.assertEqual(OK, connection.ask(b'stats detail on\r\n'))
            connection.ask(requests)
            expected = {b'PREFIX a get 2 hit 1 set 1 del 2', b'PREFIX b get 1 hit 1 set 1 del 0'}
            self.assertEqual(expected, set(connection.ask(b'stats detail dump\r\n').split(b'\r\n')) - {b'END', b''})
            self.assertEqual(OK, connection.ask(b'stats detail off\r\n'))

    def test_D_turns_prefix_statistics_on(self):
        with self.server('-D', '/').connect() as connection:
            connection.ask(b'get a/b c:d\r\n')
            self.assertEqual(b'PREFIX a get 1 hit 0 set 0 del 0\r\n' + END, connection.ask(b'stats detail dump\r\n'))
            self.assertEqual(('yes', '/'), tuple(connection.stats('settings')[name]
                                                 for name in ['detail_enabled', 'stat_key_prefix']))

    def test_conns_lists_listeners_and_clients(self):
        port = free_port()
        server = self.server('-p', port)
        with server.connect() as connection, server.connect() as idle:
            idle.ask(b'get a\r\n')
            stats = connection.stats('conns')
            here = 'tcp:%s:%d' % connection.socket.getsockname()
            fd = next(name.split(':')[0] for name, text in stats.items() if text == here)
            self.assertEqual(f'tcp:127.0.0.1:{port}', stats[f'{fd}:listen_addr'])
            self.assertEqual('conn_parse_cmd', stats[f'{fd}:state'])
            self.assertIn('conn_listening', stats.values())
            wait_until(lambda: 'conn_read' in connection.stats('conns').values(), 'the idle client is at rest')
            self.assertRegex(stats[f'{fd}:secs_since_last_cmd'], r'\A\d+\Z')


    def test_conns_tells_who_sends_a_value(self):
        for program in filter(None, [NETD, MEMCACHED]):
            with self.subTest(program=os.path.basename(program)):
                server = self.server(program=program)
                with server.connect() as connection, server.connect() as client:
                    client.send(b'set a 0 0 10\r\n12345')
                    wait_until(lambda: 'conn_nread' in connection.stats('conns').values(), 'half a value is there')
                    self.assertEqual(STORED, self.rest_of(client, b'67890\r\n'))
                    wait_until(lambda: 'conn_nread' not in connection.stats('conns').values(), 'all of it is')

    def rest_of(self, client, data):
        client.send(data)
        return client.read_until(lambda reply: reply.endswith(b'\n'))


def connection_is_memcached(connection):
    return 'netd' not in connection.stats()['version']


class Exporter(AdministrationTestCase):
    """What Prometheus' memcached_exporter reads, present and of the type that it parses."""

    GENERAL = '''uptime time cas_badval cmd_flush cmd_set bytes limit_maxbytes curr_items total_items bytes_read
        bytes_written curr_connections total_connections rejected_connections conn_yields listen_disabled_num evictions
        reclaimed store_too_large store_no_memory lru_crawler_starts direct_reclaims crawler_items_checked
        crawler_reclaimed moves_to_cold moves_to_warm moves_within_lru accepting_conns'''.split()
    GENERAL += [f'{command}_{outcome}' for command in 'get delete incr decr cas touch'.split()
                for outcome in ['hits', 'misses']]
    SLAB = '''chunk_size chunks_per_page total_pages total_chunks used_chunks free_chunks free_chunks_end
        get_hits cmd_set delete_hits incr_hits decr_hits cas_hits cas_badval touch_hits'''.split()
    ITEM = '''number number_hot number_warm number_cold age age_hot age_warm mem_requested evicted evicted_nonzero
        evicted_time outofmemory tailrepairs reclaimed expired_unfetched evicted_unfetched evicted_active
        crawler_reclaimed crawler_items_checked lrutail_reflocked moves_to_cold moves_to_warm moves_within_lru
        direct_reclaims hits_to_hot hits_to_warm hits_to_cold hits_to_temp'''.split()

    def test_all_that_the_exporter_reads_is_there(self):
        with self.server().connect() as connection:
            connection.ask(store(b'a', b'1') + b'get a\r\n')
            general, slabs = connection.stats(), connection.stats('slabs')
            items, settings = connection.stats('items'), connection.stats('settings')
        for name in self.GENERAL:
            float(general[name])
        for name in ['rusage_user', 'rusage_system']:
            self.assertEqual(1, general[name].count('.'))
            float(general[name])
        self.assertTrue(general['version'])
        float(slabs['total_malloced'])
        float(slabs['active_slabs'])
        for name in self.SLAB:
            float(slabs[f'1:{name}'])
        for name in self.ITEM:
            float(items[f'items:1:{name}'])
        float(settings['maxconns'])
        self.assertEqual('yes', settings['lru_crawler'])
        for name in ['lru_crawler_sleep', 'lru_crawler_tocrawl', 'hot_lru_pct', 'warm_lru_pct', 'hot_max_factor',
                     'warm_max_factor']:
            float(settings[name])

    def test_a_class_has_memcacheds_names_and_no_other(self):
        # The exporter fails altogether when slabs and items both have a mem_requested.
        def names(connection, what):
            return {name.split(':')[-1] for name in connection.stats(what) if ':' in name}

        for connection in self.both():
            self.assertEqual(STORED, connection.ask(store(b'a', b'1')))
            self.assertEqual(set(self.SLAB), names(connection, 'slabs'))
            self.assertLessEqual(set(self.ITEM) - {'hits_to_temp'}, names(connection, 'items'))

    def test_uptime_which_tools_divide_by_is_never_below_2(self):
        for program in filter(None, [NETD, MEMCACHED]):
            with self.subTest(program=os.path.basename(program)):
                self.assertGreaterEqual(int(self.server(program=program).stats()['uptime']), 2)


class Settings(AdministrationTestCase):
    def check_on_both(self, name, text, *flags):
        for program in filter(None, [NETD, MEMCACHED]):
            with self.subTest(program=os.path.basename(program), flags=flags):
                self.assertEqual(text, self.server(*flags, program=program).stats('settings')[name])

    def test_the_protocol_is_auto_negotiate_unless_it_is_ascii(self):
        self.check_on_both('binding_protocol', 'auto-negotiate')
        self.check_on_both('binding_protocol', 'auto-negotiate', '-B', 'auto')
        self.check_on_both('binding_protocol', 'ascii', '-B', 'ascii')

    def test_lru_crawler_is_what_it_was_told_last(self):
        for program in filter(None, [NETD, MEMCACHED]):
            with self.subTest(program=os.path.basename(program)), self.server(program=program).connect() as connection:
                self.assertEqual('yes', connection.stats('settings')['lru_crawler'])
                for word, setting in [(b'disable', 'no'), (b'enable', 'yes')]:
                    self.assertEqual(OK, connection.ask(b'lru_crawler %s\r\n' % word))
                    # memcached's takes a moment to start and to stop.
                    wait_until(lambda: connection.stats('settings')['lru_crawler'] == setting, 'the setting follows')


class Upkeep(AdministrationTestCase):
    """What nobody asks for any more goes by itself."""

    def fill(self, connection, count, size, exptime, one_in=1):
        for i in range(count):
            of_this = 0 if i % one_in else exptime
            connection.send(b'set key%d 0 %d %d noreply\r\n' % (i, of_this, size) + bytes(size) + b'\r\n')
        self.assertEqual(STORED, connection.ask(store(b'stays', b'1')))

    def test_what_has_expired_leaves_the_counts(self):
        with self.server('--enable-debugtime').connect() as connection:
            self.fill(connection, 1000, 100, 10)
            self.assertEqual('1001', connection.stats()['curr_items'])
            self.assertEqual(OK, connection.ask(b'debugtime 100\r\n'))
            wait_until(lambda: connection.stats()['curr_items'] == '1', 'the expired items have left')
            stats = connection.stats()
            self.assertLess(int(stats['bytes']), 100)
            self.assertEqual(('1000', '0'), (stats['reclaimed'], stats['evictions']))

    def test_lru_crawler_crawl_reclaims_what_has_expired(self):
        with self.server('--enable-debugtime').connect() as connection:
            self.fill(connection, 10000, 10, 10, one_in=100)
            self.assertEqual(OK, connection.ask(b'debugtime 11\r\n'))
            starts = int(connection.stats()['lru_crawler_starts'])
            self.assertEqual(OK, connection.ask(b'lru_crawler crawl all\r\n'))
            wait_until(lambda: connection.stats()['lru_crawler_running'] == '0', 'the crawl is over')
            stats = connection.stats()
            self.assertEqual(('9901', '100', '100'),
                             (stats['curr_items'], stats['reclaimed'], stats['crawler_reclaimed']))
            self.assertEqual(starts + 1, int(stats['lru_crawler_starts']))
            self.assertGreaterEqual(int(stats['crawler_items_checked']), 9901)

    def test_a_crawler_that_is_disabled_refuses_to_crawl(self):
        for program in filter(None, [NETD, MEMCACHED]):
            with self.subTest(program=os.path.basename(program)), self.server(program=program).connect() as connection:
                self.assertEqual(OK, connection.ask(b'lru_crawler disable\r\n'))
                wait_until(lambda: connection.stats('settings')['lru_crawler'] == 'no', 'the setting follows')
                self.assertEqual(b'CLIENT_ERROR lru crawler disabled\r\n',
                                 connection.ask(b'lru_crawler crawl all\r\n'))

    @unittest.skipIf(SANITIZED, 'most resident memory is the sanitizer\'s')
    def test_memory_goes_back_after_a_flush(self):
        with self.server('-m', '256').connect() as connection:
            self.fill(connection, 20000, 10000, 0)
            full = int(connection.stats()['rss_bytes'])
            self.assertGreater(full, 200_000_000)
            self.assertEqual(OK, connection.ask(b'flush_all\r\n'))
            wait_until(lambda: int(connection.stats()['rss_bytes']) < full - 190_000_000, 'the memory has gone back')


class MemcachedTool(AdministrationTestCase):
    def setUp(self):
        if not os.path.exists(MEMCACHED_TOOL):
            self.skipTest('memcached-tool is not here')
        self.port = free_port()
        self.netd = self.server('-p', self.port, '-l', '127.0.0.1')
        self.netd.ask(store(b'short', b'1') + b'set long:key 7 1000 3000\r\n' + bytes(3000) + b'\r\n' + b'get short\r\n')

    def tool(self, mode):
        result = subprocess.run([MEMCACHED_TOOL, f'127.0.0.1:{self.port}', mode], capture_output=True, text=True,
                                timeout=DEADLINE_S)
        self.assertEqual(0, result.returncode, result.stderr)
        return result.stdout

    def test_display_shows_a_line_for_each_class(self):
        lines = self.tool('display').splitlines()
        self.assertIn('Item_Size', lines[0])
        self.assertEqual([['1', '64B', '1'], ['7', '4.0K', '1']],
                         [[line.split()[i] for i in [0, 1, 4]] for line in lines[1:]])

    def test_dump_gives_commands_that_store_the_items_again(self):
        commands = self.tool('dump').encode()
        self.assertIn(b'add short 0 0 1\n', commands.replace(b'\r\n', b'\n'))
        self.assertRegex(commands, rb'add long:key 7 \d{10} 3000\r?\n')

    def test_stats_settings_and_sizes(self):
        self.assertRegex(self.tool('stats'), r'curr_items +2\n')
        self.assertRegex(self.tool('settings'), r'maxbytes +67108864\n')
        self.assertRegex(self.tool('sizes'), r'32 +1\n')

    def test_keys(self):
        self.assertIn('key=long%3Akey exp=', self.tool('keys'))


class Dumps(AdministrationTestCase):
    def test_10_1_metadump_has_a_line_for_each_item(self):
        for connection in self.both():
            before_s = int(time.time())
            connection.ask(b'set a:\xc3\xa9 5 1000 2\r\nhi\r\n' + store(b'b', b'1') + b'get b\r\n')
            lines = dump(connection, b'lru_crawler metadump all', END).splitlines()
            keys = {}
            for line in lines:
                match = re.match(rb'key=(\S+) exp=(-?\d+) la=\d+ cas=(\d+) fetch=(yes|no) cls=\d+ size=\d+', line)
                keys[match[1]] = (int(match[2]), match[4])
            self.assertEqual({b'a%3A%C3%A9', b'b'}, set(keys))
            self.assertEqual((-1, b'yes'), keys[b'b'])
            # memcached's clock ticks once a second.
            self.assertIn(keys[b'a%3A%C3%A9'][0] - 1000, range(before_s - 2, int(time.time()) + 3))
            self.assertEqual(b'no', keys[b'a%3A%C3%A9'][1])

    def test_10_1_mgdump_gives_requests(self):
        with self.server().connect() as connection:
            connection.ask(store(b'a', b'1') + store(b'b', b'1'))
            self.assertEqual({b'mg a', b'mg b'},
                             set(dump(connection, b'lru_crawler mgdump all', b'EN\r\n').splitlines()))

    def test_a_prefix_narrows_a_dump(self):
        with self.server().connect() as connection:
            connection.ask(store(b'a:1', b'1') + store(b'b:1', b'1'))
            self.assertEqual([b'mg a:1'], dump(connection, b'lru_crawler mgdump prefix:a:', b'EN\r\n').splitlines())

    def test_class_lists_are_checked(self):
        for connection in self.both():
            for classes in [b'0', b'64', b'1,x', b'x']:
                self.assertEqual(b'BADCLASS invalid class id\r\n',
                                 connection.ask(b'lru_crawler metadump ' + classes + b'\r\n'))

    @contextlib.contextmanager
    def unread_dump(self, *flags):
        """A netd, the clock of which stands still, and a client that does not read its dump."""
        with Faults() as faults:
            faults.stop_clock()
            server = self.server('-m', '64', *flags, environment=faults.environment())
            with server.connect() as first:
                for i in range(0, 40000, 1000):
                    first.ask(b''.join(store(b'key%d' % j, b'1') for j in range(i, i + 1000)))
                # Far more than what the sockets take.
                first.send(b'lru_crawler metadump all\r\n')
                wait_until(lambda: server.stats()['lru_crawler_running'] == '1', 'the dump begins')
                wait_until(lambda: 'conn_mwrite' in server.stats('conns').values(), 'its socket is full')
                yield faults, server, first

    @unittest.skipUnless(SHIM, 'the shim is given in $FAULT_SHIM')
    def test_a_dump_that_is_not_read_keeps_nobody_from_another(self):
        with self.unread_dump() as (faults, server, first), server.connect() as second:
            # Where its worker looks at it for the first time only now, it has another second from then on.
            lines = dump(second, b'lru_crawler metadump all', END, before_each=lambda: faults.pass_time(2))
            self.assertEqual(40000, len(lines.splitlines()))
            lines = first.read_to_end().splitlines(keepends=True)
            self.assertEqual((OK, b'SERVER_ERROR the dump was not read for a second, and another client asked for one\r\n'),
                             (lines[0], lines[-1]))
            self.assertLess(len(lines), 40000)
            for line in lines[1:-1]:
                self.assertRegex(line, rb'\Akey=key\d+ .* \n\Z')

    @unittest.skipUnless(SHIM, 'the shim is given in $FAULT_SHIM')
    def test_a_dump_that_is_read_slowly_does_not_give_way(self):
        with self.unread_dump('-t', '1', '-o', 'idle_timeout=1') as (faults, server, first):
            for _ in range(6):
                # Too little for more to be sent: only who looks at the socket sees it.
                first.received += first.socket.recv(64 << 10, socket.MSG_WAITALL)
                # Whoever has been idle is sent away when all connections are looked at.
                with server.connect() as idle:
                    self.assertEqual(END, idle.ask(b'get absent\r\n'))
                    faults.pass_time(1.1)
                    self.assertEqual(b'', idle.read_to_end())
                self.assertEqual(b'BUSY currently processing crawler request\r\n',
                                 server.ask(b'lru_crawler metadump all\r\n'))
            lines = first.read_until(lambda reply: reply.endswith(END)).removeprefix(OK).removesuffix(END)
            self.assertEqual(40000, len(lines.splitlines()))

    @unittest.skipUnless(SHIM, 'the shim is given in $FAULT_SHIM')
    def test_one_dump_at_a_time(self):
        with self.unread_dump() as (_, server, first), server.connect() as second:
            self.assertEqual(b'BUSY currently processing crawler request\r\n',
                             second.ask(b'lru_crawler metadump all\r\n'))
            lines = first.read_until(lambda reply: reply.endswith(END)).removeprefix(OK).removesuffix(END)
            self.assertEqual(40000, len(lines.splitlines()))
            wait_until(lambda: second.stats()['lru_crawler_running'] == '0', 'the dump is over')
            self.assertIn(b'key=', dump(second, b'lru_crawler metadump all', END))

    def test_a_dump_whose_client_goes_away_is_over(self):
        server = self.server()
        with server.connect() as connection:
            for i in range(0, 40000, 1000):
                connection.ask(b''.join(store(b'key%d' % j, b'1') for j in range(i, i + 1000)))
            with server.connect() as gone:
                gone.send(b'lru_crawler metadump all\r\n')
                wait_until(lambda: connection.stats()['lru_crawler_running'] == '1', 'the dump begins')
            wait_until(lambda: connection.stats()['lru_crawler_running'] == '0', 'the dump is over')

    def test_a_dump_of_a_full_cache_leaves_turns_to_others(self):
        server = self.server('-t', '1')
        count = 20000 if SANITIZED else 200000
        with server.connect() as filler:
            for i in range(0, count, 1000):
                filler.ask(b''.join(store(b'key%d' % j, b'1') for j in range(i, i + 1000)))
        with server.connect() as dumper, server.connect() as other:
            dumper.ask(b'')
            flood = Flood(dumper, b'lru_crawler metadump all\r\n', once=True)
            written = stats_at_turns(server, other, flood, ['bytes_written'], 8)
            # A turn fills the output of 64 KiB 17 times at most.
            self.assertLessEqual(max(after - before for before, after in zip(written, written[1:])), 18 * (64 << 10))
            wait_until(lambda: flood.go_on() or other.stats()['lru_crawler_running'] == '0', 'the dump is over')
        self.assertGreater(flood.moved_bytes, 40 * count)

    def test_cachedump(self):
        with self.server().connect() as connection:
            connection.ask(store(b'a', b'12') + store(b'long', bytes(5000)))
            self.assertEqual(b'ITEM a [2 b; 0 s]\r\n' + END, connection.ask(b'stats cachedump 1 10\r\n'))
            self.assertEqual(b'ITEM long [5000 b; 0 s]\r\n' + END, connection.ask(b'stats cachedump 8 0\r\n'))
            self.assertEqual(END, connection.ask(b'stats cachedump 2 0\r\n'))

    def test_X_forbids_dumps(self):
        for connection in self.both('-X'):
            self.assertEqual(b'ERROR metadump not allowed\r\nCLIENT_ERROR stats cachedump not allowed\r\n',
                             connection.ask(b'lru_crawler metadump all\r\nstats cachedump 1 1\r\n'))
            if not connection_is_memcached(connection):  # 1.6.18 lets detail pass
                self.assertEqual(b'CLIENT_ERROR stats detail not allowed\r\nERROR key dump not allowed\r\n',
                                 connection.ask(b'stats detail on\r\nlru_crawler mgdump all\r\n'))
                self.assertEqual(b'CLIENT_ERROR stats why not allowed\r\n', connection.ask(b'stats why a\r\n'))


class Why(AdministrationTestCase):
    def why(self, connection, key):
        lines = connection.ask(b'stats why ' + key + b'\r\n').decode().split('\r\n')
        self.assertEqual(['END', ''], lines[-2:])
        return dict(line.removeprefix('STAT why:').split(' ', 1) for line in lines[:-2])

    def test_a_key_is_followed_from_its_store_to_its_end(self):
        with self.server('-m', '8', '--enable-debugtime').connect() as connection:
            self.assertEqual('unknown', self.why(connection, b'a')['state'])
            connection.ask(store(b'a', b'12') + store(b'b', b'12') + store(b'c', b'12'))
            self.assertEqual('present', self.why(connection, b'a')['state'])
            connection.ask(b'debugtime 30\r\n')
            connection.ask(b'delete a\r\ntouch b 10\r\ndebugtime 20\r\n')
            erased = self.why(connection, b'a')
            self.assertEqual('erased', erased['state'])
            self.assertIn(int(erased['gone_s']), [20, 21])
            self.assertIn(int(erased['lived_s']), [30, 32])
            self.assertEqual('no', erased['was_read'])
            self.assertRegex(erased['summary'], r'^Erased 2[01] s ago from the small chain, 3[02] s after it was stored')
            self.assertEqual('expired', self.why(connection, b'b')['state'])
            connection.ask(b'flush_all\r\n')
            self.assertEqual('flushed', self.why(connection, b'c')['state'])

    def test_an_evicted_key_is_told_as_such(self):
        with self.server('-m', '8').connect() as connection:
            connection.ask(store(b'a', b'12'))
            for first in range(0, 20000, 100):
                connection.ask(b''.join(store(b'filler%d' % i, bytes(1000)) for i in range(first, first + 100)))
                if self.why(connection, b'a')['state'] != 'present':
                    break
            evicted = self.why(connection, b'a')
            self.assertEqual('evicted', evicted['state'])
            self.assertEqual('yes', evicted['ghost'])


class Words(AdministrationTestCase):
    SAME = [b'lru', b'lru_crawler', b'lru_crawler foo', b'slabs automove 1', b'slabs automove', b'slabs automove 7',
            b'slabs reassign x y', b'lru tune 10 20 0.1 2.0', b'lru tune 50 50 0.1 2.0', b'lru tune 10 20 0 2.0',
            b'lru mode flat', b'lru mode x', b'lru temp_ttl 5', b'lru temp_ttl x', b'lru_crawler sleep 5',
            b'lru_crawler sleep x', b'lru_crawler tocrawl 5', b'lru_crawler crawl 99', b'cache_memlimit',
            b'cache_memlimit x', b'cache_memlimit 5', b'cache_memlimit 2000000000', b'cache_memlimit 100',
            b'cache_memlimit 64 noreply', b'watch nonsense', b'stats cachedump', b'stats cachedump 1',
            b'stats cachedump x 1', b'stats cachedump 64 1', b'stats detail', b'stats detail x', b'stats item',
            b'stats extstore', b'debugtime 5']

    def test_memcached_answers_the_same(self):
        require(MEMCACHED, 'memcached')
        with self.server().connect() as netd, self.server(program=MEMCACHED).connect() as memcached:
            for request in self.SAME:
                with self.subTest(request=request):
                    self.assertEqual(memcached.ask(request + b'\r\n'), netd.ask(request + b'\r\n'))

    def test_a_lower_memory_limit_holds_at_once(self):
        with self.server('-m', '64').connect() as connection:
            for i in range(50):
                connection.ask(store(b'key%d' % i, bytes(900000)))
            self.assertEqual(OK, connection.ask(b'cache_memlimit 16\r\n'))
            stats = connection.stats()
            self.assertEqual(str(16 << 20), stats['limit_maxbytes'])
            self.assertLess(int(stats['bytes']), 16 << 20)
            self.assertEqual(str(16 << 20), connection.stats('settings')['maxbytes'])
            self.assertEqual(OK, connection.ask(b'cache_memlimit 128\r\n'))
            self.assertEqual(str(128 << 20), connection.stats()['limit_maxbytes'])

    def test_a_limit_too_low_for_the_longest_item_is_refused_and_nothing_goes(self):
        with self.server('-m', '512', '-I', '16m').connect() as connection:
            connection.ask(store(b'a', b'1'))
            self.assertEqual(b'MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n',
                             connection.ask(b'cache_memlimit 8\r\n'))
            self.assertEqual(str(512 << 20), connection.stats()['limit_maxbytes'])

    def test_a_limit_raised_and_lowered_leaves_a_server_that_stores(self):
        with self.server('-m', '8').connect() as connection:
            self.assertEqual(b'MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n',
                             connection.ask(b'cache_memlimit 16000\r\n'))
            self.assertEqual(str(8 << 20), connection.stats()['limit_maxbytes'])
            before = self.items_kept(connection, b'a')
            self.assertEqual(OK, connection.ask(b'cache_memlimit 1000\r\n'))
            self.assertEqual(OK, connection.ask(b'cache_memlimit 8\r\n'))
            self.assertGreaterEqual(self.items_kept(connection, b'b') * 100, before * 98)

    def items_kept(self, connection, prefix):
        """Of more than -m 8 has room for; all are stored."""
        for i in range(10000):
            self.assertEqual(b'STORED\r\n', connection.ask(store(b'%s%d' % (prefix, i), bytes(1000))))
        return int(connection.stats()['curr_items'])

    def test_a_limit_that_cannot_be_reached_is_refused_and_everything_stays(self):
        # The unfinished values take memory that nobody can evict.
        with self.server('-m', '64') as server, server.connect() as connection:
            for i in range(40):
                connection.ask(store(b'key%d' % i, bytes(900000)))
            unfinished = [self.enterContext(server.connect()) for _ in range(12)]
            for i, other in enumerate(unfinished):
                other.send(b'set u%d 0 0 1000000\r\n' % i + bytes(900000))
            wait_until(lambda: int(connection.stats()['read_buf_bytes']) > 10 << 20, 'the values are read')
            before = connection.stats()
            self.assertEqual(b'MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n',
                             connection.ask(b'cache_memlimit 8\r\n'))
            after = connection.stats()
            for name in ('limit_maxbytes', 'curr_items', 'bytes', 'evictions'):
                self.assertEqual(before[name], after[name], name)

    def test_debugtime_moves_the_clock_if_it_may(self):
        with self.server('--enable-debugtime').connect() as connection:
            connection.ask(b'set a 0 100 1\r\n1\r\n')
            self.assertEqual(OK + value(b'a', b'1') + END, connection.ask(b'debugtime 98\r\nget a\r\n'))
            self.assertEqual(OK + END, connection.ask(b'debugtime 2\r\nget a\r\n'))
            self.assertGreaterEqual(int(connection.stats()['uptime']), 100)


class Watch(AdministrationTestCase):
    def watch(self, server, words):
        watcher = self.enterContext(server.connect())
        watcher.send(b'watch ' + words + b'\r\n')
        reply = watcher.read_until(lambda reply: reply.endswith(b'\n'))
        self.assertEqual(OK, reply[:len(OK)])
        watcher.received += reply[len(OK):]  # events that came at once
        return watcher

    def lines(self, watcher, count):
        """So many lines, without time, number and descriptor."""
        text, end, rest = watcher.read_until(lambda reply: reply.count(b'\n') >= count).decode().rpartition('\n')
        watcher.received += rest.encode()  # of a line that has not come whole yet
        for line in text.splitlines():
            self.assertRegex(line, r'\Ats=\d+\.\d+ gid=\d+ type=')
        return [re.sub(r' cfd=\d+', '', line).split(' ', 2)[2] for line in text.splitlines()]

    # Each with the statuses of the lookups and stores that it leads to.
    CONVERSATION = [
        (b'set a:1 0 0 3\r\n123\r\n', ['not_found', 'stored cmd=set']),
        (b'get a:1 nope a:1\r\n', ['found', 'not_found', 'found']),
        (b'gat 0 a:1 nope\r\n', ['found', 'not_found']),
        (b'touch a:1 0\r\n', ['found']),
        (b'incr a:1 1\r\n', ['found']),
        (b'decr nope 1\r\n', ['not_found']),
        (b'add a:1 0 30 1\r\n1\r\n', ['found', 'not_stored cmd=add']),
        (b'cas a:1 0 0 1 1\r\n1\r\n', ['found', 'exists cmd=cas']),
        (b'append a:1 0 0 2\r\n45\r\n', ['found', 'stored cmd=append']),
        (b'delete a:1\r\n', ['found']),
        (b'ms m 2\r\nhi\r\n', ['not_found', 'stored cmd=set']),
        (b'ms t 2 T50\r\nhi\r\n', ['not_found', 'stored cmd=set']),
        (b'ms m 2 MP\r\nhi\r\n', ['found', 'stored cmd=prepend']),
        (b'ms m 2 MR C1\r\nhi\r\n', ['found', 'exists cmd=cas']),
        (b'ms no 2 MA\r\nhi\r\n', ['not_found', 'not_stored cmd=append']),
        (b'mg m v\r\n', ['found']),
        (b'mg m T90 q\r\n', ['found']),
        (b'mg viv N30\r\n', ['not_found']),
        (b'mg viv\r\n', ['found']),
        (b'ma m\r\n', ['found']),
        (b'ma n N0 J17\r\n', ['not_found', 'stored cmd=add']),
        (b'ma n\r\n', ['found']),
        (b'me n\r\n', ['found']),
        (b'md n C5 q\r\n', ['found']),
        (b'md n I\r\n', ['found']),
        (b'md n\r\n', ['found']),
        (b'ms Zm9v 2 b\r\nhi\r\n', ['not_found', 'stored cmd=set']),
        (b'mg Zm9v b v\r\n', ['found']),
        (b'flush_all\r\n', []),
        (b'get viv viv\r\n', ['flushed', 'not_found']),
        (b'mg m\r\n', ['flushed']),
        (b'set big 0 0 2000000\r\n' + bytes(2000000) + b'\r\n', ['not_found', 'too_large cmd=set']),
    ]

    def test_fetchers_and_mutations_are_told_what_memcached_tells(self):
        expected = [status for _, statuses in self.CONVERSATION for status in statuses]
        told = []
        for program in filter(None, [NETD, MEMCACHED]):
            server = self.server(*MEMCACHED_ALONE, program=program)
            watcher = self.watch(server, b'fetchers mutations')
            server.ask(b''.join(request for request, _ in self.CONVERSATION))
            lines = self.lines(watcher, len(expected) + (program == MEMCACHED))
            if program == MEMCACHED:
                # It looks twice before `ma` creates an item, and for an item that goes after what was to replace it.
                lines.remove('type=item_get key=n status=not_found clsid=0 size=0')
                lines[-2:] = reversed(lines[-2:])
            told.append([re.sub(r' clsid=\d+', '', line) for line in lines])
            self.assertEqual(expected, [re.search(r'status=(\w+(?: cmd=\w+)?)', line)[1] for line in lines])
        self.assertEqual(told[0], told[-1])

    def test_deletions_and_all_that_happens_to_a_store(self):
        server = self.server()
        watcher = self.watch(server, b'deletions mutations')
        server.ask(b'set q 0 30 3\r\nabc\r\nadd q 0 0 1\r\n1\r\ncas q 0 0 1 7\r\n1\r\ndelete q\r\ndelete q\r\n')
        server.ask(b'ms q 2\r\nhi\r\nmd q\r\nmd q\r\n')
        self.assertEqual(['type=item_store key=q status=stored cmd=set ttl=30 clsid=1 size=3',
                          'type=item_store key=q status=not_stored cmd=add ttl=0 clsid=1 size=1',
                          'type=item_store key=q status=exists cmd=cas ttl=0 clsid=1 size=1',
                          'type=deleted key=q cmd=delete clsid=1 size=3',
                          'type=item_store key=q status=stored cmd=set ttl=0 clsid=1 size=2',
                          'type=deleted key=q cmd=md clsid=1 size=2'], self.lines(watcher, 6))

    def test_evictions(self):
        server = self.server('-m', '4')
        watcher = self.watch(server, b'evictions')
        with server.connect() as connection:
            for i in range(2000):
                connection.ask(b'set key%d 0 1000 5000\r\n' % i + bytes(5000) + b'\r\n')
            lines = self.lines(watcher, 10)
        self.assertRegex(lines[0], r'\Atype=eviction key=key\d+ fetch=no ttl=\d+ la=\d+ clsid=8 size=5000\Z')

    def test_connections(self):
        server = self.server('-l', '127.0.0.1', '-p', free_port())
        watcher = self.watch(server, b'connevents')
        with server.connect() as connection:
            port = connection.socket.getsockname()[1]
            # The connection that saw the server come up may still be closing.
            wait_until(lambda: f'type=conn_new rip=127.0.0.1 rport={port} transport=tcp' in self.lines(watcher, 1),
                       'the connection is told')
        wait_until(lambda: f'type=conn_close rip=127.0.0.1 rport={port} transport=tcp reason=normal'
                   in self.lines(watcher, 1), 'its end is told')

    def test_a_slow_watcher_loses_lines_is_told_and_slows_nobody(self):
        server = self.server('-o', 'watcher_logbuf_size=1')
        watcher = self.watch(server, b'fetchers')
        with server.connect() as connection:
            # Not read: the sockets fill, then the queue.
            wait_until(lambda: connection.ask(b'get a\r\n' * 500)
                       and int(connection.stats()['log_watcher_skipped']) > 0, 'lines are skipped')

            def is_told():
                connection.ask(b'get a\r\n')
                return b'skipped=' in watcher.read_until(lambda reply: reply.endswith(b'\n'))

            wait_until(is_told, 'the watcher is told')
            stats = connection.stats()
            self.assertGreater(int(stats['log_watcher_sent']), 0)
            self.assertEqual(int(stats['log_worker_written']),
                             int(stats['log_watcher_sent']) + int(stats['log_watcher_skipped']))

    def test_at_most_20_watch_and_those_who_leave_make_room(self):
        server = self.server()
        watchers = [self.watch(server, b'fetchers') for _ in range(20)]
        with server.connect() as one_too_many:
            self.assertEqual(b'WATCHER_TOO_MANY log watcher limit reached\r\n', one_too_many.ask(b'watch\r\n'))
            self.assertEqual('20', one_too_many.stats()['log_watchers'])
            watchers.pop().close()
            wait_until(lambda: one_too_many.stats()['log_watchers'] == '19', 'the watcher is gone')
        self.watch(server, b'fetchers')

    def test_W_forbids_watching(self):
        for connection in self.both('-W'):
            self.assertEqual(b'CLIENT_ERROR watch commands not allowed\r\n', connection.ask(b'watch\r\n'))

    @unittest.skipUnless(SHIM, 'the shim is given in $FAULT_SHIM')
    def test_a_server_with_watchers_stops_at_once(self):
        self.faults = self.enterContext(Faults())
        server = self.server(environment=self.faults.environment())
        watcher = self.watch(server, b'fetchers')
        self.faults.stop_clock()  # There is no end of the time that clients are given.
        server.stop()
        self.assertEqual(b'', watcher.read_to_end())


class Authentication(AdministrationTestCase):
    def setUp(self):
        self.file = self.path('users')
        self.write('alice:secret\nbob:two words\n')

    def write(self, text):
        with open(self.file, 'w', encoding='ascii') as file:
            file.write(text)

    def ask(self, connection, request, end=b'\r\n', count=1):
        connection.send(request)
        return connection.read_until(lambda reply: reply.count(end) >= count)

    def servers(self):
        for program in filter(None, [NETD, MEMCACHED]):
            with self.subTest(program=os.path.basename(program)):
                yield self.server('-Y', self.file, program=program)

    def test_nothing_is_answered_before_authentication(self):
        for server in self.servers():
            with server.connect() as connection:
                for request in [b'get a\r\n', b'version\r\n', b'set a 0 0 x\r\n', b'stats\r\n']:
                    self.assertEqual(b'CLIENT_ERROR unauthenticated\r\n', self.ask(connection, request))

    def test_user_and_password_open_the_connection(self):
        for server in self.servers():
            with server.connect() as connection:
                for text in [b'alice wrong', b'alice secre', b'alice secrets', b'nobody secret']:
                    self.assertEqual(b'CLIENT_ERROR authentication failure\r\n',
                                     self.ask(connection, store(b'auth', text)), text)
                self.assertEqual(b'CLIENT_ERROR bad authentication token format\r\n',
                                 self.ask(connection, store(b'auth', b'alice')))
                self.assertEqual(STORED, self.ask(connection, store(b'auth', b'alice secret')))
                self.assertEqual(END, connection.ask(b'get auth\r\n'))
                stats = connection.stats()
                self.assertEqual(('5', '4'), (stats['auth_cmds'], stats['auth_errors']))
                self.assertEqual(self.file, connection.stats('settings')['auth_enabled_ascii'])

    def test_a_password_may_have_spaces(self):
        with self.server('-Y', self.file).connect() as connection:
            self.assertEqual(STORED, self.ask(connection, store(b'auth', b'bob two words')))

    def test_a_token_may_have_16384_bytes(self):
        with self.server('-Y', self.file).connect() as connection:
            self.assertEqual(b'CLIENT_ERROR authentication failure\r\n',
                             self.ask(connection, store(b'auth', b'alice ' + b'x' * 16378)))
            self.assertEqual(b'CLIENT_ERROR bad command line termination\r\n',
                             self.ask(connection, b'set a 0 0 2\r\nabcd'))

    def test_after_a_token_too_long_the_next_line_is_read(self):
        # memcached 1.6.18 falls silent.
        with self.server('-Y', self.file).connect() as connection:
            for length in [b'16385', b'2147483646', b'2147483647', b'4294967295']:
                self.assertEqual(b'CLIENT_ERROR auth token too long\r\n',
                                 self.ask(connection, b'set foo 0 0 %s\r\n' % length))
            self.assertEqual(STORED, self.ask(connection, store(b'auth', b'alice secret')))

    def test_two_attempts_in_one_packet_get_two_answers(self):
        with self.server('-Y', self.file).connect() as connection:
            self.assertEqual(b'CLIENT_ERROR authentication failure\r\n' + STORED + END,
                             self.ask(connection, store(b'a', b'alice x') + store(b'a', b'alice secret') + b'get a\r\n',
                                      count=3))

    def test_SIGHUP_reads_the_file_again_and_a_bad_one_changes_nothing(self):
        server = self.server('-Y', self.file)

        def is_accepted(text):
            with server.connect() as connection:
                return self.ask(connection, store(b'auth', text)) == STORED

        self.write('carol:new\n')
        os.kill(server.pid, signal.SIGHUP)
        wait_until(lambda: is_accepted(b'carol new'), 'the new user is known')
        self.assertFalse(is_accepted(b'alice secret'))
        self.write('no colon here\n')
        os.kill(server.pid, signal.SIGHUP)
        wait_until(lambda: 'stay as they were' in server.stderr(), 'the bad file is told')
        self.assertTrue(is_accepted(b'carol new'))

    def test_a_bad_file_is_a_failed_start(self):
        self.write('nothing\n')
        for path in [self.file, self.file + '-missing']:
            result = subprocess.run([NETD, *(['-u', 'root'] if os.geteuid() == 0 else []), '-s', self.path('socket'),
                                     '--auth-file', path], capture_output=True, text=True, timeout=DEADLINE_S)
            self.assertEqual(1, result.returncode)
            self.assertIn('--auth-file', result.stderr)


class Service(AdministrationTestCase):
    def test_a_service_manager_is_told_when_netd_is_ready_and_when_it_stops(self):
        for name in [self.path('notify'), '@larder-e2e-%d' % os.getpid()]:
            with self.subTest(name=name), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.bind(name.replace('@', '\0', 1))
                manager.settimeout(DEADLINE_S)
                server = self.server(environment={'NOTIFY_SOCKET': name})
                self.assertEqual(b'READY=1', manager.recv(100))
                server.stop()
                self.assertEqual(b'STOPPING=1', manager.recv(100))

    def test_the_environment_has_flags(self):
        server = self.server('-c', '9', environment={'NETD_MEMORY_LIMIT': '32', 'NETD_CONN_LIMIT': '5'})
        settings = server.stats('settings')
        self.assertEqual((str(32 << 20), '9'), (settings['maxbytes'], settings['maxconns']))

    @unittest.skipUnless(SHIM, 'the shim is given in $FAULT_SHIM')
    def test_signals_while_it_stops_change_nothing(self):
        directory = os.path.dirname(self.path('x'))
        faults = self.enterContext(Faults())
        for _ in range(5):
            faults.stop_clock()
            server = self.server('-s', os.path.join(directory, 'socket'), '-P', os.path.join(directory, 'pid'),
                                 environment=faults.environment())
            with server.connect() as connection, server.connect() as idle:
                idle.ask(b'get a\r\n')
                # An unfinished request: netd waits for the rest of it for a while.
                connection.send_in_pieces([b'set a 0 0 100\r\nhalf'])
                os.kill(server.pid, signal.SIGTERM)
                self.assertEqual(b'', idle.read_to_end())
                for _ in range(20):
                    os.kill(server.pid, signal.SIGTERM)
                # The wait may not have begun yet.
                wait_until(lambda: faults.pass_time(GRACE_S) or server.process.poll() is not None, 'netd has stopped')
            self.assertEqual(0, server.process.returncode)
            self.assertEqual([], os.listdir(directory))

    def test_a_port_that_the_system_chose_is_in_the_settings(self):
        socket_path = self.path('socket')
        server = self.server('-l', '127.0.0.1', '-p', '-1', '-s', socket_path)
        port = int(server.stats('settings')['tcpport'])
        with Connection(('127.0.0.1', port)) as connection:
            self.assertEqual(END, connection.ask(b'get a\r\n'))

    def test_no_maxconns_fast_lets_clients_wait(self):
        server = self.server('-c', '2', '-o', 'no_maxconns_fast')
        with server.connect() as first:
            wait_until(lambda: first.stats()['curr_connections'] == '1', 'one connection is left')
            second = server.connect()
            second.ask(b'get a\r\n')
            with server.connect() as waiting:
                waiting.send(b'get a\r\n')
                wait_until(lambda: first.stats()['accepting_conns'] == '0', 'nobody is accepted')
                second.close()
                self.assertEqual(END, waiting.read_until(lambda reply: reply.endswith(END)))
            self.assertEqual('0', first.stats()['rejected_connections'])

    def test_idle_clients_are_sent_away_but_not_watchers(self):
        # Between the two numbers there is room for a machine that stands still.
        server = self.server('-o', 'idle_timeout=5000', '--enable-debugtime')
        with server.connect() as watcher, server.connect() as idle:
            watcher.send(b'watch\r\n')
            self.assertEqual(OK, watcher.read_until(lambda reply: reply.endswith(b'\n')))
            idle.ask(b'get a\r\n')
            self.assertEqual(OK, server.ask(b'debugtime 10000\r\n'))
            self.assertEqual(b'', idle.read_to_end())
            with server.connect() as connection:
                self.assertEqual(('1', '1'), tuple(connection.stats()[name] for name in ['idle_kicks', 'log_watchers']))

    def test_a_byte_of_the_binary_protocol_closes_the_connection(self):
        for flags in [[], ['-Y', self.users()], ['-v'], ['-v', '-Y', self.users()]]:
            with self.subTest(flags=flags):
                server = self.server(*flags)
                with server.connect() as connection:
                    connection.send(b'\x80\x0a\0\0')
                    self.assertEqual(b'', connection.read_to_end())
                self.assertEqual('-v' in flags, 'binary protocol' in server.stderr())

    def users(self):
        path = self.path('users')
        with open(path, 'w', encoding='ascii') as file:
            file.write('a:b\n')
        return path


if __name__ == '__main__':
    unittest.main()
