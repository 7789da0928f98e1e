"""A wire between a client and a server: passes bytes on, keeps them, and can be slow."""

import selectors
import socket
import threading

_pause = threading.Event()


class Wire:
    """`heard`: (True if from the client, bytes), as they came. `delay`: seconds before what the server says goes on."""

    def __init__(self, server_port):
        self.server_port = server_port
        self.delay = 0.0
        self.heard = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        try:
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()
        except OSError:
            pass  # closed

    def _carry(self, client):
        try:
            with client, socket.create_connection(("127.0.0.1", self.server_port)) as server, selectors.DefaultSelector() as both:
                both.register(client, selectors.EVENT_READ, (True, server))
                both.register(server, selectors.EVENT_READ, (False, client))
                while all(self._pass_on(key) for key, _ in both.select()):
                    pass
        except OSError:
            pass  # one of them is gone

    def _pass_on(self, key):
        is_client, other = key.data
        piece = key.fileobj.recv(4096)
        if piece:
            self.heard.append((is_client, piece))
            _pause.wait(0 if is_client else self.delay)
            other.sendall(piece)
        return bool(piece)

    def close(self):
        self._listener.close()
