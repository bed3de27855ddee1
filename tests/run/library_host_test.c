/* Sessions that run on threads and memory of the caller's, and are watched and ended by it. Run by library.sh as
 *   library_host_test MODEL */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/rnrun.h"

enum { kBatch = 4, kPixels = 28 * 28, kClasses = 10, kWorkers = 3 };

static void check(int condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "FAILED: %s: %s\n", what, rnrun_error_text());
  exit(1);
}

/* ---- A host: a thread for each worker, and memory that is counted ---- */

typedef struct host_state {
  int64_t calls;
  int64_t bytes; /* that are given out */
  int64_t most;
  int64_t limit;
  size_t shift; /* of the addresses that are given out */
} host_state;

typedef struct part {
  void (*task)(const void* data, int64_t begin, int64_t end, int64_t worker);
  const void* data;
  int64_t begin, end, worker;
} part;

static void* run_part(void* argument) {
  const part* p = argument;
  p->task(p->data, p->begin, p->end, p->worker);
  return NULL;
}

static void parallel_for(void* context, int64_t count,
                         void (*task)(const void* data, int64_t begin, int64_t end, int64_t worker),
                         const void* data) {
  ((host_state*)context)->calls++;
  pthread_t threads[kWorkers];
  part parts[kWorkers];
  for (int w = 0; w < kWorkers; ++w) {
    parts[w] = (part){task, data, count * w / kWorkers, count * (w + 1) / kWorkers, w};
    check(pthread_create(&threads[w], NULL, run_part, &parts[w]) == 0, "a thread");
  }
  for (int w = 0; w < kWorkers; ++w) pthread_join(threads[w], NULL);
}

static void* allocate(void* context, size_t bytes) {
  host_state* state = context;
  if (state->bytes + (int64_t)bytes > state->limit) return NULL;
  state->bytes += (int64_t)bytes;
  if (state->bytes > state->most) state->most = state->bytes;
  char* memory =
      aligned_alloc(RNRUN_ALIGNMENT, (bytes + 2 * RNRUN_ALIGNMENT) / RNRUN_ALIGNMENT * RNRUN_ALIGNMENT);
  memset(memory, 0x5a, bytes + state->shift); /* nothing relies on zeros */
  return memory + state->shift;
}

static void release(void* context, void* memory, size_t bytes) {
  host_state* state = context;
  state->bytes -= (int64_t)bytes;
  free((char*)memory - state->shift);
}

/* ---- Runs ---- */

static _Alignas(RNRUN_ALIGNMENT) uint8_t image[kBatch * kPixels];
static _Alignas(RNRUN_ALIGNMENT) int32_t label[kBatch] = {1, 4, 7, 0};

static rnrun_status infer(rnrun_session* session, float* logits) {
  const rnrun_array given = {"image", RNRUN_U8, 4, {kBatch, 1, 28, 28}, image};
  const rnrun_array wanted = {"fc", RNRUN_F32, 2, {kBatch, kClasses}, logits};
  return rnrun_infer(session, &given, 1, &wanted, 1);
}

static rnrun_status train(rnrun_session* session, double* loss) {
  double lr = 0.05;
  const rnrun_array given[] = {{"image", RNRUN_U8, 4, {kBatch, 1, 28, 28}, image},
                               {"label", RNRUN_I32, 1, {kBatch}, label},
                               {"lr", RNRUN_F64, 0, {0}, &lr}};
  return rnrun_train_step(session, given, 3, NULL, 0, loss);
}

static void weights(rnrun_session* session, float* weight) {
  const rnrun_array array = {"fc.weight", RNRUN_F32, 2, {kClasses, 5}, weight};
  check(rnrun_get_tensor(session, &array) == RNRUN_OK, "get_tensor");
}

