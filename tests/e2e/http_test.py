"""netd's HTTP port: metrics that Prometheus takes, statistics, health; and that whoever abuses it harms nobody."""

import base64
import contextlib
import email.utils
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import threading
import time
import unittest
import urllib.request

from support import DEADLINE_S, NETD, NetdTestCase, free_port, require, user_flags, wait_until
from vectors import STORED, store

try:
    from prometheus_client.openmetrics import parser as openmetrics
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:
    openmetrics = None

PROMETHEUS = shutil.which('prometheus')
PROMTOOL = shutil.which('promtool')

# As in netd/http/port.h.
CLIENTS_MAX = 32
REQUEST_BYTES_MAX = 8 << 10
TIME_MAX_S = 20

# What Prometheus' memcached_exporter 0.15 makes of a netd that has items: names and types. Got from the exporter.
EXPORTER = {
    'counter': '''commands_total connections_listener_disabled_total connections_rejected_total connections_total
        connections_yielded_total item_no_memory_total item_too_large_total items_evicted_total
        items_reclaimed_total items_total lru_crawler_items_checked_total lru_crawler_moves_to_cold_total
        lru_crawler_moves_to_warm_total lru_crawler_moves_within_lru_total lru_crawler_reclaimed_total
        lru_crawler_starts_total process_system_cpu_seconds_total process_user_cpu_seconds_total read_bytes_total
        slab_commands_total slab_items_crawler_reclaimed_total slab_items_evicted_nonzero_total
        slab_items_evicted_time_seconds slab_items_evicted_total slab_items_evicted_unfetched_total
        slab_items_expired_unfetched_total slab_items_moves_to_cold slab_items_moves_to_warm
        slab_items_moves_within_lru slab_items_outofmemory_total slab_items_reclaimed_total
        slab_items_tailrepairs_total slab_lru_hits_total slab_mem_requested_bytes uptime_seconds written_bytes_total''',
    'gauge': '''accepting_connections current_bytes current_connections current_items limit_bytes lru_crawler_enabled
        lru_crawler_hot_max_factor lru_crawler_hot_percent lru_crawler_maintainer_thread lru_crawler_sleep
        lru_crawler_to_crawl lru_crawler_warm_max_factor lru_crawler_warm_percent malloced_bytes max_connections
        slab_chunk_size_bytes slab_chunks_free slab_chunks_free_end slab_chunks_per_page slab_chunks_used
        slab_cold_items slab_current_chunks slab_current_items slab_current_pages slab_hot_age_seconds
        slab_hot_items slab_items_age_seconds slab_warm_age_seconds slab_warm_items time_seconds up version''',
}

# What promtool says of the exporter's own names; everything else is clean.
EXPORTER_LINTS = {'memcached_uptime_seconds', 'memcached_slab_items_evicted_time_seconds',
                  'memcached_slab_items_moves_to_cold', 'memcached_slab_items_moves_to_warm',
                  'memcached_slab_items_moves_within_lru', 'memcached_slab_mem_requested_bytes'}


def setUpModule():
    require(NETD, 'netd')


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)


class HttpTestCase(NetdTestCase):
    def serve(self, *flags, **options):
        """A netd with an HTTP port, which becomes self.http_port."""
        self.http_port = free_port()
        return self.server('--http-port', self.http_port, *flags, **options)

    def connect(self):
        return http.client.HTTPConnection('127.0.0.1', self.http_port, timeout=DEADLINE_S)

    def get(self, path, method='GET', body=None, **headers):
        with contextlib.closing(self.connect()) as connection:
            connection.request(method, path, body=body, headers=headers)
            return Reply(connection.getresponse())

    def open(self):
        """A connection as it is, of bytes."""
        return self.enterContext(socket.create_connection(('127.0.0.1', self.http_port), timeout=DEADLINE_S))

    def exchange(self, request):
        """All that comes for these bytes, up to the end of the stream."""
        client = self.open()
        client.sendall(request)
        reply = b''
        while part := client.recv(1 << 16):
            reply += part
        return reply


def families(text):
    """Type by name."""
    return dict(line.split()[2:4] for line in text.split('\n') if line.startswith('# TYPE '))


