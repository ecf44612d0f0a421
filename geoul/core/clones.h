// GEOUL_CLONES in front of a function makes copies for AVX2 and AVX-512, chosen as the program starts. For loops over
// independent elements only: without sums across elements and without fused operations every copy gives the same bits.
#pragma once

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define GEOUL_CLONES [[gnu::target_clones("avx512f", "avx2", "default")]]
#else
#define GEOUL_CLONES  // sanitizers are not ready when the choice is made
#endif
