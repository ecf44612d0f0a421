#include "geoul/dynamics/batch_contact_leaf.h"

namespace geoul::dynamics {

BatchKernel<double> contact_kernel_avx2() { return contact_kernel<Lanes<double>>(); }

}  // namespace geoul::dynamics
