"""The page of netd's HTTP port in a browser, Debian's chromium without a screen, which reaches nothing but this machine.

Leaves screenshots in the folder that $SCREENSHOTS names, if it does.
"""

import os
import shutil
import socket
import threading
import unittest

from http_test import HttpTestCase
from support import NETD, SANITIZED, require, wait_until
from vectors import store

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
except ImportError:
    webdriver = None

CHROMIUM = shutil.which('chromium')
DRIVER = shutil.which('chromedriver')


def setUpModule():
    require(NETD, 'netd')
    if not (webdriver and CHROMIUM and DRIVER):
        raise unittest.SkipTest('install chromium, chromium-driver and python3-selenium')
    if SANITIZED:
        raise unittest.SkipTest('the page is the same in each build')


class Page(HttpTestCase):
    def setUp(self):
        super().setUp()
        self.netd = self.serve('-m', '8', '-t', '1')

    def browser(self, width=1100, height=1600, scheme='light'):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in ['--headless=new', '--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu',
                     # Names other than this machine's lead nowhere.
                     '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', f'--user-data-dir={self.path("profile")}']:
            options.add_argument(flag)
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'})
        browser = webdriver.Chrome(options=options, service=Service(DRIVER))
        self.addCleanup(browser.quit)
        browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride',
                                dict(width=width, height=height, deviceScaleFactor=1, mobile=width < 600))
        browser.execute_cdp_cmd('Emulation.setEmulatedMedia',
                                {'features': [{'name': 'prefers-color-scheme', 'value': scheme}]})
        return browser

    def open(self, browser, path='/'):
        browser.get(f'http://127.0.0.1:{self.http_port}{path}')
        wait_until(lambda: self.text(browser, 'status').startswith('as of'), 'the page shows numbers')
        return browser

    @staticmethod
    def text(browser, element):
        return browser.execute_script('return document.getElementById(arguments[0]).innerText', element)

    def number(self, browser, name):
        """What stands above `name` at the top of the page."""
        return browser.execute_script(
            'return [...document.querySelectorAll("#now div")].find(one => one.querySelector("span").innerText '
            '=== arguments[0])?.querySelector("b").innerText', name)

    def load(self):
        """Three of four gets hit, by a thread that goes on until the test is over."""
        over = threading.Event()

        def run():
            with self.netd.connect() as connection:
                connection.ask(store(b'hot', b'x' * 100))
                while not over.is_set():
                    connection.ask(b'get hot\r\n' * 3 + b'get nope\r\n')

        thread = threading.Thread(target=run)
        thread.start()

        def stop():
            over.set()
            thread.join()

        self.addCleanup(stop)

    def screenshot(self, browser, name):
        folder = os.environ.get('SCREENSHOTS')
        if not folder:
            return
        os.makedirs(folder, exist_ok=True)
        height = browser.execute_script('return document.documentElement.scrollHeight')
        width = browser.execute_script('return window.innerWidth')
        browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride',
                                dict(width=width, height=height, deviceScaleFactor=1, mobile=width < 600))
        browser.save_screenshot(os.path.join(folder, f'{name}.png'))

    def test_it_shows_true_numbers_in_light_dark_and_on_a_phone(self):
        self.load()
        for name, width, scheme in [('light', 1100, 'light'), ('dark', 1100, 'dark'), ('phone', 390, 'light')]:
            with self.subTest(name):
                browser = self.open(self.browser(width, scheme=scheme))
                wait_until(lambda: self.number(browser, 'hit ratio') == '75.0 %', 'the hit ratio of the load')
                wait_until(lambda: 'hot' in self.text(browser, 'keys'), 'the hot key')
                self.assertEqual('1', self.number(browser, 'items'))
                self.assertIn('of 8 MiB', self.text(browser, 'memory'))
                self.assertEqual(8, browser.execute_script('return document.querySelectorAll("#plots svg").length'))
                width_used = browser.execute_script('return document.documentElement.scrollWidth')
                self.assertLessEqual(width_used, width, 'it has to be scrolled sideways')
                ground = browser.execute_script('return getComputedStyle(document.body).backgroundColor')
                self.assertEqual(scheme == 'dark', ground != 'rgb(255, 255, 255)')
                self.screenshot(browser, name)
                self.assertEqual([], browser.get_log('browser'))
                asked = browser.execute_script('return performance.getEntriesByType("resource").map(one => one.name)')
                self.assertTrue(all(name.startswith(f'http://127.0.0.1:{self.http_port}/') for name in asked), asked)
                browser.quit()

    def test_a_key_is_looked_up_by_keyboard_and_other_spans_are_chosen(self):
        self.netd.ask(store(b'a/b_c', b'1'))
        browser = self.open(self.browser())
        browser.execute_script('document.getElementById("key").focus()')
        active = browser.switch_to.active_element
        active.send_keys('a/b_c\n')
        wait_until(lambda: self.text(browser, 'explanation').startswith('Here'), 'the key is explained')
        browser.execute_script('document.querySelector("[data-span=\'24h\']").focus()')
        browser.switch_to.active_element.send_keys(' ')
        wait_until(lambda: browser.execute_script(
            'return document.querySelector("[data-span=\'24h\']").getAttribute("aria-pressed")') == 'true', 'a day')
        self.assertEqual([], browser.get_log('browser'))

    def test_it_survives_a_restart_of_the_server(self):
        browser = self.open(self.browser())
        self.netd.stop()
        wait_until(lambda: 'no answer' in self.text(browser, 'fault'), 'the page says that nobody answers')
        self.netd = self.server('--http-port', self.http_port, '-m', '16')
        wait_until(lambda: self.text(browser, 'status').startswith('as of'), 'the page goes on')
        wait_until(lambda: 'of 16 MiB' in self.text(browser, 'memory'), 'it shows the new server')

    def test_it_works_behind_a_path_of_a_proxy(self):
        proxy = self.enterContext(Proxy('/cache/1', self.http_port))
        browser = self.browser()
        browser.get(f'http://127.0.0.1:{proxy.port}/cache/1/')
        wait_until(lambda: self.text(browser, 'status').startswith('as of'), 'the page shows numbers')
        self.assertEqual([], browser.get_log('browser'))


class Proxy:
    """Passes on what is asked below a path, without that path."""

    def __init__(self, prefix, port):
        self.prefix, self.to = prefix.encode(), port
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.pass_on, args=(client,), daemon=True).start()

    def pass_on(self, client):
        with client:
            request = b''
            while b'\r\n\r\n' not in request:
                part = client.recv(1 << 16)
                if not part:
                    return
                request += part
            method, path, rest = request.split(b' ', 2)
            if not path.startswith(self.prefix + b'/'):
                client.sendall(b'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
                return
            rest = rest.replace(b'Connection: keep-alive', b'Connection: close')
            with socket.create_connection(('127.0.0.1', self.to)) as server:
                server.sendall(b' '.join([method, path.removeprefix(self.prefix), rest]))
                while part := server.recv(1 << 16):
                    client.sendall(part)

if __name__ == '__main__':
    unittest.main()
