/* Which models this CPU runs, in C: for programs that have a model linked in, or load one without librnrun. Needs nothing
 * but the C library; x86-64 and 64-bit ARM, with GCC or Clang (on Windows: clang-cl or MinGW).
 *
 *     const rn_model_descriptor* model = rn_best_variant(&rn_model);
 *     if (model == NULL) return fprintf(stderr, "this CPU runs none of the model's variants\n"), 1;
 */
#ifndef RNC_RUNTIME_CPU_H
#define RNC_RUNTIME_CPU_H

#include <string.h>

#include "abi.h" /* beside this file, also where both are installed */

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__linux__)
#include <sys/auxv.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__x86_64__)

/* Registers that the operating system must save for a feature to be usable: bits of XCR0. */
enum rn_cpu_state { RN_NO_STATE = 0, RN_AVX_STATE = 0x6, RN_AVX512_STATE = 0xe6, RN_AMX_STATE = 0x60000 };

typedef struct rn_cpu_feature {
  const char* name;
  unsigned leaf;
  unsigned subleaf;
  int where; /* EAX, EBX, ECX, EDX */
  int bit;
  unsigned state;
} rn_cpu_feature;

/* Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E. */
static const rn_cpu_feature rn_cpu_features[] = {
    {"cx8", 1, 0, 3, 8, RN_NO_STATE},
    {"cmov", 1, 0, 3, 15, RN_NO_STATE},
    {"mmx", 1, 0, 3, 23, RN_NO_STATE},
    {"fxsr", 1, 0, 3, 24, RN_NO_STATE},
    {"sse", 1, 0, 3, 25, RN_NO_STATE},
    {"sse2", 1, 0, 3, 26, RN_NO_STATE},
    {"x87", 1, 0, 3, 0, RN_NO_STATE},
    {"sse3", 1, 0, 2, 0, RN_NO_STATE},
    {"pclmul", 1, 0, 2, 1, RN_NO_STATE},
    {"ssse3", 1, 0, 2, 9, RN_NO_STATE},
    {"fma", 1, 0, 2, 12, RN_AVX_STATE},
    {"cx16", 1, 0, 2, 13, RN_NO_STATE},
    {"sse4.1", 1, 0, 2, 19, RN_NO_STATE},
    {"sse4.2", 1, 0, 2, 20, RN_NO_STATE},
    {"crc32", 1, 0, 2, 20, RN_NO_STATE},
    {"movbe", 1, 0, 2, 22, RN_NO_STATE},
    {"popcnt", 1, 0, 2, 23, RN_NO_STATE},
    {"aes", 1, 0, 2, 25, RN_NO_STATE},
    {"xsave", 1, 0, 2, 26, RN_NO_STATE},
    {"avx", 1, 0, 2, 28, RN_AVX_STATE},
    {"f16c", 1, 0, 2, 29, RN_AVX_STATE},
    {"rdrnd", 1, 0, 2, 30, RN_NO_STATE},
    {"fsgsbase", 7, 0, 1, 0, RN_NO_STATE},
    {"bmi", 7, 0, 1, 3, RN_NO_STATE},
    {"avx2", 7, 0, 1, 5, RN_AVX_STATE},
    {"bmi2", 7, 0, 1, 8, RN_NO_STATE},
    {"invpcid", 7, 0, 1, 10, RN_NO_STATE},
    {"avx512f", 7, 0, 1, 16, RN_AVX512_STATE},
    {"evex512", 7, 0, 1, 16, RN_AVX512_STATE},
    {"avx512dq", 7, 0, 1, 17, RN_AVX512_STATE},
    {"rdseed", 7, 0, 1, 18, RN_NO_STATE},
    {"adx", 7, 0, 1, 19, RN_NO_STATE},
    {"avx512ifma", 7, 0, 1, 21, RN_AVX512_STATE},
    {"clflushopt", 7, 0, 1, 23, RN_NO_STATE},
    {"clwb", 7, 0, 1, 24, RN_NO_STATE},
    {"avx512cd", 7, 0, 1, 28, RN_AVX512_STATE},
    {"sha", 7, 0, 1, 29, RN_NO_STATE},
    {"avx512bw", 7, 0, 1, 30, RN_AVX512_STATE},
    {"avx512vl", 7, 0, 1, 31, RN_AVX512_STATE},
    {"avx512vbmi", 7, 0, 2, 1, RN_AVX512_STATE},
    {"pku", 7, 0, 2, 4, RN_NO_STATE},
    {"waitpkg", 7, 0, 2, 5, RN_NO_STATE},
    {"avx512vbmi2", 7, 0, 2, 6, RN_AVX512_STATE},
    {"shstk", 7, 0, 2, 7, RN_NO_STATE},
    {"gfni", 7, 0, 2, 8, RN_NO_STATE},
    {"vaes", 7, 0, 2, 9, RN_AVX_STATE},
    {"vpclmulqdq", 7, 0, 2, 10, RN_AVX_STATE},
    {"avx512vnni", 7, 0, 2, 11, RN_AVX512_STATE},
    {"avx512bitalg", 7, 0, 2, 12, RN_AVX512_STATE},
    {"avx512vpopcntdq", 7, 0, 2, 14, RN_AVX512_STATE},
    {"rdpid", 7, 0, 2, 22, RN_NO_STATE},
    {"cldemote", 7, 0, 2, 25, RN_NO_STATE},
    {"movdiri", 7, 0, 2, 27, RN_NO_STATE},
    {"movdir64b", 7, 0, 2, 28, RN_NO_STATE},
    {"avx512vp2intersect", 7, 0, 3, 8, RN_AVX512_STATE},
    {"serialize", 7, 0, 3, 14, RN_NO_STATE},
    {"amx-bf16", 7, 0, 3, 22, RN_AMX_STATE},
    {"avx512fp16", 7, 0, 3, 23, RN_AVX512_STATE},
    {"amx-tile", 7, 0, 3, 24, RN_AMX_STATE},
    {"amx-int8", 7, 0, 3, 25, RN_AMX_STATE},
    {"avxvnni", 7, 1, 0, 4, RN_AVX_STATE},
    {"avx512bf16", 7, 1, 0, 5, RN_AVX512_STATE},
    {"avxifma", 7, 1, 0, 23, RN_AVX_STATE},
    {"avxvnniint8", 7, 1, 3, 4, RN_AVX_STATE},
    {"avxneconvert", 7, 1, 3, 5, RN_AVX_STATE},
    {"prefetchi", 7, 1, 3, 14, RN_NO_STATE},
    {"xsaveopt", 0xd, 1, 0, 0, RN_NO_STATE},
    {"xsavec", 0xd, 1, 0, 1, RN_NO_STATE},
    {"xsaves", 0xd, 1, 0, 3, RN_NO_STATE},
    {"sahf", 0x80000001, 0, 2, 0, RN_NO_STATE},
    {"lzcnt", 0x80000001, 0, 2, 5, RN_NO_STATE},
    {"sse4a", 0x80000001, 0, 2, 6, RN_NO_STATE},
    {"prfchw", 0x80000001, 0, 2, 8, RN_NO_STATE},
    {"xop", 0x80000001, 0, 2, 11, RN_AVX_STATE},
    {"fma4", 0x80000001, 0, 2, 16, RN_AVX_STATE},
    {"tbm", 0x80000001, 0, 2, 21, RN_NO_STATE},
    {"mwaitx", 0x80000001, 0, 2, 29, RN_NO_STATE},
    {"64bit", 0x80000001, 0, 3, 29, RN_NO_STATE},
    {"clzero", 0x80000008, 0, 1, 0, RN_NO_STATE},
    {"rdpru", 0x80000008, 0, 1, 4, RN_NO_STATE},
    {"wbnoinvd", 0x80000008, 0, 1, 9, RN_NO_STATE},
};

