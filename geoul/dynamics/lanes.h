// W numbers side by side in vector registers, one of each of W worlds: the scalar of the batch kernels. Arithmetic is
// lane by lane with the bits of the same arithmetic on single numbers. Comparisons give a mask for select().
// Only for the leaf files that are compiled for one instruction set: the set is part of the type, so that code for one
// never meets a machine without it through the linker.
#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "geoul/dynamics/sine.h"

namespace geoul::dynamics {

#if defined(__AVX512F__) && defined(__AVX512DQ__)
inline constexpr int kLanesSet = 2, kLanesBytes = 64;
#elif defined(__AVX2__)
inline constexpr int kLanesSet = 1, kLanesBytes = 32;
#else
inline constexpr int kLanesSet = 0, kLanesBytes = 16;
#endif

template <class S>
struct LaneInteger;
template <>
struct LaneInteger<double> {
  using Signed = std::int64_t;
  using Unsigned = std::uint64_t;
};
template <>
struct LaneInteger<float> {
  using Signed = std::int32_t;
  using Unsigned = std::uint32_t;
};

// Whether lanes of a mask hold (not zero where one does); square roots.
#if defined(__AVX512F__) && defined(__AVX512DQ__)
using LongVector [[gnu::vector_size(64)]] = std::int64_t;
using IntVector [[gnu::vector_size(64)]] = std::int32_t;
using DoubleVector [[gnu::vector_size(64)]] = double;
using FloatVector [[gnu::vector_size(64)]] = float;
[[gnu::always_inline]] static inline DoubleVector lane_sqrt(DoubleVector x) { return _mm512_maskz_sqrt_pd(0xff, x); }
[[gnu::always_inline]] static inline FloatVector lane_sqrt(FloatVector x) { return _mm512_maskz_sqrt_ps(0xffff, x); }
#elif defined(__AVX2__)
using LongVector [[gnu::vector_size(32)]] = std::int64_t;
using IntVector [[gnu::vector_size(32)]] = std::int32_t;
using DoubleVector [[gnu::vector_size(32)]] = double;
using FloatVector [[gnu::vector_size(32)]] = float;
[[gnu::always_inline]] static inline int lane_bits(LongVector m) { return _mm256_movemask_pd((__m256d)m); }
[[gnu::always_inline]] static inline int lane_bits(IntVector m) { return _mm256_movemask_ps((__m256)m); }
[[gnu::always_inline]] static inline DoubleVector lane_sqrt(DoubleVector x) { return _mm256_sqrt_pd(x); }
[[gnu::always_inline]] static inline FloatVector lane_sqrt(FloatVector x) { return _mm256_sqrt_ps(x); }
#else
using LongVector [[gnu::vector_size(16)]] = std::int64_t;
using IntVector [[gnu::vector_size(16)]] = std::int32_t;
using DoubleVector [[gnu::vector_size(16)]] = double;
using FloatVector [[gnu::vector_size(16)]] = float;
[[gnu::always_inline]] static inline long lane_bits(LongVector m) { return m[0] | m[1]; }
[[gnu::always_inline]] static inline int lane_bits(IntVector m) { return m[0] | m[1] | m[2] | m[3]; }
[[gnu::always_inline]] static inline DoubleVector lane_sqrt(DoubleVector x) {
  for (int i = 0; i < 2; ++i) x[i] = __builtin_sqrt(x[i]);
  return x;
}
[[gnu::always_inline]] static inline FloatVector lane_sqrt(FloatVector x) {
  for (int i = 0; i < 4; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
}
#endif

// The lanes where something holds: a bit each in the machine's mask registers, or all ones in a vector.
#if defined(__AVX512F__) && defined(__AVX512DQ__)
template <class S, int Set = kLanesSet>
struct LaneMask {
  static constexpr int kWidth = kLanesBytes / static_cast<int>(sizeof(S));
  static constexpr unsigned kAll = (1U << kWidth) - 1;
  using Bits = std::conditional_t<kWidth == 8, __mmask8, __mmask16>;
  Bits m{};

  [[gnu::always_inline]] static LaneMask of(unsigned bits) { return {static_cast<Bits>(bits)}; }
  [[gnu::always_inline]] friend LaneMask operator&(LaneMask a, LaneMask b) { return of(a.m & b.m); }
  [[gnu::always_inline]] friend LaneMask operator|(LaneMask a, LaneMask b) { return of(a.m | b.m); }
  [[gnu::always_inline]] friend LaneMask operator!(LaneMask a) { return of(~a.m & kAll); }
  [[gnu::always_inline]] friend bool any(LaneMask a) { return a.m != 0; }
  [[gnu::always_inline]] friend bool all(LaneMask a) { return a.m == kAll; }
  bool operator[](int i) const { return (m >> i & 1) != 0; }
};
template <int kOrder>
[[gnu::always_inline]] static inline LaneMask<double> compare(DoubleVector a, DoubleVector b) {
  return {_mm512_cmp_pd_mask(a, b, kOrder)};
}
template <int kOrder>
[[gnu::always_inline]] static inline LaneMask<float> compare(FloatVector a, FloatVector b) {
  return {_mm512_cmp_ps_mask(a, b, kOrder)};
}
[[gnu::always_inline]] static inline DoubleVector choose(LaneMask<double> m, DoubleVector a, DoubleVector b) {
  return _mm512_mask_blend_pd(m.m, b, a);
}
[[gnu::always_inline]] static inline FloatVector choose(LaneMask<float> m, FloatVector a, FloatVector b) {
  return _mm512_mask_blend_ps(m.m, b, a);
}
#else
template <class S, int Set = kLanesSet>
struct LaneMask {
  static constexpr int kWidth = kLanesBytes / static_cast<int>(sizeof(S));
  using Vector [[gnu::vector_size(kLanesBytes)]] = typename LaneInteger<S>::Signed;
  Vector m{};

  [[gnu::always_inline]] friend LaneMask operator&(LaneMask a, LaneMask b) { return {a.m & b.m}; }
  [[gnu::always_inline]] friend LaneMask operator|(LaneMask a, LaneMask b) { return {a.m | b.m}; }
  [[gnu::always_inline]] friend LaneMask operator!(LaneMask a) { return {~a.m}; }
  [[gnu::always_inline]] friend bool any(LaneMask a) { return lane_bits(a.m) != 0; }
  [[gnu::always_inline]] friend bool all(LaneMask a) { return !any(!a); }
  bool operator[](int i) const { return m[i] != 0; }
};
#endif

template <class S, int Set = kLanesSet>
struct Lanes {
  static constexpr int kWidth = kLanesBytes / static_cast<int>(sizeof(S));
  using Vector [[gnu::vector_size(kLanesBytes)]] = S;
  using Mask = LaneMask<S, Set>;
  Vector r{};

  Lanes() = default;
  explicit Lanes(Vector x) : r(x) {}
  // every lane the same
  [[gnu::always_inline]] explicit Lanes(double x) : r(static_cast<S>(x) - Vector{}) {}
  [[gnu::always_inline]] static Lanes load(const S* p) { return Lanes(*reinterpret_cast<const Vector*>(p)); }
  [[gnu::always_inline]] void store(S* p) const { *reinterpret_cast<Vector*>(p) = r; }

  [[gnu::always_inline]] Lanes& operator+=(Lanes b) { return r += b.r, *this; }
  [[gnu::always_inline]] Lanes& operator-=(Lanes b) { return r -= b.r, *this; }
  [[gnu::always_inline]] friend Lanes operator+(Lanes a, Lanes b) { return Lanes(a.r + b.r); }
  [[gnu::always_inline]] friend Lanes operator-(Lanes a, Lanes b) { return Lanes(a.r - b.r); }
  [[gnu::always_inline]] friend Lanes operator*(Lanes a, Lanes b) { return Lanes(a.r * b.r); }
  [[gnu::always_inline]] friend Lanes operator/(Lanes a, Lanes b) { return Lanes(a.r / b.r); }
  [[gnu::always_inline]] friend Lanes operator-(Lanes a) { return Lanes(-a.r); }
#if defined(__AVX512F__) && defined(__AVX512DQ__)
  [[gnu::always_inline]] friend Mask operator<(Lanes a, Lanes b) { return compare<_CMP_LT_OQ>(a.r, b.r); }
  [[gnu::always_inline]] friend Mask operator>(Lanes a, Lanes b) { return compare<_CMP_GT_OQ>(a.r, b.r); }
  [[gnu::always_inline]] friend Mask operator<=(Lanes a, Lanes b) { return compare<_CMP_LE_OQ>(a.r, b.r); }
  [[gnu::always_inline]] friend Mask operator==(Lanes a, Lanes b) { return compare<_CMP_EQ_OQ>(a.r, b.r); }
  [[gnu::always_inline]] friend Mask operator!=(Lanes a, Lanes b) { return compare<_CMP_NEQ_UQ>(a.r, b.r); }
  [[gnu::always_inline]] friend Lanes select(Mask m, Lanes a, Lanes b) { return Lanes(choose(m, a.r, b.r)); }
#else
  [[gnu::always_inline]] friend Mask operator<(Lanes a, Lanes b) { return {a.r < b.r}; }
  [[gnu::always_inline]] friend Mask operator>(Lanes a, Lanes b) { return {a.r > b.r}; }
  [[gnu::always_inline]] friend Mask operator<=(Lanes a, Lanes b) { return {a.r <= b.r}; }
  [[gnu::always_inline]] friend Mask operator==(Lanes a, Lanes b) { return {a.r == b.r}; }
  [[gnu::always_inline]] friend Mask operator!=(Lanes a, Lanes b) { return {a.r != b.r}; }
  [[gnu::always_inline]] friend Lanes select(Mask m, Lanes a, Lanes b) { return Lanes(m.m ? a.r : b.r); }
#endif
  [[gnu::always_inline]] friend Lanes abs(Lanes a) {
    using Unsigned [[gnu::vector_size(kLanesBytes)]] = typename LaneInteger<S>::Unsigned;
    constexpr typename LaneInteger<S>::Unsigned kAll = ~typename LaneInteger<S>::Unsigned{};
    const Unsigned magnitude = (kAll >> 1) - Unsigned{};
    return Lanes(reinterpret_cast<Vector>(reinterpret_cast<Unsigned>(a.r) & magnitude));
  }
  [[gnu::always_inline]] friend Lanes sqrt(Lanes a) { return Lanes(lane_sqrt(a.r)); }
  [[gnu::noinline]] friend SinCos<Lanes> library_sin_cos(Lanes a) {
    SinCos<Lanes> b{};
    for (int i = 0; i < kWidth; ++i) {
      const SinCos<S> one = sin_cos(S(a.r[i]));  // lanes that are in range keep their bits
      b.s.r[i] = one.s, b.c.r[i] = one.c;
    }
    return b;
  }
};

template <class S, int Set>
struct ScalarTraits<Lanes<S, Set>> {
  using Element = S;
  using Bits [[gnu::vector_size(kLanesBytes)]] = typename LaneInteger<S>::Unsigned;
  static Bits bits(Lanes<S, Set> x) { return reinterpret_cast<Bits>(x.r); }
  static Lanes<S, Set> from_bits(Bits b) { return Lanes<S, Set>(reinterpret_cast<typename Lanes<S, Set>::Vector>(b)); }
};

}  // namespace geoul::dynamics
