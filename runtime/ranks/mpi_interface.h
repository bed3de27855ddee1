/* Between rnrun and an MPI library. MPI has no common binary interface, so rnrun is linked with none: for each MPI found
 * at build there is a small shared library, mpi/plugin.c compiled against it, which rnrun loads when that MPI's launcher
 * has started it (mpi_library.h).
 *
 * All operations are begun and then asked for: none waits but start and finish, so that whoever waits can look at the
 * clock, at signals, and at notes from ranks that have failed. Every rank begins the same operations in the same order;
 * memory given to one may not be touched until it is done. Amounts and places are in blocks of RNRUN_MPI_BLOCK bytes.
 * One thread at a time.
 */
#ifndef RNC_RUNTIME_MPI_INTERFACE_H
#define RNC_RUNTIME_MPI_INTERFACE_H

#include <stdint.h>

#define RNRUN_MPI_SYMBOL "rnrun_mpi_functions"
#define RNRUN_MPI_VERSION 1u
#define RNRUN_MPI_BLOCK 64
#define RNRUN_MPI_NOTE 1024

typedef struct rnrun_mpi_context rnrun_mpi_context; /* one process's part in the job */
typedef struct rnrun_mpi_operation rnrun_mpi_operation;

/* Functions that give an int give 0, or else an error code of MPI for error_text; those that give an operation give null
 * when it cannot begin. */
typedef struct rnrun_mpi {
  uint32_t version;
  /* Enters the job: this process is `rank` of `ranks`. */
  int (*start)(rnrun_mpi_context** context, int* rank, int* ranks);
  /* Every rank has counts[rank] blocks at places[rank] of `all`, and gets there those of all other ranks. */
  rnrun_mpi_operation* (*gather)(rnrun_mpi_context*, void* all, const int* counts, const int* places);
  /* Sends out_counts[r] blocks from out_places[r] to rank r, and gets in_counts[r] of it at in_places[r]. */
  rnrun_mpi_operation* (*swap)(rnrun_mpi_context*, const void* out, const int* out_counts,
                               const int* out_places, void* in, const int* in_counts, const int* in_places);
  /* Rank 0's blocks to all. */
  rnrun_mpi_operation* (*broadcast)(rnrun_mpi_context*, void* data, int blocks);
  /* Sets *done to 1 once all has arrived and what was given may be used; the operation is gone then, as after an error. */
  int (*test)(rnrun_mpi_operation*, int* done);
  /* Beside these, a note of RNRUN_MPI_NOTE bytes to a rank, which is copied; */
  int (*tell)(rnrun_mpi_context*, int rank, const void* note);
  /* and the next note for this rank: `from` is who has sent it, or -1: there is none. */
  int (*hear)(rnrun_mpi_context*, int* from, void* note);
  /* Ends all ranks. Does not return. */
  void (*abort)(rnrun_mpi_context*, int status);
  /* Leaves the job when nothing is under way; frees the context. */
  int (*finish)(rnrun_mpi_context*);
  /* What an error code means, of at most `size` bytes with the zero. */
  void (*error_text)(int error, char* text, int size);
} rnrun_mpi;

#endif
