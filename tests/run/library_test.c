/* librnrun and librnc as a C program uses them. Run by library.sh, which has made the files that it reads:
 *   library_test inputs     writes infer_in.safetensors and train_in.safetensors, for `rnrun call`
 *   library_test MODEL...   checks; the models are compiled from the first one's text, but for their width */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/rnc.h"
#include "runtime/contract/abi.h"
#include "runtime/rnrun.h"

enum { kBatch = 4, kPixels = 28 * 28, kClasses = 10, kThreads = 8, kSeed = 3 };

extern const rn_model_descriptor rn_model; /* of net.o */

static void fail(const char* what, const char* text) {
  fprintf(stderr, "FAILED: %s: %s\n", what, text);
  exit(1);
}
static void ok(int status, const char* what) {
  if (status != 0) fail(what, rnrun_error_text());
}
static void check(int condition, const char* what) {
  if (!condition) fail(what, rnrun_error_text());
}
/* A call that fails with this status, and says this. */
static void refused(int status, int expected, const char* said, const char* text) {
  if (status != expected || strstr(said, text) == NULL) {
    fprintf(stderr, "FAILED: status %d, not %d with \"%s\": %s\n", status, expected, text, said);
    exit(1);
  }
}

typedef struct inputs {
  _Alignas(RNRUN_ALIGNMENT) uint8_t image[kBatch * kPixels];
  _Alignas(RNRUN_ALIGNMENT) int32_t label[kBatch];
} inputs;

static void make_inputs(inputs* in) {
  for (int i = 0; i < kBatch * kPixels; ++i) in->image[i] = (uint8_t)(i * i % 251);
  for (int i = 0; i < kBatch; ++i) in->label[i] = (3 * i + 1) % kClasses;
}

static rnrun_array image_of(void* data) {
  return (rnrun_array){"image", RNRUN_U8, 4, {kBatch, 1, 28, 28}, data};
}
static rnrun_array label_of(void* data) { return (rnrun_array){"label", RNRUN_I32, 1, {kBatch}, data}; }

/* ---- Safetensors files, as far as the test needs them ---- */

static void write_inputs(const char* path, inputs* in, int labels) {
  char header[512];
  snprintf(header, sizeof header,
           "{\"image\":{\"dtype\":\"U8\",\"shape\":[%d,1,28,28],\"data_offsets\":[0,%d]}%s", kBatch,
           kBatch * kPixels, labels ? "" : "}");
  if (labels)
    snprintf(header + strlen(header), sizeof header - strlen(header),
             ",\"label\":{\"dtype\":\"I32\",\"shape\":[%d],\"data_offsets\":[%d,%d]}}", kBatch,
             kBatch * kPixels, kBatch * kPixels + 4 * kBatch);
  const uint64_t size = strlen(header);
  FILE* file = fopen(path, "wb");
  if (file == NULL) fail("cannot write", path);
  fwrite(&size, sizeof size, 1, file);
  fwrite(header, 1, size, file);
  fwrite(in->image, 1, sizeof in->image, file);
  if (labels) fwrite(in->label, 1, sizeof in->label, file);
  fclose(file);
}

static char* read_whole(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  if (file == NULL) fail("cannot read", path);
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  char* bytes = malloc(*size + 1);
  if (fread(bytes, 1, *size, file) != *size) fail("cannot read", path);
  bytes[*size] = '\0';
  fclose(file);
  return bytes;
}

/* The bytes of a tensor of a file. */
static const char* tensor_in(const char* file, const char* name, long* size) {
  uint64_t header;
  memcpy(&header, file, sizeof header);
  char key[256];
  snprintf(key, sizeof key, "\"%s\":{", name);
  const char* found = strstr(file + 8, key);
  if (found == NULL) fail("no tensor in the file", name);
  const char* offsets = strstr(found, "\"data_offsets\":[") + strlen("\"data_offsets\":[");
  char* end;
  const long first = strtol(offsets, &end, 10);
  *size = strtol(end + 1, NULL, 10) - first;
  return file + 8 + header + first;
}

static int same(const char* path, const char* name, const void* value) {
  size_t bytes;
  char* file = read_whole(path, &bytes);
  long size;
  const char* expected = tensor_in(file, name, &size);
  const int result = memcmp(expected, value, (size_t)size) == 0;
  free(file);
  return result;
}

/* ---- Checks ---- */

