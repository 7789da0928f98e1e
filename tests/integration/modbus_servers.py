"""Modbus peers of the tests: servers on libmodbus and pymodbus, and a pair of pseudo terminals for a serial line."""

from pathlib import Path

from harness import BUILD, Process, accepts, free_port

HERE = Path(__file__).resolve().parent
LIBMODBUS_SERVER = BUILD / "tests" / "integration" / "libmodbus_server"


def libmodbus_tcp(log, port=None):
    """Every unit; see libmodbus_server.c for what its registers hold."""
    port = port or free_port()
    server = Process([LIBMODBUS_SERVER, "tcp", port], log)
    server.port = port
    server.ready = lambda: accepts(port)
    return server


def libmodbus_rtu(log, device, unit):
    server = Process([LIBMODBUS_SERVER, "rtu", device, unit], log)
    server.ready = lambda: "ready" in server.output()
    return server


def pymodbus(log, way, where, units):
    """`way`: tcp, rtu-tcp or rtu; see pymodbus_server.py for what its registers hold."""
    server = Process(["/usr/bin/python3", HERE / "pymodbus_server.py", way, where, *units], log)
    server.port = where
    server.ready = lambda: accepts(where)
    return server


def serial_line(log, directory):
    """Two pseudo terminals joined by socat; their paths are in .ours and .theirs."""
    ours, theirs = Path(directory) / "ours", Path(directory) / "theirs"
    line = Process(["socat", f"pty,raw,echo=0,link={ours}", f"pty,raw,echo=0,link={theirs}"], log)
    line.ours, line.theirs = ours, theirs
    line.ready = lambda: ours.exists() and theirs.exists()
    return line
