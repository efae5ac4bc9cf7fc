"""S3's 200s that turn out to be errors: copies and completed uploads, begun to be answered before they are done."""

import unittest

import signatures
from attacks import HOST
from proxy import Proxy, to
from wire import Upstream, answer

DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
COPIED = DECLARATION + b"   \n <CopyObjectResult><ETag>x</ETag></CopyObjectResult>"
COMPLETE = f"POST /k?uploadId=u HTTP/1.1\r\n{HOST}Content-Length: 4\r\n\r\nlist"
COPY = f"PUT /k HTTP/1.1\r\n{HOST}x-amz-copy-source: /other/key\r\nContent-Length: 0\r\n\r\n"
COPY_PART = COPY.replace("/k ", "/k?partNumber=1&uploadId=u ")


def error(code):
    return DECLARATION + b"     \n<Error><Code>%b</Code><Message>We encountered an error.</Message></Error>" % code.encode()


def chunked(*pieces):
    body = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in (*pieces, b"")) if pieces else b"0\r\n\r\n"
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nx-amz-id-2: i\r\n\r\n" + body


class HiddenErrors(unittest.TestCase):
    def setUp(self):
        self.script = []
        self.upstream = Upstream(lambda request, connection: self.script.pop(0) if self.script else answer(body=COPIED))
        self.addCleanup(self.upstream.close)
        self.proxy = Proxy([to(self.upstream.port)], listen={"workers": 1})
        self.addCleanup(self.proxy.program.kill)

    def tearDown(self):
        self.proxy.stop()
        self.assertEqual(self.upstream.errors, [])

    def attempts(self, script, text):
        before = len(self.upstream.requests)
        self.script[:] = script
        got = self.proxy.ask(text)
        came = self.upstream.requests[before:]
        for request in came:
            self.assertIsNone(signatures.complaint(request, "s3", "us-east-1"))
        return got, len(came)

    def test_they_are_retried(self):
        internal = error("InternalError")
        behind = internal[len(DECLARATION):]
        for text in (COPY, COPY_PART, COMPLETE):
            for script in ([answer(body=internal)] * 2, [chunked(DECLARATION, *[b" "] * 50, behind)],
                           [answer(body=error("SlowDown"))], [answer(body=DECLARATION + b" " * 50000 + behind)]):
                got, attempts = self.attempts(script, text)
                self.assertEqual((got.status, got.body, attempts), (200, COPIED, len(script) + 1))
        self.assertEqual(self.proxy.metric("countersign_attempts_total", service="s3", reason="throttled"), 3)
        self.assertEqual(self.proxy.metric("countersign_attempts_total", service="s3", reason="transient"), 12)

    def test_the_last_one_is_the_answer_as_it_came(self):
        whole = error("InternalError")
        pieces = [DECLARATION, b" ", b" ", whole[len(DECLARATION):]]
        for raw, body in ((chunked(*pieces), b"".join(pieces)), (answer(body=whole), whole)):
            got, attempts = self.attempts([raw] * 3, COMPLETE)
            self.assertEqual((got.status, got.body, attempts), (200, body, 3))
            self.assertTrue(raw.startswith(got.head))

    def test_a_success_is_untouched(self):
        bodies = [COPIED, b"", b" " * 100, b"not XML", b" " * 300000 + b"<Error>"]
        answers = [(answer(body=body), body) for body in bodies] + [(chunked(), b"")]
        answers.append((chunked(DECLARATION, b" ", b" ", COPIED[len(DECLARATION):]), DECLARATION + b"  " + COPIED[len(DECLARATION):]))
        for raw, body in answers:
            got, attempts = self.attempts([raw], COMPLETE)
            self.assertEqual((got.status, got.body == body, attempts), (200, True, 1))
            self.assertTrue(raw.startswith(got.head))

    def test_a_copy_that_breaks_off_is_made_again(self):
        begun = chunked(DECLARATION, b" ")[:-5]

        def respond(request, connection):
            self.upstream.respond = lambda request, connection: answer(body=COPIED)
            connection.sock.sendall(begun)
        self.upstream.respond = respond
        got, attempts = self.attempts([], COPY)
        self.assertEqual((got.status, got.body, attempts), (200, COPIED, 2))
        self.upstream.respond = respond
        got, attempts = self.attempts([], COMPLETE)     # nobody knows whether it is done
        self.assertEqual((got.status, attempts), (502, 1))

    def test_objects_are_not_looked_into(self):
        for text in (f"GET /k HTTP/1.1\r\n{HOST}\r\n", f"GET /k?uploadId=u HTTP/1.1\r\n{HOST}\r\n",
                     f"PUT /k HTTP/1.1\r\n{HOST}Content-Length: 5\r\n\r\nhello"):
            got, attempts = self.attempts([answer(body=error("InternalError"))], text)
            self.assertEqual((got.status, got.body, attempts), (200, error("InternalError"), 1))


if __name__ == "__main__":
    unittest.main()
