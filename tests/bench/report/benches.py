"""The benches: how each is run, and what its output says, as rows of names and numbers."""

import dataclasses
import pathlib
import re
import sys
from collections.abc import Callable

FOLDER = pathlib.Path(__file__).parents[1]
ROOT = FOLDER.parents[1]
PROGRAMS = ROOT / 'build/release/tests/bench'
NETD = ROOT / 'build/release/netd/netd'

sys.path.insert(0, str(FOLDER))
import policy_table

# It takes ten minutes a replay; order_test has loops.
TRACE_LEFT_OUT = 'lirs-loop'
QUICK_TRACE = 'arc-OLTP'
# The curve's bench replays each trace through five more caches, and the longer ones take minutes.
CURVE_TRACES = ['cloudphysics', 'arc-OLTP', 'scarab-recs']


@dataclasses.dataclass(frozen=True)
class Settings:
    is_full: bool
    memcached: str
    traces: pathlib.Path

    def of(self, quick, full):
        return full if self.is_full else quick

    def trace_names(self):
        names = sorted(path.name.removesuffix('.kvt.zst') for path in self.traces.glob('*.kvt.zst'))
        return [name for name in names if name != TRACE_LEFT_OUT and (self.is_full or name == QUICK_TRACE)]

    def trace(self, name):
        return self.traces / f'{name}.kvt.zst'


@dataclasses.dataclass(frozen=True)
class Bench:
    name: str
    what: str
    commands: Callable[[Settings], list[list]]
    rows: Callable[[str], list[dict]]  # of all that the commands have printed
    minutes: tuple[float, float]  # that it takes, quick and full
    needs_traces: bool = False
    at_once: int = 1  # of the commands; more only if no time is measured


def program(name, *arguments):
    return [PROGRAMS / name, *map(str, arguments)]


# --- what each prints ------------------------------------------------------------------------------------------

NUMBER = r'(-?[\d.]+)'


def matches(pattern, text, **columns):
    """A row for each line that fits; columns: name and type of each group of the pattern."""
    return [{name: kind(group) for (name, kind), group in zip(columns.items(), found.groups(), strict=True)}
            for found in re.finditer(pattern, text, re.M)]


def density_rows(text):
    return matches(rf'^(larder|memcached) +values of +(\d+): +(\d+) items, .*: {NUMBER} bytes an item$', text,
                   server=str, value_bytes=int, items=int, overhead=float)


def net_rows(text):
    figure = rf'+{NUMBER} {NUMBER} x'
    return matches(rf'^(.*?\S)  +(\S+) +CPU us a request {figure} +requests/s {figure} +p99 us of a batch {figure}$', text,
                   load=str, server=str, cpu_us=float, cpu_ratio=float, requests_per_s=float, requests_ratio=float,
                   p99_us=float, p99_ratio=float)


def cache_rows(text):
    """ns_by: of an operation, by how many threads there are; ratio: to the first contender, of one thread alone."""
    start = rf'^(\S.*?)  +(\S.*?) +own process +{NUMBER} ns'
    rows = matches(rf'{start} \(\S+\)  {NUMBER} x', text, row=str, contender=str, ns=float, ratio=float)
    for row in matches(rf'{start}((?:, .* threads: .*)+)$', text, row=str, contender=str, ns=float, more=str):
        more = re.findall(rf'{NUMBER} by (\d+) threads', row.pop('more'))
        rows.append(row | {'ns_by': {'1': row['ns']} | {threads: float(ns) for ns, threads in more}})
    return rows


def scale_rows(text):
    bound = r'bound +(none|[\d.]+ x)'
    return matches(rf'^(.*?\S) +(\d+) ns, +{NUMBER} % under shared locks: {bound}; +{NUMBER} writes to shared lines, '
                   rf'{NUMBER} of them to one: {bound}$', text, operation=str, ns=float, locked_percent=float,
                   lock_bound=str, writes=float, hottest_writes=float, write_bound=str)


LATENCIES = ['50', '90', '99', '99.9', '99.99', 'max']


