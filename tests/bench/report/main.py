#!/usr/bin/env python3
"""Runs the benches one after the other, and writes what they measure as JSON, with a page and plots.

`quick` takes five minutes at most, `full` an hour. Nothing else should run on the machine. Replays of traces need a
folder with them (--traces, $LARDER_TRACES or ../shared/traces), and are left out without one.
"""
import argparse
import concurrent.futures
import datetime
import json
import os
import pathlib
import platform
import shlex
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import page
import plots
import tables
from benches import BENCHES, FOLDER, ROOT, Settings

# What --update writes, besides the plots.
FIGURES = FOLDER / 'figures.json'
README = FOLDER / 'README.md'


class Progress:
    """A bar on a terminal; besides, a line for each bench that has ended."""

    WIDTH = 30

    def __init__(self, minutes):
        self.minutes = minutes  # of each bench
        self.done = 0.0
        self.is_terminal = sys.stderr.isatty()

    def during(self, name, work):
        started = time.monotonic()
        is_over = threading.Event()

        def go_on():
            while True:
                self.draw(name, min((time.monotonic() - started) / 60, self.minutes[name]))
                if is_over.wait(0.5):
                    return

        ticker = threading.Thread(target=go_on)
        if self.is_terminal:
            ticker.start()
        try:
            return work()
        finally:
            is_over.set()
            if self.is_terminal:
                ticker.join()
                print('\r\x1b[K', end='', file=sys.stderr)
            print(f'{name}: {time.monotonic() - started:.0f} s', file=sys.stderr)
            self.done += self.minutes[name]

    def draw(self, name, minutes):
        total = sum(self.minutes.values())
        share = (self.done + minutes) / total
        bar = '#' * round(share * self.WIDTH)
        left = max(1, round(total * (1 - share)))
        print(f'\r\x1b[K[{bar:.<{self.WIDTH}}] {100 * share:3.0f} %  {name}, about {left} min left', end='', flush=True,
              file=sys.stderr)


def value_of(path, key):
    """Of the first line `key: value`."""
    lines = pathlib.Path(path).read_text().splitlines()
    return next((line.split(':', 1)[1].strip() for line in lines if line.startswith(key)), 'unknown')


def first_line(*command):
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return ran.stdout.strip().split('\n')[0] if ran.returncode == 0 else 'unknown'


def describe_run(mode, memcached):
    changed = ' and changes' if first_line('git', 'status', '--porcelain') else ''
    return {
        'date': datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        'commit': first_line('git', 'rev-parse', '--short', 'HEAD') + changed,
        'mode': mode,
        'machine': {
            'processor': value_of('/proc/cpuinfo', 'model name'),
            'cores': os.cpu_count(),
            'memory_mib': int(value_of('/proc/meminfo', 'MemTotal').split()[0]) // 1024,
            'system': platform.freedesktop_os_release()['PRETTY_NAME'],
            'kernel': platform.release(),
            'compiler': first_line('g++', '--version'),
            'memcached': first_line(memcached, '-V'),
        },
    }


