"""Random streams of requests, well-formed and damaged, to memcached and to netd: the replies and what is left are the
same, but for the requests that known_differences.py leaves out.

DIFF_SEED repeats a run, from the stream DIFF_FIRST on. DIFF_STREAMS says how many streams there are, or DIFF_SECONDS
how long they are to go on.
"""

import collections
import os
import random
import time
import unittest
from typing import NamedTuple

from dialogue import Comparison, DifferentialTestCase
from framing import requests_in
from grammar import KEYS, Grammar
from known_differences import is_told_alone, reason_to_leave_out

SEED = int(os.environ.get('DIFF_SEED') or random.SystemRandom().randrange(1 << 32))
STREAMS = int(os.environ.get('DIFF_STREAMS') or 150)
SECONDS = float(os.environ.get('DIFF_SECONDS') or 0)
FIRST = int(os.environ.get('DIFF_FIRST') or 0)
SHRINKING_S = 60

# Asked of every key in the end. The first question sees to it that netd knows the history of the item to the second.
STATE = b''.join(b'mg %s h l\r\n' % key for key in KEYS)
WHOLE_STATE = b''.join(b'mg %s v k s f t c h l\r\ngets %s\r\nme %s\r\n' % (key, key, key) for key in KEYS)


class Batch(NamedTuple):
    """Requests that are sent together, cut into packets at these shares of their length."""
    requests: list
    cuts: list

    def data(self):
        return b''.join(self.requests)


class Fuzzing(DifferentialTestCase):
    def test_random_streams_get_the_same_replies_and_leave_the_same(self):
        print(f'DIFF_SEED={SEED}', flush=True)
        started_s = time.monotonic()
        left_out = collections.Counter()
        stream_count = request_count = 0
        while time.monotonic() - started_s < SECONDS if SECONDS else stream_count < STREAMS:
            number = FIRST + stream_count
            stream = self.stream(number, left_out)
            if difference := self.first_difference(stream):
                self.fail(self.describe(*self.shrunk(stream, difference), f'DIFF_SEED={SEED} DIFF_FIRST={number}'))
            stream_count += 1
            request_count += sum(len(batch.requests) for batch in stream)
        print(f'{stream_count} streams, {request_count} requests in {time.monotonic() - started_s:.1f} s; left out:')
        for reason, count in left_out.most_common():
            print(f'  {count:6} {reason}')
        self.assertLess(left_out.total(), request_count, 'what is compared is the smaller part')

    def stream(self, number, left_out):
        """Batches of those requests that both servers should answer alike; counts the others by why they need not."""
        stream = []
        for data, cuts in Grammar(random.Random(f'{SEED} {number}')).stream():
            batch = Batch([], cuts)
            for request in requests_in(data):
                if reason := reason_to_leave_out(request):
                    left_out[reason] += 1
                elif is_told_alone(request):
                    stream += [batch, Batch([request.data], [])]
                    batch = Batch([], cuts)
                else:
                    batch.requests.append(request.data)
            stream.append(batch)
        return [batch for batch in stream if batch.requests]

    def first_difference(self, stream):
        """The number of the first batch that is answered differently, and both replies."""
        with Comparison(self.memcached, self.netd) as comparison:
            for number, batch in enumerate(stream):
                if replies := comparison.difference(batch.data(), batch.cuts):
                    return number, replies
            if replies := (comparison.difference(STATE) or
                           comparison.difference(WHOLE_STATE, is_history_exact=True)):
                return len(stream), replies
        return None

    def shrunk(self, stream, difference):
        """A stream with a difference, without what it does not need, and the replies that differ."""
        deadline_s = time.monotonic() + SHRINKING_S
        number, replies = difference
        stream = stream[:number + 1]
        for smaller in (without_batch, without_request, without_cuts):
            position = 0
            while time.monotonic() < deadline_s and (candidate := smaller(stream, position)) is not None:
                if difference := self.first_difference(candidate):
                    stream, replies = candidate[:difference[0] + 1], difference[1]
                else:
                    position += 1
        return stream, replies

    def describe(self, stream, replies, where):
        sent = '\n'.join(f'    {shortened(batch.data())} in {len(batch.cuts) + 1} pieces' for batch in stream)
        return (f'{where}: after\n{sent}\n  memcached answers\n    {shortened(replies[0])}\n  netd answers\n'
                f'    {shortened(replies[1])}')


def without_batch(stream, position):
    return stream[:position] + stream[position + 1:] if position < len(stream) else None


def without_request(stream, position):
    for number, batch in enumerate(stream):
        if position < len(batch.requests):
            rest = batch.requests[:position] + batch.requests[position + 1:]
            return [*stream[:number], Batch(rest, batch.cuts), *stream[number + 1:]]
        position -= len(batch.requests)
    return None


def without_cuts(stream, position):
    cut_batches = [number for number, batch in enumerate(stream) if batch.cuts]
    if position >= len(cut_batches):
        return None
    number = cut_batches[position]
    return [*stream[:number], Batch(stream[number].requests, []), *stream[number + 1:]]


def shortened(data):
    return repr(data) if len(data) < 400 else f'{data[:300]!r} … {data[-100:]!r}'


if __name__ == '__main__':
    unittest.main()
