"""Looks into a cache that a program serves: look_in.py ADDRESS KEY…, with Debian's python3-memcache."""

import sys

import memcache

address, *keys = sys.argv[1:]
client = memcache.Client([address], socket_timeout=60)
for key, value in sorted(client.get_multi(keys).items()):
    print(key, '=', value.decode())

_, stats = client.get_stats()[0]
for name in 'curr_items', 'bytes', 'limit_maxbytes', 'get_hits', 'get_misses', 'evictions':
    print(name, stats[name])

print('can be changed from outside:', bool(client.set('count', '0')))