class Metrics(HttpTestCase):
    def setUp(self):
        super().setUp()
        self.netd = self.serve()
        self.assertEqual(STORED, self.netd.ask(store(b'a', b'1')))
        self.netd.ask(b'get a\r\nget nope\r\n')

    def text(self, accept='text/plain'):
        reply = self.get('/metrics', Accept=accept)
        self.assertEqual(200, reply.status)
        return reply.body.decode()

    def test_all_families_of_the_exporter_are_there_with_their_types(self):
        ours = families(self.text())
        for metric_type, names in EXPORTER.items():
            for name in names.split():
                self.assertEqual(metric_type, ours.get(f'memcached_{name}'), name)

    def test_values_are_those_of_stats(self):
        stats, metrics = self.netd.stats(), dict(line.rsplit(' ', 1) for line in self.text().split('\n')
                                                 if line and not line.startswith('#'))
        for metric, name in [('memcached_current_items', 'curr_items'), ('memcached_limit_bytes', 'limit_maxbytes'),
                             ('memcached_commands_total{command="get",status="hit"}', 'get_hits'),
                             ('memcached_commands_total{command="get",status="miss"}', 'get_misses'),
                             ('memcached_current_bytes', 'bytes'), ('memcached_max_connections', 'max_connections')]:
            self.assertEqual(float(stats[name]), float(metrics[metric]), metric)

    @unittest.skipUnless(PROMTOOL, 'prometheus is not installed')
    def test_promtool_finds_nothing_but_the_exporters_own_names(self):
        found = subprocess.run([PROMTOOL, 'check', 'metrics'], input=self.text(), capture_output=True, text=True)
        lints = [line.split()[0] for line in (found.stdout + found.stderr).splitlines()]
        self.assertEqual(EXPORTER_LINTS, set(lints), found.stdout + found.stderr)

    @unittest.skipUnless(openmetrics, 'python3-prometheus-client is not installed')
    def test_both_formats_say_the_same_by_prometheus_own_parsers(self):
        def values(parsed):
            # The parser of the older format has all counters end in _total.
            return {(sample.name.removesuffix('_total'), tuple(sorted(sample.labels.items())))
                    for family in parsed for sample in family.samples}

        reply = self.get('/metrics', Accept='application/openmetrics-text;version=1.0.0,text/plain;q=0.5')
        self.assertTrue(reply.headers['Content-Type'].startswith('application/openmetrics-text; version=1.0.0'))
        text = values(text_string_to_metric_families(self.text()))
        self.assertEqual(text, values(openmetrics.text_string_to_metric_families(reply.body.decode())))
        self.assertGreater(len(text), 180)

    @unittest.skipUnless(PROMETHEUS, 'prometheus is not installed')
    def test_prometheus_scrapes_it(self):
        port = free_port()
        with open(self.path('prometheus.yml'), 'w', encoding='ascii') as config:
            config.write('global: {scrape_interval: 1s}\nscrape_configs: [{job_name: netd, static_configs: '
                         f'[{{targets: ["127.0.0.1:{self.http_port}"]}}]}}]\n')
        log = self.enterContext(open(self.path('log'), 'wb'))
        prometheus = subprocess.Popen(
            [PROMETHEUS, f'--config.file={self.path("prometheus.yml")}', f'--storage.tsdb.path={self.path("data")}',
             f'--web.listen-address=127.0.0.1:{port}'], stdout=log, stderr=log)
        self.addCleanup(prometheus.wait)
        self.addCleanup(prometheus.kill)

        def value(query):
            try:
                with urllib.request.urlopen(f'http://127.0.0.1:{port}/api/v1/query?query={query}',
                                            timeout=DEADLINE_S) as reply:
                    result = json.load(reply)['data']['result']
            except OSError:
                return None
            return result[0]['value'][1] if result else None

        self.assertEqual('1', wait_until(lambda: value('memcached_current_items'), 'Prometheus has scraped netd'))
        wait_until(lambda: value('up') == '1', 'the last scrape has succeeded')

    def test_latencies_are_sampled(self):
        with self.netd.connect() as connection:
            for _ in range(100):
                connection.ask(b'get a\r\n')
        latency = self.get('/api/v1/stats').json()['latency']
        self.assertGreater(sum(latency['counts']), 0)
        self.assertGreater(latency['sum_s'], 0)


