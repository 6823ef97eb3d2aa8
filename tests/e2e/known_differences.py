"""Where Debian's memcached and netd are known to differ, so that random streams can do without it.

Each difference names what netd/PROTOCOL.md says about it, tells which requests it is about, as few as it can, and has
an example. differential_test.py checks that the text is there, and that the example is one and makes a difference.
"""

import re
import time
from typing import Callable, NamedTuple

from dialogue import CAS_OF_KEY
from framing import CLASSIC_STORES, is_i32, is_u32, is_u64
from request_parts import (METAS, RETRIEVALS, cas_numbers_of, exptimes_of, extends, flag_tokens, flags_of, has,
                           has_long_key, has_long_opaque, is_bad_base64, key_of, numbers_of)
from vectors import KEY_251

# Keys that hold numbers, or what incr refuses. The values of all others begin with nothing that a number begins with.
COUNTER_KEYS = [b'num0', b'num1']
# These, all of them seconds, do not end while a stream lasts; netd and memcached need not agree on shorter ones.
TTL_MIN_S = 100
MONTH_S = 2592000
# What R may be, all of it far from what is left of those seconds.
RECACHE_TIMES = [b'0', b'-1', b'30', b'3000', b'2000000']

TOKENS_MIN = {**dict.fromkeys([b'get', b'gets', b'delete', b'verbosity', b'mg', b'md', b'ma', b'me'], 2),
              **dict.fromkeys([b'gat', b'gats', b'incr', b'decr', b'touch', b'ms'], 3),
              **dict.fromkeys(CLASSIC_STORES, 5), b'cas': 6}
TOKENS_MAX_OF_1_6_18 = {**dict.fromkeys(CLASSIC_STORES, 6), b'cas': 7, b'incr': 4, b'decr': 4, b'touch': 4,
                        b'flush_all': 3, b'verbosity': 3}
# The rest of a number for strtol() and those that call it in 1.6.18.
LAX_NUMBER = re.compile(rb'[\t\v\f\r]|[+-]?\d+([\t\v\f\r]|\Z)')
FLAGS_OF_1_6_18 = {bytes([letter]) for letter in b'bcCDFfhIJklLMNOPqRstTuv'}


def is_short(request):
    return len(request.tokens) < TOKENS_MIN.get(request.verb, 0) or request.data.find(b'\n') < 3


def is_malformed_classic_store(request):
    return request.verb in CLASSIC_STORES and request.block is not None and (
        has_long_key(request) or not all(is_number for _, is_number in numbers_of(request)))


def has_wrong_flags(request):
    """Those that memcached 1.6.18 tells of in one sentence if they belong to md or ma."""
    letters = [token[:1] for token in flag_tokens(request)]
    numbers = [is_number for _, is_number in numbers_of(request)]
    modes = [token for token in flag_tokens(request) if token[:1] == b'M' and len(token) != 2]
    return (len(set(letters)) < len(letters) or not FLAGS_OF_1_6_18.issuperset(letters) or not all(numbers)
            or bool(modes) or is_bad_base64(request))


def is_n_late(request):
    """Behind a flag that shows or sets the expiry of what N creates."""
    letters = b''.join(token[:1] for token in flag_tokens(request))
    return request.verb in (b'mg', b'ma') and re.search(rb'[tT].*N', letters, re.DOTALL)


def recache_times_of(request):
    return [token[1:] for token in flag_tokens(request) if token[:1] == b'R' and is_i32(token[1:])]


def misplaces_cas_of_key(request):
    """Whether the number of an item, which each server has its own of, stands where it is no CAS number."""
    def is_cas_number(place, token):
        return place == 5 if request.verb == b'cas' else request.verb in METAS and place > 1 and token[:1] in b'CE'
    return any(CAS_OF_KEY.search(token) and not is_cas_number(place, token)
               for place, token in enumerate(request.line.split()))


def is_past(exptime):
    return exptime < 0 or MONTH_S < exptime <= time.time() + TTL_MIN_S


class Difference(NamedTuple):
    says: str  # an entry of PROTOCOL.md begins so
    applies: Callable
    example: bytes  # empty if they differ only now and then


