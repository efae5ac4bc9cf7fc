"""A server that does byte by byte what a function says."""

import socket
import threading

from processes import PATIENCE
from wire import Reader


class Script(threading.Thread):
    """A server that is played by a function for each connection: play(reader, sock, number)."""

    def __init__(self, play):
        super().__init__(daemon=True)
        self.play, self.connections, self.faults = play, 0, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(sock, self.connections), daemon=True).start()

    def serve(self, sock, number):
        sock.settimeout(20 * PATIENCE)
        with sock:
            try:
                self.play(Reader(sock), sock, number)
            except (ConnectionError, OSError):
                pass
            except AssertionError as e:
                self.faults.append(e)

    def close(self):
        self.listener.close()
