/* The fused kernels as they are called from outside: passes over the tensors, and between them sums over the pieces.

   The pieces depend on the shape alone and are added up in their order, in float64: so results do not depend on the
   number of threads. */

#include "fused.h"

#include <math.h>
#include <stddef.h>

#include "parallel.h"

#define PIECE 8192 /* elements of a piece, about: in float32 it fills the smaller first-level caches */

extern const kernels fused_kernels_portable[2];
#if defined(__x86_64__)
extern const kernels fused_kernels_avx2[2], fused_kernels_avx512[2], fused_kernels_avx512bf16[2];
#endif

static const kernels *chosen = fused_kernels_portable;

/* The instruction sets that there are kernels for, best first, as Python has them too (library.py). Returns whether the
   processor has set number `wanted`. */
EXPORT int overfitlab_has_instructions(int wanted) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                     __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
#ifdef BFLOAT16_COMPILES
  if (wanted == 0) return avx512 && __builtin_cpu_supports("avx512bf16");
#endif
  if (wanted == 1) return avx512;
  if (wanted == 2) return avx2;
#endif
  return wanted == 3;
}

/* From now on uses set number `wanted`, which the processor must have. */
EXPORT void overfitlab_use_instructions(int wanted) {
#if defined(__x86_64__)
#ifdef BFLOAT16_COMPILES
  if (wanted == 0) chosen = fused_kernels_avx512bf16;
#endif
  if (wanted == 1) chosen = fused_kernels_avx512;
  if (wanted == 2) chosen = fused_kernels_avx2;
#endif
  if (wanted == 3) chosen = fused_kernels_portable;
}

static void cut(task *all, float *scratch) {
  const fused *call = all->call;
  const int64_t row = call->width * call->channels, most = PIECE / (2 * row) * 2;
  all->rows = most < 2 ? 2 : most; /* an even number, so that no pooling window is cut */
  all->bands = (call->height + all->rows - 1) / all->rows;
  const int64_t tables = (call->kind == GROUP ? call->batch : 1) * call->channels;
  all->factor = scratch;
  all->offset = all->factor + tables;
  all->slope = all->offset + tables;
  all->center = all->slope + tables;
  all->partial = all->center + tables;
}

/* How many floats of scratch memory a call needs. */
EXPORT int64_t overfitlab_scratch(const fused *call) {
  task all = {.call = call};
  cut(&all, NULL);
  const int64_t tables = (call->kind == GROUP ? call->batch : 1) * call->channels;
  return 4 * tables + call->batch * all.bands * 2 * call->channels;
}

static int64_t pixels_of(const task *all, int64_t piece) {
  const int64_t first = piece % all->bands * all->rows, left = all->call->height - first;
  return (left < all->rows ? left : all->rows) * all->call->width;
}

/* Mean and variance over the pieces `first` to `last` - 1 and the channels `from` to `to` - 1 (Chan et al., 1979). */
static void combine(const task *all, int64_t first, int64_t last, int64_t from, int64_t to, double *mean,
                    double *variance) {
  const int64_t channels = all->call->channels;
  double count = 0, sum = 0, squares = 0;
  for (int64_t piece = first; piece < last; piece++) {
    const double pixels = (double)pixels_of(all, piece);
    count += pixels * (double)(to - from);
    for (int64_t c = from; c < to; c++) sum += pixels * (double)all->partial[piece * 2 * channels + c];
  }
  *mean = sum / count;
  for (int64_t piece = first; piece < last; piece++) {
    const double pixels = (double)pixels_of(all, piece);
    for (int64_t c = from; c < to; c++) {
      const double off = (double)all->partial[piece * 2 * channels + c] - *mean;
      squares += (double)all->partial[(piece * 2 + 1) * channels + c] + pixels * off * off;
    }
  }
  *variance = squares / count;
}

static void normalize_batch(task *all, float *variances) {
  const fused *call = all->call;
  for (int64_t c = 0; c < call->channels; c++) {
    double mean, variance;
    combine(all, 0, call->batch * all->bands, c, c + 1, &mean, &variance);
    const double rstd = 1 / sqrt(variance + (double)call->epsilon), factor = (double)all->gamma[c] * rstd;
    all->mean[c] = (float)mean;
    all->rstd[c] = (float)rstd;
    variances[c] = (float)variance;
    all->factor[c] = (float)factor;
    all->offset[c] = all->beta[c];
    all->center[c] = (float)mean;
  }
}

static void normalize_groups(task *all) {
  const fused *call = all->call;
  const int64_t channels = call->channels, size = channels / call->groups;
  for (int64_t image = 0; image < call->batch; image++)
    for (int64_t group = 0; group < call->groups; group++) {
      double mean, variance;
      combine(all, image * all->bands, (image + 1) * all->bands, group * size, (group + 1) * size, &mean, &variance);
      const double rstd = 1 / sqrt(variance + (double)call->epsilon);
      all->mean[image * call->groups + group] = (float)mean;
      all->rstd[image * call->groups + group] = (float)rstd;
      for (int64_t c = group * size; c < (group + 1) * size; c++) {
        all->factor[image * channels + c] = (float)((double)all->gamma[c] * rstd);
        all->offset[image * channels + c] = all->beta[c];
        all->center[image * channels + c] = (float)mean;
      }
    }
}

