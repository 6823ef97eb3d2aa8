"""The classic text protocol, byte for byte, spoken to netd. Numbers in names are those of the rules."""

import re
import socket
import time
import unittest

from faults import LATE_S, SHIM, Faults
from support import NETD, Server, require, wait_until
from vectors import (BAD_FORMAT, DELETED, END, ERROR, EXISTS, NOT_FOUND, NOT_STORED, OK, STORED, TOO_LARGE, TOUCHED,
                     VECTORS, store, value)

UNFINISHED_LINE_MAX = 2048
RETRIEVAL_LINE_MAX = 8 << 20


class ProtocolTestCase(unittest.TestCase):
    FLAGS = ()

    @classmethod
    def setUpClass(cls):
        require(NETD, 'netd')
        cls.server = cls.enterClassContext(cls.server_without_time(NETD, *cls.FLAGS))

    @classmethod
    def server_without_time(cls, program, *flags):
        """A server for which no time passes but with `cls.faults.pass_time`; without the shim, one like any other."""
        if not SHIM:
            return Server(program, *flags)
        cls.faults = cls.enterClassContext(Faults())
        cls.faults.stop_clock()
        return Server(program, *flags, environment=cls.faults.environment())

    def setUp(self):
        self.connection = self.enterContext(self.server.connect())
        self.connection.ask(b'flush_all\r\n')

    def check(self, request, reply):
        self.assertEqual(reply, self.connection.ask(request))

    def cas_of(self, key):
        reply = self.connection.ask(b'gets %s\r\n' % key)
        return int(re.match(rb'VALUE \S+ \d+ \d+ (\d+)\r\n', reply)[1])


class Vectors(ProtocolTestCase):
    """One test for each vector, named after its rule and sentence."""


def add_vector_tests():
    for vector in VECTORS:
        name = 'test_' + re.sub(r'\W+', '_', f'{vector.rule} {vector.says}').strip('_')
        assert not hasattr(Vectors, name), f'two vectors make {name}'
        setattr(Vectors, name, lambda self, vector=vector: self.check(vector.request, vector.reply))


add_vector_tests()


