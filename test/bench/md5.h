/*
 * MD5 (RFC 1321), written from the RFC so that the sender needs a C compiler and nothing else. RADIUS authenticators
 * are keyed with it; nothing here relies on it for security.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

static uint32_t md5_sine[64];

/* RFC 1321, section 3.4: T[i] is the integer part of 4294967296 times abs(sin(i)), i in radians from 1. */
static void md5_setup(void) {
  for (int i = 0; i < 64; i++) md5_sine[i] = (uint32_t)(int64_t)floor(fabs(sin(i + 1)) * 4294967296.0);
}

static inline uint32_t md5_rotate(uint32_t x, int n) { return x << n | x >> (32 - n); }

#define MD5_STEP(mix, a, b, c, d, word, i, shift) a = b + md5_rotate(a + (mix) + block[word] + md5_sine[i], shift)
#define MD5_FOUR(mix_of, i, step, first, s1, s2, s3, s4)                                   \
  MD5_STEP(mix_of(b, c, d), a, b, c, d, ((first) + (i) * (step)) & 15, base + (i), s1);         \
  MD5_STEP(mix_of(a, b, c), d, a, b, c, ((first) + ((i) + 1) * (step)) & 15, base + (i) + 1, s2); \
  MD5_STEP(mix_of(d, a, b), c, d, a, b, ((first) + ((i) + 2) * (step)) & 15, base + (i) + 2, s3); \
  MD5_STEP(mix_of(c, d, a), b, c, d, a, ((first) + ((i) + 3) * (step)) & 15, base + (i) + 3, s4)
#define MD5_ROUND(mix_of, step, first, s1, s2, s3, s4) \
  MD5_FOUR(mix_of, 0, step, first, s1, s2, s3, s4);      \
  MD5_FOUR(mix_of, 4, step, first, s1, s2, s3, s4);      \
  MD5_FOUR(mix_of, 8, step, first, s1, s2, s3, s4);      \
  MD5_FOUR(mix_of, 12, step, first, s1, s2, s3, s4);     \
  base += 16
#define MD5_F(x, y, z) (((x) & (y)) | (~(x) & (z)))
#define MD5_G(x, y, z) (((x) & (z)) | ((y) & ~(z)))
#define MD5_H(x, y, z) ((x) ^ (y) ^ (z))
#define MD5_I(x, y, z) ((y) ^ ((x) | ~(z)))

/* One 64-byte block. Words are little-endian in MD5; the sender runs on little-endian machines and says so below. */
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the benchmark's sender is written for little-endian machines"
#endif
static void md5_block(uint32_t state[4], const uint8_t *bytes) {
  uint32_t block[16];
  memcpy(block, bytes, 64);
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  int base = 0;
  MD5_ROUND(MD5_F, 1, 0, 7, 12, 17, 22);
  MD5_ROUND(MD5_G, 5, 1, 5, 9, 14, 20);
  MD5_ROUND(MD5_H, 3, 5, 4, 11, 16, 23);
  MD5_ROUND(MD5_I, 7, 0, 6, 10, 15, 21);
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
}

/* The digest of a packet of at most 4096 bytes followed by a secret of at most 128. */
static void md5_keyed(uint8_t digest[16], const uint8_t *packet, size_t length, const char *secret, size_t secret_length) {
  uint8_t text[4096 + 128 + 72];
  uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  memcpy(text, packet, length);
  memcpy(text + length, secret, secret_length);
  size_t total = length + secret_length;
  size_t padded = ((total + 8) / 64 + 1) * 64;
  memset(text + total, 0, padded - total);
  text[total] = 0x80;
  uint64_t bits = (uint64_t)total * 8;
  memcpy(text + padded - 8, &bits, 8);
  for (size_t at = 0; at < padded; at += 64) md5_block(state, text + at);
  memcpy(digest, state, 16);
}