static inline unsigned rn_saved_cpu_state(void) {
  unsigned r[4] = {0, 0, 0, 0}, low = 0, high = 0;
  __get_cpuid(1, &r[0], &r[1], &r[2], &r[3]);
  if ((r[2] >> 27 & 1) == 0) return 0; /* no OSXSAVE */
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

static inline int rn_cpu_has_listed(const rn_cpu_feature* feature) {
  unsigned r[4] = {0, 0, 0, 0};
  if (__get_cpuid_count(feature->leaf, feature->subleaf, &r[0], &r[1], &r[2], &r[3]) == 0) return 0;
  return (r[feature->where] >> feature->bit & 1) != 0 &&
         (rn_saved_cpu_state() & feature->state) == feature->state;
}

#elif defined(__aarch64__)

typedef struct rn_cpu_feature {
  const char* name;
  unsigned long bit; /* of AT_HWCAP */
} rn_cpu_feature;

static const rn_cpu_feature rn_cpu_features[] = {
    {"v8a", 0},
    {"fp-armv8", 1ul << 0},
    {"neon", 1ul << 1},
    {"aes", 1ul << 3},
    {"sha2", 1ul << 6},
    {"crc", 1ul << 7},
    {"lse", 1ul << 8},
    {"fullfp16", 1ul << 9},
    {"rdm", 1ul << 12},
    {"jsconv", 1ul << 13},
    {"rcpc", 1ul << 15},
    {"dotprod", 1ul << 20},
    {"fp16fml", 1ul << 23},
    {"sve", 1ul << 22},
};

static inline unsigned long rn_hardware_capabilities(void) {
#if defined(__linux__)
  return getauxval(AT_HWCAP);
#else
  return 1ul << 0 | 1ul << 1; /* what every CPU of the architecture has */
#endif
}

static inline int rn_cpu_has_listed(const rn_cpu_feature* feature) {
  return (rn_hardware_capabilities() & feature->bit) == feature->bit;
}

#else
#error "the CPU's features belong here"
#endif

/* Whether this CPU and its operating system have a feature, by LLVM's name, which has `length` characters. None that is not
 * known here. */
static inline int rn_cpu_has(const char* name, size_t length) {
  for (size_t i = 0; i < sizeof rn_cpu_features / sizeof *rn_cpu_features; ++i) {
    const rn_cpu_feature* feature = &rn_cpu_features[i];
    if (strlen(feature->name) == length && memcmp(feature->name, name, length) == 0)
      return rn_cpu_has_listed(feature);
  }
  return 0;
}

/* Whether this CPU has all of `features`, as rn_model_descriptor has them. */
static inline int rn_cpu_has_all(const char* features) {
  while (*features != '\0') {
    const size_t length = strcspn(features, ",");
    if (length > 0 && !rn_cpu_has(features, length)) return 0;
    features += length + (features[length] == ',');
  }
  return 1;
}

/* The first of the model's variants that this CPU runs; null: none. */
static inline const rn_model_descriptor* rn_best_variant(const rn_model_descriptor* model) {
  if (model->variant_count == 0) return rn_cpu_has_all(model->features) ? model : NULL;
  for (int64_t i = 0; i < model->variant_count; ++i)
    if (rn_cpu_has_all(model->variants[i]->features)) return model->variants[i];
  return NULL;
}

#ifdef __cplusplus
}
#endif
#endif
