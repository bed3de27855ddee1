/* librnc: the compiler as a library. Compiles the text of a network, or a model in ONNX's format, to what the command rnc
 * writes.
 *
 *     const char* options[] = {"--target-cpu=x86-64-v3", "--set=classes=10"};
 *     rnc_artifact* library;
 *     if (rnc_compile_file("resnet18.graph", options, 2, &library) || rnc_artifact_write(library, "resnet18.so"))
 *       return fputs(rnc_error_text(), stderr), 1;
 *     rnc_artifact_free(library);
 *
 * Options are those of the command, as `rnc --help` explains them: a flag with its value, "--conv=direct", or the flag
 * and then its value. "--emit" says what to make (so, obj, graph, summary, ...; by default so). What is about files to
 * write, or about printing, is refused: --output, --help, --version, --stats, --remarks, --time-passes, --print-after,
 * --dump-dir, --format, --check, --ops, --list-passes.
 *
 * Errors: functions that can fail return a status; rnc_error_text() then has what the command would print:
 * "net.graph:3:7: error: ...", the line and a caret for each mistake. Whoever fails has given nothing. No function
 * exits, prints, or throws; only a fault in the compiler itself, which it finds by its own checks, ends the process with
 * a message, as assert() does.
 *
 * Threads: all functions may be called from any threads at once. Ownership: strings and bytes that are given are not
 * kept; what a function gives is freed by the function named there.
 */
#ifndef RNC_COMPILER_RNC_H
#define RNC_COMPILER_RNC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rnc_artifact rnc_artifact;

typedef enum rnc_status {
  RNC_OK = 0,
  RNC_ERROR = 1, /* the model or a file is at fault */
  RNC_USAGE = 2, /* an option or argument is not allowed */
  RNC_NO_MEMORY = 3
} rnc_status;

/* "0.1.0" */
const char* rnc_version(void);

/* Of the last function that failed in this thread; "" if none has. Valid until the next one fails in this thread. */
const char* rnc_error_text(void);

/* A .graph, .loops or .onnx file. Free the artifact with rnc_artifact_free. */
rnc_status rnc_compile_file(const char* path, const char* const* options, int64_t option_count,
                            rnc_artifact** artifact);
/* The text of a network, UTF-8, of `size` bytes. `name` stands in messages; includes are found where a file of this
 * name would find them. */
rnc_status rnc_compile_text(const char* text, size_t size, const char* name, const char* const* options,
                            int64_t option_count, rnc_artifact** artifact);
/* A model in ONNX's format, of `size` bytes; its values are in them. `name` stands in messages, and the model is called by
 * its stem. */
rnc_status rnc_compile_onnx(const void* bytes, size_t size, const char* name, const char* const* options,
                            int64_t option_count, rnc_artifact** artifact);

/* What was made: a file's bytes, valid as long as the artifact. */
const void* rnc_artifact_bytes(const rnc_artifact* artifact, size_t* size);
/* What the user should know besides, "warning: ..." or "note: ...", a line each; "" if there is nothing. Valid as long as
 * the artifact. */
const char* rnc_artifact_notes(const rnc_artifact* artifact);
/* What passes decided and why, as `rnc --remarks` prints it. Valid as long as the artifact. */
const char* rnc_artifact_remarks(const rnc_artifact* artifact);
/* Writes the bytes to a file, which appears when it is complete. */
rnc_status rnc_artifact_write(const rnc_artifact* artifact, const char* path);
/* Null is fine. */
void rnc_artifact_free(rnc_artifact* artifact);

/* The machine that these options mean, or the machines, as a text: triple, CPU and features of each. What was compiled for
 * one text runs on every machine with the same. Valid until the next call in this thread; null after an error. */
const char* rnc_target_text(const char* const* options, int64_t option_count);

#ifdef __cplusplus
}
#endif
#endif