static rnrun_session* session_of(rnrun_model* model, int threads) {
  rnrun_session* session;
  ok(rnrun_session_create(model, threads, &session), "session");
  ok(rnrun_initialize(session, kSeed), "initialize");
  return session;
}

static void infer(rnrun_session* session, inputs* in, float* logits) {
  const rnrun_array given = image_of(in->image), wanted = {"fc", RNRUN_F32, 2, {kBatch, kClasses}, logits};
  ok(rnrun_infer(session, &given, 1, &wanted, 1), "infer");
}

/* Bits are those of `rnrun call`, whether arrays are copied or not. */
static void check_inference(rnrun_model* model, inputs* in) {
  _Alignas(RNRUN_ALIGNMENT) float logits[kBatch * kClasses];
  rnrun_session* session = session_of(model, 2);
  infer(session, in, logits);
  check(rnrun_copied_bytes(session) == 0, "aligned arrays are used where they are");
  check(same("infer.safetensors", "fc", logits), "infer as rnrun call");
  char image[kBatch * kPixels + 1];
  memcpy(image + 1, in->image, kBatch * kPixels);
  const rnrun_array given = image_of(image + 1), wanted = {"fc", RNRUN_F32, 2, {kBatch, kClasses}, logits};
  memset(logits, 0, sizeof logits);
  ok(rnrun_infer(session, &given, 1, &wanted, 1), "infer, not aligned");
  check(rnrun_copied_bytes(session) == kBatch * kPixels, "others are copied");
  check(same("infer.safetensors", "fc", logits), "infer as rnrun call, copied");
  rnrun_session_free(session);
}

static double train(rnrun_session* session, inputs* in, int steps) {
  double lr = 0.05, loss = 0;
  const rnrun_array given[] = {label_of(in->label), image_of(in->image), {"lr", RNRUN_F64, 0, {0}, &lr}};
  for (int i = 0; i < steps; ++i) ok(rnrun_train_step(session, given, 3, NULL, 0, &loss), "train_step");
  return loss;
}

static void check_weights(rnrun_session* session, const char* path) {
  float weight[kClasses * 5];
  const rnrun_array array = {"fc.weight", RNRUN_F32, 2, {kClasses, 5}, weight};
  ok(rnrun_get_tensor(session, &array), "get_tensor");
  check(same(path, "fc.weight", weight), "weights as of rnrun call");
}

/* Three steps, and the evaluation after them; the same through a checkpoint after the first one. */
static void check_training(rnrun_model* model, inputs* in) {
  rnrun_session* session = session_of(model, 2);
  const float loss = (float)train(session, in, 3);
  check(same("steps.safetensors", "loss", &loss), "loss as of rnrun call");
  check_weights(session, "steps.safetensors");
  check(rnrun_steps(session) == 3, "steps");
  ok(rnrun_save_weights(session, "trained.safetensors"), "save_weights");

  rnrun_session* resumed = session_of(model, 1);
  train(resumed, in, 1);
  ok(rnrun_save_checkpoint(resumed, "one.safetensors"), "save_checkpoint");
  rnrun_session_free(resumed);
  resumed = session_of(model, 3);
  ok(rnrun_load_checkpoint(resumed, "one.safetensors"), "load_checkpoint");
  check(rnrun_steps(resumed) == 1, "steps of a checkpoint");
  train(resumed, in, 2);
  check_weights(resumed, "steps.safetensors");
  ok(rnrun_save_checkpoint(resumed, "three.safetensors"), "save_checkpoint");

  double evaluated[2];
  const rnrun_array given[] = {image_of(in->image), label_of(in->label)};
  ok(rnrun_evaluate(session, given, 2, NULL, 0, &evaluated[0]), "evaluate");
  ok(rnrun_initialize(resumed, 1), "initialize");
  char* notes;
  ok(rnrun_load_weights(resumed, "trained.safetensors", 0, &notes), "load_weights");
  rnrun_text_free(notes);
  ok(rnrun_evaluate(resumed, given, 2, NULL, 0, &evaluated[1]), "evaluate");
  check(evaluated[0] == evaluated[1] && evaluated[0] != loss, "evaluation of saved weights");
  rnrun_session_free(session);
  rnrun_session_free(resumed);
}