def output_of(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def measure(bench, settings, run):
    started = time.monotonic()
    commands = bench.commands(settings)
    with concurrent.futures.ThreadPoolExecutor(bench.at_once) as pool:
        text = ''.join(pool.map(output_of, commands))
    rows = bench.rows(text)
    if not rows:
        raise ValueError(f'nothing was measured:\n{text}')
    return {'run': run, 'seconds': round(time.monotonic() - started),
            'commands': [shown(command, settings) for command in commands], 'rows': rows, 'text': text}


def shown(command, settings):
    """As it is typed at the root, whatever lies elsewhere by its name alone."""
    elsewhere = {str(settings.memcached): 'memcached', sys.executable: 'python3', str(settings.traces): 'FOLDER'}
    parts = [elsewhere.get(part, part.replace(f'{settings.traces}/', 'FOLDER/').removeprefix(f'{ROOT}/'))
             for part in map(str, command)]
    return shlex.join(parts)


def measure_all(arguments):
    """The result of each bench by name, as soon as it has one; of those that fail, None."""
    settings = Settings(arguments.mode == 'full', arguments.memcached, arguments.traces)
    column = int(settings.is_full)
    chosen = [bench for bench in BENCHES if bench.minutes[column] > 0]
    if arguments.only:
        chosen = [bench for bench in BENCHES if bench.name in arguments.only]
    if not (settings.traces / 'README.md').exists():
        print(f'{settings.traces}: there are no traces, which {", ".join(b.name for b in chosen if b.needs_traces)} need',
              file=sys.stderr)
        chosen = [bench for bench in chosen if not bench.needs_traces]
    run = describe_run(arguments.mode, arguments.memcached)
    progress = Progress({bench.name: bench.minutes[column] or bench.minutes[1] for bench in chosen})
    for bench in chosen:
        try:
            yield bench.name, progress.during(bench.name, lambda: measure(bench, settings, run))
        except (subprocess.CalledProcessError, ValueError) as error:
            print(f'{bench.name}: {error}', file=sys.stderr)
            yield bench.name, None


def update_readme(results):
    """Puts a table between the lines `<!-- table NAME -->` and `<!-- end -->`, for each of them that has been measured."""
    text = README.read_text()
    for bench, result in results['benches'].items():
        begin = f'<!-- table {bench} -->\n'
        before, found, rest = text.partition(begin)
        if not found:
            continue
        run = result['run']
        commands = '\n'.join(result['commands'])
        text = (f'{before}{begin}```sh\n{commands}\n```\n\n{run["date"]}, commit {run["commit"]}, {run["machine"]["memcached"]}:'
                f'\n\n{tables.markdown(bench, result["rows"])}{rest[rest.index("<!-- end -->"):]}')
    README.write_text(text)


def write_json(results, path):
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + '\n')


def write_report(results, folder):
    drawn = plots.draw(results, folder)
    print(page.write(results, drawn, folder))
    return drawn


def main():
    names = [bench.name for bench in BENCHES]
    parser = argparse.ArgumentParser(prog='tests/bench/run', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('mode', nargs='?', choices=['quick', 'full'], default='quick')
    parser.add_argument('--only', type=lambda text: text.split(','), metavar='NAME,…', help=f'of {", ".join(names)}')
    parser.add_argument('--memcached', default='memcached', metavar='PROGRAM', help='beside which to measure')
    parser.add_argument('--traces', type=pathlib.Path, metavar='FOLDER',
                        default=pathlib.Path(os.environ.get('LARDER_TRACES', ROOT / '../shared/traces')))
    parser.add_argument('--output', type=pathlib.Path, metavar='FOLDER', default=ROOT / 'build/bench',
                        help='for report.html, its plots and figures.json; build/bench unless it is given')
    parser.add_argument('--from', type=pathlib.Path, dest='source', metavar='FILE', help='a figures.json, to measure nothing')
    parser.add_argument('--update', action='store_true',
                        help='also takes the figures over into tests/bench: its figures, plots, and the tables of its README')
    arguments = parser.parse_args()
    for name in arguments.only or []:
        if name not in names:
            parser.error(f"--only: '{name}' is none of {', '.join(names)}")

    figures = arguments.output / 'figures.json'
    has_failed = False
    if arguments.source:
        results = json.loads(arguments.source.read_text())
    else:
        results = {'benches': {}}
        arguments.output.mkdir(parents=True, exist_ok=True)
        for name, result in measure_all(arguments):
            has_failed = has_failed or result is None
            if result is not None:
                results['benches'][name] = result
                # What has been measured is not lost if a later one takes too long.
                write_json(results, figures)
    if not results['benches']:
        sys.exit('nothing was measured')
    write_report(results, arguments.output)
    if arguments.update:
        known = json.loads(FIGURES.read_text())['benches'] if FIGURES.exists() else {}
        results = {'benches': known | results['benches']}
        write_json(results, FIGURES)
        plots.draw(results, FOLDER / 'plots')
        update_readme(results)
    sys.exit(int(has_failed))


if __name__ == '__main__':
    main()
