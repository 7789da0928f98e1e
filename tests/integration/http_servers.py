"""Web servers that answer in JSON: Python's own, with and without TLS, which a test tells what to say; and gateways that ask them."""

import base64
import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import CARBONGATE, Process, free_port


class Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """A client that gives up is no error here."""


class WebServer:
    """On `port` of the loopback interface. `pages` maps a path to a function of the request's handler that answers it, or to what
    is answered in JSON. kill() closes everything at once, as the end of its machine would; start() begins again on that port."""

    def __init__(self, certificates=None):
        self.port = free_port()
        self.pages = {}
        self.requests = []  # (path, headers) as they came
        self.certificates = certificates
        self._server = None
        self._connections = set()

    def start(self):
        self._server = Quiet(("127.0.0.1", self.port), self._handler())
        if self.certificates:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificates / "server.crt", self.certificates / "server.key")
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def kill(self):
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it had ended

    def count(self, path):
        return sum(1 for asked, _ in self.requests if asked == path)

    def url(self, path, host="127.0.0.1"):
        return f"{'https' if self.certificates else 'http'}://{host}:{self.port}{path}"

    def _handler(self):
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def setup(self):
                super().setup()
                owner._connections.add(self.connection)

            def finish(self):
                owner._connections.discard(self.connection)
                super().finish()

            def do_GET(self):
                owner.requests.append((self.path, dict(self.headers)))
                page = owner.pages.get(self.path)
                if callable(page):
                    page(self)
                elif page is None:
                    self.answer(404, "no such page")
                else:
                    self.answer(200, json.dumps(page), {"Content-Type": "application/json"})

            def answer(self, status, body="", headers=()):
                body = body.encode()
                self.send_response(status)
                for name, value in dict(headers).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.kill()


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def http_device(server, device_id, path, points, **keys):
    return {"id": device_id, "driver": "http", "url": server.url(path), "interval": "1s", "points": points, **keys}


def write_site(file, devices, users=(), **site):
    file.write_text(json.dumps({  # JSON is YAML
        "site": {"id": "edz-1", "timezone": "Asia/Shanghai", "grid_region": "CN-SC", **site},
        "devices": devices,
        "energy_users": list(users),
        "store": {"path": str(file.parent / "store")},
    }))
    return file


class HttpGateway(Process):
    """`carbongate run`, up when it says that it is running."""

    def __init__(self, config, log, env=None):
        super().__init__([CARBONGATE, "run", config], log, env=env)

    def start(self):
        before = self.output().count("running: site")
        return super().start(ready=lambda: self.output().count("running: site") > before)

    def says(self, text):
        return text in self.output()
