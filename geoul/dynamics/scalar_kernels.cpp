#include "geoul/dynamics/scalar_kernels.h"

#include "geoul/core/clones.h"
#include "geoul/dynamics/kernels.h"

namespace geoul::dynamics::kernels {

GEOUL_CLONES [[gnu::flatten]] void kinematics(const Model& model, int begin, int end, const double* q, const double* v,
                                              LinkData* links) {
  kinematics<double>(model, begin, end, q, v, links);
}

GEOUL_CLONES [[gnu::flatten]] void newton_euler(const Model& model, int begin, int end, const double* a,
                                                LinkData* links, double* tau) {
  newton_euler<double>(model, begin, end, a, links, tau);
}

GEOUL_CLONES [[gnu::flatten]] void articulated_bodies(const Model& model, int begin, int end, const double* tau,
                                                      const double* diagonal, const char* held, LinkData* links,
                                                      BallData* balls, double* a, double* needed) {
  articulated_bodies<double>(model, begin, end, tau, diagonal, held, links, balls, a, needed);
}

GEOUL_CLONES [[gnu::flatten]] void composite_inertia(const Model& model, int begin, int end, LinkData* links) {
  composite_inertia<double>(model, begin, end, links);
}

}  // namespace geoul::dynamics::kernels
