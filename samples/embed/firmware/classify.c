/* Names the class of one image of 3 x 32 x 32 bytes from standard input. No library at all, not even C's: all memory is
 * static, the stack included, as on a machine without an operating system. Here Linux reads and writes.
 *
 *     rnc cifar_resnet8.graph --weights W.safetensors --conv=direct --target-cpu=x86-64 --emit=static -o resnet8.o
 *     rnc cifar_resnet8.graph --weights W.safetensors --conv=direct --target-cpu=x86-64 --emit=c-header -o resnet8.h
 *     cc -O2 -ffreestanding -nostdlib -static classify.c resnet8.o -o classify
 */
#include "resnet8.h"

#ifndef RAW_LOGITS
#define RAW_LOGITS 0 /* 1: writes the logits as they are in memory */
#endif

#define ALIGNED _Alignas(CIFAR_RESNET8_ALIGNMENT)

ALIGNED unsigned char stack[8192];
static ALIGNED uint8_t image[1][3][32][32];
static ALIGNED float logits[1][CIFAR_RESNET8_LINEAR_SIZE];
static ALIGNED unsigned char memory[CIFAR_RESNET8_MEMORY_BYTES(1)];

#if defined(__x86_64__)
enum { READ = 0, WRITE = 1, EXIT = 60 };
__asm__(".globl _start\n_start:\n  leaq stack+8192(%rip), %rsp\n  call run\n");
static long call_linux(long number, long a, const void* b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
enum { READ = 63, WRITE = 64, EXIT = 93 };
__asm__(".globl _start\n_start:\n  adrp x0, stack\n  add x0, x0, :lo12:stack\n  add x0, x0, 8192\n  mov sp, x0\n  bl run\n");
static long call_linux(long number, long a, const void* b, long c) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register const void* x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  return x0;
}
#else
#error "for x86-64 and AArch64"
#endif

_Noreturn static void leave(long status) {
  for (;;) call_linux(EXIT, status, 0, 0);
}

static void read_image(void) {
  for (long have = 0; have < (long)sizeof image;) {
    const long got = call_linux(READ, 0, (uint8_t*)image + have, (long)sizeof image - have);
    if (got <= 0) leave(1);
    have += got;
  }
}

static void print(const char* text) {
  long length = 0;
  while (text[length] != '\0') ++length;
  call_linux(WRITE, 1, text, length);
}

_Noreturn void run(void) {
  read_image();
  cifar_resnet8_infer(image, logits, 1, memory);
  if (RAW_LOGITS) {
    call_linux(WRITE, 1, logits, sizeof logits);
    leave(0);
  }
  int best = 0;
  for (int k = 1; k < CIFAR_RESNET8_LINEAR_SIZE; ++k)
    if (logits[0][k] > logits[0][best]) best = k;
  print(cifar_resnet8_class_name(best));
  print("\n");
  leave(0);
}
