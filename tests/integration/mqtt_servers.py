"""Real brokers: a mosquitto with a password, a TLS listener of its own authority, and a store that survives kill -9; and a
NATS server, which speaks MQTT 3.1.1 only. And the gateway as it listens to them."""

import json
import os
import subprocess
from decimal import Decimal
from pathlib import Path

from harness import CARBONGATE, Process, accepts, free_port, wait_until

USER = "gateway"
PASSWORD = "s3cret"
ENVIRONMENT = {"MQTT_PASSWORD": PASSWORD}  # of every command that reads a configuration of write_site()

# /usr/sbin is not in everyone's PATH.
SERVERS_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
_ENVIRONMENT = {"PATH": SERVERS_PATH}


def make_certificates(directory):
    """A certificate authority, and a server certificate of it for localhost and 127.0.0.1."""
    def openssl(*args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, cwd=directory)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "2",
            "-subj", "/CN=Test authority")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    extensions = directory / "server.ext"
    extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out",
            "server.crt", "-days", "2", "-extfile", extensions)


class Mosquitto:
    """Broker on two ports of the loopback interface: `port` (password) and `tls_port` (password, TLS)."""

    def __init__(self, directory, tls=False, options=()):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.tls_port = free_port() if tls else None
        self.log = self.directory / "mosquitto.log"
        self._write_config(options)
        self.process = self._make_process()

    def _write_config(self, options):
        passwords = self.directory / "passwords"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, USER, PASSWORD], check=True, capture_output=True)
        data = self.directory / "data"
        data.mkdir(exist_ok=True)
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous false",
            f"password_file {passwords}",
            "persistence true",
            f"persistence_location {data}/",
            "autosave_interval 1",
            "autosave_on_changes true",
            "max_queued_messages 100000",
            "log_type all",
            "connection_messages true",
            *options,
        ]
        if os.geteuid() == 0:
            lines.insert(0, "user root")  # else it becomes the user mosquitto, who may not read the key
        if self.tls_port:
            make_certificates(self.directory)
            lines += [
                f"listener {self.tls_port} 127.0.0.1",
                f"cafile {self.directory}/ca.crt",
                f"certfile {self.directory}/server.crt",
                f"keyfile {self.directory}/server.key",
            ]
        (self.directory / "mosquitto.conf").write_text("\n".join(lines) + "\n")

    def _make_process(self):
        return Process(["mosquitto", "-c", self.directory / "mosquitto.conf"], self.log, env=_ENVIRONMENT)

    def start(self):
        self.process.start(ready=lambda: accepts(self.port))
        return self

    def kill(self):
        self.process.kill()

    def stop(self):
        self.process.stop()

    def publish(self, topic, payload, qos=1, retain=False):
        """Publishes and returns when the broker has acknowledged it (QoS 1 and 2)."""
        command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.port), "-u", USER, "-P", PASSWORD, "-t", topic,
                   "-m", payload, "-q", str(qos)]
        subprocess.run(command + (["-r"] if retain else []), check=True, timeout=20)

    def publish_lines(self, topic, payloads, qos=1):
        """One message for each payload, over one connection."""
        subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.port), "-u", USER, "-P", PASSWORD, "-t", topic,
                        "-q", str(qos), "-l"], input="\n".join(payloads) + "\n", text=True, check=True, timeout=60)

    def output(self):
        return self.process.output()

    def wait_for_farewell(self, client):
        """Until all that `client` sent before it went has been read: what is acknowledged there, and not read when the same id comes
        again, is delivered once more."""
        def is_read():
            heard = [line for line in self.output().splitlines() if f" from {client} " in f"{line} " or f" as {client} " in line]
            return heard[-1:] and heard[-1].endswith(f"Received DISCONNECT from {client}")
        wait_until(is_read, 30, f"the broker having read the last of {client}")

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.process.__exit__(*exc)


class Nats:
    """A NATS server with its MQTT listener on `port`; refuses a CONNECT of MQTT 5. Sessions and what waits for them are on disk."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        config = self.directory / "nats.conf"
        config.write_text(f"""
server_name: plant
listen: 127.0.0.1:{free_port()}
jetstream {{ store_dir: "{self.directory / 'jetstream'}" }}
mqtt {{ listen: 127.0.0.1:{self.port} }}
authorization {{ users: [{{user: {USER}, password: {PASSWORD}}}] }}
""")
        self.process = Process(["nats-server", "-c", config], self.directory / "nats.log", env=_ENVIRONMENT)

    def start(self):
        self.process.start(ready=lambda: accepts(self.port))
        return self

    def kill(self):
        self.process.kill()

    def stop(self):
        self.process.stop()

    def publish(self, topic, payloads, version="mqttv311", check=True):
        """One QoS 1 message for each payload; returns the exit status of mosquitto_pub when all are acknowledged."""
        return subprocess.run(["mosquitto_pub", "-V", version, "-h", "127.0.0.1", "-p", str(self.port), "-u", USER, "-P",
                               PASSWORD, "-t", topic, "-q", "1", "-l"], input="\n".join(payloads) + "\n", text=True,
                              check=check, timeout=60).returncode

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.process.__exit__(*exc)


def write_site(file, broker, devices, users=(), timezone="Asia/Shanghai"):
    """A configuration with these devices behind this broker, its store beside it; devices without a driver are MQTT ones."""
    file.write_text(json.dumps({  # JSON is YAML
        "site": {"id": "edz-1", "timezone": timezone, "grid_region": "CN-SC"},
        "brokers": {"plant": {"url": f"mqtt://127.0.0.1:{broker.port}", "username": USER, "password_env": "MQTT_PASSWORD"}},
        "devices": [{"driver": "mqtt", "broker": "plant", **device} for device in devices],
        "energy_users": list(users),
        "store": {"path": str(file.parent / "store")},
    }))
    return file


class Gateway(Process):
    """`carbongate run`; started when it is connected."""

    def __init__(self, config, log):
        super().__init__([CARBONGATE, "run", config], log, env=ENVIRONMENT)

    def connections(self, version=""):
        return self.output().count(f"connected, MQTT {version}".rstrip())

    def start(self):
        before = self.connections()
        return super().start(ready=lambda: self.connections() > before, timeout=30)


def export(config, what):
    text = subprocess.run([CARBONGATE, "export", config, "--what", what, "--format", "jsonl"], check=True,
                          capture_output=True, text=True, env={**os.environ, **ENVIRONMENT}).stdout
    return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]


def readings(config, device="press-shop"):
    """The values of the readings that moved the accounts, in the order of the journal.

    A broker delivers again what it did not see acknowledged, and a kill -9 takes acknowledgements with it that were already
    written to the socket. Such copies are in the journal too, marked: the last one as a duplicate, those before it as out of
    order. Whether the marks are right only the accounts themselves show.
    """
    return [float(row["value"]) for row in export(config, "readings")
            if row["device"] == device and row["rule"] not in ("duplicate", "out-of-order")]
