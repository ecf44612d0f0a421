// GEOUL_CLONES in front of a function makes copies for AVX2 and AVX-512, chosen as the program starts. Without
// fused operations and without sums whose order the compiler may choose (no fast-math) every copy gives the same bits.
// With [[gnu::flatten]] what a function calls is copied with it, as far as its source is seen.
#pragma once

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define GEOUL_CLONES [[gnu::target_clones("avx512f", "avx2", "default")]]
#else
#define GEOUL_CLONES  // sanitizers are not ready when the choice is made
#endif
