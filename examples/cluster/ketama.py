#!/usr/bin/env python3
"""Spreads keys over the netds of a cluster in the client, without a proxy: libmemcached's ketama, by pylibmc.

    ketama.py [PORT]

Starts the netds of cluster.py. Prints what share of the keys each has, and what share of them moved when one was killed:
that of the one that went, and no more. Needs Debian's python3-pylibmc.
"""
import sys

import pylibmc

from cluster import PORT, Cluster

KEYS = 5_000
BEHAVIORS = {
    'ketama_weighted': True,  # consistent hashing by weight, the same in all clients of libmemcached
    'tcp_nodelay': True,
    'remove_failed': 1,    # after a failure its keys go to the others ...
    'retry_timeout': 2,    # ... and after so many seconds it is tried again
    'dead_timeout': 2,
    'connect_timeout': 1000,  # ms
}


def client_of(cluster):
    # The weight is the third part of an address.
    return pylibmc.Client([f'127.0.0.1:{port}:{weight}' for port, weight in cluster.netds.values()], behaviors=BEHAVIORS)


def stored(client, key):
    """Stores the key; whether that succeeded. The first request after a server went fails, and has it removed."""
    for _ in range(5):
        try:
            return client.set(key, b'1')
        except pylibmc.Error:
            continue
    return False


def found(client, keys):
    """Which of the keys are there."""
    there = set()
    for key in keys:
        try:
            if client.get(key) is not None:
                there.add(key)
        except pylibmc.Error:
            pass
    return there


def main():
    with Cluster(int(sys.argv[1]) if len(sys.argv) > 1 else PORT) as cluster:
        client = client_of(cluster)
        keys = [f'key{i}' for i in range(KEYS)]
        assert all(stored(client, key) for key in keys)
        weights = sum(weight for _, weight in cluster.netds.values())
        for (name, (_, weight)), (_, stats) in zip(cluster.netds.items(), sorted(client.get_stats())):
            share = int(stats[b'curr_items'] if b'curr_items' in stats else stats['curr_items']) / KEYS
            print(f'{name}: weight {weight} of {weights}, {100 * share:.1f} % of the keys')
        cluster.kill('one')
        found(client, keys)  # Meets the failure.
        left = len(found(client, keys)) / KEYS
        print(f'without one: {100 * left:.1f} % of the keys are still where they were')


if __name__ == '__main__':
    main()