static void check_errors(rnrun_model* model, inputs* in) {
  rnrun_model* none = NULL;
  refused(rnrun_model_load("no.so", &none), RNRUN_ERROR, rnrun_error_text(), "no.so: no such file");
  refused(rnrun_model_load_bytes("hello", 5, &none), RNRUN_ERROR, rnrun_error_text(), "");
  refused(rnrun_model_load(NULL, &none), RNRUN_USAGE, rnrun_error_text(), "'path' is a null pointer");
  check(none == NULL, "nothing is given on failure");
  rnrun_session* session = NULL;
  refused(rnrun_session_create(model, -1, &session), RNRUN_USAGE, rnrun_error_text(), "-1 threads");
  session = session_of(model, 1);
  rnrun_array given[] = {image_of(in->image), label_of(in->label)};
  refused(rnrun_evaluate(session, given, 1, NULL, 0, NULL), RNRUN_ERROR, rnrun_error_text(),
          "nothing given for input 'label: i32[N]'");
  given[0].dims[3] = 27;
  refused(rnrun_evaluate(session, given, 2, NULL, 0, NULL), RNRUN_ERROR, rnrun_error_text(),
          "u8[4, 1, 28, 27] given for input 'image: u8[4, 1, 28, 28]'");
  given[0].dims[3] = -1;
  refused(rnrun_evaluate(session, given, 2, NULL, 0, NULL), RNRUN_USAGE, rnrun_error_text(),
          "a dimension of -1");
  given[0] = image_of(in->image);
  given[0].dims[0] = INT64_MAX;
  refused(rnrun_infer(session, given, 1, NULL, 0), RNRUN_ERROR, rnrun_error_text(),
          "a batch of 9223372036854775807");
  int32_t labels[kBatch] = {0, 1, kClasses, 2};
  given[0] = image_of(in->image);
  given[1].data = labels;
  refused(rnrun_evaluate(session, given, 2, NULL, 0, NULL), RNRUN_ERROR, rnrun_error_text(),
          "'label' has 10, which is none of the 10 classes");
  refused(rnrun_call(session, "fit", NULL, 0, NULL, 0), RNRUN_USAGE, rnrun_error_text(),
          "no entry 'fit'; it has");
  refused(rnrun_set_number(session, "momentun", 0), RNRUN_USAGE, rnrun_error_text(), "'momentun'");
  refused(rnrun_load_weights(session, "infer_in.safetensors", 0, NULL), RNRUN_ERROR, rnrun_error_text(),
          "missing");
  given[1] = (rnrun_array){"fc.weight", RNRUN_F32, 1, {50}, labels};
  refused(rnrun_set_tensor(session, &given[1]), RNRUN_ERROR, rnrun_error_text(),
          "tensor 'fc.weight' is f32[10, 5], the array f32[50]");
  rnrun_session_free(session);
}

typedef struct shared {
  rnrun_model* model;
  rnrun_session* session; /* of two threads at once */
  inputs* in;
  float expected[kBatch * kClasses];
  float expected_loss;
} shared;

static void* use_model(void* context) {
  shared* s = context;
  float logits[kBatch * kClasses];
  rnrun_session* own = session_of(s->model, 2);
  for (int i = 0; i < 20; ++i) {
    infer(i % 2 == 0 ? own : s->session, s->in, logits);
    check(memcmp(logits, s->expected, sizeof logits) == 0, "the same bits in every thread");
  }
  check((float)train(own, s->in, 3) == s->expected_loss, "the same training in every thread");
  rnrun_session_free(own);
  return NULL;
}

/* Eight threads with four models, each of two threads, which share a session as well. */
static void check_threads(rnrun_model** models, int count, inputs* in) {
  shared all[4];
  pthread_t threads[kThreads];
  for (int m = 0; m < count; ++m) {
    all[m] = (shared){models[m], session_of(models[m], 2), in, {0}, 0};
    infer(all[m].session, in, all[m].expected);
    rnrun_session* session = session_of(models[m], 1);
    all[m].expected_loss = (float)train(session, in, 3);
    rnrun_session_free(session);
  }
  for (int t = 0; t < kThreads; ++t)
    if (pthread_create(&threads[t], NULL, use_model, &all[t % count]) != 0)
      fail("thread", "cannot be started");
  for (int t = 0; t < kThreads; ++t) pthread_join(threads[t], NULL);
  for (int m = 0; m < count; ++m) rnrun_session_free(all[m].session);
}

