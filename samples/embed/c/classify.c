/* Classifies an image by a library that rnc made: classify MODEL.so WEIGHTS.safetensors IMAGE, where IMAGE is a file of the
 * bytes of the network's input, row by row. */
#include <rnc/abi.h>
#include <rnc/rnrun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(void) {
  fprintf(stderr, "classify: %s\n", rnrun_error_text());
  return 1;
}

/* Bytes of one sample, and the array of it. */
static size_t one(const rn_value* value, rnrun_array* array) {
  size_t bytes = value->type.dtype == RN_U8 ? 1 : 4;
  *array = (rnrun_array){.name = value->name, .dtype = value->type.dtype, .rank = value->type.rank};
  for (int d = 0; d < value->type.rank; ++d) {
    array->dims[d] = value->type.dims[d] < 0 ? 1 : value->type.dims[d];
    bytes *= (size_t)array->dims[d];
  }
  const size_t whole = (bytes + RNRUN_ALIGNMENT - 1) / RNRUN_ALIGNMENT * RNRUN_ALIGNMENT;
  array->data = aligned_alloc(RNRUN_ALIGNMENT, whole);
  return bytes;
}

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: classify MODEL.so WEIGHTS.safetensors IMAGE\n");
    return 2;
  }
  rnrun_model* model;
  rnrun_session* session;
  if (rnrun_model_load(argv[1], &model) || rnrun_session_create(model, 0, &session) ||
      rnrun_load_weights(session, argv[2], 0, NULL))
    return fail();

  const rn_model_descriptor* about = rnrun_model_descriptor(model);
  const rn_entry* infer = about->entries;
  while (infer->role != RN_INFER) ++infer;
  rnrun_array image, scores;
  const size_t bytes = one(&infer->inputs[0], &image);
  const size_t classes = one(&infer->outputs[0], &scores) / sizeof(float);

  FILE* file = fopen(argv[3], "rb");
  if (file == NULL || fread(image.data, 1, bytes, file) != bytes) {
    fprintf(stderr, "classify: cannot read %zu bytes of %s\n", bytes, argv[3]);
    return 1;
  }
  fclose(file);
  if (rnrun_infer(session, &image, 1, &scores, 1)) return fail();

  const float* score = scores.data;
  size_t best = 0;
  for (size_t k = 1; k < classes; ++k)
    if (score[k] > score[best]) best = k;
  printf("%zu %s %.2f\n", best, (int64_t)best < about->class_count ? about->classes[best] : "", score[best]);

  free(image.data);
  free(scores.data);
  rnrun_session_free(session);
  rnrun_model_free(model);
  return 0;
}
