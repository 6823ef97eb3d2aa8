"""Requests and the exact replies to them, by rule of the protocol: what netd/PROTOCOL.md promises, one line each.

Each vector starts with an empty cache. protocol_test.py sends them to netd, differential_test.py to memcached as well.
"""

from typing import NamedTuple

STORED = b'STORED\r\n'
NOT_STORED = b'NOT_STORED\r\n'
EXISTS = b'EXISTS\r\n'
NOT_FOUND = b'NOT_FOUND\r\n'
DELETED = b'DELETED\r\n'
TOUCHED = b'TOUCHED\r\n'
OK = b'OK\r\n'
END = b'END\r\n'
ERROR = b'ERROR\r\n'
BAD_FORMAT = b'CLIENT_ERROR bad command line format\r\n'
BAD_CHUNK = b'CLIENT_ERROR bad data chunk\r\n'
DELETE_USAGE = b'CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n'
BAD_EXPTIME = b'CLIENT_ERROR invalid exptime argument\r\n'
BAD_DELTA = b'CLIENT_ERROR invalid numeric delta argument\r\n'
NON_NUMERIC = b'CLIENT_ERROR cannot increment or decrement non-numeric value\r\n'
TOO_LARGE = b'SERVER_ERROR object too large for cache\r\n'
NO_MEMORY = b'SERVER_ERROR out of memory storing object\r\n'

KEY_250 = b'k' * 250
KEY_251 = b'k' * 251
U64_MAX = b'18446744073709551615'


def store(key, value, flags=0):
    return b'set %s %d 0 %d\r\n%s\r\n' % (key, flags, len(value), value)


def value(key, data, flags=0):
    return b'VALUE %s %d %d\r\n%s\r\n' % (key, flags, len(data), data)


class Vector(NamedTuple):
    rule: str
    says: str
    request: bytes
    reply: bytes


