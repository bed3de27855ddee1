/* The contract between a compiled model (a shared library made by rnc) and whoever runs it (rnrun, or your
 * own program).
 *
 * A model exports one symbol, rn_model, of type rn_model_descriptor. It has no other dependencies, keeps no
 * state, allocates nothing, and calls nothing but the parallel_for it is given. All of the descriptor is
 * constant and may be read from any thread.
 *
 * Memory: the host allocates each region, RN_ALIGNMENT-aligned, and zeroes tensor regions before first use.
 * Regions may not overlap. An entry may run on one set of regions at a time; different sets may run
 * concurrently. Results depend neither on the number of threads nor on the order in which tasks run.
 *
 * Sizes are bytes unless a name says otherwise. "extent" is fixed + per_sample * batch.
 */
#ifndef RNC_RUNTIME_ABI_H
#define RNC_RUNTIME_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RN_ABI_VERSION 11u
#define RN_MAGIC 0x4d4e5252u /* "RRNM" */
#define RN_ALIGNMENT 64
#define RN_MAX_RANK 6
#define RN_MODEL_SYMBOL "rn_model"

typedef struct rn_extent {
  int64_t fixed;
  int64_t per_sample;
} rn_extent;

/* RN_F64 is for scalar inputs: the optimizer's numbers, "lr" and "step" among them. RN_BF16 is for prepared tensors. */
enum rn_dtype { RN_F32 = 0, RN_U8 = 1, RN_I32 = 2, RN_F64 = 3, RN_BF16 = 4 };

/* Where a tensor lives. The host allocates one block per tensor region, of
 * rn_model_descriptor.region_bytes[kind]. */
enum rn_tensor_kind {
  RN_PARAMETER = 0,
  RN_BUFFER = 1,   /* saved with the parameters, changed by training (running statistics) */
  RN_SLOT = 2,     /* optimizer state, saved in checkpoints */
  RN_GRADIENT = 3, /* written by entry "backward", read by entry "update"; not needed by the other entries */
  /* Written by entry "prepare", or given (rn_tensor.values); read by "infer" and "loss", and for frozen layers by
   * training. */
  RN_PREPARED = 4,
  RN_TENSOR_KINDS = 5
};

/* Shape and storage. dims[0] == -1 is the batch (entry inputs and outputs only). The physical array,
 * outermost first: the dimensions in `order`, each divided by its block (rounded up), then the blocks in
 * turn: block_dim[i] of size block_size[i]; a dimension with several is divided by them all. Lanes past a dimension's end are padding and must be zero. Plain
 * row-major: order = 0,1,2,... and blocks = 0. Entry inputs and outputs are always plain. */
typedef struct rn_type {
  int32_t dtype;
  int32_t rank;
  int64_t dims[RN_MAX_RANK];
  int32_t order[RN_MAX_RANK];
  int32_t blocks;
  int32_t block_dim[RN_MAX_RANK];
  int64_t block_size[RN_MAX_RANK];
} rn_type;

/* A named number or string: initialiser arguments, recipe, hyper-parameters. */
typedef struct rn_attribute {
  const char* name;
  const char* text; /* the value as the language writes it, strings without quotes; never null */
  double number;    /* the value if it is a number or a boolean, else NaN */
} rn_attribute;

typedef struct rn_attributes {
  const rn_attribute* items;
  int64_t count;
} rn_attributes;

typedef struct rn_tensor {
  /* "layer1.0.conv1.weight"; slots "momentum.layer1.0.conv1.weight"; gradients "grad.layer1.0.conv1.weight" */
  const char* name;
  int32_t kind; /* rn_tensor_kind */
  int32_t of;   /* of a gradient or slot: the parameter's place among the tensors; -1 for all others */
  rn_type type;
  int64_t offset;          /* in its kind's region, a multiple of RN_ALIGNMENT */
  int64_t bytes;           /* physical, padding lanes included */
  const char* initializer; /* "kaiming_normal", "constant", ...: see ir/graph/graph.h */
  rn_attributes arguments;
  /* What it holds at first, row-major, in place of what the initialiser makes: of a parameter or buffer that came with
   * the model; of a prepared tensor that no entry "prepare" computes, what it holds for good. Null: there is nothing. */
  const float* values;
} rn_tensor;

