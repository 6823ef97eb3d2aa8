"""The same requests to memcached and to netd: the replies are equal, or the difference is a known one.

Of the vectors each difference is listed below with its reason, and memcached's reply. What the random streams of
fuzz_test.py do without is in known_differences.py; here it is checked that each of these is one, and documented.
"""

import os
import unittest

from dialogue import TOLERATED, Comparison, DifferentialTestCase, Dialogue, units_of
from framing import requests_in
from known_differences import DIFFERENCES as KNOWN_DIFFERENCES
from meta_test import DIFFERENCES as META_DIFFERENCES
from vectors import (BAD_CHUNK, BAD_DELTA, BAD_EXPTIME, BAD_FORMAT, END, ERROR, EXISTS, KEY_250, KEY_251, STORED,
                     TOUCHED, U64_MAX, VECTORS, value)

# Where Debian's memcached and netd differ: what PROTOCOL.md says -> {the vector's sentence: memcached's reply}.
DIFFERENCES = {
    'Lines that are too short are malformed': {
        'an empty line is malformed': ERROR,
        'a lone LF is malformed': ERROR,
        'a line of three bytes is malformed': ERROR,
        'a line of three bytes is malformed, also of a known command': b'MN\r\n',
        'an unknown length leaves the data to be executed': BAD_FORMAT + ERROR,
        'data that is one byte too long is a bad data chunk': BAD_CHUNK + ERROR + END,
        **{f"'{line}' has too few tokens": ERROR
           for line in ['get', 'gets', 'gat', 'gats', 'set', 'set a', 'set a 0', 'set a 0 0', 'add a 0 0',
                        'replace a 0 0', 'append a 0 0', 'prepend a 0 0', 'cas a 0 0', 'incr', 'incr a', 'decr',
                        'decr a', 'touch', 'touch a', 'delete', 'verbosity']},
        'spaces are no token': ERROR * 2,
        "'gat 0' has too few tokens": END,
        "'gats 0' has too few tokens": END,
    },
    'The data of a store that is refused is skipped': {
        'negative flags are refused and the data swallowed': BAD_FORMAT + ERROR + END,
        'flags that are no number are refused and the data swallowed': BAD_FORMAT + ERROR + END,
        'flags with something behind the number are refused and the data swallowed': BAD_FORMAT + ERROR + END,
        'an exptime that is no number is refused and the data swallowed': BAD_FORMAT + ERROR + END,
        'a cas number above 64 bit is refused and the data swallowed': STORED + BAD_FORMAT + ERROR,
        'cas without a number is malformed and the data swallowed': STORED + ERROR * 2 + value(b'a', b'1') + END,
        'cas with a number that is none is malformed and the data swallowed': BAD_FORMAT + ERROR,
        **{f'{command} refuses a key of 251 bytes and swallows the data': BAD_FORMAT + ERROR
           for command in ['set', 'add', 'replace', 'append', 'prepend', 'cas']},
    },
    'Extra tokens are ignored': {
        'noreply must be the last token, not the next': ERROR * 2 + END,
        'noreply before another token is no noreply': STORED + ERROR,
        'cas ignores what follows the number': ERROR * 2,
        'delete refuses a line of five tokens or more': STORED + ERROR * 2 + value(b'a', b'1') + END,
    },
    '`noreply` does not silence a bad length': {
        'a bad length is told with noreply, too': b'',
    },
    'A NUL is a byte like any other': {
        'a key may hold a NUL': ERROR * 2 + END * 2,
    },
    'An error in `get` takes nothing back': {
        f'{command} with a key of 251 bytes anywhere returns nothing else': BAD_FORMAT
        for command in ['get', 'gets', 'gat 0', 'gats 0']
    },
    'Numbers are nothing but digits': {
        'the exptime of touch is a strict number': STORED + TOUCHED * 2 + BAD_EXPTIME * 2 + value(b'a', b'1') + END,
        'the exptime of gat is a strict number':
            STORED + value(b'a', b'1') + END + b'VALUE a 0 1 #0\r\n1\r\n' + END + BAD_EXPTIME * 2 + value(b'a', b'1') + END,
        'a length of 12 characters is refused and the data executed': STORED,
        'a length with a plus sign is refused and the data executed': STORED,
        'a length of 4294967296 is refused and the data executed': BAD_CHUNK + ERROR,
        'a cas number of 23 characters is refused and the data swallowed': STORED + EXISTS,
        'a cas number with a sign is refused and the data swallowed': STORED + EXISTS * 2,
        'a delta of 23 characters is refused': STORED + b'2\r\n',
        'a delta with a sign is refused': STORED + BAD_DELTA + b'2\r\n' * 2,
    },
    'Client flags outside 0..4294967295 are refused': {
        'flags above 32 bit are refused and the data swallowed': STORED + value(b'a', b'1') + END,
    },
    'The result of `decr` is stored without padding': {
        'a shorter number is stored without padding': STORED + b'9\r\n' + value(b'a', b'9 ') + END,
    },
    '`incr` and `decr` accept `[+]digits` with spaces around them as a number': {
        'two numbers is no number': STORED + b'2\r\n1\r\n' + value(b'a', b'1  ') + END,
    },
}