/* A model in ONNX's format in memory, which is what the file of the same bytes is. */
static void check_onnx(const rnrun_model* model) {
  rnrun_session* session;
  ok(rnrun_session_create(model, 1, &session), "session_create");
  ok(rnrun_initialize(session, 7), "initialize");
  ok(rnrun_save_weights(session, "weights.safetensors"), "save_weights");
  rnrun_session_free(session);
  rnc_artifact *onnx, *from_bytes, *from_file, *none = NULL;
  const char* to_onnx[] = {"--set=width=5", "--emit=onnx", "--weights=weights.safetensors"};
  if (rnc_compile_file("net.graph", to_onnx, 3, &onnx) != RNC_OK) fail("compile", rnc_error_text());
  if (rnc_artifact_write(onnx, "memory.onnx") != RNC_OK) fail("write", rnc_error_text());
  size_t size;
  const char* bytes = rnc_artifact_bytes(onnx, &size);
  if (rnc_compile_onnx(bytes, size, "memory.onnx", NULL, 0, &from_bytes) != RNC_OK) fail("onnx", rnc_error_text());
  if (rnc_compile_file("memory.onnx", NULL, 0, &from_file) != RNC_OK) fail("onnx file", rnc_error_text());
  size_t size_of_bytes, size_of_file;
  const void* of_bytes = rnc_artifact_bytes(from_bytes, &size_of_bytes);
  const void* of_file = rnc_artifact_bytes(from_file, &size_of_file);
  check(size_of_bytes == size_of_file && memcmp(of_bytes, of_file, size_of_file) == 0, "ONNX in memory");
  refused(rnc_compile_onnx(bytes, size / 2, "cut.onnx", NULL, 0, &none), RNC_ERROR, rnc_error_text(), "cut.onnx");
  refused(rnc_compile_onnx(NULL, 1, "no.onnx", NULL, 0, &none), RNC_USAGE, rnc_error_text(), "'bytes' is a null pointer");
  refused(rnc_compile_onnx(bytes, size, "", NULL, 0, &none), RNC_USAGE, rnc_error_text(), "'name' is empty");
  rnc_artifact_free(onnx);
  rnc_artifact_free(from_bytes);
  rnc_artifact_free(from_file);
}

/* A model in memory, compiled here; the compiler's errors. */
static void check_compiler(inputs* in) {
  rnc_artifact* artifact = NULL;
  const char* text = "model m(x: f32[N, 4]) {\n  y = relu(z)\n  predict y\n}\n";
  refused(rnc_compile_text(text, strlen(text), "m.graph", NULL, 0, &artifact), RNC_ERROR, rnc_error_text(),
          "m.graph:2:12: error: ");
  refused(0, 0, rnc_error_text(), "\n  y = relu(z)\n           ^");
  const char* wrong[] = {"--help"};
  refused(rnc_compile_file("net.graph", wrong, 1, &artifact), RNC_USAGE, rnc_error_text(), "--help");
  const char* options[] = {"--set", "width=5", "--emit=so"};
  if (rnc_compile_file("net.graph", options, 3, &artifact) != RNC_OK) fail("compile", rnc_error_text());
  size_t size;
  const void* bytes = rnc_artifact_bytes(artifact, &size);
  rnrun_model* model;
  ok(rnrun_model_load_bytes(bytes, size, &model), "load_bytes");
  rnc_artifact_free(artifact);
  check_inference(model, in);
  check_onnx(model);
  rnrun_model_free(model);
}

int main(int argc, char** argv) {
  static inputs in;
  make_inputs(&in);
  if (argc == 2 && strcmp(argv[1], "inputs") == 0) {
    write_inputs("infer_in.safetensors", &in, 0);
    write_inputs("train_in.safetensors", &in, 1);
    return 0;
  }
  rnrun_model* models[4];
  for (int i = 1; i < argc && i <= 4; ++i) ok(rnrun_model_load(argv[i], &models[i - 1]), "load");
  check(rnrun_model_descriptor(models[0])->class_count == 0 &&
            strcmp(rnrun_model_descriptor(models[0])->name, "net") == 0,
        "descriptor");
  char* json;
  ok(rnrun_model_json(models[0], 1, 0, &json), "json");
  check(strstr(json, "\"input_types\"") != NULL, "json");
  rnrun_text_free(json);
  check_inference(models[0], &in);
  check_training(models[0], &in);
  check_errors(models[0], &in);
  rnrun_model* linked;
  ok(rnrun_model_linked(&rn_model, &linked), "linked");
  check_inference(linked, &in);
  rnrun_model_free(linked);
  check_compiler(&in);
  check_threads(models, argc - 1, &in);
  for (int i = 1; i < argc; ++i) rnrun_model_free(models[i - 1]);
  return 0;
}
