/* librnrun: the runtime as a library. Loads models that rnc compiled, runs and trains them in memory of the caller's.
 *
 *     rnrun_model* model;
 *     rnrun_session* session;
 *     if (rnrun_model_load("resnet18.so", &model) || rnrun_session_create(model, 0, &session) ||
 *         rnrun_load_weights(session, "resnet18.safetensors", 0, NULL))
 *       return puts(rnrun_error_text()), 1;
 *
 * Errors: functions that can fail return a status; rnrun_error_text() then says what was found, what was expected and
 * what helps. Whoever fails has changed nothing and given nothing, unless it says otherwise. No function exits, prints,
 * throws or installs a signal handler. A null pointer where none is allowed is RNRUN_USAGE.
 *
 * Threads: any number of models and sessions may be used at once, from any threads. A model never changes. Calls on
 * the same session wait for each other. A session starts threads of its own, which a child of fork() does not have:
 * create sessions after forking.
 *
 * Ownership: what a function gives through a pointer is the caller's, to be freed by the function named there. The
 * library keeps no pointer to what it was given, but to a linked-in model.
 *
 * Results have the same bits for any number of threads, and are those of the command rnrun.
 */
#ifndef RNC_RUNTIME_RNRUN_H
#define RNC_RUNTIME_RNRUN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rn_model_descriptor; /* abi.h */

typedef struct rnrun_model rnrun_model;
typedef struct rnrun_session rnrun_session;

typedef enum rnrun_status {
  RNRUN_OK = 0,
  RNRUN_ERROR = 1,     /* a file, model, machine or array is not as it should be */
  RNRUN_USAGE = 2,     /* an argument is not allowed, or the model has no such entry */
  RNRUN_NO_MEMORY = 3, /* this may have changed what the function was to change */
  RNRUN_DIVERGED = 4   /* the loss of a training step is not a finite number */
} rnrun_status;

/* "0.1.0" */
const char* rnrun_version(void);

/* Of the last function that failed in this thread; "" if none has. Valid until the next one fails in this thread. */
const char* rnrun_error_text(void);

/* Texts that functions have given. Null is fine. */
void rnrun_text_free(char* text);

/* ---- Models ---- */

/* Loads a model library. RNRUN_ERROR where it is none, is damaged, or was made for another machine or version; no code
 * of it has run then. Of a model for several CPUs (rnc --target-cpu=A,B) this and the next two take the variant that the
 * environment's RNRUN_VARIANT names, else the best that this CPU runs. Free it with rnrun_model_free. */
rnrun_status rnrun_model_load(const char* path, rnrun_model** model);
/* The same of a library's bytes, which are copied. */
rnrun_status rnrun_model_load_bytes(const void* bytes, size_t size, rnrun_model** model);
/* A model that is linked into the program (rnc --emit=obj): &rn_model. It must outlive all that is made of it. */
rnrun_status rnrun_model_linked(const struct rn_model_descriptor* descriptor, rnrun_model** model);
/* Another variant of a model for several CPUs, by its name, "x86-64-v3"; weights and checkpoints of one are those of all.
 * RNRUN_ERROR where there is none of this name, or where this CPU lacks what it needs. To be freed as well; either may
 * live longer. */
rnrun_status rnrun_model_variant(const rnrun_model* model, const char* name, rnrun_model** variant);
/* Sessions of the model may live on. Null is fine. */
void rnrun_model_free(rnrun_model* model);

/* All there is to know of a model: names, hash, classes, tensors, entries with their inputs and outputs. Constant;
 * valid until the model and its sessions are freed. Null where the model is. */
const struct rn_model_descriptor* rnrun_model_descriptor(const rnrun_model* model);
/* The same as JSON, as `rnrun info --json` prints it; memory is that of this batch and number of threads (0: the
 * default). Free it with rnrun_text_free. */
rnrun_status rnrun_model_json(const rnrun_model* model, int64_t batch, int threads, char** json);
/* Measures inference (or, with `train`, a training step) on generated inputs, for a few seconds: what
 * `rnrun bench --json` prints. Free it with rnrun_text_free. */
rnrun_status rnrun_model_bench(const rnrun_model* model, int train, int64_t batch, int threads, char** json);

/* ---- Sessions: a model with its tensors, memory and threads ---- */

/* With threads of its own: 1 to 1024, or 0 for OMP_NUM_THREADS or as many as there are CPUs for this process. The
 * tensors have their initial values, as from seed 0. Free it with rnrun_session_free. */
rnrun_status rnrun_session_create(const rnrun_model* model, int threads, rnrun_session** session);