DIFFERENCES = [
    # The wire
    Difference('Spaces before a command make it an error.',
               lambda request: request.line.startswith(b' '), b' get a\r\n'),
    Difference('Unfinished lines are measured from their own start',
               lambda request: len(request.line) > 2048 and not request.line.startswith((b'get ', b'gets ')),
               b'gat 0 ' + b'a ' * 9000 + b'\r\n'),
    Difference('A `get` with a key that is too long gets one error line',
               lambda request: request.verb in (b'gat', b'gats') and has_long_key(request),
               b'set a 0 0 1\r\n1\r\ngat 1000 a %s\r\nmg a t\r\n' % KEY_251),

    # Numbers
    Difference('Client flags outside 0..4294967295 are refused',
               lambda request: request.verb in CLASSIC_STORES and len(request.tokens) > 4
               and not is_u32(request.tokens[2]) and LAX_NUMBER.match(request.tokens[2]),
               b'set a 4294967296 0 1\r\n1\r\n'),
    Difference('`incr` and `decr` accept `[+]digits` with spaces around them as a number',
               lambda request: key_of(request) in COUNTER_KEYS
               and re.match(rb'\s*\+?\d+[\s\0]|\s+\Z|[\t\v\f\r\n]', request.value)
               and not re.fullmatch(rb' *\+?\d+ *', request.value),
               b'set num0 0 0 3\r\n1 2\r\nincr num0 1\r\n'),
    Difference('Numbers from 2^63 on are numbers', lambda request: b'-' in (request.block or b'') + key_of(request),
               b'set a 0 0 25\r\n%s-\r\ndelete a\r\nset a 0 0 19\r\n9833481553300827187\r\nincr a 1\r\n' % (b'x' * 24)),
    Difference('The result of `decr` is stored without padding.',
               lambda request: extends(request) and key_of(request) in COUNTER_KEYS
               or request.verb == b'mg' and key_of(request) in COUNTER_KEYS and has(request, b's')
               and not has(request, b'v')
               or key_of(request) not in COUNTER_KEYS
               and (re.match(rb'[\s+\d]', request.value) or request.verb == b'ma' and has(request, b'N')),
               b'set a 0 0 2\r\n10\r\ndecr a 1\r\nappend a 0 0 1\r\nx\r\nget a\r\n'),

    # Meta commands
    Difference('`R` is a number of seconds',
               lambda request: any(MONTH_S < int(text) for text in recache_times_of(request)),
               b'ms a 1 T2147483647\r\n1\r\nmg a R2000000000\r\n'),
    Difference('`R` compares with the seconds that `t` shows',
               lambda request: any(text not in RECACHE_TIMES for text in recache_times_of(request)), b''),
    Difference('`R` compares with the expiry before `T` changes it',
               lambda request: has(request, b'R') and has(request, b'T'),
               b'ms a 1 T1000\r\n1\r\nmg a T200 R500\r\n'),
    Difference('`N` sets its expiry before everything else on the line', is_n_late, b'mg a T200 N300\r\nmg a t\r\n'),
    Difference('`t` of an item that has just been made to expire is `t0`',
               lambda request: has(request, b't') and any(map(is_past, exptimes_of(request))),
               b'ms a 1\r\n1\r\nmg a T-1 t\r\n'),
    Difference('An item that is expired when it is created has the CAS number 0.',
               lambda request: has(request, b'c') and any(map(is_past, exptimes_of(request))),
               b'ms a 1 T-1 c\r\n1\r\n'),
    Difference('`ma` compares with `C` before it parses the value',
               lambda request: request.verb == b'ma' and has(request, b'C') and key_of(request) not in COUNTER_KEYS
               or request.block == b'\r\n' and key_of(request) in COUNTER_KEYS,
               b'ms a 0\r\n\r\nma a C4000000000\r\n'),
    Difference('CAS numbers grow per key', lambda request: has(request, b'I') and any(
        key != key_of(request) for key in CAS_OF_KEY.findall(request.line)), b''),
    Difference('Counting leaves an item stale or won',
               lambda request: key_of(request) in COUNTER_KEYS and (
                   request.verb == b'mg' and has(request, b'N', b'R')
                   or request.verb in (b'md', b'ms') and has(request, b'I')),
               b'set num0 0 0 1\r\n9\r\nmd num0 I\r\nmg num0\r\nincr num0 1\r\nmg num0\r\n'),
    Difference('An opaque that is too long is refused before anything is done',
               lambda request: request.verb in (b'mg', b'md') and has_long_opaque(request),
               b'set a 0 0 1\r\n1\r\nmg a T-1 O%s\r\nmg a\r\n' % KEY_251[:32]),
    Difference('`T` of `ma` takes effect', lambda request: request.verb == b'ma' and has(request, b'T'),
               b'set a 0 0 1\r\n9\r\nma a T1000\r\nmg a t\r\n'),
    Difference('A key in base64 must contain nothing but base64.',
               lambda request: is_bad_base64(request) and request.verb != b'me', b'ms Z!m9v 1 b\r\n1\r\n'),
    Difference('Items that `mg`, `ma` and appending `ms` create with `b` are marked as binary',
               lambda request: has(request, b'b') and (
                   extends(request) or has(request, b'N') or request.verb == b'ms' and key_of(request) in COUNTER_KEYS),
               b'mg Zm9v b N0 k\r\nmg foo k\r\n'),
    Difference('Only `ms` in its mode `S` without `C` removes the old item when the new value is too large',
               lambda request: request.verb == b'ms' and len(request.block or b'') > 1 << 20
               and (has(request, b'C') or flags_of(request).get(b'M', b'S') != b'S'),
               b'ms a 1\r\n1\r\nms a 1100000 MR\r\n' + b'x' * 1100000 + b'\r\nmg a\r\n'),

    # Items
    Difference('`append` and `prepend` may exceed `-I`',
               lambda request: extends(request) and len(request.block or b'') > (1 << 20) - 1500,
               b'set a 0 0 100\r\n' + b'x' * 100 + b'\r\nappend a 0 0 1048450\r\n' + b'x' * 1048450 + b'\r\n'),

    # Debian's memcached 1.6.18
    Difference('Lines that are too short are malformed', is_short, b'get\r\n'),
    Difference('The data of a store that is refused is skipped',
               lambda request: is_malformed_classic_store(request)
               or request.verb == b'ms' and request.block is not None and has_long_key(request),
               b'set a x 0 4\r\nmn\r\n\r\n'),
    Difference('Extra tokens are ignored',
               lambda request: len(request.tokens) > TOKENS_MAX_OF_1_6_18.get(request.verb, len(request.tokens))
               or request.verb == b'delete' and not re.fullmatch(rb'(0 )?(noreply )?',
                                                                 b''.join(t + b' ' for t in request.tokens[2:])),
               b'incr a 1 2 3\r\n'),
    Difference('`noreply` does not silence a bad length',
               lambda request: request.verb in CLASSIC_STORES and request.block is None
               and request.tokens[-1] == b'noreply', b'set a 0 0 x noreply\r\n'),
    Difference('A NUL is a byte like any other', lambda request: b'\0' in request.line, b'set a\0 0 0 1\r\n1\r\n'),
    Difference('Numbers are nothing but digits',
               lambda request: any(not is_right and LAX_NUMBER.match(text) for text, is_right in numbers_of(request)),
               b'touch a +1\r\n'),
    Difference('`bget` is not a command', lambda request: request.verb == b'bget', b'bget a\r\n'),
    Difference('Flags start with a letter or a digit',
               lambda request: any(not re.match(rb'[A-z0-9]', token) for token in flag_tokens(request)),
               b'mg a !\r\n'),
    Difference('Errors in the flags of `md` are reported like those of `mg`',
               lambda request: request.verb in (b'md', b'ma') and has_wrong_flags(request)
               or request.verb == b'ma' and (has_long_key(request) or has_long_opaque(request)),
               b'md a v v\r\n'),
    Difference('18 flags fit on a line',
               lambda request: request.verb in METAS and len(request.tokens) >= 20,
               b'ms a 1 c C1 D1 f F1 h I J1 k l L O P q R1 t u\r\n1\r\n'),
    Difference('Only the first letter of a mode counts',
               lambda request: any(token[:1] == b'M' and len(token) != 2 for token in flag_tokens(request)),
               b'ms a 1 MSS\r\n1\r\n'),
    Difference('`me` answers a bad base64 key as the other commands do.',
               lambda request: request.verb == b'me' and is_bad_base64(request), b'me Zm9 b q\r\n'),
    Difference('`E` and `x` are flags', lambda request: has(request, b'E', b'x'), b'mg a E1\r\n'),
    Difference('`C` of `mg` withholds the value', lambda request: request.verb == b'mg' and has(request, b'C'),
               b'ms a 1 c k\r\n1\r\nmg a v C<cas:a>\r\n'),
    Difference('`ms` answers `s` and creates with `N`',
               lambda request: request.verb == b'ms' and has(request, b's', b'N'), b'ms a 1 s\r\n1\r\n'),
]

