"""A Modbus TCP device by pymodbus, for the test of the link: pymodbus_server.py PORT. Ends with its standard input.

holding 0..99: 0x1000 + address; holding 10, 11: the float 123456.0, most significant register first
input   0..99: address; coils and discrete inputs 0..15: on where even
"""
import asyncio
import logging
import sys
import threading

from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import ModbusTcpServer

logging.disable(logging.CRITICAL)


async def main():
    holding = [0x1000 + a for a in range(100)]
    holding[10:12] = [0x47F1, 0x2000]
    even = [a % 2 == 0 for a in range(16)]
    device = ModbusDeviceContext(co=ModbusSequentialDataBlock(1, list(even)), di=ModbusSequentialDataBlock(1, list(even)),
                                 hr=ModbusSequentialDataBlock(1, holding), ir=ModbusSequentialDataBlock(1, list(range(100))))
    server = ModbusTcpServer(ModbusServerContext(devices=device, single=True), address=("127.0.0.1", int(sys.argv[1])))
    loop = asyncio.get_running_loop()

    def end_with_input():
        sys.stdin.read()
        asyncio.run_coroutine_threadsafe(server.shutdown(), loop)

    threading.Thread(target=end_with_input, daemon=True).start()
    await server.serve_forever()


asyncio.run(main())
