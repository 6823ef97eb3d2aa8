"""A stream of bytes cut into requests, as a server cuts it: a line, and behind storage commands a block of data."""

import re
from typing import NamedTuple

from dialogue import CAS_OF_KEY, CAS_OF_KEY_BEGIN, UNSEEN_CAS

CLASSIC_STORES = {b'set', b'add', b'replace', b'append', b'prepend', b'cas'}
# Where the length of the data stands.
LENGTH_INDEX = {b'ms': 2, **dict.fromkeys(CLASSIC_STORES, 4)}
VALUE_BYTES_MAX = 2147483645
# An incomplete block of data is filled up; not if it were longer than this.
BLOCK_BYTES_FILLED_MAX = 2 << 20


class Request(NamedTuple):
    data: bytes
    line: bytes  # without its end
    tokens: list
    block: bytes  # the value and the two bytes behind it; None if no data belongs to the line

    @property
    def verb(self):
        return self.tokens[0] if self.tokens else b''

    @property
    def value(self):
        """What is to be stored; empty if there is nothing to store."""
        return self.block[:-2] if self.block and self.block.endswith(b'\r\n') else b''

    def is_complete(self):
        return self.block is None or len(self.block) == block_bytes_of(self.line, self.tokens)


def is_i32(token):
    return re.fullmatch(rb'-?\d+', token) is not None and len(token) <= 11 and -2**31 <= int(token) < 2**31


def is_exptime(token):
    return is_i32(token) or is_u32(token)


def is_stored_exptime(token):
    return re.fullmatch(rb'[+-]?\d+', token) is not None and -2**63 <= int(token) < 2**63


def is_u32(token):
    return token.isdigit() and len(token) <= 11 and int(token) < 2**32


def is_u64(token):
    return token.isdigit() and len(token) <= 22 and int(token) < 2**64


def requests_in(data):
    """The requests in `bytes`; what the last one lacks is filled in."""
    requests = []
    while data:
        request, data = cut_off_request(data)
        requests.append(request)
    return requests


def cut_off_request(data):
    """The first request, and the bytes behind it."""
    line, lf, rest = data.partition(b'\n')
    line_end = lf or b'\r\n'
    if lf and line.endswith(b'\r'):
        line, line_end = line[:-1], b'\r\n'
    tokens = [token for token in CAS_OF_KEY.sub(UNSEEN_CAS, line).split(b' ') if token]
    block_bytes = block_bytes_of(line, tokens)
    if block_bytes is None:
        return Request(line + line_end, line, tokens, None), rest
    # A number filled in would change the length.
    block, rest = rest[:block_bytes].replace(CAS_OF_KEY_BEGIN, b'.'), rest[block_bytes:]
    if len(block) < block_bytes <= BLOCK_BYTES_FILLED_MAX:
        block = block[:block_bytes - 2].ljust(block_bytes - 2, b'x') + b'\r\n'
    return Request(line + line_end + block, line, tokens, block), rest


def block_bytes_of(line, tokens):
    """How many bytes of data belong to a line, None if none do."""
    index = LENGTH_INDEX.get(line.partition(b' ')[0])
    if index is None or len(tokens) <= index or not is_i32(tokens[index]):
        return None
    value_bytes = int(tokens[index])
    return value_bytes + 2 if 0 <= value_bytes <= VALUE_BYTES_MAX else None
