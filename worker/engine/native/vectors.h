/* Vectors of what the cache and the weights hold, which are GNU C's: gcc and clang lower
   them to what the processor has. */

#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

/* LANES, of 32 bits, as the processor has them: 8 or 16. */
#if LANES != 8 && LANES != 16
#error "LANES is 8 or 16"
#endif

typedef float floats __attribute__((vector_size(4 * LANES)));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));
typedef uint32_t words __attribute__((vector_size(4 * LANES)));

/* What the cache and the model hold, and as many of them as fill 32 bits. */
#if defined(__AVX512BF16__) && LANES == 16
#include <immintrin.h>
#define HAS_BFLOAT16
#endif
#ifdef BFLOAT16
typedef uint16_t element;
typedef uint32_t pair;
#else
typedef float element;
typedef float pair;
#endif

enum { PAIR = sizeof(pair) / sizeof(element) };

/* Of the lanes. */
#if LANES == 16
static const ints PLACES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#else
static const ints PLACES = {0, 1, 2, 3, 4, 5, 6, 7};
#endif

#define INLINE static inline __attribute__((always_inline))

INLINE int64_t clamp(int64_t x, int64_t most) { return x < 0 ? 0 : x < most ? x : most; }

INLINE floats spread(float x) { return x - (floats){}; }

INLINE floats choose(ints is_first, floats first, floats second) {
  return (floats)((is_first & (ints)first) | (~is_first & (ints)second));
}

INLINE floats load_floats(const float *from) {
  floats x;
  memcpy(&x, from, sizeof x);
  return x;
}

#ifdef BFLOAT16
/* Adds to each lane the products of its own pair and one that all share. */
INLINE floats add_products(floats sums, pair shared, const element *lanes) {
#ifdef HAS_BFLOAT16
  return (floats)_mm512_dpbf16_ps((__m512)sums, (__m512bh)_mm512_set1_epi32((int)shared),
                                  (__m512bh)_mm512_loadu_si512(lanes));
#else
  words both, one = shared - (words){};
  memcpy(&both, lanes, sizeof both);
  return sums + (floats)(one << 16) * (floats)(both << 16) +
         (floats)(one & 0xffff0000) * (floats)(both & 0xffff0000);
#endif
}

INLINE float widen(element x) {
  const uint32_t word = (uint32_t)x << 16;
  float wide;
  memcpy(&wide, &word, sizeof wide);
  return wide;
}

/* To the nearest, ties to even. */
INLINE element narrow(float x) {
  uint32_t word;
  memcpy(&word, &x, sizeof word);
  return x != x ? 0x7fc0 : (word + 0x7fff + ((word >> 16) & 1)) >> 16;
}

typedef element Some __attribute__((vector_size(sizeof(element) * LANES)));

/* LANES elements in their own order. */
INLINE floats load_some(const element *from) {
  Some x;
  memcpy(&x, from, sizeof x);
  return (floats)(__builtin_convertvector(x, words) << 16);
}

INLINE Some narrow_all(floats x) {
  const words word = (words)x, near = word + 0x7fff + ((word >> 16) & 1);
  const words bits = (words)choose(x == x, (floats)near, (floats)((words){} + 0x7fc00000));
  return __builtin_convertvector(bits >> 16, Some);
}
#else
INLINE floats add_products(floats sums, pair shared, const element *lanes) {
  return sums + shared * load_floats(lanes);
}

INLINE float widen(element x) { return x; }
INLINE element narrow(float x) { return x; }

typedef floats Some;
INLINE floats load_some(const element *from) { return load_floats(from); }
INLINE Some narrow_all(floats x) { return x; }
#endif

INLINE void store_some(element *to, floats x) {
  const Some narrowed = narrow_all(x);
  memcpy(to, &narrowed, sizeof narrowed);
}

/* All lanes, moved on by `n`. */
#define FOUR(i, n) (i + n) % LANES, (i + 1 + n) % LANES, (i + 2 + n) % LANES, (i + 3 + n) % LANES
#if LANES == 16
#define MOVED(x, n) \
  __builtin_shufflevector(x, x, FOUR(0, n), FOUR(4, n), FOUR(8, n), FOUR(12, n))
#else
#define MOVED(x, n) __builtin_shufflevector(x, x, FOUR(0, n), FOUR(4, n))
#endif

/* The other, where one is NaN. */
INLINE floats larger(floats one, floats other) { return choose(one > other, one, other); }

INLINE float sum_of(floats x) {
#if LANES == 16
  x += MOVED(x, 8);
#endif
  x += MOVED(x, 4);
  x += MOVED(x, 2);
  x += MOVED(x, 1);
  return x[0];
}

INLINE float largest_of(floats x) {
#if LANES == 16
  x = larger(x, MOVED(x, 8));
#endif
  x = larger(x, MOVED(x, 4));
  x = larger(x, MOVED(x, 2));
  x = larger(x, MOVED(x, 1));
  return x[0];
}

/* e^x of x <= 0 to 2e-7, NaN of NaN; the polynomial is that of Cephes' expf. */
INLINE floats exponential(floats x) {
  x = choose(x < -87.0f, spread(-87.0f), x);
  floats n = x * 1.44269504f;
  n = (n + 12582912.0f) - 12582912.0f; /* to the nearest integer */
  const floats r = x - n * 0.693359375f + n * 2.12194440e-4f;
  floats p = spread(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const ints power = (__builtin_convertvector(n, ints) + 127) << 23;
  return p * (floats)power;
}

INLINE floats hyperbolic_tangent(floats x) {
  const ints is_negative = x < 0.0f;
  const floats power = exponential(choose(is_negative, x, -x) * 2.0f);
  const floats size = (1.0f - power) / (1.0f + power);
  return choose(is_negative, -size, size);
}
