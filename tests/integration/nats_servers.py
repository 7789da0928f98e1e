"""A cluster of three NATS servers as deploy/cluster/nats has it, and a client of theirs by the NATS text protocol."""

import contextlib
import json
import socket
import subprocess

from harness import SOURCE, Process, accepts, free_port, wait_until
from mqtt_servers import PASSWORD, USER, SERVERS_PATH

MANIFESTS = SOURCE / "deploy/cluster/nats"
CONSUMER = json.loads((MANIFESTS / "consumer.json").read_text())
STREAM, DURABLE = "$MQTT_msgs", CONSUMER["durable_name"]


class Client:
    """A connection to one server."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self._file = self._socket.makefile("rb")
        self._requests = 0
        self._line()  # INFO
        self._say("CONNECT " + json.dumps({"user": USER, "pass": PASSWORD, "verbose": False, "headers": True}))
        self._say("SUB _INBOX.test.* 1")

    def _line(self):
        line = self._file.readline()
        if not line:
            raise ConnectionError("the server hung up")
        return line.decode().split()

    def _say(self, line, payload=None):
        self._socket.sendall(line.encode() + b"\r\n" + (b"" if payload is None else payload + b"\r\n"))

    def publish(self, subject, payload, reply=""):
        self._say(f"PUB {subject} {reply} {len(payload)}", payload)

    def next(self):
        """(subject, where to answer or "", head, body)"""
        while True:
            words = self._line()
            if words[0] == "PING":
                self._say("PONG")
            elif words[0] in ("MSG", "HMSG"):
                sizes = 2 if words[0] == "HMSG" else 1
                text = self._file.read(int(words[-1]) + 2)[:-2]
                head = int(words[-2]) if sizes == 2 else 0
                return words[1], words[3] if len(words) == 4 + sizes else "", text[:head].decode(), text[head:]
            elif words[0] == "-ERR":
                raise ConnectionError(" ".join(words))

    def request(self, subject, question):
        self._requests += 1
        self.publish(subject, json.dumps(question).encode(), f"_INBOX.test.{self._requests}")
        answer = json.loads(self.next()[3])
        assert "error" not in answer, answer
        return answer

    def fetch(self, count):
        """Up to this many of the payloads that wait for the durable consumer, each acknowledged."""
        self._requests += 1
        self.publish(f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{DURABLE}", json.dumps({"batch": count, "no_wait": True}).encode(),
                     f"_INBOX.test.{self._requests}")
        for _ in range(count):
            _, reply, head, body = self.next()
            if head.startswith("NATS/1.0 40"):  # 404: no more; 408: the request has ended
                return
            self.publish(reply, b"+ACK")
            yield json.loads(body)

    def close(self):
        self._file.close()
        self._socket.close()


class Node(Process):
    def __init__(self, directory, name, ports, cluster_ports):
        self.port, self.client_port, cluster_port = ports
        routes = ", ".join(f"nats://127.0.0.1:{port}" for port in cluster_ports)
        super().__init__(["nats-server", "-c", MANIFESTS / "node.conf"], directory / f"{name}.log",
                         env={"PATH": SERVERS_PATH, "NATS_NAME": name, "NATS_LISTEN": f"127.0.0.1:{self.client_port}",
                              "NATS_STORE": str(directory / name), "NATS_CLUSTER_LISTEN": f"127.0.0.1:{cluster_port}",
                              "NATS_ROUTES": f"[{routes}]", "NATS_MQTT_LISTEN": f"127.0.0.1:{self.port}",
                              "NATS_GATEWAY_PASSWORD": PASSWORD})

    def start(self):
        return super().start(ready=lambda: accepts(self.port) and accepts(self.client_port))


class NatsCluster:
    def __init__(self, directory):
        directory.mkdir()
        drawn = set()
        while len(drawn) < 9:
            drawn.add(free_port())
        ports = [[drawn.pop() for _ in range(3)] for _ in range(3)]
        self.nodes = [Node(directory, f"n{i + 1}", ports[i], [other[2] for other in ports]) for i in range(3)]

    @property
    def urls(self):
        return [f"mqtt://127.0.0.1:{node.port}" for node in self.nodes]

    @contextlib.contextmanager
    def client(self):
        client = Client(next(node.client_port for node in self.nodes if node.running()))
        try:
            yield client
        finally:
            client.close()

    def publish(self, node, topic, payloads):
        """One QoS 1 message for each payload through this node; whether all are acknowledged."""
        return subprocess.run(["mosquitto_pub", "-V", "mqttv311", "-h", "127.0.0.1", "-p", str(node.port), "-u", USER, "-P", PASSWORD,
                               "-t", topic, "-q", "1", "-l"], input="\n".join(payloads) + "\n", text=True, check=False,
                              capture_output=True, timeout=60).returncode == 0

    def stream(self):
        with self.client() as client:
            return client.request(f"$JS.API.STREAM.INFO.{STREAM}", {})

    def stored(self):
        """How many messages are in the stream; None while it has no leader."""
        with contextlib.suppress(OSError, AssertionError):
            return self.stream()["state"]["messages"]

    def fetch(self, rows):
        """Appends what waits for the durable consumer. It has a leader of its own, which answers nothing while it is being elected."""
        with contextlib.suppress(OSError), self.client() as client:
            rows.extend(client.fetch(5_000))
        return rows

    def has_leader(self):
        """Each node has heard of one. One that the others could not reach in time has to be begun anew."""
        for node in self.nodes:
            if not node.running():
                node.start()
        return all("metadata leader" in node.output() for node in self.nodes)

    def elect(self):
        """A server that was connected while the others elected may not hear of it for good: begun anew, it asks."""
        for patience in (15, 15, 30):
            try:
                wait_until(self.has_leader, patience, "a leader of all")
                return
            except AssertionError:
                for node in self.nodes:
                    if "metadata leader" not in node.output():
                        node.kill()
        wait_until(self.has_leader, 30, "a leader of all")

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            for node in self.nodes:
                stack.enter_context(node.start())
            self.elect()
            # The first MQTT client makes the stream.
            wait_until(lambda: self.publish(self.nodes[0], "hello", ["x"]), 30, "a leader of the stream")
            with self.client() as client:
                client.request(f"$JS.API.CONSUMER.DURABLE.CREATE.{STREAM}.{DURABLE}", {"stream_name": STREAM, "config": CONSUMER})
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc):
        self._stack.__exit__(*exc)
