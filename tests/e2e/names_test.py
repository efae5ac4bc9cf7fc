"""Names and addresses as the real binary finds and dials them: resolv.conf, a DNS server with moods, dead addresses."""

import concurrent.futures
import socket
import time
import unittest

from name_server import FAILED, SILENT, NameServer, ResolvingProxy, cannot_mount
from processes import until
from wire import Client, Upstream

LIMITS = "options timeout:1 attempts:1\n"


def route(host, name, port):
    return {"host": host, "service": "s3", "region": "us-east-1", "scheme": "http", "connect": f"{name}:{port}"}


class Names(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if why := cannot_mount():
            raise unittest.SkipTest(why)

    def setUp(self):
        self.upstream = Upstream()
        self.addCleanup(self.upstream.close)

    def server(self, replies, **how):
        made = NameServer(replies, **how)
        self.addCleanup(made.close)
        return made

    def routes(self, *names):
        return [route(f"{name}.example.com", f"{name}.test", self.upstream.port) for name in names]

    def test_a_silent_zone_holds_up_nobody_else(self):
        dead = [f"dead{n}" for n in range(40)]
        dns = self.server({"good.test": ["127.0.0.1"], **{f"{name}.test": SILENT for name in dead}})
        with ResolvingProxy(f"nameserver {dns.address}\n", self.routes("good", *dead)) as proxy, \
                concurrent.futures.ThreadPoolExecutor(len(dead)) as pool:
            waiting = [pool.submit(proxy.ask, f"{name}.example.com", 60) for name in dead]
            until(lambda: all(dns.asked[f"{name}.test"] for name in dead), what="all dead names are asked for")
            self.assertEqual(proxy.ask("good.example.com").status, 200)
            self.assertFalse(any(w.done() for w in waiting))
            self.assertTrue(all(w.result().status in (502, 504) for w in waiting))

    def test_options_of_resolv_conf(self):
        dns = self.server({"dead.test": SILENT})
        with ResolvingProxy(f"nameserver {dns.address}\n{LIMITS}", self.routes("dead"),
                            retry={"mode": "off"}) as proxy:
            got = proxy.ask("dead.example.com")
            self.assertEqual(got.status, 502, got.body)
            self.assertIn(b"dead.test", got.body)
            self.assertEqual(dns.asked["dead.test"], 2)   # A and AAAA, once

    def test_the_second_server_answers_where_the_first_is_silent(self):
        silent, dns = self.server({"name.test": SILENT}), self.server({"name.test": ["127.0.0.1"]})
        with ResolvingProxy(f"nameserver {silent.address}\nnameserver {dns.address}\n{LIMITS}",
                            self.routes("name")) as proxy:
            self.assertEqual(proxy.ask("name.example.com").status, 200)

    def test_names_of_one_family(self):
        with socket.socket(socket.AF_INET6) as six:
            try:
                six.bind(("::1", 0))
            except OSError:
                self.skipTest("there is no IPv6 here")
            six.listen()
            dns = self.server({"six.test": ["::1"], "four.test": ["127.0.0.1"]})
            routes = [route("six.example.com", "six.test", six.getsockname()[1]), *self.routes("four")]
            with ResolvingProxy(f"nameserver {dns.address}\n", routes) as proxy:
                self.assertEqual(proxy.ask("four.example.com").status, 200)
                with Client(proxy.port) as client:
                    client.send("GET /k HTTP/1.1\r\nHost: six.example.com\r\n\r\n")
                    six.settimeout(20)
                    six.accept()[0].close()

    def test_no_such_name(self):
        dns = self.server({})
        with ResolvingProxy(f"nameserver {dns.address}\n", self.routes("nobody")) as proxy:
            for _ in range(3):
                got = proxy.ask("nobody.example.com")
                self.assertEqual(got.status, 502, got.body)

    def test_search_domains_and_the_hosts_file(self):
        dns = self.server({"short.corp.test": ["127.0.0.1"]})
        routes = [route("a.example.com", "short", self.upstream.port), route("b.example.com", "filed", self.upstream.port)]
        with ResolvingProxy(f"search corp.test\nnameserver {dns.address}\n", routes,
                            hosts="127.0.0.1 localhost\n127.0.0.1 other filed\n") as proxy:
            self.assertEqual(proxy.ask("a.example.com").status, 200)
            self.assertEqual(proxy.ask("b.example.com").status, 200)
            self.assertFalse([n for n in dns.asked if "filed" in n])

    def test_two_hundred_addresses(self):
        many = [f"127.0.3.{n}" for n in range(1, 201)]
        dns = self.server({"many.test": many, "b.s3.us-east-1.amazonaws.com": ["52.216.0.1"] * 199 + ["10.0.0.1"]},
                          over_udp=False)
        listener = socket.create_server(("127.0.3.30", self.upstream.port))
        self.addCleanup(listener.close)
        with ResolvingProxy(f"nameserver {dns.address}\n", self.routes("many")) as proxy:
            with Client(proxy.port) as client:
                client.send("GET /k HTTP/1.1\r\nHost: many.example.com\r\n\r\n")
                listener.settimeout(20)
                listener.accept()[0].close()
            self.assertEqual(proxy.ask("b.s3.us-east-1.amazonaws.com").status, 403)

    def test_expired_addresses_serve_while_nobody_answers_and_a_changed_resolv_conf_counts(self):
        dns = self.server({"name.test": ["127.0.0.1"]}, ttl=1)
        with ResolvingProxy(f"nameserver {dns.address}\n{LIMITS}", self.routes("name", "other"),
                            upstream={"idle_timeout": "1ms"}) as proxy:
            self.assertEqual(proxy.ask("name.example.com").status, 200)
            for mood in (SILENT, FAILED):
                dns.replies["name.test"] = mood
                before = dns.asked["name.test"]

                def is_renewed():
                    began = time.monotonic()
                    self.assertEqual(proxy.ask("name.example.com").status, 200)
                    self.assertLess(time.monotonic() - began, 1)   # nobody waits for the renewal
                    return dns.asked["name.test"] > before
                until(is_renewed, 20, "the name is asked for again")
            self.assertEqual(proxy.ask("name.example.com").status, 200)
            second = self.server({"other.test": ["127.0.0.1"]})
            proxy.resolv_conf.write_text(f"nameserver {second.address}\n")
            self.assertEqual(proxy.ask("other.example.com").status, 200)

    def test_a_name_that_turns_private_is_refused(self):
        host = "b.s3.us-east-1.amazonaws.com"
        dns = self.server({host: ["192.0.78.1", "10.1.2.3"]})
        with ResolvingProxy(f"nameserver {dns.address}\n", []) as proxy:
            for addresses in (["192.0.78.1", "10.1.2.3"], ["::1"], ["192.0.78.1", "fd00:ec2::254"]):
                dns.replies[host] = addresses
                got = proxy.ask(host)
                self.assertEqual((got.status, got.get("x-countersign-error")), (403, "address-refused"))

    def test_ends_with_a_look_up_under_way(self):
        dns = self.server({"dead.test": SILENT})
        with ResolvingProxy(f"nameserver {dns.address}\noptions timeout:30\n", self.routes("dead"),
                            listen={"drain_timeout": "100ms"}, upstream={"connect_timeout": "60s"}) as proxy:
            with Client(proxy.port) as client:
                client.send("GET /k HTTP/1.1\r\nHost: dead.example.com\r\n\r\n")
                until(lambda: dns.asked["dead.test"], what="the name is asked for")
                began = time.monotonic()
                self.assertEqual(proxy.program.stop(), 0)
                self.assertLess(time.monotonic() - began, 15)

    def test_black_holes_do_not_cost_the_connect_timeout(self):
        good = socket.create_server(("127.0.4.1", 0))
        self.addCleanup(good.close)
        good.settimeout(10)
        port = good.getsockname()[1]
        holes = ["127.0.0.2", "127.0.0.3"]   # nearer to us than the good one, for those who sort by that
        for address in holes:   # a full queue: neither made nor refused
            listener = socket.create_server((address, port), backlog=0)
            self.addCleanup(listener.close)
            self.addCleanup(socket.create_connection((address, port)).close)
        dns = self.server({"name.test": [*holes, "127.0.4.1"]})
        with ResolvingProxy(f"nameserver {dns.address}\n", [route("name.example.com", "name.test", port)],
                            retry={"mode": "off"}, upstream={"connect_timeout": "60s"}) as proxy:
            for _ in range(3):
                with Client(proxy.port) as client:
                    client.send("GET /k HTTP/1.1\r\nHost: name.example.com\r\n\r\n")
                    good.accept()[0].close()
