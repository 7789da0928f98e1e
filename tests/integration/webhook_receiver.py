"""Who takes CloudEvents, checks each of them, and misbehaves."""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time

SECRET = "a secret of the duty desk"
class Receiver:
    """Takes CloudEvents. `behave(n)` says what the n-th request gets: a status, or None for a connection cut after reading it."""

    def __init__(self, behave=lambda n: 204, port=None):
        self.behave, self.events, self.faults, self.requests = behave, [], [], 0
        self.lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.take(self.headers, body)
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                said = b"not of our park\n" if status == 422 else b""
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port or 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, headers, body):
        with self.lock:
            self.requests += 1
            status = self.behave(self.requests)
            event = json.loads(body)
            text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
            signature = "v1," + base64.b64encode(hmac.new(SECRET.encode(), text, hashlib.sha256).digest()).decode()
            if headers["webhook-signature"] != signature or headers["webhook-id"] != event["id"]:
                self.faults.append(("signature", event["id"]))
            if abs(int(headers["webhook-timestamp"]) - time.time()) > 60:
                self.faults.append(("timestamp", event["id"]))
            if headers["Content-Type"] != "application/cloudevents+json; charset=utf-8" or event["specversion"] != "1.0":
                self.faults.append(("type", event["id"]))
            # A request that is cut is received all the same.
            if status is None or 200 <= status < 300:
                self.events.append(event)
            return status

    def close(self):
        self.server.shutdown()
        self.server.server_close()
