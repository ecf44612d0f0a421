// Sine and cosine together, over the scalars of the kernels: double, float and SIMD lanes of either. One chain of
// additions and multiplications without branches on the value, so every lane has the bits of the scalar call.
//   reduction   k = the integer nearest x 2/pi; r = x - k pi/2 with pi/2 in three parts, of which the first two have
//               few enough bits for their products with k to be exact (Cody and Waite, 1980)
//   |r| <= pi/4 minimax polynomials of odd and even powers (coefficients: fdlibm's k_sin and k_cos, Sun Microsystems
//               1993; for float Cephes' sinf and cosf, Moshier 1992)
//   error       below 1.5 units in the last place while |x| < kReducible; beyond, and for what is not finite, the
//               C library answers, lane by lane
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace geoul::dynamics {

template <class T>
struct SinCos {
  T s, c;
};

// What a scalar of the kernels says about itself. Lanes specialise it (lanes.h).
template <class T>
struct ScalarTraits;
template <>
struct ScalarTraits<double> {
  using Element = double;
  using Bits = std::uint64_t;
  [[gnu::always_inline]] static Bits bits(double x) { return std::bit_cast<Bits>(x); }
  [[gnu::always_inline]] static double from_bits(Bits b) { return std::bit_cast<double>(b); }
};
template <>
struct ScalarTraits<float> {
  using Element = float;
  using Bits = std::uint32_t;
  [[gnu::always_inline]] static Bits bits(float x) { return std::bit_cast<Bits>(x); }
  [[gnu::always_inline]] static float from_bits(Bits b) { return std::bit_cast<float>(b); }
};

// Masks of a plain number.
[[gnu::always_inline]] inline bool any(bool m) { return m; }
[[gnu::always_inline]] inline bool all(bool m) { return m; }
[[gnu::always_inline]] inline double select(bool m, double a, double b) { return m ? a : b; }
[[gnu::always_inline]] inline float select(bool m, float a, float b) { return m ? a : b; }
[[gnu::always_inline]] inline SinCos<double> library_sin_cos(double x) { return {std::sin(x), std::cos(x)}; }
[[gnu::always_inline]] inline SinCos<float> library_sin_cos(float x) { return {std::sin(x), std::cos(x)}; }

template <class Element>
struct SineConstants;
template <>
struct SineConstants<double> {
  static constexpr double kReducible = 1e6;             // k < 2^20
  static constexpr double kRound = 6755399441055744.0;  // 1.5 x 2^52: adding it rounds to an integer
  static constexpr double kHalfPi[] = {1.57079632673412561417e+00, 6.07710050630396597660e-11,
                                       2.02226624879595063154e-21};
  static constexpr double kSine[] = {-1.66666666666666324348e-01, 8.33333333332248946124e-03,
                                     -1.98412698298579493134e-04, 2.75573137070700676789e-06,
                                     -2.50507602534068634195e-08, 1.58969099521155010221e-10};
  static constexpr double kCosine[] = {4.16666666666666019037e-02, -1.38888888888741095749e-03,
                                       2.48015872894767294178e-05, -2.75573143513906633035e-07,
                                       2.08757232129817482790e-09, -1.13596475577881948265e-11};
  static constexpr int kSign = 62;  // moves bit 1 to the sign
};
template <>
struct SineConstants<float> {
  static constexpr float kReducible = 1e3F;
  static constexpr float kRound = 12582912.0F;  // 1.5 x 2^23
  static constexpr float kHalfPi[] = {1.5703125F, 4.837512969970703125e-4F, 7.54978995489188216e-8F};
  static constexpr float kSine[] = {-1.6666654611e-1F, 8.3321608736e-3F, -1.9515295891e-4F};
  static constexpr float kCosine[] = {4.166664568298827e-2F, -1.388731625493765e-3F, 2.443315711809948e-5F};
  static constexpr int kSign = 30;
};

// c[0] + z c[1] + ...: Horner's rule over pairs (a short chain of dependent operations), zz = z z.
template <class T, class Element, std::size_t N>
[[gnu::always_inline]] inline T polynomial(const T& z, const T& zz, const Element (&c)[N]) {
  std::size_t i = N % 2 == 0 ? N - 2 : N - 1;
  T sum = N % 2 == 0 ? T(c[i]) + z * T(c[i + 1]) : T(c[i]);
  while (i >= 2) {
    i -= 2;
    sum = (T(c[i]) + z * T(c[i + 1])) + zz * sum;
  }
  return sum;
}

template <class T>
[[gnu::always_inline]] inline SinCos<T> sin_cos(const T& x) {
  using std::abs;
  using Traits = ScalarTraits<T>;
  using Constants = SineConstants<typename Traits::Element>;
  using Bits = typename Traits::Bits;
  if (!all(abs(x) < T(Constants::kReducible))) [[unlikely]]
    return library_sin_cos(x);
  const T shifted = x * T(typename Traits::Element(0.63661977236758134308)) + T(Constants::kRound);
  const T k = shifted - T(Constants::kRound);
  const T high = x - k * T(Constants::kHalfPi[0]), next = k * T(Constants::kHalfPi[1]);  // exact, both
  const T first = high - next;
  const T r = first + (((high - first) - next) - k * T(Constants::kHalfPi[2]));
  const T z = r * r, zz = z * z;
  const T sine = r + (z * r) * polynomial(z, zz, Constants::kSine);
  const T cosine = (T(1) - T(typename Traits::Element(0.5)) * z) + zz * polynomial(z, zz, Constants::kCosine);
  // k mod 4 stands in the lowest bits: odd quadrants swap the two, and the signs follow
  const Bits quadrant = Traits::bits(shifted), swap = -(quadrant & 1);
  const Bits s = Traits::bits(sine), c = Traits::bits(cosine), changed = (s ^ c) & swap;
  return {Traits::from_bits((s ^ changed) ^ ((quadrant & 2) << Constants::kSign)),
          Traits::from_bits((c ^ changed) ^ (((quadrant + 1) & 2) << Constants::kSign))};
}

}  // namespace geoul::dynamics
