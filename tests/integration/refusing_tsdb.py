"""A server of line protocol that refuses, or keeps waiting, what a test tells it to."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class RefusingTsdb:
    """Answers as InfluxDB 1.x does: a partial write where `refuses(line)` holds. While `held` is set no request is answered."""

    def __init__(self):
        self.refuses = lambda line: False
        self.words = "field type conflict"
        self.held = threading.Event()
        self.asked_while_held = threading.Event()
        self.lines = []  # as they were taken, repetitions included
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status, text = outer._take(body.splitlines())
                if status == 0:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/write?db=carbon"

    def _take(self, lines):
        if self.held.is_set():
            self.asked_while_held.set()
            threading.Event().wait(30)  # whoever asks is killed meanwhile
            return 0, ""
        with self._lock:
            refused = [line for line in lines if self.refuses(line)]
            self.lines += [line for line in lines if not self.refuses(line)]
        if not refused:
            return 204, ""
        return 400, json.dumps({"error": f"partial write: {self.words} dropped={len(refused)}"})

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self._server.shutdown()
        self._server.server_close()
