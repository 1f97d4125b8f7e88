/* The products of transformed tiles, one matrix product for each of the 36 points.

   Transformed data lies as [block of LANES channels][point][tile][LANES], so that the rows of a product, be they tiles
   or channels, are at constant distances from one pointer. Each kernel keeps a small rectangle of sums in registers:
   its vectors are loaded once for all rows, and each row's number is loaded into all lanes for all vectors. */

#ifndef WINOGRAD_PRODUCTS_H
#define WINOGRAD_PRODUCTS_H

#include "lanes.h"

#define VECTORS 2 /* of a rectangle's width */
#if LANES == 16
#define TILE_ROWS 12   /* 24 of 32 registers */
#define CHANNEL_ROWS 8 /* a divisor of LANES */
#else
#define TILE_ROWS 6 /* 12 of 16 registers */
#define CHANNEL_ROWS 4
#endif

/* `rows` tiles times `vectors` blocks of output channels: sums over input channels. `left` steps by `left_block` from
   one block of input channels to the next; `right` lies as [input channel][vector][LANES]. */
INLINE void tile_rows(int rows, int vectors, long channels, const float *left, long left_block, const float *right,
                      float *to, long to_block) {
  vec sum[TILE_ROWS][VECTORS] = {0};
  for (; channels > 0; channels -= LANES, left += left_block) {
    const int count = channels < LANES ? (int)channels : LANES;
    for (int lane = 0; lane < count; lane++, right += vectors * LANES) {
      vec across[VECTORS];
#pragma GCC unroll 2
      for (int j = 0; j < vectors; j++) across[j] = load_float(right + j * LANES);
#pragma GCC unroll 12
      for (int i = 0; i < rows; i++) {
        const vec down = splat(left[i * LANES + lane]);
#pragma GCC unroll 2
        for (int j = 0; j < vectors; j++) sum[i][j] += down * across[j];
      }
    }
  }
#pragma GCC unroll 12
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int j = 0; j < vectors; j++) store_float(to + j * to_block + i * LANES, sum[i][j]);
}

INLINE void tile_columns(int vectors, long tiles, long channels, const float *left, long left_block,
                         const float *right, float *to, long to_block) {
#define SOME_ROWS(rows)                                                              \
  {                                                                                  \
    tile_rows(rows, vectors, channels, left, left_block, right, to, to_block);       \
    left += (rows) * LANES, to += (rows) * LANES, tiles -= (rows);                   \
  }
  while (tiles >= TILE_ROWS) SOME_ROWS(TILE_ROWS)
#if TILE_ROWS > 8
  if (tiles >= 8) SOME_ROWS(8)
#endif
  if (tiles >= 4) SOME_ROWS(4)
  if (tiles >= 2) SOME_ROWS(2)
  if (tiles >= 1) SOME_ROWS(1)
#undef SOME_ROWS
}

/* A point's [tiles x channels] times [channels x blocks of LANES]. */
static void multiply_tiles(long tiles, long channels, long blocks, const float *left, long left_block,
                           const float *right, float *to, long to_block) {
  for (; blocks >= VECTORS; blocks -= VECTORS, right += VECTORS * channels * LANES, to += VECTORS * to_block)
    tile_columns(VECTORS, tiles, channels, left, left_block, right, to, to_block);
  if (blocks) tile_columns(1, tiles, channels, left, left_block, right, to, to_block);
}

/* CHANNEL_ROWS channels of `left` times `vectors` blocks of channels of `right`: sums over tiles, added to those that
   there are already unless it is the first time. */
INLINE void channel_rows(int vectors, long tiles, const float *left, const float *right, long right_block, float *to,
                         long to_row, int first) {
  vec sum[CHANNEL_ROWS][VECTORS] = {0};
  if (!first)
#pragma GCC unroll 8
    for (int i = 0; i < CHANNEL_ROWS; i++)
#pragma GCC unroll 2
      for (int j = 0; j < vectors; j++) sum[i][j] = load_float(to + i * to_row + j * LANES);
  for (long tile = 0; tile < tiles; tile++, left += LANES, right += LANES) {
    vec across[VECTORS];
#pragma GCC unroll 2
    for (int j = 0; j < vectors; j++) across[j] = load_float(right + j * right_block);
#pragma GCC unroll 8
    for (int i = 0; i < CHANNEL_ROWS; i++) {
      const vec down = splat(left[i]);
#pragma GCC unroll 2
      for (int j = 0; j < vectors; j++) sum[i][j] += down * across[j];
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < CHANNEL_ROWS; i++)
#pragma GCC unroll 2
    for (int j = 0; j < vectors; j++) store_float(to + i * to_row + j * LANES, sum[i][j]);
}

/* A point's [channels of `left` x tiles] times [tiles x channels of `right`], both in blocks of LANES channels. */
static void multiply_channels(long tiles, long left_blocks, const float *left, long left_block, long right_blocks,
                              const float *right, long right_block, float *to, int first) {
  const long to_row = right_blocks * LANES;
  for (; right_blocks > 0; right_blocks -= VECTORS, right += VECTORS * right_block, to += VECTORS * LANES)
    for (long row = 0; row < left_blocks * LANES; row += CHANNEL_ROWS) {
      const float *rows = left + row / LANES * left_block + row % LANES;
      if (right_blocks >= VECTORS)
        channel_rows(VECTORS, tiles, rows, right, right_block, to + row * to_row, to_row, first);
      else
        channel_rows(1, tiles, rows, right, right_block, to + row * to_row, to_row, first);
    }
}

#endif
