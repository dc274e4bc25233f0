/* Vectors of what the cache and the weights hold, which are GNU C's: gcc and clang lower
   them to what the processor has. */

#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 16 };

typedef float floats __attribute__((vector_size(4 * LANES)));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));
typedef uint32_t words __attribute__((vector_size(4 * LANES)));

#ifdef BFLOAT16
typedef uint16_t element;
#else
typedef float element;
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

/* Two vectors of elements that lie side by side. */
typedef struct {
  floats first, second;
} Pair;

#ifdef BFLOAT16
/* Every other element to each: a shift and a mask, where their own order takes a shuffle. */
INLINE Pair load(const element *from) {
  words both;
  memcpy(&both, from, sizeof both);
  return (Pair){(floats)(both << 16), (floats)(both & 0xffff0000)};
}

/* Where in a pair element i of 2 * LANES comes to lie, and the other way round. */
INLINE int64_t place_of(int64_t i) { return i % 2 * LANES + i / 2; }
INLINE int64_t element_at(int64_t place) { return place % LANES * 2 + place / LANES; }

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
INLINE Pair load(const element *from) {
  return (Pair){load_floats(from), load_floats(from + LANES)};
}

INLINE int64_t place_of(int64_t i) { return i; }
INLINE int64_t element_at(int64_t place) { return place; }
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

#define HALVE(x, call, lanes)                                                          \
  x = call(x, __builtin_shufflevector(x, x, (0 + lanes) % 16, (1 + lanes) % 16,        \
      (2 + lanes) % 16, (3 + lanes) % 16, (4 + lanes) % 16, (5 + lanes) % 16,          \
      (6 + lanes) % 16, (7 + lanes) % 16, (8 + lanes) % 16, (9 + lanes) % 16,          \
      (10 + lanes) % 16, (11 + lanes) % 16, (12 + lanes) % 16, (13 + lanes) % 16,      \
      (14 + lanes) % 16, (15 + lanes) % 16))

INLINE floats plus(floats one, floats other) { return one + other; }

/* The other, where one is NaN. */
INLINE floats larger(floats one, floats other) { return choose(one > other, one, other); }

INLINE float sum_of(floats x) {
  HALVE(x, plus, 8);
  HALVE(x, plus, 4);
  HALVE(x, plus, 2);
  HALVE(x, plus, 1);
  return x[0];
}

INLINE float largest_of(floats x) {
  HALVE(x, larger, 8);
  HALVE(x, larger, 4);
  HALVE(x, larger, 2);
  HALVE(x, larger, 1);
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
