#!/usr/bin/env python3
"""larder in a Python program, by ctypes: a cache that several threads, or a library in another language, can share.

    embed_in_python.py [liblarder.so]
"""
import ctypes
import sys


class Options(ctypes.Structure):
    _fields_ = [('struct_bytes', ctypes.c_size_t), ('memory_limit_bytes', ctypes.c_size_t), ('item_bytes_max', ctypes.c_size_t)]


class Item(ctypes.Structure):
    _fields_ = [('value', ctypes.c_void_p), ('value_bytes', ctypes.c_size_t), ('cas', ctypes.c_uint64),
                ('ttl_ms', ctypes.c_int64), ('flags', ctypes.c_uint32), ('handle', ctypes.c_void_p)]


class Stats(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in [
        'items', 'item_bytes', 'memory_used_bytes', 'memory_limit_bytes', 'get_hits', 'get_misses', 'stores', 'evictions',
        'expired']]


OK, NOT_FOUND, NOT_STORED, EXISTS = range(4)
BYTES = [ctypes.c_char_p, ctypes.c_size_t]


class Cache:
    def __init__(self, memory_limit_bytes, library='liblarder.so.0.1'):
        self.larder = ctypes.CDLL(library)
        self.larder.larder_set.argtypes = [ctypes.c_void_p, *BYTES, *BYTES, ctypes.c_int64, ctypes.c_uint32]
        self.larder.larder_add.argtypes = self.larder.larder_set.argtypes
        self.larder.larder_cas.argtypes = [*self.larder.larder_set.argtypes, ctypes.c_uint64]
        self.larder.larder_get.argtypes = [ctypes.c_void_p, *BYTES, ctypes.POINTER(Item)]
        self.larder.larder_erase.argtypes = [ctypes.c_void_p, *BYTES]
        self.larder.larder_touch.argtypes = [ctypes.c_void_p, *BYTES, ctypes.c_int64]
        self.larder.larder_flush.argtypes = [ctypes.c_void_p]
        self.larder.larder_destroy.argtypes = [ctypes.c_void_p]
        self.larder.larder_get_stats.argtypes = [ctypes.c_void_p, ctypes.POINTER(Stats), ctypes.c_size_t]
        self.larder.larder_create.argtypes = [ctypes.POINTER(Options), ctypes.POINTER(ctypes.c_void_p), *BYTES]
        self.larder.larder_release.argtypes = [ctypes.POINTER(Item)]
        options = Options(ctypes.sizeof(Options), memory_limit_bytes, 0)
        error = ctypes.create_string_buffer(256)
        self.cache = ctypes.c_void_p()
        if self.larder.larder_create(ctypes.byref(options), ctypes.byref(self.cache), error, len(error)) != OK:
            raise ValueError(error.value.decode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.larder.larder_destroy(self.cache)

    def set(self, key, value, ttl_ms=-1, flags=0):
        return self.larder.larder_set(self.cache, key, len(key), value, len(value), ttl_ms, flags)

    def add(self, key, value, ttl_ms=-1, flags=0):
        return self.larder.larder_add(self.cache, key, len(key), value, len(value), ttl_ms, flags)

    def cas(self, key, value, cas, ttl_ms=-1, flags=0):
        return self.larder.larder_cas(self.cache, key, len(key), value, len(value), ttl_ms, flags, cas)

    def get(self, key):
        """(value, flags, CAS number), or None."""
        item = Item()
        if self.larder.larder_get(self.cache, key, len(key), ctypes.byref(item)) != OK:
            return None
        try:
            return ctypes.string_at(item.value, item.value_bytes), item.flags, item.cas
        finally:
            self.larder.larder_release(ctypes.byref(item))

    def erase(self, key):
        return self.larder.larder_erase(self.cache, key, len(key))

    def touch(self, key, ttl_ms):
        return self.larder.larder_touch(self.cache, key, len(key), ttl_ms)

    def flush(self):
        self.larder.larder_flush(self.cache)

    def stats(self):
        stats = Stats()
        self.larder.larder_get_stats(self.cache, ctypes.byref(stats), ctypes.sizeof(stats))
        return stats


def main():
    with Cache(64 << 20, *sys.argv[1:]) as cache:
        cache.set(b'greeting', b'hello', ttl_ms=60_000)
        value, _, cas = cache.get(b'greeting')
        first = cache.cas(b'greeting', b'hello, world', cas)
        second = cache.cas(b'greeting', b'too late', cas)
        print(cache.get(b'greeting')[0].decode(), cache.stats().get_hits, 'hits')
        return 0 if (first, second) == (OK, EXISTS) else 1


if __name__ == '__main__':
    sys.exit(main())
