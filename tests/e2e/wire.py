"""HTTP/1.1 as bytes: a client and an upstream that see and say exactly what the tests want, nothing else."""

import dataclasses
import socket
import ssl
import threading

from processes import PATIENCE


class Malformed(AssertionError):
    """The other side sent what no HTTP/1.1 message may be."""


class Truncated(AssertionError):
    """The connection ended inside a message."""


@dataclasses.dataclass
class Message:
    start: str                       # request line or status line
    headers: list                    # (name, value) as they came
    body: bytes = b""
    head: bytes = b""                # the bytes up to the empty line
    trailers: list = dataclasses.field(default_factory=list)
    connection: int = 0              # of an upstream: the how-manieth connection it came on

    @property
    def status(self):
        return int(self.start.split(" ", 2)[1])

    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def target(self):
        return self.start.split(" ")[1]

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default


class Reader:
    """Messages from a socket, read strictly: CRLF only, one framing, exact chunks."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""
        self.total = 0

    def more(self):
        piece = self.sock.recv(65536)
        self.total += len(piece)
        self.buffer += piece
        return bool(piece)

    def line(self):
        while b"\n" not in self.buffer:
            if not self.more():
                raise Truncated(f"ended inside a line: {self.buffer[-200:]!r}")
        line, self.buffer = self.buffer.split(b"\n", 1)
        if not line.endswith(b"\r"):
            raise Malformed(f"a line without CR: {line!r}")
        return line[:-1]

    def exactly(self, count):
        while len(self.buffer) < count:
            if not self.more():
                raise Truncated(f"{len(self.buffer)} of {count} bytes")
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def head(self):
        """None at a clean end of the connection."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                if self.buffer:
                    raise Truncated(f"ended inside a head: {self.buffer[-200:]!r}")
                return None
        raw, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = raw.split(b"\r\n")
        headers = [self.field(line) for line in lines[1:]]
        return Message(lines[0].decode("latin-1"), headers, head=raw + b"\r\n\r\n")

    @staticmethod
    def field(line):
        name, colon, value = line.partition(b":")
        bad = set(b"\0\r\n") & set(line)
        if not colon or not name or bad or set(name) & set(b" \t()<>@,;\\\"/[]?={}"):
            raise Malformed(f"not a header field: {line!r}")
        return name.decode("latin-1"), value.strip(b" \t").decode("latin-1")

    def chunked(self, message):
        body = []
        while True:
            size = self.line().split(b";")[0]
            if not size or set(size) - set(b"0123456789abcdefABCDEF"):
                raise Malformed(f"chunk size {size!r}")
            if int(size, 16) == 0:
                break
            body.append(self.exactly(int(size, 16)))
            if self.exactly(2) != b"\r\n":
                raise Malformed("no CRLF after a chunk")
        while line := self.line():
            message.trailers.append(self.field(line))
        return b"".join(body)

    def framed_body(self, message):
        """The body that Content-Length or Transfer-Encoding announce; None when neither does."""
        lengths, codings = message.all("content-length"), message.all("transfer-encoding")
        if len(lengths) + len(codings) > 1:
            raise Malformed(f"two framings: {message.head!r}")
        if codings:
            if codings[0].lower() != "chunked":
                raise Malformed(f"transfer-encoding {codings[0]!r}")
            return self.chunked(message)
        if lengths:
            if not lengths[0].isdigit():
                raise Malformed(f"content-length {lengths[0]!r}")
            return self.exactly(int(lengths[0]))
        return None


class Client:
    """A connection to the proxy."""

    def __init__(self, port, timeout=20.0, receive_buffer=None):
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(timeout * PATIENCE)
        self.sock.connect(("127.0.0.1", port))
        self.reader = Reader(self.sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def abort(self):
        """Ends the connection with a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def send(self, text):
        self.sock.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))
        return self

    def response(self, method="GET", interim=False):
        """The next answer, whole. 1xx are skipped unless `interim`."""
        while True:
            message = self.reader.head()
            if message is None:
                raise Truncated("closed without an answer")
            if not message.start.startswith("HTTP/1."):
                raise Malformed(f"status line {message.start!r}")
            if interim or not 100 <= message.status < 200:
                break
        if method == "HEAD" or message.status in (204, 304) or message.status < 200:
            return message
        body = self.reader.framed_body(message)
        message.body = self.rest() if body is None else body
        return message

    def ask(self, text, method="GET"):
        return self.send(text).response(method)

    def rest(self):
        """Everything up to the end of the connection."""
        while self.reader.more():
            pass
        taken, self.reader.buffer = self.reader.buffer, b""
        return taken

    def is_closed(self):
        """Waits for the other side to close; False when it sent something instead."""
        try:
            return not self.reader.buffer and not self.reader.more()
        except ConnectionError:
            return True


def answer(status="200 OK", body=b"", headers=(), length=True):
    head = [f"HTTP/1.1 {status}", *(f"{n}: {v}" for n, v in headers)]
    if length:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


class Upstream:
    """A server with a thread for each connection. respond(request, connection) returns the bytes to send, or None to
    close; it may as well do with connection.sock as it likes. What it received is in `requests`; what was wrong with
    it in `errors` (a test that expects none checks that)."""

    def __init__(self, respond=None, tls=None, port=0):
        self.respond = respond or (lambda request, connection: answer(body=b"ok"))
        self.requests, self.errors = [], []
        self.connections = 0
        self.bytes = 0
        self.lock = threading.Lock()
        self.open = set()
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(tls.chain, tls.key)
        self.listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with self.lock:
            self.connections += 1
            number = self.connections
            self.open.add(sock)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context:
                plain, sock = sock, self.context.wrap_socket(sock, server_side=True)
                with self.lock:     # the plain one has given its descriptor away
                    self.open.discard(plain)
                    self.open.add(sock)
            self._talk(Connection(self, sock, number))
        except (ConnectionError, TimeoutError, ssl.SSLError, ValueError, OSError):
            pass      # the proxy went away: which side closes first is the tests' own business
        finally:
            with self.lock:
                self.open.discard(sock)
            sock.close()

    def _talk(self, connection):
        while True:
            try:
                request = connection.request()
            except (Malformed, Truncated) as e:
                self.errors.append(e)
                return
            if request is None:
                return
            self.requests.append(request)
            out = self.respond(request, connection)
            if out is None:
                return
            connection.sock.sendall(out)

    def close_connections(self):
        with self.lock:
            for sock in self.open:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.close_connections()


class Connection:
    def __init__(self, upstream, sock, number):
        self.upstream, self.sock, self.number = upstream, sock, number
        self.reader = Reader(sock)

    def request(self):
        before = self.reader.total
        try:
            message = self.reader.head()
            if message is None:
                return None
            message.connection = self.number
            if any("100-continue" in v.lower() for v in message.all("expect")):
                self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            message.body = self.reader.framed_body(message) or b""
            return message
        finally:
            with self.upstream.lock:
                self.upstream.bytes += self.reader.total - before