/* What an argument of an entry is to whoever runs it, or what a result is. */
enum rn_value_role {
  RN_SAMPLE = 0,         /* what predictions are computed from */
  RN_TARGET = 1,         /* what the loss compares them with: labels */
  RN_MIXTURE_TARGET = 2, /* of a loss for mixtures of two samples: the target of the other one, */
  RN_MIXTURE_SHARE = 3,  /* and the share of the first */
  RN_NUMBER = 4,         /* a scalar of the model's own */
  RN_LEARNING_RATE = 5,
  RN_STEP = 6,  /* 1 in the first step of a training, then 2, ... */
  RN_HYPER = 7, /* the other numbers of the optimizer: "momentum" */
  RN_PREDICTION = 8,
  RN_LOSS = 9,
  RN_SEED = 10,      /* of what is random in this run of the entry, as dropout: a whole number below 2^31 */
  RN_LOSS_TERM = 11, /* one of those whose sum is the loss */
  /* Of an entry that explains: f32 like its prediction; the entry differentiates the sum of the predicted numbers, each
   * times its own of these (torch.autograd.grad's grad_outputs). 1 for a class and 0 for the others explains that one. */
  RN_GRAD_OUTPUT = 12,
  RN_ACTIVATION = 13,         /* the result of the layer that has this name */
  RN_ACTIVATION_GRADIENT = 14 /* the gradient to the activation before it */
};

#define RN_NO_LABEL INT32_MIN

/* An argument or result of an entry. Scalars (rank 0) are one element. */
typedef struct rn_value {
  const char* name;
  int32_t role; /* rn_value_role */
  /* For an input of labels: one that counts nothing, besides the classes; RN_NO_LABEL: there is none. */
  int32_t ignored_label;
  rn_type type;
  /* For scalar inputs such as "momentum": the model's own value. NaN: there is none, the caller must give it. */
  double default_value;
  /* For an input of labels: each must be in 0..classes-1, which compiled code relies on. 0 for all others. */
  int64_t classes;
} rn_value;

/* One kernel call of an entry, for progress and profiles; index = the call number passed to parallel_for. */
typedef struct rn_call_info {
  const char*
      kernel; /* its symbol, in variants followed by '.' and `cpu`; calls of the same kernel share code */
  const char* layer;     /* "layer1.0.conv1" */
  const char* direction; /* "forward", "input_grad", "weight_grad", "update" or "" */
  const char* algorithm; /* "direct", ... or "" */
  rn_extent flops;       /* useful, convolutions counted as direct */
  rn_extent bytes;       /* read plus written, once each */
  rn_extent tasks;
  rn_extent operations; /* in the algorithm's own products: fewer than flops with Winograd's */
  /* algorithm, operations and bytes hold for batches of at least from_batch. Smaller ones are summed directly, which
   * reads and writes direct_bytes. */
  int64_t from_batch;
  rn_extent direct_bytes;
} rn_call_info;

/* A temporary of an entry: its place in the arena, and the calls from the first to the last that use it. For
 * reports; running needs none of it. */
typedef struct rn_buffer {
  const char* name; /* of the value it holds */
  rn_extent bytes;
  rn_extent offset;
  int32_t first_call;
  int32_t last_call;
  int32_t dtype; /* of its elements: rn_dtype, or -1 if it is none of these */
  int32_t reserved;
} rn_buffer;

/* An operation of the forward pass as the network's author wrote it, for reports and drawings. */
typedef struct rn_layer {
  const char* name;      /* "layer1.0.conv1" */
  const char* operation; /* "conv2d"; "input" for an argument */
  const char* result;    /* "f32[N, 64, 56, 56]" */
  const char* text;      /* as a statement of the language, its operands included */
  const int32_t* inputs; /* the layers it reads: indices below its own */
  int64_t input_count;
  int64_t parameters;    /* elements, each tensor counted where it is first read */
  int64_t multiply_adds; /* per sample */
} rn_layer;

/* Runs tasks begin..end-1 of one call. `worker` is in 0..threads-1; no two running tasks share it. */
typedef void (*rn_task)(const void* frame, int64_t begin, int64_t end, int64_t worker);

/* Given by the host: covers 0..count-1 by calls of `task` on disjoint ranges, on any threads, and returns
 * when all are done. */
typedef void (*rn_parallel_for)(void* context, int64_t call, int64_t count, rn_task task, const void* frame);

/* Arguments of one run of an entry. Everything is owned by the caller; every pointer to data is
 * RN_ALIGNMENT-aligned. */
typedef struct rn_run {
  int64_t batch;             /* >= rn_entry.min_batch */
  const void* const* inputs; /* in the order of rn_entry.inputs */
  void* const* outputs;      /* in the order of rn_entry.outputs; none may be null */
  /* By rn_tensor_kind; null where the entry does not use the kind (rn_entry.tensor_kinds). */
  void* tensors[RN_TENSOR_KINDS];
  void* arena;     /* rn_entry.arena at this batch */
  int64_t threads; /* >= 1: workers of parallel_for; results do not depend on it */
  void* scratch;   /* threads * scratch_bytes_per_worker */
  rn_parallel_for parallel_for;
  void* context; /* passed to parallel_for */
} rn_run;