VECTORS = [
    # 1. Framing
    Vector('1.1', 'pipelined requests are answered in order',
           store(b'a', b'1') + b'get a\r\nincr a 4\r\ndelete a\r\nget a\r\n',
           STORED + value(b'a', b'1') + END + b'5\r\n' + DELETED + END),
    Vector('1.2', 'a bare LF ends a command line', b'set a 0 0 1\n1\r\nget a\n', STORED + value(b'a', b'1') + END),
    Vector('1.2', 'only one CR before the LF is removed',
           store(b'a\r', b'1') + b'get a\r\r\nget a\r\n', STORED + value(b'a\r', b'1') + END + END),
    Vector('1.3', 'a bare LF after the data is a bad data chunk',
           b'set a 0 0 1\r\n1\nxfoo\r\nget a\r\n', BAD_CHUNK + ERROR + END),
    Vector('1.4', 'an empty line is malformed', b'\r\n', BAD_FORMAT),
    Vector('1.4', 'a lone LF is malformed', b'\n', BAD_FORMAT),
    Vector('1.4', 'a line of three bytes is malformed', b'x\r\n', BAD_FORMAT),
    Vector('1.4', 'a line of three bytes is malformed, also of a known command', b'mn\n', BAD_FORMAT),
    Vector('1.4', 'a line of four bytes is a command', b'foo\n', ERROR),
    Vector('1.5', 'an unknown command is an error', b'foo\r\n', ERROR),
    Vector('1.5', 'commands are lower case', b'GET a\r\n', ERROR),
    Vector('1.5', 'a prefix of a command is none', b'ge a\r\n', ERROR),
    Vector('1.7', 'several spaces are one', b'set  a   0 0    1\r\n1\r\nget   a\r\n', STORED + value(b'a', b'1') + END),
    Vector('1.7', 'trailing spaces are ignored', b'set a 0 0 1  \r\n1\r\nget a \r\n', STORED + value(b'a', b'1') + END),
    Vector('1.7', 'noreply counts with a trailing space', b'set a 0 0 1 noreply \r\n1\r\nget a\r\n',
           value(b'a', b'1') + END),
    Vector('1.7', 'a TAB does not separate tokens', store(b'a', b'1') + store(b'b', b'1') + b'get a\tb\r\n',
           STORED + STORED + END),

    # 2. Numbers
    Vector('2 flags', 'the greatest flags are kept', store(b'a', b'1', 4294967295) + b'get a\r\n',
           STORED + value(b'a', b'1', 4294967295) + END),
    Vector('2 flags', 'flags above 32 bit are refused and the data swallowed',
           b'set a 4294967296 0 1\r\n1\r\nget a\r\n', BAD_FORMAT + END),
    Vector('2 flags', 'negative flags are refused and the data swallowed',
           b'set a -1 0 1\r\n1\r\nget a\r\n', BAD_FORMAT + END),
    Vector('2 flags', 'flags that are no number are refused and the data swallowed',
           b'set a x 0 1\r\n1\r\nget a\r\n', BAD_FORMAT + END),
    Vector('2 flags', 'flags with something behind the number are refused and the data swallowed',
           b'set a 1x 0 1\r\n1\r\nget a\r\n', BAD_FORMAT + END),
    Vector('2 flags', 'flags may carry a plus sign',
           b'set a +7 0 1\r\n1\r\nget a\r\n', STORED + value(b'a', b'1', 7) + END),
    Vector('2 exptime', 'an exptime that is no number is refused and the data swallowed',
           b'set a 0 x 1\r\n1\r\nget a\r\n', BAD_FORMAT + END),
    Vector('2 exptime', 'an exptime of a store may carry a plus sign',
           b'set a 0 +100 1\r\n1\r\nget a\r\n', STORED + value(b'a', b'1') + END),
    *[Vector('2 exptime', f'{exptime} is negative to {command}',
             store(b'a', b'1') + request % exptime + b'\r\nget a\r\n', STORED + reply + END)
      for exptime in [2147483648, 4294967295]
      for command, request, reply in [
          ('set', b'set a 0 %d 1\r\n2', STORED), ('add', b'delete a\r\nadd a 0 %d 1\r\n2', DELETED + STORED),
          ('replace', b'replace a 0 %d 1\r\n2', STORED), ('touch', b'touch a %d', TOUCHED),
          ('gat', b'gat %d a', value(b'a', b'1') + END), ('flush_all', b'flush_all %d', OK)]],
    Vector('2 exptime', 'the lower 32 bits of a huge exptime of a store count',
           b'set a 0 4294967296 1\r\n1\r\nset b 0 9223372036854775807 1\r\n1\r\nget a b\r\n',
           STORED * 2 + value(b'a', b'1') + END),
    Vector('2 exptime', 'the exptime of touch is a strict number',
           store(b'a', b'1') + b'touch a +1000\r\ntouch a 4294967296\r\ntouch a 1x\r\ntouch a x\r\nget a\r\n',
           STORED + BAD_EXPTIME * 4 + value(b'a', b'1') + END),
    Vector('2 exptime', 'the exptime of gat is a strict number',
           store(b'a', b'1') + b'gat +1000 a\r\ngats 4294967296 a\r\ngat 1x a\r\ngats x a\r\nget a\r\n',
           STORED + BAD_EXPTIME * 4 + value(b'a', b'1') + END),
    Vector('2 exptime', 'the last date is 2147483647',
           store(b'a', b'1') + b'touch a 2147483647\r\ngat 2147483647 a\r\n',
           STORED + TOUCHED + value(b'a', b'1') + END),
    Vector('2 bytes', 'leading zeros are allowed up to 11 characters', b'set a 0 0 00000000001\r\n1\r\n', STORED),
    Vector('2 bytes', 'a length of 12 characters is refused and the data executed',
           b'set a 0 0 000000000004\r\nfoo!\r\n', BAD_FORMAT + ERROR),
    Vector('2 bytes', 'a length with a plus sign is refused and the data executed',
           b'set a 0 0 +4\r\nfoo!\r\n', BAD_FORMAT + ERROR),
    Vector('2 cas', 'a cas number may have 22 characters', store(b'a', b'1') + b'cas a 0 0 1 %s\r\n2\r\n' % (b'0' * 22),
           STORED + EXISTS),
    Vector('2 cas', 'a cas number of 23 characters is refused and the data swallowed',
           store(b'a', b'1') + b'cas a 0 0 1 %s\r\n2\r\n' % (b'0' * 23), STORED + BAD_FORMAT),
    Vector('2 cas', 'the greatest cas number is a number', store(b'a', b'1') + b'cas a 0 0 1 %s\r\n2\r\n' % U64_MAX,
           STORED + EXISTS),
    Vector('2 cas', 'a cas number above 64 bit is refused and the data swallowed',
           store(b'a', b'1') + b'cas a 0 0 1 18446744073709551616\r\n2\r\n', STORED + BAD_FORMAT),
    Vector('2 cas', 'a cas number with a sign is refused and the data swallowed',
           store(b'a', b'1') + b'cas a 0 0 1 +1\r\n2\r\ncas a 0 0 1 -0\r\n2\r\n', STORED + BAD_FORMAT * 2),
    Vector('2 delta', 'a delta may have 22 characters',
           store(b'a', b'1') + b'incr a %s1\r\n' % (b'0' * 21), STORED + b'2\r\n'),
    Vector('2 delta', 'a delta of 23 characters is refused', store(b'a', b'1') + b'incr a %s1\r\n' % (b'0' * 22),
           STORED + BAD_DELTA),
    Vector('2 delta', 'a delta above 64 bit is refused',
           store(b'a', b'1') + b'incr a 18446744073709551616\r\ndecr a 18446744073709551616\r\n',
           STORED + BAD_DELTA * 2),
    Vector('2 delta', 'a delta with a sign is refused',
           store(b'a', b'1') + b'incr a -1\r\nincr a +1\r\ndecr a -0\r\n', STORED + BAD_DELTA * 3),
    Vector('2 delta', 'a delta that is no number is refused, whether or not the key is there',
           b'incr a x\r\ndecr a 1x\r\n', BAD_DELTA * 2),

    # 3. Keys
    Vector('3.1', 'a key of 250 bytes works in every command',
           store(KEY_250, b'1') + b'add %s 0 0 1\r\n1\r\n' % KEY_250 + b'replace %s 0 0 1\r\n1\r\n' % KEY_250 +
           b'append %s 0 0 1\r\n0\r\n' % KEY_250 + b'prepend %s 0 0 1\r\n2\r\n' % KEY_250 + b'incr %s 1\r\n' % KEY_250 +
           b'decr %s 2\r\n' % KEY_250 + b'touch %s 0\r\n' % KEY_250 + b'gat 0 %s\r\n' % KEY_250 +
           b'get %s\r\n' % KEY_250 + b'cas %s 0 0 1 0\r\n1\r\n' % KEY_250 + b'delete %s\r\n' % KEY_250,
           STORED + NOT_STORED + STORED * 3 + b'211\r\n209\r\n' + TOUCHED + (value(KEY_250, b'209') + END) * 2 +
           EXISTS + DELETED),
    *[Vector('3.1', f'{command} refuses a key of 251 bytes and swallows the data',
             b'%s %s 0 0 4%s\r\nfoo!\r\n' % (command.encode(), KEY_251, cas), BAD_FORMAT)
      for command, cas in [('set', b''), ('add', b''), ('replace', b''), ('append', b''), ('prepend', b''),
                           ('cas', b' 1')]],
    *[Vector('3.1', f'{request.split()[0].decode()} refuses a key of 251 bytes',
             request % KEY_251 + b'\r\n', BAD_FORMAT)
      for request in [b'delete %s', b'incr %s 1', b'decr %s 1', b'touch %s 0']],
    *[Vector('3.1', f'{command} with a key of 251 bytes anywhere returns nothing else',
             store(b'a', b'1') + b'%s a %s a\r\n%s %s\r\n' % (command.encode(), KEY_251, command.encode(), KEY_251),
             STORED + BAD_FORMAT * 2)
      for command in ['get', 'gets', 'gat 0', 'gats 0']],
    Vector('3.2', 'a key may hold a TAB, CR and bytes above 0x7f',
           store(b'\ta\rb\x80\xff', b'1') + b'get \ta\rb\x80\xff\r\n', STORED + value(b'\ta\rb\x80\xff', b'1') + END),
    Vector('3.2', 'a key may hold a NUL', store(b'a\0b', b'1') + b'get a\0b\r\nget a\r\n',
           STORED + value(b'a\0b', b'1') + END + END),
    Vector('3.2', 'keys are told apart by case', store(b'a', b'1') + b'get A\r\n', STORED + END),

    # 4. Expiry times
    Vector('4', 'a negative exptime stores an item that is gone', b'set a 0 -1 1\r\n1\r\nget a\r\n', STORED + END),
    Vector('4', '30 days are seconds from now',
           b'set a 0 2592000 1\r\n1\r\nget a\r\n', STORED + value(b'a', b'1') + END),
    Vector('4', 'more than 30 days is a date, and one long past', b'set a 0 2592001 1\r\n1\r\nget a\r\n', STORED + END),
    Vector('4', 'a date in the future is one',
           b'set a 0 2147483647 1\r\n1\r\nget a\r\n', STORED + value(b'a', b'1') + END),
    Vector('4.4', 'a store that is expired at once removes the older item',
           store(b'a', b'1') + b'set a 0 -1 1\r\n2\r\nget a\r\nadd a 0 0 1\r\n3\r\n', STORED * 2 + END + STORED),

    # 5. Values
    Vector('5.1', 'a value may be empty', b'set a 0 0 0\r\n\r\nget a\r\n', STORED + value(b'a', b'') + END),
    Vector('5.1', 'a value may hold any bytes', store(b'a', bytes(range(256)) + b'\r\nEND\r\n') + b'get a\r\n',
           STORED + value(b'a', bytes(range(256)) + b'\r\nEND\r\n') + END),
    *[Vector('5.1', f'a length of {length} is refused and the data executed',
             b'set a 0 0 %s\r\nfoo!\r\n' % length.encode(), BAD_FORMAT + ERROR)
      for length in ['x', '-1', '1x', '2147483646', '2147483647', '2147483648', '4294967296']],
    Vector('5.5', 'client flags have 32 bits and come back in decimal',
           store(b'a', b'1', 0) + store(b'b', b'2', 2**32 - 1) + b'get a b\r\n',
           STORED * 2 + value(b'a', b'1') + value(b'b', b'2', 2**32 - 1) + END),

    # 6. noreply
    *[Vector('6.1', f'noreply silences {request.split()[0].decode()}', store(b'a', b'1') + request, STORED)
      for request in [b'set a 0 0 1 noreply\r\n2\r\n', b'add b 0 0 1 noreply\r\n2\r\n',
                      b'replace a 0 0 1 noreply\r\n2\r\n', b'append a 0 0 1 noreply\r\n2\r\n',
                      b'prepend a 0 0 1 noreply\r\n2\r\n', b'cas a 0 0 1 0 noreply\r\n2\r\n',
                      b'delete a noreply\r\n', b'incr a 1 noreply\r\n', b'decr a 1 noreply\r\n',
                      b'touch a 0 noreply\r\n', b'flush_all noreply\r\n', b'verbosity 0 noreply\r\n']],
    Vector('6.1', 'a command with noreply takes effect',
           b'set a 0 0 1 noreply\r\n1\r\nincr a 5 noreply\r\nappend a 0 0 1 noreply\r\n7\r\nget a\r\n',
           value(b'a', b'67') + END),
    Vector('6.1', 'flush_all with a delay knows noreply', b'flush_all 100 noreply\r\nflush_all 0 noreply\r\n', b''),
    Vector('6.1', 'an unknown token in its place is ignored', b'set a 0 0 1 foo\r\n1\r\n', STORED),
    Vector('6.1', 'noreply must be the last token, not the next', b'set a 0 0 1 foo noreply\r\n1\r\nget a\r\n',
           value(b'a', b'1') + END),
    Vector('6.1', 'noreply before another token is no noreply', store(b'a', b'1') + b'touch a 0 noreply foo\r\n',
           STORED + TOUCHED),
    Vector('6.1', 'NoReply is no noreply', store(b'a', b'1') + b'touch a 0 NoReply\r\n', STORED + TOUCHED),
    *[Vector('6.2', f'noreply silences what would be {answer}', request, b'') for answer, request in [
        ('NOT_STORED', b'replace a 0 0 1 noreply\r\n1\r\n'),
        ('NOT_FOUND', b'delete a noreply\r\ntouch a 0 noreply\r\nincr a 1 noreply\r\ncas a 0 0 1 1 noreply\r\n1\r\n'),
        ('EXISTS', b'set a 0 0 1 noreply\r\n1\r\ncas a 0 0 1 0 noreply\r\n1\r\n'),
        ('a bad data chunk', b'set a 0 0 1 noreply\r\n1xx'),
        ('too large', b'set a 0 0 2000000 noreply\r\n%s\r\n' % bytes(2000000)),
        ('an invalid exptime', b'touch a x noreply\r\nflush_all x noreply\r\n'),
        ('an invalid delta', b'incr a x noreply\r\n'),
        ('non-numeric', b'set a 0 0 1 noreply\r\nx\r\nincr a 1 noreply\r\n')]],
    Vector('6.2', 'a bad length is told with noreply, too', b'set a 0 0 x noreply\r\n', BAD_FORMAT),
    Vector('6.3', 'noreply is a key to get', store(b'noreply', b'1') + b'get a noreply\r\ngat 0 noreply\r\n',
           STORED + (value(b'noreply', b'1') + END) * 2),
    Vector('6.3', 'noreply is an unknown argument to stats', b'stats noreply\r\n', ERROR),

    # 7. Too few tokens
    *[Vector('7', f'{line.decode()!r} has too few tokens', line + b'\r\n', BAD_FORMAT)
      for line in [b'get', b'gets', b'gat', b'gats', b'gat 0', b'gats 0', b'set', b'set a', b'set a 0', b'set a 0 0',
                   b'add a 0 0', b'replace a 0 0', b'append a 0 0', b'prepend a 0 0', b'cas a 0 0', b'incr', b'incr a',
                   b'decr', b'decr a', b'touch', b'touch a', b'delete', b'verbosity']],

    # 8.1 set add replace append prepend
    Vector('8.1', 'set replaces value and flags', store(b'a', b'1', 5) + store(b'a', b'22', 6) + b'get a\r\n',
           STORED * 2 + value(b'a', b'22', 6) + END),
    Vector('8.1', 'add stores only an absent key', b'add a 0 0 1\r\n1\r\nadd a 0 0 1\r\n2\r\nget a\r\n',
           STORED + NOT_STORED + value(b'a', b'1') + END),
    Vector('8.1', 'replace stores only a present key',
           b'replace a 0 0 1\r\n1\r\nget a\r\n' + store(b'a', b'1') + b'replace a 3 0 1\r\n2\r\nget a\r\n',
           NOT_STORED + END + STORED * 2 + value(b'a', b'2', 3) + END),
    Vector('8.1', 'append and prepend keep the flags of the item',
           store(b'a', b'100', 5) + b'append a 7 0 1\r\nX\r\nprepend a 9 9 1\r\nY\r\nget a\r\n',
           STORED * 3 + value(b'a', b'Y100X', 5) + END),
    Vector('8.1', 'append and prepend of nothing change nothing',
           store(b'a', b'1') + b'append a 0 0 0\r\n\r\nprepend a 0 0 0\r\n\r\nget a\r\n',
           STORED * 3 + value(b'a', b'1') + END),
    Vector('8.1', 'append and prepend do not create', b'append a 0 0 1\r\n1\r\nprepend a 0 0 1\r\n1\r\nget a\r\n',
           NOT_STORED * 2 + END),
    Vector('8.1', 'append and prepend keep the expiry of the item, which is never',
           store(b'a', b'1') + b'append a 0 -1 1\r\n2\r\nprepend a 0 -1 1\r\n0\r\nget a\r\n',
           STORED * 3 + value(b'a', b'012') + END),
    Vector('8.1', 'an expired item does not exist',
           b'set a 0 -1 1\r\n1\r\nreplace a 0 0 1\r\n2\r\nappend a 0 0 1\r\n2\r\nincr a 1\r\ntouch a 0\r\ndelete a\r\n',
           STORED + NOT_STORED * 2 + NOT_FOUND * 3),
    Vector('7', 'spaces are no token', b'get  \r\ndelete  \r\n', BAD_FORMAT * 2),
    Vector('8.1.2', 'an unknown length leaves the data to be executed',
           b'set a 0 0 x\r\n1\r\n', BAD_FORMAT * 2),
    Vector('8.1.5', 'a bad data chunk takes exactly the bytes of data and end',
           b'set a 0 0 3\r\nabcdefoo\r\n', BAD_CHUNK + ERROR),
    Vector('8.1.5', 'a bad data chunk leaves the old item',
           store(b'a', b'old') + b'set a 0 0 3\r\nnew..get a\r\n', STORED + BAD_CHUNK + value(b'a', b'old') + END),
    Vector('8.1.5', 'data that is one byte too long is a bad data chunk',
           b'set a 0 0 3\r\nnew!\r\nget a\r\n', BAD_CHUNK + BAD_FORMAT + END),

    # 8.2 cas
    Vector('8.2', 'cas of an absent key finds nothing', b'cas a 0 0 1 5\r\n1\r\nget a\r\n', NOT_FOUND + END),
    Vector('8.2', 'cas with the number 0 never fits', store(b'a', b'1') + b'cas a 0 0 1 0\r\n2\r\nget a\r\n',
           STORED + EXISTS + value(b'a', b'1') + END),
    Vector('8.2', 'cas without a number is malformed and the data swallowed',
           store(b'a', b'1') + b'cas a 0 0 4\r\nfoo!\r\nget a\r\n', STORED + BAD_FORMAT + value(b'a', b'1') + END),
    Vector('8.2', 'cas with a number that is none is malformed and the data swallowed',
           b'cas a 0 0 4 x\r\nfoo!\r\n', BAD_FORMAT),
    Vector('8.2', 'cas ignores what follows the number', b'cas a 0 0 1 5 6 7\r\n1\r\n', NOT_FOUND),

    # 8.3 get, 8.4 gat
    Vector('8.3', 'get returns found keys in the order asked for, repeated ones repeatedly',
           store(b'a', b'1') + store(b'b', b'2') + b'get b x a b\r\n',
           STORED * 2 + value(b'b', b'2') + value(b'a', b'1') + value(b'b', b'2') + END),
    Vector('8.3', 'get takes more keys than there are indexed tokens',
           store(b'a', b'1') + b'get' + b' x' * 40 + b' a\r\n', STORED + value(b'a', b'1') + END),
    Vector('8.3', 'get takes 5000 keys', store(b'a', b'1') + b'get' + b' a' * 5000 + b'\r\n',
           STORED + value(b'a', b'1') * 5000 + END),
    Vector('8.4', 'gat returns values', store(b'a', b'1', 3) + b'gat 50 a b\r\n', STORED + value(b'a', b'1', 3) + END),
    Vector('8.4', 'gat takes more keys than there are indexed tokens',
           store(b'a', b'1') + b'gat 0' + b' x' * 40 + b' a\r\n', STORED + value(b'a', b'1') + END),
    Vector('8.4', 'gat with a negative exptime returns the item for the last time',
           store(b'a', b'1') + b'gat -1 a\r\nget a\r\n', STORED + value(b'a', b'1') + END + END),

    # 8.5 delete
    Vector('8.5', 'delete removes an item once', store(b'a', b'1') + b'delete a\r\ndelete a\r\nget a\r\n',
           STORED + DELETED + NOT_FOUND + END),
    Vector('8.5', 'delete takes a 0', store(b'a', b'1') + b'delete a 0\r\n', STORED + DELETED),
    Vector('8.5', 'delete refuses further tokens',
           store(b'a', b'1') + b'delete a 5\r\ndelete a b\r\ndelete a 0 b\r\ndelete a noreply 0\r\nget a\r\n',
           STORED + DELETE_USAGE * 4 + value(b'a', b'1') + END),
    Vector('8.5', 'delete refuses a line of five tokens or more',
           store(b'a', b'1') + b'delete a 0 b c\r\ndelete a b c d e\r\nget a\r\n',
           STORED + DELETE_USAGE * 2 + value(b'a', b'1') + END),

    # 8.6 incr decr
    Vector('8.6', 'incr and decr answer the new number and store it',
           store(b'a', b'5', 7) + b'incr a 10\r\ndecr a 1\r\nget a\r\n',
           STORED + b'15\r\n14\r\n' + value(b'a', b'14', 7) + END),
    Vector('8.6', 'incr wraps at 64 bit', store(b'a', U64_MAX) + b'incr a 1\r\n', STORED + b'0\r\n'),
    Vector('8.6', 'incr adds the greatest delta',
           store(b'a', b'0') + b'incr a %s\r\n' % U64_MAX, STORED + U64_MAX + b'\r\n'),
    Vector('8.6', 'decr stops at 0', store(b'a', b'9') + b'decr a 100\r\n', STORED + b'0\r\n'),
    Vector('8.6', 'a shorter number is stored without padding', store(b'a', b'10') + b'decr a 1\r\nget a\r\n',
           STORED + b'9\r\n' + value(b'a', b'9') + END),
    Vector('8.6', 'incr and decr do not create', b'incr a 1\r\ndecr a 1\r\nget a\r\n', NOT_FOUND * 2 + END),
    *[Vector('8.6', f'digits {adorned} are a number', store(b'a', text) + b'incr a 1\r\n', STORED + b'8\r\n')
      for adorned, text in [('alone', b'7'), ('after zeros', b'07'), ('after a plus sign', b'+7'),
                            ('after spaces', b'  7'), ('before spaces', b'7  '),
                            ('after zeros up to 20 digits', b'7'.zfill(20))]],
    *[Vector('8.6', f'{described} is no number', store(b'a', text) + b'incr a 1\r\ndecr a 1\r\nget a\r\n',
             STORED + NON_NUMERIC * 2 + value(b'a', text) + END)
      for described, text in [('an empty value', b''), ('a word', b'abc'), ('a negative number', b'-1'),
                              ('a fraction', b'1.5'), ('a number before a letter', b'1x'), ('two numbers', b'1 2'),
                              ('a space', b' '), ('a plus sign', b'+'), ('2^64', b'18446744073709551616'),
                              ('a very long number', b'7' * 200)]],

    # 8.7 touch, 8.8 flush_all, 8.9 small ones
    Vector('8.7', 'touch finds only present keys', store(b'a', b'1') + b'touch a 100\r\ntouch b 100\r\nget a\r\n',
           STORED + TOUCHED + NOT_FOUND + value(b'a', b'1') + END),
    Vector('8.7', 'touch with a time in the past removes the item',
           store(b'a', b'1') + store(b'b', b'1') + b'touch a -1\r\ntouch b 2592001\r\nget a b\r\n',
           STORED * 2 + TOUCHED * 2 + END),
    Vector('8.7', 'touch ignores further tokens', store(b'a', b'1') + b'touch a 0 foo\r\n', STORED + TOUCHED),
    *[Vector('8.8', f'{request.decode()} takes what was stored before, not what is stored right after',
             store(b'a', b'1') + store(b'b', b'1') + request + b'\r\n' + store(b'b', b'2') + b'get a b\r\n',
             STORED * 2 + OK + STORED + value(b'b', b'2') + END)
      for request in [b'flush_all', b'flush_all 0', b'flush_all -1']],
    Vector('8.8', 'flush_all with a delay does nothing yet',
           store(b'a', b'1') + b'flush_all 100\r\nget a\r\nflush_all\r\n',
           STORED + OK + value(b'a', b'1') + END + OK),
    Vector('8.8', 'flush_all with a delay that is no number does nothing',
           store(b'a', b'1') + b'flush_all x\r\nget a\r\n',
           STORED + BAD_EXPTIME + value(b'a', b'1') + END),
    Vector('8.8', 'flush_all ignores a second argument', b'flush_all 0 foo\r\n', OK),
    Vector('8.9', 'verbosity takes a number', b'verbosity 0\r\nverbosity 0 foo\r\n', OK * 2),
    Vector('8.9', 'verbosity takes nothing else', b'verbosity x\r\nverbosity -1\r\n', BAD_FORMAT * 2),
    Vector('9.6', 'mn is answered, whatever follows', b'mn\r\nmn foo\r\n', b'MN\r\n' * 2),
    Vector('10.2', 'stats reset says so, whatever follows', b'stats reset\r\nstats reset foo\r\n', b'RESET\r\n' * 2),
    Vector('10.2', 'unknown statistics are an error', b'stats foo\r\n', ERROR),
]
