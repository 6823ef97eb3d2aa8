"""The report of tests/bench/run: benches print what it reads, and it shows what it has read."""

import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

FOLDER = pathlib.Path(__file__).parent
sys.path.insert(0, str(FOLDER / 'report'))
import benches
import tables

try:
    import matplotlib
    import main
    import page
    import plots
except ImportError:
    matplotlib = None

PROGRAMS = pathlib.Path(os.environ['BENCHES'])

# What those print that take too long to be run here.
PRINTED = {
    'policy': '''orm-busy        0.01 objects    0.2409  0.2436  0.2297  0.1717    0.989  1.049
orm-busy         0.1 bytes      0.1118  0.1111  0.1199  0.0524    1.006  0.932  above the goal
''',
    'rival': '''orm-busy          8     36.1    0.0465     42     33.8 0.0153  0.329 x
scarab-recs      26     58.2    0.2701     53     57.9 0.1801  0.667 x
''',
    'scale': '''get, hit                      628 ns,  0.00 % under shared locks: bound    none;  0.00 writes to shared lines, \
0.00 of them to one: bound    none
set, evicting, 1000 bytes    1181 ns,  0.20 % under shared locks: bound 500.0 x;  1.78 writes to shared lines, 0.04 of \
them to one: bound 153.0 x
    0.04 segments/log.h:12
''',
    'layers': '''get, a string                Cache::get                   111.3 ns  (90.5..136.1)  1.00 x
get, a string                typed                         99.6 ns  (82.7..129.3)  0.90 x
''',
    'curve': '''arc-OLTP.kvt.zst, 3000 objects, sizes, 1 in 24 keys
  all gets: x1/2, x2 mean .0173; covered 14.0 %, width 0.0100, 40 estimates
  of late : none known
  at the end:  x0.25 0.7012 +- 0.0040 (true 0.7001)  x0.5 0.6100 +- 0.0050 (true 0.6120)  x1 0.5000 +- 0.0000 (true 0.5000)
''',
}
COUNTS = {'policy': 2, 'rival': 2, 'scale': 2, 'layers': 2, 'curve': 3}


def printed_by(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@functools.cache
def run_small(name):
    """What that bench prints with as little to do as may be."""
    if name == 'density':
        return printed_by(PROGRAMS / 'density_bench', shutil.which('memcached'), '32')
    if name == 'net':
        return printed_by(PROGRAMS / 'net_bench', os.environ['NETD'], shutil.which('memcached'), '1', 'get of 32')
    if name == 'cache':
        return printed_by(PROGRAMS / 'cache_bench', '--rows', '^get$|^threads: get$', '1000', '1')
    if name == 'latency':
        return printed_by(PROGRAMS / 'latency_bench', '200000', '4')
    return PRINTED[name]


def results_of(names):
    run = {'date': '2020-01-02', 'commit': 'abc', 'mode': 'quick', 'machine': {'memcached': 'memcached 1.2.3', 'cores': 2}}
    return {'benches': {bench.name: {'run': run, 'seconds': 1, 'commands': [f'{bench.name}_bench'],
                                     'rows': bench.rows(run_small(bench.name))}
                        for bench in benches.BENCHES if bench.name in names}}


class ReportTest(unittest.TestCase):
    def test_what_benches_print_is_read(self):
        small = {bench.name for bench in benches.BENCHES} - PRINTED.keys()
        if not shutil.which('memcached'):
            small -= {'density', 'net'}
        for name, result in results_of(small)['benches'].items():
            with self.subTest(bench=name):
                self.assertGreater(len(result['rows']), 1)
                json.dumps(result)

    def test_what_takes_long_is_read_as_it_was_printed(self):
        for name, result in results_of(PRINTED)['benches'].items():
            self.assertEqual(COUNTS[name], len(result['rows']), name)
        rows = results_of(['rival'])['benches']['rival']['rows']
        self.assertEqual(('scarab-recs', 26, 53, 0.667), tuple(
            rows[1][name] for name in ['trace', 'memcached_limit_mib', 'netd_limit_mib', 'ratio']))

    def test_tables_have_a_line_for_each_row_and_numbers_to_the_right(self):
        self.assertEqual('''| trace | objects | memory, × | said | ± | measured |
| --- | --: | --: | --: | --: | --: |
| arc-OLTP | 3,000 | 0.25 | 0.7012 | 0.0040 | 0.7001 |
| arc-OLTP | 3,000 | 0.50 | 0.6100 | 0.0050 | 0.6120 |
| arc-OLTP | 3,000 | 1.00 | 0.5000 | 0.0000 | 0.5000 |
''', tables.markdown('curve', results_of(['curve'])['benches']['curve']['rows']))

    @unittest.skipUnless(matplotlib, 'matplotlib is not here: install python3-matplotlib')
    def test_the_page_has_every_plot_and_table_and_the_commands(self):
        results = results_of(['cache', 'latency', *PRINTED])
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            drawn = plots.draw(results, folder)
            self.assertEqual({'get', 'scaling', 'latency', 'policy', 'misses', 'by_memory', 'curve'},
                             {plot for _, plot, _ in drawn})
            before = {path.name: path.read_bytes() for path in folder.iterdir()}
            plots.draw(results, folder)
            self.assertEqual(before, {path.name: path.read_bytes() for path in folder.iterdir()})
            text = page.write(results, drawn, folder).read_text()
        self.assertEqual(len(drawn), text.count('<svg'))
        self.assertEqual(len(results['benches']), text.count('<table>'))
        self.assertIn('rival_bench', text)
        self.assertNotIn('http://', text.replace('http://www.w3.org', '').replace('http://purl.org', '')
                         .replace('http://creativecommons.org', ''))

    @unittest.skipUnless(matplotlib, 'matplotlib is not here: install python3-matplotlib')
    def test_tables_of_the_readme_are_made_anew_where_they_stand(self):
        with tempfile.TemporaryDirectory() as name:
            main.README = pathlib.Path(name, 'README.md')
            main.README.write_text('a\n<!-- table curve -->\nold\n<!-- end -->\nb\n<!-- table net -->\nn\n<!-- end -->\n')
            main.update_readme(results_of(['curve']))
            text = main.README.read_text()
        self.assertTrue(text.startswith('a\n<!-- table curve -->\n```sh\ncurve_bench\n```\n'), text)
        self.assertIn('| arc-OLTP |', text)
        self.assertTrue(text.endswith('|\n<!-- end -->\nb\n<!-- table net -->\nn\n<!-- end -->\n'), text)
        self.assertNotIn('old', text)

    @unittest.skipUnless(matplotlib, 'matplotlib is not here: install python3-matplotlib')
    def test_a_bench_that_there_is_not_is_refused(self):
        ran = subprocess.run([sys.executable, FOLDER / 'report/main.py', '--only', 'nets'], capture_output=True, text=True)
        self.assertEqual(2, ran.returncode, ran.stderr)
        self.assertIn("'nets' is none of density, net", ran.stderr)


if __name__ == '__main__':
    unittest.main()