class Framing(ProtocolTestCase):
    CONVERSATION = (b'flush_all\r\n' + store(b'a', b'1\r\n2', 5) + b'get a\r\nappend a 0 0 2\r\n34\r\n'
                    b'gets b\nfoo a\r\nset a 0 0 1 noreply\r\n7\r\nincr a 1\r\nset a 0 x 1\r\n1\r\n'
                    b'set b 0 0 1\r\nXYZdelete a noreply\r\n\r\ntouch a 1\r\n')
    REPLIES = (OK + STORED + value(b'a', b'1\r\n2', 5) + END + STORED + END + ERROR +
               b'8\r\n' + BAD_FORMAT + b'CLIENT_ERROR bad data chunk\r\n' + BAD_FORMAT + NOT_FOUND)

    def test_1_1_a_conversation_may_be_split_at_any_byte(self):
        for i in range(1, len(self.CONVERSATION)):
            self.connection.send_in_pieces([self.CONVERSATION[:i], self.CONVERSATION[i:]])
            self.assertEqual(self.REPLIES, self.connection.ask(b''), f'split after byte {i}')

    def test_1_1_a_conversation_may_arrive_byte_by_byte(self):
        self.connection.send_in_pieces(self.CONVERSATION[i:i + 1] for i in range(len(self.CONVERSATION)))
        self.check(b'', self.REPLIES)

    def test_1_1_conversations_may_be_pipelined_without_end(self):
        self.check(self.CONVERSATION * 200, self.REPLIES * 200)

    def test_1_1_a_value_longer_than_any_buffer_may_be_split_anywhere(self):
        data = bytes(range(256)) * 2000
        request = store(b'a', data) + b'get a\r\n'
        self.connection.send_in_pieces(request[i:i + 40000] for i in range(0, len(request), 40000))
        self.check(b'', STORED + value(b'a', data) + END)

    def test_1_10_an_unfinished_line_of_2048_bytes_is_waited_for(self):
        self.connection.send_in_pieces([b'x' * UNFINISHED_LINE_MAX, b'\n'])
        self.check(b'', ERROR)

    def test_1_10_an_unfinished_line_counts_from_its_own_start(self):
        self.connection.send_in_pieces([b'get a\r\n' * 100 + b'x' * UNFINISHED_LINE_MAX, b'\n'])
        self.check(b'', END * 100 + ERROR)

    def test_1_10_an_unfinished_line_above_2048_bytes_closes_the_connection_without_a_word(self):
        for start in [b'', b'set ', b'getx ', b'incr ', b'get', b'delete ']:
            with self.subTest(start=start), self.server.connect() as connection:
                connection.send(start.ljust(UNFINISHED_LINE_MAX + 1, b'x'))
                self.assertEqual(b'', connection.read_to_end())

    def test_1_10_what_came_before_a_line_too_long_is_answered(self):
        self.connection.send(b'get a\r\n' + b'x' * (UNFINISHED_LINE_MAX + 1))
        self.assertEqual(END, self.connection.read_to_end())

    def test_1_10_the_lines_of_retrieval_may_be_longer(self):
        self.connection.ask(store(b'a', b'1'))
        for command in [b'get', b'gets', b'gat 0', b'gats 0']:
            with self.subTest(command=command):
                line = command + b' missing' * 50000 + b' a\r\n'
                self.connection.send_in_pieces(line[i:i + 100000] for i in range(0, len(line), 100000))
                reply = self.connection.ask(b'')
                self.assertRegex(reply, rb'\AVALUE a 0 1( \d+)?\r\n1\r\nEND\r\n\Z')

    def test_1_10_the_lines_of_retrieval_end_at_8_MiB(self):
        self.connection.send(b'get ' + b'x ' * (RETRIEVAL_LINE_MAX // 2))
        self.assertEqual(b'', self.connection.read_to_end())

    def test_1_11_an_HTTP_request_closes_the_connection_without_a_word(self):
        for line in [b'GET / HTTP/1.1', b'POST /a?b=c HTTP/1.0', b'foo HTTP/']:
            with self.subTest(line=line), self.server.connect() as connection:
                connection.send(line + b'\r\nHost: localhost\r\n\r\nflush_all\r\n')
                self.assertEqual(b'', connection.read_to_end())

    def test_1_11_HTTP_is_a_key_like_any_other(self):
        self.check(store(b'HTTP/1.1', b'1') + b'get HTTP/1.1\r\n', STORED + value(b'HTTP/1.1', b'1') + END)

    def test_1_12_quit_answers_what_came_before_and_ignores_what_follows(self):
        for quit in [b'quit\r\n', b'quit noreply\r\n', b'quit\n']:
            with self.subTest(quit=quit), self.server.connect() as connection:
                connection.send(store(b'a', b'1') + quit + b'delete a\r\n')
                self.assertEqual(STORED, connection.read_to_end())
                self.check(b'get a\r\n', value(b'a', b'1') + END)

    def test_1_14_a_reply_does_not_wait_for_the_next_request(self):
        self.connection.send(b'get a\r\nset a 0 0 10\r\n123')
        self.assertEqual(END, self.connection.read_until(lambda reply: reply == END))
        self.connection.send(b'4567890\r\n')
        self.check(b'', STORED)

    def test_1_15_a_half_closed_client_gets_all_its_answers(self):
        self.connection.send(store(b'a', b'x' * 500000) + b'get a\r\n' * 20)
        self.connection.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(STORED + (value(b'a', b'x' * 500000) + END) * 20, self.connection.read_to_end())

    def test_1_15_a_half_closed_client_with_an_unfinished_request_is_closed(self):
        for request in [b'get a', b'set a 0 0 10\r\n123']:
            with self.subTest(request=request), self.server.connect() as connection:
                connection.send(request)
                connection.socket.shutdown(socket.SHUT_WR)
                self.assertEqual(b'', connection.read_to_end())
        self.check(b'get a\r\n', END)

    def test_1_19_the_binary_protocol_is_refused_by_closing(self):
        self.connection.close()
        with self.server.connect() as connection:
            connection.send(b'\x80\x0b' + bytes(22))
            self.assertEqual(b'', connection.read_to_end())

    def test_a_slow_reader_gets_every_byte(self):
        self.connection.ask(store(b'a', b'x' * 900000))
        self.connection.send(b'get a\r\n' * 50)
        with self.server.connect() as another:
            self.assertEqual(END, another.ask(b'get b\r\n'))
        self.check(b'', (value(b'a', b'x' * 900000) + END) * 50)


@unittest.skipUnless(SHIM, 'the shim is given in $FAULT_SHIM')
class Expiry(ProtocolTestCase):
    def pass_time(self, seconds):
        self.faults.pass_time(seconds)

    def test_4_1_a_TTL_of_one_second_lives_a_whole_second(self):
        self.check(b'set a 0 1 1\r\n1\r\n', STORED)
        self.pass_time(0.999)
        self.check(b'get a\r\n', value(b'a', b'1') + END)
        self.pass_time(0.001 + LATE_S)
        self.check(b'get a\r\n', END)

    def test_4_absolute_times_are_seconds_since_1970(self):
        now_s = int(time.time())
        self.check(b'set a 0 %d 1\r\n1\r\nset b 0 %d 1\r\n1\r\nget a b\r\n' % (now_s + 1000, now_s - 1),
                   STORED * 2 + value(b'a', b'1') + END)

    def test_4_absolute_times_end_when_they_come(self):
        self.check(b'set a 0 %d 1\r\n1\r\n' % (int(time.time()) + 1000), STORED)
        self.check(b'get a\r\n', value(b'a', b'1') + END)
        self.pass_time(1000 + LATE_S)
        self.check(b'get a\r\n', END)

    def test_8_4_and_8_7_gat_and_touch_prolong_and_shorten(self):
        self.check(b''.join(b'set %s 0 1 1\r\n1\r\n' % key for key in [b'a', b'b', b'c']) +
                   store(b'd', b'1') + store(b'e', b'1') +
                   b'touch a 100\r\ngat 100 b\r\ntouch d 1\r\ngat 1 e\r\n',
                   STORED * 5 + TOUCHED + value(b'b', b'1') + END + TOUCHED + value(b'e', b'1') + END)
        self.pass_time(1 + LATE_S)
        self.check(b'get a b c d e\r\n', value(b'a', b'1') + value(b'b', b'1') + END)

    def test_8_6_incr_and_append_keep_the_expiry(self):
        self.check(b'set a 0 1 1\r\n1\r\nset b 0 1 1\r\n1\r\nincr a 1\r\nappend b 0 0 1\r\n2\r\n',
                   STORED * 2 + b'2\r\n' + STORED)
        self.pass_time(1 + LATE_S)
        self.check(b'get a b\r\n', END)

    def test_8_8_a_delayed_flush_takes_everything_stored_until_then(self):
        self.check(store(b'before', b'1') + b'flush_all 1\r\n' + store(b'between', b'1') + b'get before between\r\n',
                   STORED + OK + STORED + value(b'before', b'1') + value(b'between', b'1') + END)
        self.pass_time(1 + LATE_S)
        self.check(b'get before between\r\n' + store(b'after', b'1') + b'get before between after\r\n',
                   END + STORED + value(b'after', b'1') + END)

    def test_8_8_a_later_flush_replaces_a_pending_one(self):
        self.check(b'flush_all 1\r\nflush_all 100\r\n' + store(b'stays', b'1'), OK * 2 + STORED)
        self.pass_time(1 + LATE_S)
        self.check(b'get stays\r\nflush_all\r\n', value(b'stays', b'1') + END + OK)


class CasNumbers(ProtocolTestCase):
    MUTATIONS = [store(b'a', b'1'), b'replace a 0 0 1\r\n1\r\n', b'append a 0 0 1\r\n1\r\n',
                 b'prepend a 0 0 1\r\n1\r\n', b'incr a 1\r\n', b'decr a 1\r\n', b'delete a\r\nadd a 0 0 1\r\n1\r\n']

    def setUp(self):
        super().setUp()
        self.connection.ask(store(b'a', b'1'))

    def test_5_6_every_mutation_gives_a_new_number(self):
        seen = {self.cas_of(b'a')}
        for mutation in self.MUTATIONS:
            with self.subTest(mutation=mutation):
                self.connection.ask(mutation)
                cas = self.cas_of(b'a')
                self.assertNotIn(cas, seen)
                seen.add(cas)

    def test_5_6_reading_touching_and_failing_keep_the_number(self):
        cas = self.cas_of(b'a')
        for request in [b'get a\r\n', b'gat 100 a\r\n', b'gats 100 a\r\n', b'touch a 100\r\n', b'add a 0 0 1\r\n2\r\n',
                        b'cas a 0 0 1 0\r\n2\r\n', b'set a 0 0 1\r\n2xx', b'incr a x\r\n']:
            with self.subTest(request=request):
                self.connection.ask(request)
                self.assertEqual(cas, self.cas_of(b'a'))

    def test_8_2_cas_stores_with_the_number_of_gets_once(self):
        cas = self.cas_of(b'a')
        self.check(b'cas a 3 0 1 %d\r\n2\r\n' % cas, STORED)
        self.check(b'cas a 4 0 1 %d\r\n3\r\n' % cas, EXISTS)
        self.check(b'get a\r\n', value(b'a', b'2', 3) + END)

    def test_8_2_cas_with_the_number_of_gats_stores(self):
        reply = self.connection.ask(b'gats 0 a\r\n')
        self.assertRegex(reply, rb'\AVALUE a 0 1 \d+\r\n1\r\nEND\r\n\Z')
        self.check(b'cas a 0 0 1 %s\r\n2\r\n' % reply.split()[4], STORED)

    def test_8_2_cas_knows_a_number_that_belongs_to_another_key(self):
        self.connection.ask(store(b'b', b'1'))
        self.check(b'cas a 0 0 1 %d\r\n2\r\n' % self.cas_of(b'b'), EXISTS)

    def test_8_2_cas_with_a_number_from_before_a_delete_fails(self):
        cas = self.cas_of(b'a')
        self.check(b'delete a\r\ncas a 0 0 1 %d\r\n2\r\n' % cas, DELETED + NOT_FOUND)
        self.check(store(b'a', b'1') + b'cas a 0 0 1 %d\r\n2\r\n' % cas, STORED + EXISTS)


class ValueLimit:
    """Both sides of -I, and what becomes of the item that was there. A value of LIMIT bytes fits under a key of one."""

    def test_5_2_the_limit_is_exact(self):
        for key, flags, more in [(b'a', b'0', 0), (b'abcdef', b'0', 5), (b'a', b'7', 4)]:
            for size, reply in [(self.LIMIT - more, STORED), (self.LIMIT - more + 1, TOO_LARGE)]:
                self.check(b'set %s %s 0 %d\r\n%s\r\n' % (key, flags, size, bytes(size)), reply)
        for size, reply in [(self.LIMIT - 2, b'HD\r\n'), (self.LIMIT - 1, TOO_LARGE)]:
            self.check(b'ms YWFh %d b\r\n%s\r\n' % (size, bytes(size)), reply)
        self.check(store(b'a', bytes(self.LIMIT)) + b'get a\r\n', STORED + value(b'a', bytes(self.LIMIT)) + END)
        self.check(store(b'a', bytes(self.LIMIT + 1)) + b'get a\r\n', TOO_LARGE + END)

    def test_5_2_a_set_that_is_too_large_removes_the_old_item(self):
        self.check(store(b'a', b'old') + store(b'a', bytes(self.LIMIT + 1)) + b'get a\r\n', STORED + TOO_LARGE + END)

    def test_5_2_other_stores_that_are_too_large_keep_the_old_item(self):
        for command in [b'add', b'replace', b'append', b'prepend', b'cas']:
            with self.subTest(command=command):
                self.check(store(b'a', b'old'), STORED)
                cas = b' %d' % self.cas_of(b'a') if command == b'cas' else b''
                self.check(b'%s a 0 0 %d%s\r\n%s\r\nget a\r\n' % (command, self.LIMIT + 1, cas, bytes(self.LIMIT + 1)),
                           TOO_LARGE + value(b'a', b'old') + END)

    def test_5_2_refused_values_are_counted(self):
        self.connection.ask(b'stats reset\r\n')
        self.connection.ask(store(b'a', bytes(self.LIMIT + 1)) + b'add a 0 0 %d noreply\r\n%s\r\n' %
                            (self.LIMIT + 1, bytes(self.LIMIT + 1)) + store(b'a', b'1'))
        self.assertEqual('2', self.connection.stats()['store_too_large'])

    def test_5_4_append_and_prepend_beyond_the_limit_keep_the_old_value(self):
        full = bytes(self.LIMIT)
        more = b'x' * 61
        self.check(store(b'a', full) + b'append a 0 0 61\r\n%s\r\nprepend a 0 0 61\r\n%s\r\nget a\r\n' % (more, more),
                   STORED + NOT_STORED * 2 + value(b'a', full) + END)
        self.check(b'append a 0 0 60\r\n%s\r\nget a\r\n' % more[:60],
                   STORED + value(b'a', full + more[:60]) + END)

    def test_8_1_the_data_of_a_value_that_is_too_large_is_swallowed_as_it_arrives(self):
        request = store(b'a', b'get a\r\n' * (self.LIMIT // 7 + 1))
        self.connection.send_in_pieces([request[:30], request[30:self.LIMIT], request[self.LIMIT:-1], request[-1:]])
        self.check(b'', TOO_LARGE)


class DefaultValueLimit(ValueLimit, ProtocolTestCase):
    LIMIT = (1 << 20) - 60


class SmallValueLimit(ValueLimit, ProtocolTestCase):
    LIMIT = 1024 - 60
    FLAGS = ('-I', 1024)


# protocol.md 14
COUNTERS = ['cmd_get', 'cmd_set', 'cmd_flush', 'cmd_touch', 'cmd_meta', 'get_hits', 'get_misses', 'get_flushed',
            'delete_hits', 'delete_misses', 'incr_hits', 'incr_misses', 'decr_hits', 'decr_misses', 'cas_hits',
            'cas_misses', 'cas_badval', 'touch_hits', 'touch_misses', 'store_too_large', 'store_no_memory',
            'total_items']


class Counters(ProtocolTestCase):
    def setUp(self):
        super().setUp()
        self.check(store(b'a', b'1') + b'stats reset\r\n', STORED + b'RESET\r\n')

    def check_counted(self, request, **expected):
        """That `request` moves the `expected` counters and no other."""
        self.connection.ask(request)
        stats = self.connection.stats()
        self.assertEqual(expected, {name: int(stats[name]) for name in COUNTERS if stats[name] != '0'})

    def test_14_get_and_gets_count_each_key(self):
        self.check_counted(b'get a a b\r\ngets a b b\r\n', cmd_get=6, get_hits=3, get_misses=3)

    def test_14_gat_gats_and_touch_count_as_touch_alone(self):
        self.check_counted(b'gat 0 a b\r\ngats 0 a b b\r\ntouch a 0\r\ntouch b 0\r\n',
                           cmd_touch=7, touch_hits=3, touch_misses=4)

    def test_14_stores_count_whether_or_not_they_store(self):
        self.check_counted(store(b'a', b'1') + b'add a 0 0 1\r\n1\r\nadd b 0 0 1\r\n1\r\nreplace c 0 0 1\r\n1\r\n'
                           b'append c 0 0 1\r\n1\r\nprepend a 0 0 1\r\n1\r\n', cmd_set=6, total_items=3)

    def test_14_cas_counts_its_three_answers(self):
        self.check_counted(b'cas a 0 0 1 %d\r\n2\r\ncas a 0 0 1 0\r\n2\r\ncas b 0 0 1 1\r\n2\r\n' % self.cas_of(b'a'),
                           cmd_get=1, get_hits=1, cmd_set=3, cas_hits=1, cas_badval=1, cas_misses=1, total_items=1)

    def test_14_delete_counts_hits_and_misses(self):
        self.check_counted(b'delete a\r\ndelete a\r\ndelete b\r\n', delete_hits=1, delete_misses=2)

    def test_14_incr_and_decr_count_hits_and_misses(self):
        self.check_counted(b'incr a 1\r\nincr b 1\r\ndecr a 1\r\ndecr a 1\r\ndecr b 1\r\n',
                           incr_hits=1, incr_misses=1, decr_hits=2, decr_misses=1)

    def test_14_flush_all_counts_and_what_it_took_counts_when_asked_for(self):
        self.check_counted(b'flush_all\r\nget a\r\n', cmd_flush=1, cmd_get=1, get_misses=1, get_flushed=1)

    def test_4_4_a_store_that_is_expired_at_once_counts_as_a_store(self):
        self.check_counted(b'set a 0 -1 1\r\n1\r\n', cmd_set=1, total_items=1)

    def test_14_noreply_counts_like_any_other(self):
        self.check_counted(b'set a 0 0 1 noreply\r\n1\r\ndelete a noreply\r\nincr a 1 noreply\r\n',
                           cmd_set=1, total_items=1, delete_hits=1, incr_misses=1)

    def test_14_malformed_requests_count_nothing(self):
        self.check_counted(b'get\r\nset a 0 0 x\r\nset a x 0 1\r\n1\r\nincr a x\r\ntouch a x\r\nfoo!\r\n')

    def test_stats_reset_clears_counters_and_keeps_gauges(self):
        self.connection.ask(b'get a\r\n' + store(b'b', b'1'))
        before = self.connection.stats()
        self.check(b'stats reset\r\n', b'RESET\r\n')
        after = self.connection.stats()
        self.assertEqual([], [name for name in COUNTERS if after[name] != '0'])
        for gauge in ['curr_items', 'bytes', 'curr_connections', 'limit_maxbytes', 'threads', 'max_connections', 'pid']:
            self.assertEqual(before[gauge], after[gauge], gauge)
        self.assertEqual('2', after['curr_items'])


# operations.md 3, in its order
GENERAL_STATS = '''
    pid uptime time version libevent pointer_size rusage_user rusage_system max_connections curr_connections
    total_connections rejected_connections connection_structures response_obj_oom response_obj_count
    response_obj_bytes read_buf_count read_buf_bytes read_buf_bytes_free read_buf_oom reserved_fds cmd_get cmd_set
    cmd_flush cmd_touch cmd_meta get_hits get_misses get_expired get_flushed delete_misses delete_hits incr_misses
    incr_hits decr_misses decr_hits cas_misses cas_hits cas_badval touch_hits touch_misses store_too_large
    store_no_memory auth_cmds auth_errors bytes_read bytes_written limit_maxbytes accepting_conns
    listen_disabled_num time_in_listen_disabled_us threads conn_yields hash_power_level hash_bytes
    hash_is_expanding slab_reassign_rescues slab_reassign_chunk_rescues slab_reassign_evictions_nomem
    slab_reassign_inline_reclaim slab_reassign_busy_items slab_reassign_busy_deletes slab_reassign_busy_nomem
    slab_reassign_last_busy_status slab_reassign_running slabs_moved lru_crawler_running lru_crawler_starts
    lru_maintainer_juggles malloc_fails log_worker_dropped log_worker_written log_watcher_skipped log_watcher_sent log_watchers unexpected_napi_ids
    round_robin_fallback bytes curr_items total_items slab_global_page_pool expired_unfetched evicted_unfetched
    evicted_active evictions reclaimed crawler_reclaimed crawler_items_checked lrutail_reflocked moves_to_cold
    moves_to_warm moves_within_lru direct_reclaims lru_bumps_dropped'''.split()

# operations.md 4: what a netd without flags prints, as regular expressions.
SETTINGS = dict(setting.split() for setting in r'''
    maxbytes 67108864, maxconns 1024, tcpport .*, udpport 0, inter .*, verbosity 0, oldest \d+, evictions on,
    domain_socket .*, umask 700, shutdown_command no, growth_factor 1.25, chunk_size 48, num_threads \d+,
    num_threads_per_udp \d+, stat_key_prefix :, detail_enabled no, reqs_per_event 20, cas_enabled yes,
    tcp_backlog 1024, binding_protocol .*, auth_enabled_sasl no, auth_enabled_ascii no, item_size_max 1048576,
    maxconns_fast yes, hashpower_init 0, slab_reassign yes, slab_automove 1, slab_automove_ratio 0.80,
    slab_automove_window 10, slab_chunk_max 524288, lru_crawler yes, lru_crawler_sleep 100, lru_crawler_tocrawl 0,
    tail_repair_time 0, flush_enabled yes, dump_enabled yes, hash_algorithm (murmur3|xxh3), lru_maintainer_thread yes,
    lru_segmented yes, hot_lru_pct 20, warm_lru_pct 40, hot_max_factor 0.20, warm_max_factor 2.00, temp_lru no,
    temporary_ttl 61, idle_timeout 0, watcher_logbuf_size 262144, worker_logbuf_size 65536, read_buf_mem_limit 0,
    track_sizes (yes|no), inline_ascii_response no, num_napi_ids 0, memory_file \(null\),
    client_flags_size 4'''.split(','))


class Statistics(ProtocolTestCase):
    def test_stats_has_every_general_field_in_memcached_s_order(self):
        printed = [name for name in self.connection.stats() if name in GENERAL_STATS]
        self.assertEqual(GENERAL_STATS, printed)

    def test_stats_are_lines_of_a_name_and_one_value_that_end_with_END(self):
        reply = self.connection.ask(b'stats\r\n')
        self.assertRegex(reply, rb'\A(STAT [a-z_0-9]+ \S+\r\n)+END\r\n\Z')

    def test_stats_values_are_numbers_but_for_those_that_are_known_to_be_text(self):
        for name, text in self.connection.stats().items():
            if name not in ['version', 'libevent', 'slab_reassign_last_busy_status', 'rusage_user', 'rusage_system']:
                self.assertRegex(text, r'\A\d+\Z', name)

    def test_stats_tell_the_truth_about_the_process(self):
        before_s = int(time.time())
        stats = self.connection.stats()
        after_s = int(time.time())
        self.assertEqual(str(self.server.pid), stats['pid'])
        self.assertEqual('64', stats['pointer_size'])
        self.assertEqual(str(64 << 20), stats['limit_maxbytes'])
        self.assertEqual('1024', stats['max_connections'])
        self.assertEqual('1', stats['accepting_conns'])
        # The coarse clock lags behind by a tick.
        self.assertIn(int(stats['time']), range(before_s - 1, after_s + 1))
        for name in ['rusage_user', 'rusage_system']:
            self.assertRegex(stats[name], r'\A\d+\.\d{6}\Z')
        self.assertRegex(self.connection.ask(b'get x\r\nversion\r\n') or b'', rb'\AEND\r\n')

    def test_8_9_version_begins_with_three_numbers_and_is_that_of_stats(self):
        self.connection.send(b'version\r\n')
        reply = self.connection.read_until(lambda reply: reply.endswith(b'\n'))
        self.assertRegex(reply, rb'\AVERSION \d+\.\d+\.\d+\S*\r\n\Z')
        self.assertEqual(self.connection.stats()['version'], reply.split()[1].decode())

    def test_6_3_version_ignores_noreply(self):
        self.connection.send(b'version noreply\r\n')
        self.assertRegex(self.connection.read_until(lambda reply: reply.endswith(b'\n')), rb'\AVERSION ')

    def test_stats_count_items_and_bytes(self):
        items_before, bytes_before = self.item_gauges()
        self.connection.ask(b''.join(store(b'key%d' % i, bytes(1000)) for i in range(10)))
        items, content = self.item_gauges()
        self.assertEqual(items_before + 10, items)
        self.assertGreaterEqual(content, bytes_before + 10 * 1000)
        self.connection.ask(b''.join(b'delete key%d\r\n' % i for i in range(10)))
        self.assertEqual((items_before, bytes_before), self.item_gauges())

    def item_gauges(self):
        stats = self.connection.stats()
        return int(stats['curr_items']), int(stats['bytes'])

    def test_stats_count_connections(self):
        # The connections of other tests may still be closing.
        wait_until(lambda: self.connection.stats()['curr_connections'] == '1', 'this connection is the only one')
        before = self.connection.stats()
        others = [self.enterContext(self.server.connect()) for _ in range(5)]
        for other in others:
            other.ask(b'get a\r\n')
        stats = self.connection.stats()
        self.assertEqual('6', stats['curr_connections'])
        self.assertEqual(int(before['total_connections']) + 5, int(stats['total_connections']))
        for other in others:
            other.close()
        wait_until(lambda: self.connection.stats()['curr_connections'] == '1', 'closed connections are not counted')

    def test_stats_count_bytes_read_and_written(self):
        before = self.connection.stats()
        self.connection.ask(store(b'a', bytes(100000)) + b'get a\r\n' * 3)
        after = self.connection.stats()
        self.assertIn(int(after['bytes_read']) - int(before['bytes_read']), range(100000, 101000))
        self.assertIn(int(after['bytes_written']) - int(before['bytes_written']), range(300000, 310000))

    def test_stats_settings_has_every_name_with_its_default(self):
        settings = self.connection.stats('settings')
        self.assertEqual([], [name for name in SETTINGS if name not in settings])
        for name, pattern in SETTINGS.items():
            self.assertRegex(settings[name], rf'\A{pattern}\Z', name)


class Settings(ProtocolTestCase):
    FLAGS = ('-m', '32', '-c', '77', '-t', '3', '-R', '5', '-C', '-F', '-M', '-I', '2k', '-b', '99', '-v')

    def test_stats_settings_shows_what_the_flags_say(self):
        settings = self.connection.stats('settings')
        expected = dict(maxbytes=str(32 << 20), maxconns='77', num_threads='3', reqs_per_event='5', cas_enabled='no',
                        flush_enabled='no', evictions='off', item_size_max='2048', tcp_backlog='99', verbosity='1',
                        domain_socket=self.server.address)
        self.assertEqual(expected, {name: settings[name] for name in expected})

    def test_stats_shows_the_limits_that_the_flags_say(self):
        stats = self.connection.stats()
        expected = dict(limit_maxbytes=str(32 << 20), max_connections='77', threads='3')
        self.assertEqual(expected, {name: stats[name] for name in expected})


if __name__ == '__main__':
    unittest.main()
