"""A Modbus server on pymodbus: a peer that is not ours.

  pymodbus_server.py tcp PORT UNIT...       pymodbus_server.py rtu-tcp PORT UNIT...       pymodbus_server.py rtu DEVICE UNIT...

Units that are not named stay silent. Each has holding registers 0 to 99 and input registers 0 to 99: a float32 of 100 * unit
+ 0.5 at 0, the uint32 123456 with its low word first at 2, the int16 -25 at 4, then each register its own address.
"""

import asyncio
import struct
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server.async_io import StartAsyncSerialServer, StartAsyncTcpServer
from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer


def words(unit):
    values = list(range(100))
    values[0:2] = struct.unpack(">HH", struct.pack(">f", 100 * unit + 0.5))
    values[2:4] = [123456 & 0xFFFF, 123456 >> 16]
    values[4] = 0x10000 - 25
    return values


def slave(unit):
    block = ModbusSequentialDataBlock(0, words(unit))
    return ModbusSlaveContext(hr=block, ir=block, zero_mode=True)


async def serve(way, where, units):
    context = ModbusServerContext(slaves={unit: slave(unit) for unit in units}, single=False)
    common = {"context": context, "ignore_missing_slaves": True}
    if way == "rtu":
        await StartAsyncSerialServer(port=where, framer=ModbusRtuFramer, baudrate=19200, parity="N", stopbits=1, **common)
    else:
        framer = ModbusRtuFramer if way == "rtu-tcp" else ModbusSocketFramer
        await StartAsyncTcpServer(address=("127.0.0.1", int(where)), framer=framer, allow_reuse_address=True, **common)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], [int(unit) for unit in sys.argv[3:]]))
