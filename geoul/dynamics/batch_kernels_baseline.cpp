#include "geoul/dynamics/batch_kernels_leaf.h"

namespace geoul::dynamics {

BatchKernels batch_kernels_baseline() { return {batch_kernel<double>(), batch_kernel<float>()}; }

}  // namespace geoul::dynamics