def latency_rows(text):
    times = r' +(\d+)' * len(LATENCIES)
    return matches(rf'^(\S.*?) +(growing|full) +all +(\d+){times} ', text, contender=str, phase=str, count=int,
                   **{percentile: int for percentile in LATENCIES})


def layer_rows(text):
    return matches(rf'^(\S.*?)  +(\S.*?) +{NUMBER} ns  \(\S+\)  {NUMBER} x$', text, group=str, call=str, ns=float,
                   ratio=float)


def curve_rows(text):
    """A row for each size of each replay."""
    rows = []
    for name, objects, shape, body in re.findall(r'^(\S+)\.kvt\.zst, (\d+) objects, (\w+), .*\n((?:  .*\n?)+)', text, re.M):
        points = matches(rf'x{NUMBER} {NUMBER} \+- {NUMBER} \(true {NUMBER}\)', body, factor=float, miss_ratio=float,
                         error=float, true=float)
        rows += [{'trace': name, 'objects': int(objects), 'sizes': shape} | point for point in points]
    return rows


def policy_rows(text):
    return matches(rf'^(\S+) +{NUMBER} +(objects|bytes) +{NUMBER} +{NUMBER} +{NUMBER} +{NUMBER} ', text, trace=str,
                   share=float, counted=str, larder=float, s3fifo=float, lru=float, belady=float)


def rival_rows(text):
    return matches(rf'^(\S+) +(\d+) +{NUMBER} +{NUMBER} +(\d+) +{NUMBER} +{NUMBER}  {NUMBER} x$', text, trace=str,
                   memcached_limit_mib=int, memcached_resident_mib=float, memcached=float, netd_limit_mib=int,
                   netd_resident_mib=float, netd=float, ratio=float)


# --- how each is run -------------------------------------------------------------------------------------------

def policy_commands(settings):
    return [[sys.executable, policy_table.__file__, PROGRAMS / 'trace_replay', settings.traces, *settings.trace_names()]]


def rival_commands(settings):
    return [[sys.executable, FOLDER / 'rival_table.py', PROGRAMS / 'trace_replay', NETD, settings.memcached,
             settings.traces, name] for name in settings.trace_names()]


def curve_commands(settings):
    names = settings.of(CURVE_TRACES[:1], CURVE_TRACES)
    return [program('curve_bench', settings.trace(name), 3000, 'sizes') for name in names]


# In the order in which a report shows them.
BENCHES = [
    Bench('density', 'items and bytes an item, beside memcached',
          lambda settings: [program('density_bench', settings.memcached, settings.of(64, 256))], density_rows, (0.4, 1.5)),
    Bench('net', 'netd beside memcached, by load',
          lambda settings: [program('net_bench', NETD, settings.memcached, settings.of(1, 5))], net_rows, (1.6, 6)),
    Bench('cache', 'time of an operation beside maps and an LRU, and what more threads get done',
          lambda settings: [program('cache_bench', '--rows', settings.of('^get|^set|^threads: (get|10)', ''),
                                    settings.of(100_000, 1_000_000), settings.of(1, 5))], cache_rows, (0.6, 13)),
    Bench('latency', 'latency of single operations',
          lambda settings: [program('latency_bench', settings.of(3_000_000, 50_000_000), settings.of(64, 512))],
          latency_rows, (0.1, 3)),
    Bench('scale', 'what bounds many cores', lambda settings: [program('scale_bench')], scale_rows, (0, 1)),
    Bench('layers', 'what comes on top of the plain call',
          lambda settings: [program('layer_bench', 10_000, settings.of(1, 5))], layer_rows, (0.2, 1)),
    Bench('policy', 'miss ratios of the policy beside others, by size', policy_commands, policy_rows, (0.7, 22),
          needs_traces=True),
    Bench('rival', 'miss ratios of netd and memcached with the same resident memory', rival_commands, rival_rows,
          (0.8, 9), needs_traces=True, at_once=2),
    Bench('curve', 'the miss-ratio curve beside the truth', curve_commands, curve_rows, (0.1, 4), needs_traces=True,
          at_once=2),
]