/* Null is fine. */
void rnrun_session_free(rnrun_session* session);

/* ---- Arrays ---- */

typedef enum rnrun_dtype { RNRUN_F32 = 0, RNRUN_U8 = 1, RNRUN_I32 = 2, RNRUN_F64 = 3 } rnrun_dtype;

#define RNRUN_MAX_RANK 6
/* Arrays at multiples of this address are used where they are; others are copied. */
#define RNRUN_ALIGNMENT 64

/* A plain row-major array of the caller's, without gaps. */
typedef struct rnrun_array {
  const char* name;
  int32_t dtype; /* rnrun_dtype */
  int32_t rank;  /* 0: a scalar */
  int64_t dims[RNRUN_MAX_RANK];
  void* data; /* read of inputs, written of outputs; aligned as its elements are */
} rnrun_array;

/* ---- Weights: parameters and buffers, by PyTorch's names, in plain layout ---- */

/* All tensors as at the beginning of a training: values that came with the model, else random ones from the seed. The
 * count of steps begins anew, and later steps draw their random numbers from the seed. */
rnrun_status rnrun_initialize(rnrun_session* session, uint64_t seed);
/* From any file or directory that `rnrun --weights` takes; with `partial`, what fits of it. Optimizer state and count
 * of steps stay as they are. `notes` may be null; else it gets what there is to say of the file, a line each, to be
 * freed with rnrun_text_free. */
rnrun_status rnrun_load_weights(rnrun_session* session, const char* path, int partial, char** notes);
/* A safetensors file, replaced as a whole. */
rnrun_status rnrun_save_weights(rnrun_session* session, const char* path);
/* Copies a tensor of any kind from or to `array`, by its name: "fc.weight", "momentum.fc.weight". Type and shape must
 * be the tensor's. */
rnrun_status rnrun_get_tensor(rnrun_session* session, const rnrun_array* array);
rnrun_status rnrun_set_tensor(rnrun_session* session, const rnrun_array* array);
/* Weights, optimizer state and the count of steps, as `rnrun train` writes and reads them (--resume, --weights): to
 * resume with it is to begin its first epoch. RNRUN_USAGE where the model cannot be trained. */
rnrun_status rnrun_save_checkpoint(rnrun_session* session, const char* path);
rnrun_status rnrun_load_checkpoint(rnrun_session* session, const char* path);

/* ---- Running ----
 *
 * Inputs are found by name, in any order; the batch is that of the inputs. A scalar may be given as f32 or f64; one that
 * is not given has the value of rnrun_set_number, else the model's default. Outputs are those asked for, of the batch's
 * size. RNRUN_ERROR where an input is missing, unknown or of another type or shape, where a label is none of the
 * classes, and where there is not enough memory for the batch. Outputs have no meaning after an error. */

/* A number for the scalar input of this name of every entry, in place of the model's default: "momentum". */
rnrun_status rnrun_set_number(rnrun_session* session, const char* name, double value);
/* Predictions. */
rnrun_status rnrun_infer(rnrun_session* session, const rnrun_array* inputs, int64_t input_count,
                         const rnrun_array* outputs, int64_t output_count);
/* Predictions, and the loss as in inference. `loss` may be null. */
rnrun_status rnrun_evaluate(rnrun_session* session, const rnrun_array* inputs, int64_t input_count,
                            const rnrun_array* outputs, int64_t output_count, double* loss);
/* A step of the optimizer: its loss before it. Among the inputs is the learning rate, a scalar (rn_value.role ==
 * RN_LEARNING_RATE, "lr"); the number of the step and its seed may be left out. RNRUN_DIVERGED: the loss, which is
 * given, is not finite, and no parameter has changed. `loss` may be null. */
rnrun_status rnrun_train_step(rnrun_session* session, const rnrun_array* inputs, int64_t input_count,
                              const rnrun_array* outputs, int64_t output_count, double* loss);
/* Any entry by its name: "backward" leaves gradients in the tensors "grad.<parameter>", "update" takes them from
 * there. */
rnrun_status rnrun_call(rnrun_session* session, const char* entry, const rnrun_array* inputs,
                        int64_t input_count, const rnrun_array* outputs, int64_t output_count);
/* Steps done since initialize, or since the training began that a checkpoint is of. 0 for null. */
int64_t rnrun_steps(rnrun_session* session);
/* Bytes that the last run copied because arrays were not aligned. 0 for null. */
int64_t rnrun_copied_bytes(rnrun_session* session);

#ifdef __cplusplus
}
#endif
#endif
