#!/usr/bin/env python3
"""What a client sees when one server of a cluster is killed under load, and comes back empty.

    failover.py [--seconds N] [--port PORT] [--proxy MEMCACHED] [--plot FILE.svg]

Starts cluster.py's servers. A client reads keys through the proxy, popular ones more often, and stores what it misses.
After a third of the time the server `one`, which has a quarter of the weight, is killed; after another third it is
started again. Prints each half second the share of hits and of errors, and what it comes to.
"""
import argparse
import collections
import random
import socket
import time

from cluster import Cluster, add_arguments

KEYS = 2_000
VALUE = b'x' * 1000
PERIOD_S = 0.5
VICTIM = 'one'
REQUEST_S = 0.0005  # the pause between requests


class Load:
    """A program that uses the cache: it reads keys, popular ones more often, and stores what it misses."""

    def __init__(self, port):
        self.port = port
        self.stream = None
        self.choose = random.Random(1)

    def request(self):
        """'hit', 'miss' or 'error', after which it connects again, as programs do."""
        key = b'key%d' % int(KEYS * self.choose.random() ** 2)
        try:
            if self.ask(b'get %s\r\n' % key, b'END'):
                return 'hit'
            self.ask(b'set %s 0 0 %d\r\n%s\r\n' % (key, len(VALUE), VALUE), b'STORED')
            return 'miss'
        except OSError:
            self.stream = None
            return 'error'

    def ask(self, request, ends):
        """Whether the reply has a value."""
        if self.stream is None:
            with socket.create_connection(('127.0.0.1', self.port), timeout=5) as connection:
                self.stream = connection.makefile('rwb')
        self.stream.write(request)
        self.stream.flush()
        found = False
        while line := self.stream.readline():
            if line.startswith(b'VALUE'):
                self.stream.read(len(VALUE) + 2)
                found = True
            elif line.startswith(ends):
                return found
            else:
                raise ConnectionError(line.decode().strip())
        raise ConnectionError('closed')


def run(cluster, seconds):
    """(time, hits, misses, errors) of each period."""
    load = Load(cluster.port)
    rows = []
    start = time.monotonic()
    events = [(seconds / 3, 'killed', cluster.kill), (2 * seconds / 3, 'started again', cluster.start)]
    counts = collections.Counter()
    next_row = PERIOD_S
    while (now := time.monotonic() - start) < seconds:
        if events and now >= events[0][0]:
            _, what, act = events.pop(0)
            act(VICTIM)
            print(f'{now:5.1f} s  {VICTIM} {what}')
        if now >= next_row:
            rows.append((now, counts['hit'], counts['miss'], counts['error']))
            total = max(1, counts.total())
            print(f'{now:5.1f} s  {100 * counts["hit"] / total:5.1f} % hits  {100 * counts["error"] / total:5.1f} % errors')
            counts.clear()
            next_row += PERIOD_S
        counts[load.request()] += 1
        time.sleep(REQUEST_S)
    return rows


def share(rows, column, since, until):
    """Of the periods that ended between those times."""
    chosen = [row for row in rows if since < row[0] <= until]
    return sum(row[column] for row in chosen) / max(1, sum(sum(row[1:]) for row in chosen))


def plot(rows, seconds, path):
    import matplotlib
    matplotlib.use('svg')
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(6, 2.6))
    for column, name, colour in [(1, 'hits', '#1f6f8b'), (3, 'errors', '#b4530f')]:
        axes.plot([row[0] for row in rows], [100 * row[column] / max(1, sum(row[1:])) for row in rows], color=colour,
                  label=name)
    for moment, name in [(seconds / 3, 'killed'), (2 * seconds / 3, 'back, empty')]:
        axes.axvline(moment, color='#8f8f8f', linestyle=':')
        axes.annotate(name, (moment, 50), rotation=90, xytext=(-10, 0), textcoords='offset points', color='#8f8f8f')
    axes.set_xlabel('seconds')
    axes.set_ylabel('% of requests')
    axes.set_ylim(0, 100)
    axes.legend(frameon=False, loc='center right')
    axes.spines[['top', 'right']].set_visible(False)
    figure.savefig(path, bbox_inches='tight', metadata={'Date': None, 'Creator': None})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--seconds', type=float, default=30)
    add_arguments(parser)
    parser.add_argument('--plot')
    arguments = parser.parse_args()
    with Cluster(arguments.port, arguments.proxy) as cluster:
        rows = run(cluster, arguments.seconds)
    third = arguments.seconds / 3
    print(f'hits: {100 * share(rows, 1, third / 2, third):.1f} % before, '
          f'{100 * share(rows, 1, third, third + 2 * PERIOD_S):.1f} % in the second after it was killed, '
          f'{100 * share(rows, 1, 1.5 * third, 2 * third):.1f} % with two servers, '
          f'{100 * share(rows, 1, 2.5 * third, 3 * third):.1f} % at the end; '
          f'{sum(row[3] for row in rows)} errors of {sum(sum(row[1:]) for row in rows)} requests')
    if arguments.plot:
        plot(rows, arguments.seconds, arguments.plot)


if __name__ == '__main__':
    main()
