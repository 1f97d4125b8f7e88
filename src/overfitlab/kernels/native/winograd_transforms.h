/* The transforms of Winograd's minimal filtering for 3x3 filters on 4x4 outputs (Lavin and Gray, 2015,
   arXiv:1509.09308), each along both axes of a tile, for LANES channels at once.

   A tile is a polynomial's coefficients, its transform the values at six points; products of values take 36
   multiplications where the filter itself takes 144. Lavin and Gray's points 0, +-1, +-2 and infinity need fewer
   multiplications by constants, which a fused multiply-add gives for nothing. Points nearer to one another in size
   lose half as much to rounding: 0, +-5/8, +-3/2 and infinity were the best of those tried whose constants below,
   except for the filter's, are exact. */

#ifndef WINOGRAD_TRANSFORMS_H
#define WINOGRAD_TRANSFORMS_H

#include "lanes.h"

#define TILE 4    /* outputs of a tile along an axis */
#define PATCH 6   /* inputs of a tile along an axis, and points */
#define FILTER 3  /* a filter's values along an axis */
#define POINTS 36 /* points of both axes */

#define NEAR 0.625f
#define NEAR2 (NEAR * NEAR)
#define NEAR3 (NEAR * NEAR * NEAR)
#define FAR 1.5f
#define FAR2 (FAR * FAR)
#define FAR3 (FAR * FAR * FAR)

/* The constants of the filter's transform: one over the product of a point's distances from the others. */
#define AT_ZERO (float)(1 / (0.390625 * 2.25))
#define AT_NEAR (float)(1 / (2 * 0.390625 * (0.390625 - 2.25)))
#define AT_FAR (float)(1 / (2 * 2.25 * (2.25 - 0.390625)))

/* Six inputs to six points. */
INLINE void input_line(const vec in[PATCH], vec out[PATCH]) {
  const vec near_even = in[4] - FAR2 * in[2], near_odd = NEAR * (in[3] - FAR2 * in[1]);
  const vec far_even = in[4] - NEAR2 * in[2], far_odd = FAR * (in[3] - NEAR2 * in[1]);
  out[0] = NEAR2 * FAR2 * in[0] + (in[4] - (NEAR2 + FAR2) * in[2]);
  out[1] = near_even + near_odd;
  out[2] = near_even - near_odd;
  out[3] = far_even + far_odd;
  out[4] = far_even - far_odd;
  out[5] = NEAR2 * FAR2 * in[1] + (in[5] - (NEAR2 + FAR2) * in[3]);
}

/* Three values of a filter to six points. */
INLINE void filter_line(const vec in[FILTER], vec out[PATCH]) {
  const vec near_even = AT_NEAR * in[0] + AT_NEAR * NEAR2 * in[2], near_odd = AT_NEAR * NEAR * in[1];
  const vec far_even = AT_FAR * in[0] + AT_FAR * FAR2 * in[2], far_odd = AT_FAR * FAR * in[1];
  out[0] = AT_ZERO * in[0];
  out[1] = near_even + near_odd;
  out[2] = near_even - near_odd;
  out[3] = far_even + far_odd;
  out[4] = far_even - far_odd;
  out[5] = in[2];
}

/* Six points to four outputs. */
INLINE void output_line(const vec in[PATCH], vec out[TILE]) {
  const vec near_even = in[1] + in[2], near_odd = in[1] - in[2];
  const vec far_even = in[3] + in[4], far_odd = in[3] - in[4];
  out[0] = in[0] + near_even + far_even;
  out[1] = NEAR * near_odd + FAR * far_odd;
  out[2] = NEAR2 * near_even + FAR2 * far_even;
  out[3] = NEAR3 * near_odd + (FAR3 * far_odd + in[5]);
}

/* The transpose of output_line: four outputs' gradients to six points. */
INLINE void output_gradient_line(const vec in[TILE], vec out[PATCH]) {
  const vec near_even = in[0] + NEAR2 * in[2], near_odd = NEAR * (in[1] + NEAR2 * in[3]);
  const vec far_even = in[0] + FAR2 * in[2], far_odd = FAR * (in[1] + FAR2 * in[3]);
  out[0] = in[0];
  out[1] = near_even + near_odd;
  out[2] = near_even - near_odd;
  out[3] = far_even + far_odd;
  out[4] = far_even - far_odd;
  out[5] = in[3];
}

/* The transpose of filter_line: six points to the gradients of three values. */
INLINE void filter_gradient_line(const vec in[PATCH], vec out[FILTER]) {
  const vec near_even = AT_NEAR * (in[1] + in[2]), near_odd = AT_NEAR * NEAR * (in[1] - in[2]);
  const vec far_even = AT_FAR * (in[3] + in[4]), far_odd = AT_FAR * FAR * (in[3] - in[4]);
  out[0] = AT_ZERO * in[0] + (near_even + far_even);
  out[1] = near_odd + far_odd;
  out[2] = NEAR2 * near_even + (FAR2 * far_even + in[5]);
}

INLINE vec load_lanes(const float *from, int count) {
  return count == LANES ? load_float(from) : load_some(from, count);
}

/* The first half of a transform along both axes: `line` along each column of what lies, for each value of the tile,
   `offset` behind a pointer. The other half is `line` for each row of the result. */
#define ALONG_COLUMNS(name, line, FROM, TO)                                                             \
  INLINE void name(const float *const at[FROM * FROM], long offset, int count, vec to[TO][FROM]) {      \
    for (int column = 0; column < FROM; column++) {                                                     \
      vec in[FROM], out[TO];                                                                            \
      for (int row = 0; row < FROM; row++) in[row] = load_lanes(at[row * FROM + column] + offset, count); \
      line(in, out);                                                                                    \
      for (int row = 0; row < TO; row++) to[row][column] = out[row];                                    \
    }                                                                                                   \
  }

ALONG_COLUMNS(input_columns, input_line, PATCH, PATCH)
ALONG_COLUMNS(filter_columns, filter_line, FILTER, PATCH)
ALONG_COLUMNS(output_columns, output_line, PATCH, TILE)
ALONG_COLUMNS(output_gradient_columns, output_gradient_line, TILE, PATCH)
ALONG_COLUMNS(filter_gradient_columns, filter_gradient_line, PATCH, FILTER)

#undef ALONG_COLUMNS

#endif
