/* Runs a compiled model by nothing but runtime/contract/, as a program of another machine would: the
 * entries in kEntries on generated inputs and parameters, the same for every layout a model may keep them in.
 * Prints, for each result and each tensor afterwards: its name, two weighted sums of its elements, its
 * 2-norm. Exit status 4: they are not finite. Usage: host LIBRARY BATCH; with HOST_LINKED, the model is linked
 * in, and the first argument is not looked at. */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/contract/abi.h"
#include "runtime/contract/cpu.h"

static double next_random(uint64_t* state) { /* in [0, 1): a linear congruential generator, its high bits */
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(*state >> 40) / (double)(1 << 24);
}

static void* zeroed(int64_t bytes) {
  const size_t size = ((size_t)bytes / RN_ALIGNMENT + 1) * RN_ALIGNMENT;
  void* memory = aligned_alloc(RN_ALIGNMENT, size);
  if (memory == NULL) exit(3);
  return memset(memory, 0, size);
}

static int64_t elements(const rn_type* type, int64_t batch) {
  int64_t count = 1;
  for (int i = 0; i < type->rank; ++i) count *= type->dims[i] < 0 ? batch : type->dims[i];
  return count;
}

/* Where element `index`, counted in row-major order, lies in a tensor's memory. */
static int64_t place(const rn_type* type, int64_t index) {
  int64_t at[RN_MAX_RANK], outer[RN_MAX_RANK], inner[RN_MAX_RANK], result = 0;
  for (int i = type->rank - 1; i >= 0; --i) {
    at[i] = index % type->dims[i];
    outer[i] = type->dims[i];
    index /= type->dims[i];
  }
  for (int b = 0; b < type->blocks; ++b) {
    const int d = type->block_dim[b];
    inner[b] = at[d] % type->block_size[b];
    at[d] /= type->block_size[b];
    outer[d] = (outer[d] + type->block_size[b] - 1) / type->block_size[b];
  }
  for (int i = 0; i < type->rank; ++i) result = result * outer[type->order[i]] + at[type->order[i]];
  for (int b = 0; b < type->blocks; ++b) result = result * type->block_size[b] + inner[b];
  return result;
}

static float* elements_of(const rn_tensor* tensor, void* const* regions) {
  return (float*)((char*)regions[tensor->kind] + tensor->offset);
}

/* Those that came with the model and stay. */
static void take_values(const rn_tensor* tensor, void* const* regions) {
  for (int64_t i = 0; i < elements(&tensor->type, 1); ++i)
    elements_of(tensor, regions)[place(&tensor->type, i)] = tensor->values[i];
}

/* Weights as large as He's initialiser makes them; scales and variances around one, the rest around zero. */
static void fill(const rn_tensor* tensor, void* const* regions, uint64_t* state) {
  const rn_type* type = &tensor->type;
  const int64_t count = elements(type, 1);
  const double bound = type->rank > 1 ? sqrt(6.0 * (double)type->dims[0] / (double)count) : 0.5;
  const int about_one =
      type->rank == 1 && strstr(tensor->name, "bias") == NULL && strstr(tensor->name, "mean") == NULL;
  for (int64_t i = 0; i < count; ++i)
    elements_of(tensor, regions)[place(type, i)] = (float)(about_one + bound * (2 * next_random(state) - 1));
}

static void* filled(const rn_value* input, int64_t batch, uint64_t* state) {
  const int64_t count = elements(&input->type, batch);
  void* data = zeroed(count * 8);
  for (int64_t i = 0; i < count; ++i) {
    if (input->type.dtype == RN_U8) {
      ((uint8_t*)data)[i] = (uint8_t)(256 * next_random(state));
    } else if (input->type.dtype == RN_I32) { /* labels: every network here has two classes or more */
      ((int32_t*)data)[i] = (int32_t)(2 * next_random(state));
    } else if (input->type.rank > 0) {
      ((float*)data)[i] = (float)(2 * next_random(state) - 1);
    } else if (input->type.dtype == RN_F64) {
      ((double*)data)[i] = isnan(input->default_value) ? 0.01 : input->default_value;
    } else {
      ((float*)data)[i] = isnan(input->default_value) ? 0.01F : (float)input->default_value;
    }
  }
  return data;
}

