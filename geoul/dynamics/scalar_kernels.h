// The kernels over double, each compiled as one function for the instruction sets of the machine it runs on (the same
// bits in all of them: no fused operations). Calls with double pick these before the templates of kernels.h.
#pragma once

#include "geoul/dynamics/data.h"
#include "geoul/dynamics/model.h"

namespace geoul::dynamics::kernels {

void kinematics(const Model& model, int begin, int end, const double* q, const double* v, LinkData* links);
void newton_euler(const Model& model, int begin, int end, const double* a, LinkData* links, double* tau);
void articulated_bodies(const Model& model, int begin, int end, const double* tau, const double* diagonal,
                        const char* held, LinkData* links, BallData* balls, double* a, double* needed);
void composite_inertia(const Model& model, int begin, int end, LinkData* links);

}  // namespace geoul::dynamics::kernels
