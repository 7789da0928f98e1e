"""A data logger that speaks HJ 212-2017, in Python: packets, their CRC, and the answers that it waits for."""

import socket


def crc(segment):
    value = 0xFFFF
    for byte in segment:
        value = (value >> 8) ^ byte
        for _ in range(8):
            value = (value >> 1) ^ 0xA001 if value & 1 else value >> 1
    return value


def packet(area, qn="20260801120000001", command="2011", mn="010000A8900016F000169DC0", pw="123456", flag=5, st="31"):
    segment = f"QN={qn};ST={st};CN={command};PW={pw};MN={mn};Flag={flag};CP=&&{area}&&".encode()
    return b"##%04d" % len(segment) + segment + b"%04X\r\n" % crc(segment)


class Logger:
    """One connection to a server of HJ 212."""

    def __init__(self, port, timeout=10, source=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout, source_address=source and (source, 0))
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def answer(self):
        """The next packet that comes back, as {field: text}; its CRC is right."""
        while b"\r\n" not in self.rest:
            more = self.socket.recv(4096)
            assert more, "the connection was closed"
            self.rest += more
        line, self.rest = self.rest.split(b"\r\n", 1)
        assert line[:2] == b"##" and int(line[2:6]) == len(line) - 10
        assert int(line[-4:], 16) == crc(line[6:-4])
        text = line[6:-4].decode()
        fields = dict(part.split("=", 1) for part in text[:text.index(";CP=")].split(";"))
        return {**fields, "CP": text[text.index(";CP=") + 4:]}

    def is_closed(self):
        try:
            return self.socket.recv(4096) == b""
        except ConnectionResetError:
            return True