/* x -> y, and what the backward pass needs: winners (may be NULL: there will be none), mean and rstd. */
EXPORT void overfitlab_forward(const fused *call, const void *x, const float *gamma, const float *beta, const uint16_t *levels,
                        void *y, uint8_t *winners, float *mean, float *rstd, float *variance, float *scratch) {
  task all = {.call = call, .x = x, .gamma = gamma, .beta = beta, .levels = levels, .y = y, .winners = winners,
              .mean = mean, .rstd = rstd};
  cut(&all, scratch);
  const kernels *set = &chosen[call->bfloat16];
  const int64_t pieces = call->batch * all.bands;
  if (call->kind == LAYER) {
    parallel(call->threads, pieces, set->layer_apply, &all);
    return;
  }
  if (call->kind == AFFINE) {
    for (int64_t c = 0; c < call->channels; c++) all.factor[c] = gamma == NULL ? 1 : gamma[c];
    for (int64_t c = 0; c < call->channels; c++) all.offset[c] = beta == NULL ? 0 : beta[c];
    for (int64_t c = 0; c < call->channels; c++) all.center[c] = 0;
  } else {
    parallel(call->threads, pieces, set->moments, &all);
    if (call->kind == BATCH)
      normalize_batch(&all, variance);
    else
      normalize_groups(&all);
  }
  parallel(call->threads, pieces, set->apply, &all);
}

static double added(const task *all, int64_t first, int64_t last, int64_t which, int64_t c) {
  double sum = 0;
  for (int64_t piece = first; piece < last; piece++)
    sum += (double)all->partial[(piece * 2 + which) * all->call->channels + c];
  return sum;
}

static void differentiate_batch(task *all) {
  const fused *call = all->call;
  const int64_t pieces = call->batch * all->bands;
  const double count = (double)(call->batch * call->height * call->width);
  for (int64_t c = 0; c < call->channels; c++) {
    const double sum = added(all, 0, pieces, 0, c), products = added(all, 0, pieces, 1, c);
    const double rstd = (double)all->rstd[c], factor = (double)all->gamma[c] * rstd;
    const double slope = -factor * rstd * rstd * products / count;
    all->dbeta[c] = (float)sum;
    all->dgamma[c] = (float)(products * rstd);
    all->factor[c] = (float)factor;
    all->slope[c] = (float)slope;
    all->offset[c] = (float)(-factor * sum / count);
  }
}

static void differentiate_groups(task *all) {
  const fused *call = all->call;
  const int64_t channels = call->channels, size = channels / call->groups;
  const double count = (double)(call->height * call->width * size);
  for (int64_t c = 0; c < channels; c++) {
    double sum = 0, products = 0;
    for (int64_t image = 0; image < call->batch; image++) {
      const int64_t first = image * all->bands;
      sum += added(all, first, first + all->bands, 0, c);
      products += added(all, first, first + all->bands, 1, c) * (double)all->rstd[image * call->groups + c / size];
    }
    all->dbeta[c] = (float)sum;
    all->dgamma[c] = (float)products;
  }
  for (int64_t image = 0; image < call->batch; image++)
    for (int64_t group = 0; group < call->groups; group++) {
      const int64_t first = image * all->bands, last = first + all->bands;
      const double rstd = (double)all->rstd[image * call->groups + group];
      double sum = 0, products = 0;
      for (int64_t c = group * size; c < (group + 1) * size; c++) {
        sum += (double)all->gamma[c] * added(all, first, last, 0, c);
        products += (double)all->gamma[c] * added(all, first, last, 1, c);
      }
      const double slope = -rstd * rstd * rstd * products / count;
      for (int64_t c = group * size; c < (group + 1) * size; c++) {
        all->factor[image * channels + c] = (float)(rstd * (double)all->gamma[c]);
        all->slope[image * channels + c] = (float)slope;
        all->offset[image * channels + c] = (float)(-rstd * sum / count);
      }
    }
}

/* gradient of y -> dx, dgamma, dbeta; those of an affine call's gamma are not computed, and dbeta may be NULL there. */
EXPORT void overfitlab_backward(const fused *call, const void *gradient, const void *x, const uint8_t *winners,
                         const float *gamma, const float *mean, const float *rstd, void *dx, float *dgamma,
                         float *dbeta, float *scratch) {
  task all = {.call = call, .gradient = gradient, .x = x, .winners = (uint8_t *)winners, .gamma = gamma,
              .mean = (float *)mean, .rstd = (float *)rstd, .dx = dx, .dgamma = dgamma, .dbeta = dbeta};
  cut(&all, scratch);
  const kernels *set = &chosen[call->bfloat16];
  const int64_t pieces = call->batch * all.bands, channels = call->channels;
  if (call->kind == LAYER) {
    parallel(call->threads, pieces, set->layer_differentiate, &all);
    for (int64_t c = 0; c < channels; c++) dbeta[c] = (float)added(&all, 0, pieces, 0, c);
    for (int64_t c = 0; c < channels; c++) dgamma[c] = (float)added(&all, 0, pieces, 1, c);
    return;
  }
  for (int64_t image = 0; image < (call->kind == GROUP ? call->batch : 1); image++)
    for (int64_t c = 0; c < channels && call->kind != AFFINE; c++)
      all.center[image * channels + c] =
          mean[call->kind == GROUP ? image * call->groups + c / (channels / call->groups) : c];
  if (call->kind != AFFINE || dbeta != NULL) parallel(call->threads, pieces, set->sums, &all);
  if (call->kind == AFFINE) {
    for (int64_t c = 0; c < channels; c++) all.factor[c] = gamma == NULL ? 1 : gamma[c];
    for (int64_t c = 0; c < channels && dbeta != NULL; c++) dbeta[c] = (float)added(&all, 0, pieces, 0, c);
  } else if (call->kind == BATCH) {
    differentiate_batch(&all);
  } else {
    differentiate_groups(&all);
  }
  parallel(call->threads, pieces, set->differentiate, &all);
}
