/* mpi_interface.h on one MPI library: compiled once for each that is there. */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/ranks/mpi_interface.h"

struct rnrun_mpi_context {
  MPI_Comm collective;
  MPI_Comm notes; /* a communicator of their own, so that they never meet other messages */
  MPI_Datatype block;
};

struct rnrun_mpi_operation {
  MPI_Request request;
};

static int start(rnrun_mpi_context** context, int* rank, int* ranks) {
  int given = 0, error = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &given);
  if (error != MPI_SUCCESS) return error;
  rnrun_mpi_context* c = calloc(1, sizeof *c);
  if (c == NULL || given < MPI_THREAD_SERIALIZED) {
    free(c);
    return MPI_ERR_OTHER;
  }
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  if ((error = MPI_Comm_dup(MPI_COMM_WORLD, &c->collective)) != MPI_SUCCESS ||
      (error = MPI_Comm_dup(MPI_COMM_WORLD, &c->notes)) != MPI_SUCCESS ||
      (error = MPI_Type_contiguous(RNRUN_MPI_BLOCK, MPI_BYTE, &c->block)) != MPI_SUCCESS ||
      (error = MPI_Type_commit(&c->block)) != MPI_SUCCESS ||
      (error = MPI_Comm_rank(MPI_COMM_WORLD, rank)) != MPI_SUCCESS ||
      (error = MPI_Comm_size(MPI_COMM_WORLD, ranks)) != MPI_SUCCESS) {
    free(c);
    return error;
  }
  *context = c;
  return 0;
}

static rnrun_mpi_operation* begun(rnrun_mpi_operation* operation, int error) {
  if (error == MPI_SUCCESS) return operation;
  free(operation);
  return NULL;
}

static rnrun_mpi_operation* gather(rnrun_mpi_context* c, void* all, const int* counts, const int* places) {
  rnrun_mpi_operation* o = malloc(sizeof *o);
  if (o == NULL) return NULL;
  return begun(o, MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, all, counts, places, c->block, c->collective,
                                  &o->request));
}

static rnrun_mpi_operation* swap(rnrun_mpi_context* c, const void* out, const int* out_counts, const int* out_places,
                                 void* in, const int* in_counts, const int* in_places) {
  rnrun_mpi_operation* o = malloc(sizeof *o);
  if (o == NULL) return NULL;
  return begun(o, MPI_Ialltoallv(out, out_counts, out_places, c->block, in, in_counts, in_places, c->block,
                                 c->collective, &o->request));
}

static rnrun_mpi_operation* broadcast(rnrun_mpi_context* c, void* data, int blocks) {
  rnrun_mpi_operation* o = malloc(sizeof *o);
  if (o == NULL) return NULL;
  return begun(o, MPI_Ibcast(data, blocks, c->block, 0, c->collective, &o->request));
}

static int test(rnrun_mpi_operation* o, int* done) {
  const int error = MPI_Test(&o->request, done, MPI_STATUS_IGNORE);
  if (error != MPI_SUCCESS || *done) free(o);
  return error == MPI_SUCCESS ? 0 : error;
}

/* Notes are of ranks that end: nobody waits until one has left, and its memory stays. */
static int tell(rnrun_mpi_context* c, int rank, const void* note) {
  void* copy = malloc(RNRUN_MPI_NOTE);
  if (copy == NULL) return MPI_ERR_NO_MEM;
  memcpy(copy, note, RNRUN_MPI_NOTE);
  MPI_Request request;
  return MPI_Isend(copy, RNRUN_MPI_NOTE, MPI_BYTE, rank, 0, c->notes, &request);
}

static int hear(rnrun_mpi_context* c, int* from, void* note) {
  int there = 0;
  MPI_Status status;
  *from = -1;
  const int error = MPI_Iprobe(MPI_ANY_SOURCE, 0, c->notes, &there, &status);
  if (error != MPI_SUCCESS || !there) return error;
  *from = status.MPI_SOURCE;
  return MPI_Recv(note, RNRUN_MPI_NOTE, MPI_BYTE, *from, 0, c->notes, MPI_STATUS_IGNORE);
}

static void end_all(rnrun_mpi_context* c, int status) {
  (void)c;
  MPI_Abort(MPI_COMM_WORLD, status);
}

static int finish(rnrun_mpi_context* c) {
  MPI_Type_free(&c->block);
  MPI_Comm_free(&c->notes);
  MPI_Comm_free(&c->collective);
  free(c);
  return MPI_Finalize();
}

static void error_text(int error, char* text, int size) {
  char whole[MPI_MAX_ERROR_STRING + 1] = "";
  int length = 0;
  if (MPI_Error_string(error, whole, &length) != MPI_SUCCESS) length = 0;
  if (length > size - 1) length = size - 1;
  memcpy(text, whole, (size_t)length);
  text[length] = 0;
}

const rnrun_mpi rnrun_mpi_functions = {RNRUN_MPI_VERSION, start, gather, swap,   broadcast, test,
                                       tell,              hear,  end_all, finish, error_text};