/* The same bits as on the session's own threads and memory, all of which comes back. */
static void check_host(const rnrun_model* model) {
  host_state state = {.limit = INT64_MAX};
  const rnrun_host host = {kWorkers, parallel_for, allocate, release, &state};
  rnrun_session *own, *hosted;
  check(rnrun_session_create(model, 2, &own) == RNRUN_OK, "create");
  check(rnrun_session_create_in(model, &host, &hosted) == RNRUN_OK, "create_in");
  float expected[kBatch * kClasses], logits[kBatch * kClasses];
  double losses[2];
  for (int step = 0; step < 3; ++step) {
    check(train(own, &losses[0]) == RNRUN_OK && train(hosted, &losses[1]) == RNRUN_OK, "train");
    check(losses[0] == losses[1], "the loss on the host's threads");
  }
  check(infer(own, expected) == RNRUN_OK && infer(hosted, logits) == RNRUN_OK, "infer");
  check(memcmp(expected, logits, sizeof logits) == 0, "logits on the host's threads");
  check(state.calls > 10 && state.bytes > 0, "the host is used");
  rnrun_session_free(own);
  rnrun_session_free(hosted);
  check(state.bytes == 0, "all memory comes back");

  const int64_t most = state.most;
  state.limit = most / 2;
  check(rnrun_session_create_in(model, &host, &hosted) == RNRUN_OK ? train(hosted, NULL) == RNRUN_ERROR : 1,
        "less memory than a step needs");
  check(strstr(rnrun_error_text(), "cannot allocate") != NULL, "what is said of it");
  state.limit = INT64_MAX;
  state.shift = 8;
  check(rnrun_session_create_in(model, &host, &hosted) == RNRUN_ERROR &&
            strstr(rnrun_error_text(), "not aligned to 64 bytes") != NULL,
        "memory that is not aligned");

  rnrun_host half = {0, NULL, allocate, NULL, &state};
  check(rnrun_session_create_in(model, &half, &hosted) == RNRUN_USAGE, "one function for memory");
  half = (rnrun_host){0, parallel_for, NULL, NULL, &state};
  check(rnrun_session_create_in(model, &half, &hosted) == RNRUN_USAGE, "parallel_for without threads");
}

typedef struct watch {
  int64_t end_at; /* call */
  int64_t told, parts;
} watch;

static int progress(void* context, int64_t done, int64_t parts) {
  watch* w = context;
  check(done == w->told || done == 0, "progress goes in order");
  w->told = done + 1;
  w->parts = parts;
  return done == w->end_at;
}

/* Ended at each of its calls, a step has updated nothing or all. */
static void check_progress(const rnrun_model* model) {
  rnrun_session* session;
  check(rnrun_session_create(model, 2, &session) == RNRUN_OK, "create");
  watch w = {.end_at = -1};
  check(rnrun_set_progress(session, progress, &w) == RNRUN_OK, "set_progress");
  double loss;
  check(train(session, &loss) == RNRUN_OK && w.told == w.parts && w.parts > 10, "a step is told of");
  const int64_t parts = w.parts;
  int64_t ended = 0;
  for (int64_t call = 0; call < parts; ++call) {
    float before[kClasses * 5], after[kClasses * 5];
    weights(session, before);
    const int64_t steps = rnrun_steps(session);
    w.end_at = call;
    const rnrun_status status = train(session, &loss);
    weights(session, after);
    const int changed = memcmp(before, after, sizeof before) != 0;
    check(status == RNRUN_OK || status == RNRUN_CANCELLED, "train");
    check(changed == (status == RNRUN_OK) && rnrun_steps(session) == steps + changed, "a step that is ended");
    ended += status == RNRUN_CANCELLED;
  }
  check(ended > 2 && ended < parts, "steps can be ended while the loss is computed, and not later");

  float expected[kBatch * kClasses], logits[kBatch * kClasses];
  w.end_at = -1;
  check(infer(session, expected) == RNRUN_OK, "infer");
  w.end_at = 1;
  check(
      infer(session, logits) == RNRUN_CANCELLED && strstr(rnrun_error_text(), "ended by its caller") != NULL,
      "inference is ended");
  check(rnrun_set_progress(session, NULL, NULL) == RNRUN_OK && infer(session, logits) == RNRUN_OK, "infer");
  check(memcmp(expected, logits, sizeof logits) == 0, "logits after a run that was ended");
  rnrun_session_free(session);
}

int main(int argc, char** argv) {
  rnrun_model* model;
  check(argc == 2 && rnrun_model_load(argv[1], &model) == RNRUN_OK, "load");
  for (int i = 0; i < kBatch * kPixels; ++i) image[i] = (uint8_t)(i * i % 251);
  check_host(model);
  check_progress(model);
  rnrun_model_free(model);
  return 0;
}