class Guard(HttpTestCase):
    def test_nothing_is_answered_that_would_change_anything(self):
        self.serve()
        for method in ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']:
            reply = self.get('/metrics', method=method)
            self.assertEqual((405, 'GET, HEAD'), (reply.status, reply.headers['Allow']), method)
        self.assertEqual(405, self.get('/metrics', method='POST', body=b'x' * 5000).status)
        self.assertEqual(413, self.get('/metrics', body=b'x').status)
        self.assertEqual((200, b''), (self.get('/metrics', method='HEAD').status,
                                      self.get('/metrics', method='HEAD').body))

    def test_replies_say_when_they_were_made(self):
        self.serve()
        dates = [email.utils.parsedate_to_datetime(self.get('/healthz').headers['Date']).timestamp() for _ in range(2)]
        self.assertEqual(sorted(dates), dates)
        self.assertLess(abs(time.time() - dates[1]), DEADLINE_S)

    def test_what_could_be_taken_for_two_requests_is_one(self):
        self.serve()
        second = b'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'
        for field in [b'Transfer-Encoding: chunked', b'Transfer-Encoding: xchunked', b'Transfer-Encoding: chunked, identity',
                      b'Content-Length: %d' % len(second), b'Content-Length: 2000000',
                      b'Transfer-Encoding: chunked\r\nContent-Length: 0', b'Host: evil.example', b'Content-Length: 1, 2']:
            reply = self.exchange(b'GET /healthz HTTP/1.1\r\nHost: localhost\r\n' + field + b'\r\n\r\n' + second)
            self.assertEqual(1, reply.count(b'HTTP/1.1 '), (field, reply))
            self.assertIn(reply.split()[1], [b'400', b'413'], field)

    def test_old_and_other_forms_of_requests_are_answered(self):
        self.serve('--http-host', 'name.example')
        for request, status in [
                (b'GET /healthz HTTP/1.0\r\n\r\n', b'200'),
                (b'GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', b'200'),
                (b'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', b'400'),
                (b'GET http://localhost/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', b'200'),
                (b'GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', b'421'),
                (b'HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nhello\r\n\r\n', b'200')]:
            reply = self.exchange(request)
            self.assertEqual(status, reply.split()[1], request)
        # The error after the HEAD has its text.
        self.assertTrue(reply.endswith(b'This is no request of HTTP/1.\n'), reply)

    def test_a_page_that_pretends_to_be_from_here_gets_nothing(self):
        self.serve('--http-host', 'metrics.example,other.example')
        for host, status in [('evil.example', 421), ('evil.example:80', 421), ('localhost', 200), ('127.0.0.1', 200),
                             ('metrics.example:8080', 200), ('other.example', 200)]:
            self.assertEqual(status, self.get('/metrics', Host=host).status, host)

    def test_statistics_need_the_credentials_of_the_data_port_and_health_none(self):
        with open(self.path('users'), 'w', encoding='ascii') as users:
            users.write('reader:secret\n')
        netd = self.serve('-Y', self.path('users'))
        right = base64.b64encode(b'reader:secret').decode()
        reply = self.get('/metrics')
        self.assertEqual(401, reply.status)
        self.assertTrue(reply.headers['WWW-Authenticate'].startswith('Basic '))
        self.assertEqual(200, self.get('/metrics', Authorization=f'Basic {right}').status)
        self.assertEqual(200, self.get('/healthz').status)
        for wrong in [b'reader:wrong', b'secret', b'', b'reader secret']:
            wrong = base64.b64encode(wrong).decode()
            self.assertEqual(401, self.get('/api/v1/stats', Authorization=f'Basic {wrong}').status)
        with open(self.path('users'), 'w', encoding='ascii') as users:
            users.write('reader:new\n')
        netd.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.get('/metrics', Authorization=f'Basic {right}').status == 401, 'the old password is wrong')

    def test_passwords_are_guessed_no_faster_than_at_the_data_port(self):
        with open(self.path('users'), 'w', encoding='ascii') as users:
            users.write('reader:secret\n')
        self.serve('-Y', self.path('users'))
        wrong = base64.b64encode(b'reader:guess').decode()
        start = time.monotonic()
        for _ in range(16):
            self.assertEqual(401, self.get('/metrics', Authorization=f'Basic {wrong}').status)
        # The first 8 are free, each of the others takes a quarter of a second.
        self.assertGreater(time.monotonic() - start, 1.5)

    def test_names_of_keys_are_hidden_where_dumps_are_off(self):
        for flags, is_shown in [((), True), (('-X',), False)]:
            netd = self.serve(*flags)
            netd.ask(store(b'some_key', b'1') + b'get some_key\r\n' * 20000)
            for path in ['/metrics', '/api/v1/stats']:
                self.assertEqual(is_shown and path != '/metrics', b'some_key' in self.get(path).body, (flags, path))


