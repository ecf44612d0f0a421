"""Durations of paths by toppra (PyPI), for geoul/decision/planning/time_parameterisation_test.cpp.

python3 -m venv V && V/bin/pip install toppra && V/bin/python tools/oracles/toppra_durations.py
"""

import math

import numpy
import toppra
import toppra.algorithm
import toppra.constraint

toppra.setup_logging("WARNING")
for joints, points in ((3, 5), (6, 9), (7, 6)):
    way = numpy.array([[1.2 * math.sin(1.7 * k + 0.9 * i * i) for i in range(joints)] for k in range(points)])
    knots = numpy.concatenate([[0], numpy.cumsum(numpy.linalg.norm(numpy.diff(way, axis=0), axis=1))])
    path = toppra.SplineInterpolator(knots, way, bc_type="natural")
    velocity = numpy.array([[-2.0, 2.0]] * joints)
    acceleration = numpy.array([[-8.0, 8.0]] * joints)
    limits = [
        toppra.constraint.JointVelocityConstraint(velocity),
        toppra.constraint.JointAccelerationConstraint(
            acceleration, discretization_scheme=toppra.constraint.DiscretizationType.Interpolation
        ),
    ]
    for intervals in (400, 3200):
        grid = numpy.linspace(0, path.duration, intervals + 1)
        solver = toppra.algorithm.TOPPRA(limits, path, gridpoints=grid, solver_wrapper="seidel")
        _, speed, _ = solver.compute_parameterization(0, 0)
        duration = numpy.sum(2 * numpy.diff(grid) / (speed[1:] + speed[:-1]))
        print(f"{joints} joints, {points} points, {intervals} intervals: {duration:.6f} s")
