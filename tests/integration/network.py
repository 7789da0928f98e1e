"""A network between two parties on loopback that can be cut and mended."""

import contextlib
import socket
import threading


class Network:
    """Carries what comes to `port` to another port. While it is cut nobody is there, and connections that were are gone."""

    def __init__(self, port, to):
        self.port, self.to = port, to
        self.lock = threading.Lock()
        self.sockets, self.listener = [], None
        self.mend()

    def mend(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def cut(self):
        with self.lock:
            listener, self.listener = self.listener, None
            gone, self.sockets = [listener, *self.sockets], []
        for one in gone:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                if listener is not self.listener:
                    return
                with contextlib.suppress(OSError, UnboundLocalError):
                    near.close()
                continue
            with self.lock:
                if listener is not self.listener:
                    near.close()
                    far.close()
                    return
                self.sockets = [*self.sockets[-200:], near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