class Health(HttpTestCase):
    def test_a_server_with_as_many_clients_as_it_may_have_is_healthy(self):
        netd = self.serve('-c', '2')

        def wait_for_connections(count):
            return wait_until(lambda: (reply := self.get('/healthz').json())['connections'] == count and reply,
                              f'{count} connections')

        wait_for_connections(0)
        with netd.connect(), netd.connect():
            self.assertEqual('ready', wait_for_connections(2)['status'])
            self.assertEqual(200, self.get('/healthz').status)

    def test_a_server_that_drains_says_so(self):
        netd = self.serve()
        with netd.connect() as client:
            client.ask(b'')
            client.send(b'set a 0 0 100\r\n')  # holds it up
            wait_until(lambda: netd.stats()['curr_connections'] == '2', 'the client is there')
            connection = self.enterContext(contextlib.closing(self.connect()))
            connection.request('GET', '/healthz')
            self.assertEqual(200, Reply(connection.getresponse()).status)
            netd.process.send_signal(signal.SIGTERM)

            def status():
                connection.request('GET', '/healthz')
                return Reply(connection.getresponse()).json()['status']

            self.assertEqual('draining', wait_until(lambda: status() != 'ready' and 'draining', 'it drains'))


class Abuse(HttpTestCase):
    def setUp(self):
        super().setUp()
        self.netd = self.serve()

    def test_what_is_no_request_gets_400(self):
        for request in [b'\r\n\r\n\r\n', b'hello\r\n\r\n', b'GET\r\n\r\n', b'GET / HTTP/9.9\r\n\r\n', b'\x16\x03\x01\x02\x00',
                        b'GET /\x00 HTTP/1.1\r\n\r\n', b'GET / HTTP/1.1\r\nHost\r\n\r\n', b'\xff' * 100 + b'\r\n\r\n',
                        b'GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n', b'set a 0 0 1\r\n1\r\n']:
            self.assertTrue(self.exchange(request).startswith(b'HTTP/1.1 400 '), request)
        self.assertEqual(200, self.get('/healthz').status)

    def test_a_request_that_is_too_long_is_refused(self):
        line = b'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: '
        end = b'\r\n\r\n'
        longest = REQUEST_BYTES_MAX - len(line) - len(end)
        self.assertTrue(self.exchange(line + b'x' * longest + end).startswith(b'HTTP/1.1 200 '))
        # Beast counts a few bytes of the first line twice.
        for more in [200, 10 * REQUEST_BYTES_MAX]:
            self.assertTrue(self.exchange(line + b'x' * (longest + more) + end).startswith(b'HTTP/1.1 431 '), more)

    def test_requests_can_follow_each_other(self):
        request = b'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
        last = request.replace(b'\r\n\r\n', b'\r\nConnection: close\r\n\r\n')
        self.assertEqual(21, self.exchange(request * 20 + last).count(b'HTTP/1.1 200 OK'))

    def test_a_new_client_takes_the_place_of_the_one_that_was_silent_for_longest(self):
        silent = [self.open() for _ in range(3 * CLIENTS_MAX)]
        for client in silent:
            with contextlib.suppress(OSError):
                client.sendall(b'GET /')
        self.assertEqual(200, self.get('/healthz').status)
        self.assertEqual(STORED, self.netd.ask(store(b'a', b'1')))
        # Those that had to go are told by the end of the stream.
        gone = 0
        for client in silent[:CLIENTS_MAX]:
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(b'', client.recv(1))
            gone += 1
        self.assertEqual(CLIENTS_MAX, gone)

    def test_who_takes_no_reply_keeps_nobody_from_theirs(self):
        self.assertEqual(STORED, self.netd.ask(store(b'a', b'1')))
        deaf = [self.open() for _ in range(CLIENTS_MAX)]
        for client in deaf:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        for _ in range(5):
            for client in deaf:
                with contextlib.suppress(OSError):
                    client.setblocking(False)
                    client.sendall(b'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n' * 50)
            for client in deaf:
                # It has a reply, of which it takes this and no more; or it has been closed.
                with contextlib.suppress(OSError):
                    client.settimeout(DEADLINE_S)
                    client.recv(1)
            with self.netd.connect() as client:
                self.assertIn(b'VALUE a 0 1', client.ask(b'get a\r\n'))

    def test_probes_are_answered_while_statistics_are_surveyed(self):
        with self.netd.connect() as connection:
            connection.send(b''.join(b'set key%d 0 0 1 noreply\r\n1\r\n' % i for i in range(200_000)))
            connection.ask(b'')
        over = threading.Event()
        survey_times = []

        def survey():
            with self.netd.connect() as connection:
                while not over.is_set():
                    start = time.monotonic()
                    connection.ask(b'stats items\r\nstats slabs\r\nstats sizes\r\nstats conns\r\n')
                    survey_times.append(time.monotonic() - start)

        threads = [threading.Thread(target=survey) for _ in range(4)]
        threads.append(threading.Thread(target=lambda: [self.get('/metrics') for _ in range(3)]))
        for thread in threads:
            thread.start()
        probe_times = []
        try:
            while len(probe_times) < 50 or len(survey_times) < 8:
                start = time.monotonic()
                self.assertEqual(200, self.get('/healthz').status)
                probe_times.append(time.monotonic() - start)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        # It would be longer than a survey if it waited for one.
        self.assertLess(statistics.median(probe_times), statistics.median(survey_times) / 2)

    def test_scrapes_without_a_pause_leave_clients_alone(self):
        over = threading.Event()

        def scrape():
            with contextlib.suppress(OSError):
                while not over.is_set():
                    self.get('/metrics')

        threads = [threading.Thread(target=scrape) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            with self.netd.connect() as connection:
                for _ in range(1000):
                    self.assertEqual(b'END\r\n', connection.ask(b'get nope\r\n'))
        finally:
            over.set()
            for thread in threads:
                thread.join()


class CommandLine(HttpTestCase):
    def refused(self, *flags):
        ran = subprocess.run([NETD, '-p', '-1', *flags], capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual(64, ran.returncode, flags)
        return ran.stderr

    def test_flags_that_cannot_be_meant_are_refused(self):
        self.assertIn('--http-port', self.refused('--http-port', '65536'))
        self.assertIn('--http-port', self.refused('--http-port', 'x'))
        self.assertIn('--http-host', self.refused('--http-host', 'a'))
        self.assertIn('--http-listen', self.refused('--http-listen', '127.0.0.1'))
        self.assertIn('--http-host', self.refused('--http-port', '1', '--http-host', 'a,,b'))

    def test_a_port_in_use_is_told(self):
        self.serve()
        ran = subprocess.run([NETD, *user_flags(), '-p', '-1', '--http-port', str(self.http_port)],
                             capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual(71, ran.returncode)
        self.assertIn(str(self.http_port), ran.stderr)

    def test_any_free_port_is_announced_and_written_down(self):
        file = self.path('ports')
        netd = self.server('--http-port', '-1', '--http-listen', '127.0.0.1',
                           environment={'MEMCACHED_PORT_FILENAME': file})
        wait_until(lambda: os.path.exists(file), 'the ports are written down')
        with open(file, encoding='ascii') as ports:
            self.http_port = int(next(line for line in ports if line.startswith('HTTP INET: ')).split()[-1])
        self.assertEqual(200, self.get('/healthz').status)
        self.assertIn(f'HTTP at http://127.0.0.1:{self.http_port}/', netd.stderr())

    def test_there_is_no_http_unless_it_is_asked_for(self):
        netd = self.server('-p', free_port())
        self.assertNotIn('HTTP', netd.stderr())


if __name__ == '__main__':
    unittest.main()