static void print(const char* entry, const char* name, const rn_type* type, int64_t batch, const float* data,
                  int blocked) {
  double sum = 0, alternating = 0, squares = 0;
  const int64_t count = elements(type, batch);
  for (int64_t i = 0; i < count; ++i) {
    const double value = data[blocked ? place(type, i) : i];
    sum += value * (1 + (double)(i % 101) / 101);
    alternating += i % 2 == 0 ? value : -value;
    squares += value * value;
  }
  if (!isfinite(squares)) exit(4);
  printf("%s:%s %.9g %.9g %.9g\n", entry, name, sum, alternating, sqrt(squares));
}

static void in_one_go(void* context, int64_t call, int64_t count, rn_task task, const void* frame) {
  (void)context;
  (void)call;
  task(frame, 0, count, 0);
}

static void run(const rn_model_descriptor* model, const rn_entry* entry, int64_t batch,
                void* const* regions) {
  const void* inputs[64];
  void* outputs[64];
  uint64_t state = 7;
  if (entry->input_count > 64 || entry->output_count > 64) exit(3);
  for (int64_t i = 0; i < entry->input_count; ++i) inputs[i] = filled(&entry->inputs[i], batch, &state);
  for (int64_t i = 0; i < entry->output_count; ++i)
    outputs[i] = zeroed(elements(&entry->outputs[i].type, batch) * 4);
  int64_t arena = 0;
  for (int i = 0; i < 2; ++i) {
    const int64_t bytes = entry->arena[i].fixed + entry->arena[i].per_sample * batch;
    if (bytes > arena) arena = bytes;
  }
  rn_run arguments = {.batch = batch,
                      .inputs = inputs,
                      .outputs = outputs,
                      .arena = zeroed(arena),
                      .threads = 1,
                      .scratch = zeroed(model->scratch_bytes_per_worker),
                      .parallel_for = in_one_go};
  memcpy(arguments.tensors, regions, sizeof arguments.tensors);
  entry->run(&arguments);
  for (int64_t i = 0; i < entry->output_count; ++i)
    if (entry->outputs[i].type.dtype == RN_F32)
      print(entry->name, entry->outputs[i].name, &entry->outputs[i].type, batch, outputs[i], 0);
}

#ifdef HOST_LINKED
extern const rn_model_descriptor rn_model;
static const rn_model_descriptor* find_model(const char* path) {
  (void)path;
  return &rn_model;
}
#else
static const rn_model_descriptor* find_model(const char* path) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fprintf(stderr, "%s\n", dlerror());
  return library == NULL ? NULL : dlsym(library, RN_MODEL_SYMBOL);
}
#endif

int main(int count, char** arguments) {
  static const char* const kEntries[] = {"prepare", "infer", "loss", "train_step", "train_step"};
  if (count != 3) return 2;
  const rn_model_descriptor* model = find_model(arguments[1]);
  if (model == NULL || model->magic != RN_MAGIC || model->version != RN_ABI_VERSION)
    return fprintf(stderr, "%s is no model of this version\n", arguments[1]), 1;
  model = rn_best_variant(model);
  if (model == NULL) return fprintf(stderr, "%s is not for this CPU\n", arguments[1]), 1;
  fprintf(stderr, "%s: %s %s\n", model->name, model->triple, model->cpu);

  void* regions[RN_TENSOR_KINDS];
  for (int kind = 0; kind < RN_TENSOR_KINDS; ++kind) regions[kind] = zeroed(model->region_bytes[kind]);
  uint64_t state = 1;
  for (int64_t i = 0; i < model->tensor_count; ++i)
    if (model->tensors[i].kind <= RN_BUFFER)
      fill(&model->tensors[i], regions, &state);
    else if (model->tensors[i].values != NULL)
      take_values(&model->tensors[i], regions);
  for (size_t k = 0; k < sizeof kEntries / sizeof *kEntries; ++k)
    for (int64_t e = 0; e < model->entry_count; ++e)
      if (strcmp(model->entries[e].name, kEntries[k]) == 0)
        run(model, &model->entries[e], atoi(arguments[2]), regions);
  for (int64_t i = 0; i < model->tensor_count; ++i) {
    const rn_tensor* tensor = &model->tensors[i];
    if (tensor->kind <= RN_SLOT)
      print("after", tensor->name, &tensor->type, 1, elements_of(tensor, regions), 1);
  }
  return 0;
}