/* What an entry is for; a model has at most one of each role but RN_OTHER_ENTRY. */
enum rn_entry_role {
  RN_PREPARE = 0,     /* computes tensors of kind RN_PREPARED */
  RN_INFER = 1,       /* predictions */
  RN_EVALUATE = 2,    /* predictions and the loss, as in inference */
  RN_BACKWARD = 3,    /* the loss and gradients */
  RN_UPDATE = 4,      /* a step of the optimizer, from gradients */
  RN_TRAIN_STEP = 5,  /* both */
  RN_OTHER_ENTRY = 6, /* any number of them */
  RN_EXPLAIN = 7 /* the first prediction, results of layers, and the gradient of the prediction to each */
};

/* "backward" and "train_step" return as soon as the loss is computed if it is not a finite number: of the outputs only
 * the loss need be there; parameters, slots and gradients are as before, running statistics need not be finite. */
typedef struct rn_entry {
  const char* name; /* "prepare", "infer", "loss", "backward", "update", "train_step", "explain" */
  const rn_value* inputs;
  int64_t input_count;
  const rn_value* outputs;
  int64_t output_count;
  uint32_t tensor_kinds;  /* bit k: tensors of rn_tensor_kind k are read or written */
  int32_t role;           /* rn_entry_role */
  rn_extent arena[2];     /* bytes needed: the larger of the two; the first is for many samples */
  rn_extent direct_flops; /* of all convolutions and matrix products, counted as direct convolution */
  const rn_call_info* calls;
  int64_t call_count;
  void (*run)(const rn_run*);
  const rn_buffer* buffers; /* what the arena holds, in the order of first use */
  int64_t buffer_count;
  rn_extent live_bound; /* most bytes of temporaries in use at the same time: no plan's arena is smaller */
  /* The results of batches smaller than min_batch are meaningless: batch norm of min_batch_layer would have one value
   * per channel. 1 and "" where every batch will do. */
  int64_t min_batch;
  const char* min_batch_layer;
  /* Of an entry that trains: so many calls compute the loss, which is looked at then; none of them changes a parameter or
   * slot. 0 for all others. */
  int64_t loss_calls;
} rn_entry;

typedef struct rn_model_descriptor {
  uint32_t magic;   /* RN_MAGIC */
  uint32_t version; /* RN_ABI_VERSION; nothing after `features` may be read unless it matches */
  const char* triple;
  const char* cpu;
  /* Comma-separated CPU features that the code needs, by LLVM's names: "avx512f,avx512bw,fma". */
  const char* features;
  const char* compiler; /* "rnc 0.1.0" */
  const char* name;
  uint64_t graph_hash; /* of structure and tensors: a checkpoint belongs to models with the same hash */
  const char* predict; /* name of the predicted output */
  const char* const* classes;
  int64_t class_count;
  rn_attributes recipe;
  const char* optimizer; /* "" if the model cannot be trained */
  rn_attributes hyper;
  const rn_tensor* tensors;
  int64_t tensor_count;
  int64_t region_bytes[RN_TENSOR_KINDS];
  int64_t scratch_bytes_per_worker;
  const rn_entry* entries;
  int64_t entry_count;
  const rn_layer* layers; /* in execution order */
  int64_t layer_count;
  /* A model for several CPUs (rnc --target-cpu=A,B) has a variant for each, called by its `cpu`, best first. They have the
   * same parameters, buffers and hash, so that a checkpoint of one is a checkpoint of all; layouts, memory and code are
   * each one's own. rn_model is the last of them, and all of them have this table. Null and 0: there is but this one.
   * cpu.h says which of them this CPU runs. */
  const struct rn_model_descriptor* const* variants;
  int64_t variant_count;
  /* As what activations and their gradients are stored: "f32", or "bf16" where at least some are. Kernels compute in f32. */
  const char* precision;
} rn_model_descriptor;

/* A library that rnc has linked carries a checksum of its file, which rnrun checks before it loads it: its
 * build ID (an ELF note, NT_GNU_BUILD_ID) of this size is XXH3, 64 bits and little-endian, of all bytes of
 * the file with zeros in the build ID's place. Object files (rnc --emit=obj) carry none: the file that they are
 * linked into is the linker's business. */
#define RN_CHECKSUM_BYTES 8

/* A self-contained trainer (rnc --emit=trainer) is one file: a copy of rnrun, the model library, then this
 * trailer. */
#define RN_TRAILER_MAGIC "RNCMODEL" /* without the terminating zero */

typedef struct rn_trailer {
  uint64_t offset;   /* of the library in the file */
  uint64_t size;     /* of the library; offset + size + sizeof(rn_trailer) is the size of the file */
  uint64_t checksum; /* XXH3 of all bytes of the file before this field */
  char magic[8];     /* RN_TRAILER_MAGIC */
} rn_trailer;

#ifdef __cplusplus
}
#endif
#endif
