"""A client that shares no code with ours, ur_rtde, at the simulated robot of a test: ur_rtde_client.py ADDRESS.

Reads what the robot plays, writes inputs, and prints lines: connected 0|1; sample TIME Q0 ... Q5 MODE; written 0|1 four
times; bits N; speed X. ur_rtde knows port 30004 alone.
"""
import sys
import time

import rtde_io
import rtde_receive

VARIABLES = ["timestamp", "actual_q", "robot_mode", "actual_digital_output_bits", "target_speed_fraction"]


def main():
    receive = rtde_receive.RTDEReceiveInterface(sys.argv[1], 125.0, VARIABLES)
    print("connected", int(receive.isConnected()))
    for _ in range(20):
        # each getter reads the newest package: only values between equal times are of one package
        before, q, mode, after = receive.getTimestamp(), receive.getActualQ(), receive.getRobotMode(), receive.getTimestamp()
        if before == after:
            print("sample", repr(before), *map(repr, q), mode)
        time.sleep(0.02)
    io = rtde_io.RTDEIOInterface(sys.argv[1])
    print("written", int(io.setStandardDigitalOut(3, True)), int(io.setSpeedSlider(0.5)),
          int(io.setInputDoubleRegister(20, 3.25)), int(io.setInputIntRegister(20, -9)))
    for _ in range(250):
        if receive.getTargetSpeedFraction() == 0.5 and receive.getActualDigitalOutputBits():
            break
        time.sleep(0.02)
    print("bits", receive.getActualDigitalOutputBits())
    print("speed", receive.getTargetSpeedFraction())
    receive.disconnect()
    io.disconnect()


main()