class VectorsOnBoth(DifferentialTestCase):
    def reply_of(self, server, request):
        """The reply with ordinals for CAS numbers."""
        with Dialogue(server) as dialogue:
            units = map(dialogue.cas_numbers.replace, units_of(dialogue.ask(request)))
            return b''.join(unit.data() for unit in units)

    def test_the_vectors_get_the_same_replies_but_for_the_differences_listed(self):
        listed = {says: reply for replies in DIFFERENCES.values() for says, reply in replies.items()}
        for vector in VECTORS:
            with self.subTest(rule=vector.rule, says=vector.says, request=vector.request[:200]):
                reply_of_memcached, reply_of_netd = (self.reply_of(server, vector.request)
                                                     for server in (self.memcached, self.netd))
                if vector.says in listed:
                    self.assertEqual(listed.pop(vector.says), reply_of_memcached)
                    self.assertNotEqual(reply_of_memcached, reply_of_netd, 'this is no difference any more')
                else:
                    self.assertEqual(reply_of_memcached, reply_of_netd)
        self.assertEqual({}, listed, 'differences without a vector')


class EndOfConnection(DifferentialTestCase):
    def test_a_line_too_long_ends_it_without_a_word(self):
        for server in self.memcached, self.netd:
            for line in [b'x' * 2049, b'set ' + b'a' * 2049, b'mg ' + b'a' * 5000]:
                with self.subTest(server=server.name, line=line[:10]), server.connect() as connection:
                    connection.send(line)
                    self.assertEqual(b'', connection.read_to_end())


def entries_of_protocol_md():
    """Its sentences, without the marks of Markdown and with single spaces."""
    path = os.path.join(os.path.dirname(__file__), '..', '..', 'netd', 'PROTOCOL.md')
    with open(path, encoding='utf-8') as text:
        return ' '.join(text.read().replace('**', '').split())


class KnownDifferences(DifferentialTestCase):
    def test_each_is_documented(self):
        text = entries_of_protocol_md()
        for says in [*(difference.says for difference in KNOWN_DIFFERENCES), *TOLERATED.values(), *DIFFERENCES,
                     *META_DIFFERENCES]:
            with self.subTest(says=says):
                self.assertIn(says, text)

    def test_the_servers_differ_in_the_examples(self):
        for difference in filter(lambda known: known.example, KNOWN_DIFFERENCES):
            with self.subTest(says=difference.says, example=difference.example[:200]):
                requests = requests_in(difference.example)
                self.assertTrue(any(map(difference.applies, requests)), 'this is no example')
                with Comparison(self.memcached, self.netd) as comparison:
                    self.assertTrue(any([comparison.difference(request.data) for request in requests]),
                                    'this is no difference any more')


if __name__ == '__main__':
    unittest.main()
