"""What is in a request that framing.py has cut out, read as netd reads it."""

import base64
import binascii
import re

from framing import CLASSIC_STORES, LENGTH_INDEX, is_exptime, is_i32, is_stored_exptime, is_u32, is_u64

RETRIEVALS = {b'get', b'gets', b'gat', b'gats'}
METAS = {b'mg', b'ms', b'md', b'ma'}
KEY_BYTES_MAX = 250
OPAQUE_BYTES_MAX = 31
# Where numbers stand, and what they have to be.
NUMBERS = {**dict.fromkeys(CLASSIC_STORES, {2: is_u32, 3: is_stored_exptime, 4: is_i32}),
           b'cas': {2: is_u32, 3: is_stored_exptime, 4: is_i32, 5: is_u64},
           **dict.fromkeys([b'incr', b'decr'], {2: is_u64}), b'touch': {2: is_exptime}, b'ms': {2: is_i32},
           **dict.fromkeys([b'gat', b'gats', b'flush_all'], {1: is_exptime}), b'verbosity': {1: is_u32}}
FLAG_NUMBERS = {**dict.fromkeys([b'T', b'N'], is_exptime), b'R': is_i32,
                **dict.fromkeys([b'C', b'D', b'J'], is_u64), b'F': is_u32}
EXPTIME_INDEX = {**dict.fromkeys(CLASSIC_STORES, 3), b'touch': 2, b'gat': 1, b'gats': 1}


def flag_tokens(request):
    return request.tokens[LENGTH_INDEX.get(request.verb, 1) + 1:] if request.verb in METAS else []


def flags_of(request):
    """Letter -> argument."""
    return {token[:1]: token[1:] for token in flag_tokens(request)}


def has(request, *letters):
    return any(token[:1] in letters for token in flag_tokens(request))


def numbers_of(request):
    """What should be numbers, each with whether it is one."""
    for index, is_right in NUMBERS.get(request.verb, {}).items():
        if index < len(request.tokens):
            yield request.tokens[index], is_right(request.tokens[index])
    for token in flag_tokens(request):
        if token[:1] in FLAG_NUMBERS:
            yield token[1:], FLAG_NUMBERS[token[:1]](token[1:])


def exptimes_of(request):
    """The numbers that tell how long something lasts, as they are understood: the lower 32 bits, with a sign."""
    texts = [token[1:] for token in flag_tokens(request) if token[:1] in (b'T', b'N')]
    if request.verb in EXPTIME_INDEX:
        texts += request.tokens[EXPTIME_INDEX[request.verb]:][:1]
    return [(int(text) + 2**31) % 2**32 - 2**31 for text in texts if re.fullmatch(rb'[+-]?\d+', text)]


def cas_numbers_of(request):
    texts = [token[1:] for token in flag_tokens(request) if token[:1] == b'C']
    return texts + (request.tokens[5:6] if request.verb == b'cas' else [])


def key_of(request):
    """The key as it is known by, also where it stands in base64."""
    key = request.tokens[1] if len(request.tokens) > 1 else b''
    try:
        return base64.b64decode(key) if has(request, b'b') else key
    except binascii.Error:
        return key


def is_bad_base64(request):
    """The key is said to be base64, and is not."""
    if not has(request, b'b') and not (request.verb == b'me' and request.tokens[2:3] == [b'b']):
        return False
    group, last_group = rb'[A-Za-z0-9+/]{4}', rb'[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/]=)'
    return re.fullmatch(rb'(?=.)(?:%s)*(?:%s)?' % (group, last_group), request.tokens[1]) is None


def has_long_key(request):
    keys = request.tokens[1:] if request.verb in RETRIEVALS else request.tokens[1:2]
    return any(len(key) > KEY_BYTES_MAX for key in keys)


def has_long_opaque(request):
    return has(request, b'O') and len(flags_of(request)[b'O']) > OPAQUE_BYTES_MAX


def extends(request):
    """What is there stays, and the value is put in front of it or behind it."""
    is_meta = request.verb == b'ms' and flags_of(request).get(b'M', b'')[:1] in (b'A', b'P')
    return is_meta or request.verb in (b'append', b'prepend')
