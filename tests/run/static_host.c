/* Runs a model of rnc --emit=static on samples from standard input, and writes its logits; all memory that it gives is full
 * of NaN before. Usage: static_host SAMPLES */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"

static void* filled(size_t bytes) {
  const size_t size =
      (bytes + CIFAR_RESNET8_ALIGNMENT - 1) / CIFAR_RESNET8_ALIGNMENT * CIFAR_RESNET8_ALIGNMENT;
  void* memory = aligned_alloc(CIFAR_RESNET8_ALIGNMENT, size);
  if (memory == NULL) exit(3);
  return memset(memory, 0xff, size);
}

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const int64_t n = atoi(arguments[1]);
  uint8_t(*image)[3][32][32] = filled((size_t)n * sizeof *image);
  float(*logits)[CIFAR_RESNET8_LINEAR_SIZE] = filled((size_t)n * sizeof *logits);
  if (fread(image, sizeof *image, (size_t)n, stdin) != (size_t)n) return 3;
  cifar_resnet8_infer((const uint8_t(*)[3][32][32])image, logits, n, filled(CIFAR_RESNET8_MEMORY_BYTES(n)));
  return fwrite(logits, sizeof *logits, (size_t)n, stdout) != (size_t)n;
}
