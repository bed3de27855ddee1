// rnc: compiles a description of a convolutional network into native code.
#include "compiler/driver.h"

int main(int argc, char** argv) { return rnc::run_driver(argc, argv); }
