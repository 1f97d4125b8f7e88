/* What the fused kernels of all targets share: the description of a call, and how its work is cut into pieces. */

#ifndef FUSED_H
#define FUSED_H

#include <stdint.h>

enum kind {
  AFFINE, /* y = x * gamma + beta; gamma or beta may be missing */
  BATCH,  /* normalized over batch and pixels */
  GROUP,  /* normalized over one image's pixels in a group of channels */
  LAYER   /* normalized over the channels of one pixel */
};

enum dropout { NOTHING, ELEMENTS, CHANNELS };

/* One call: normalization, then ReLU, then 2x2 max pooling, then dropout, each of them or not. Tensors lie as
   [batch, height, width, channels]; vectors are images of one pixel. Python has the same struct (library.py). */
typedef struct {
  int64_t batch, height, width, channels;
  int32_t kind, groups, relu, pool, bfloat16, threads, dropout;
  uint32_t dropped; /* of 65536 levels of a random mask, those below this are dropped */
  float scale;      /* of what is kept */
  float epsilon;
} fused;

typedef struct {
  const fused *call;
  const void *x, *gradient; /* of the output, in the backward pass */
  const float *gamma, *beta;
  const uint16_t *levels; /* random, of the output's shape, or [batch, channels] */
  void *y, *dx;
  uint8_t *winners; /* of the output's shape: which of a window's 4 elements it is, or NOBODY */
  float *mean, *rstd; /* [channels], [batch, groups] or [batch, height, width] */
  float *dgamma, *dbeta;
  float *partial; /* [pieces, 2, channels]: sums of each piece, added in order whoever computed them */
  float *factor, *offset, *slope, *center; /* tables [channels] or [batch, channels]; center is the mean */
  int64_t rows, bands; /* rows of a piece, and pieces of an image */
} task;

/* GCC knows these instructions from version 10 on; an older one still compiles the other sets. */
#if defined(__x86_64__) && (defined(__clang__) || __GNUC__ >= 10)
#define BFLOAT16_COMPILES
#endif

#define NOBODY 4 /* no element of the window gets a gradient: ReLU or dropout has cut it off */

/* One set of kernels for each target and kind of element; each does the pieces `begin` to `end` - 1. */
typedef struct {
  void (*moments)(void *, long, long, int);        /* x -> partial: mean, and sum of squares about it */
  void (*apply)(void *, long, long, int);          /* x -> y, winners */
  void (*sums)(void *, long, long, int);           /* gradient, x -> partial: sum, and sum of products with x - mean */
  void (*differentiate)(void *, long, long, int);  /* gradient, x -> dx */
  void (*layer_apply)(void *, long, long, int);    /* x -> y, winners, mean, rstd */
  void (*layer_differentiate)(void *, long, long, int); /* gradient, x -> dx, partial */
} kernels;

#endif