# What no comparison is made of.
OUT_OF_REACH = {
    'administration and the end of a connection, which have tests of their own':
        lambda request: request.verb in {b'version', b'quit', b'stats', b'slabs', b'lru', b'lru_crawler', b'watch',
                                         b'shutdown', b'cache_memlimit', b'debugtime', b'extstore', b'refresh_certs'}
        or request.tokens[-1:] and request.tokens[-1].startswith(b'HTTP/'),
    'times that end while the stream lasts':
        lambda request: any(0 < seconds < TTL_MIN_S for seconds in exptimes_of(request)),
    'flush_all at a later time': lambda request: request.verb == b'flush_all' and any(
        0 < int(token) for token in request.tokens[1:2] if is_i32(token)),
    'a CAS number that may happen to be one of them': lambda request: any(
        0 < int(text) < 10**9 for text in cas_numbers_of(request) if is_u64(text)),
    'a CAS number in another place': misplaces_cas_of_key,
    'a block of data that does not end': lambda request: not request.is_complete(),
}


def reason_to_leave_out(request):
    """Why memcached and netd need not answer this alike; None if they should."""
    for reason, applies in OUT_OF_REACH.items():
        if applies(request):
            return reason
    return next((difference.says for difference in DIFFERENCES if difference.applies(request)), None)


def is_told_alone(request):
    """Whether memcached answers this right only if nothing comes with it: "An error in `get` takes nothing back"."""
    return request.verb in RETRIEVALS and has_long_key(request)
