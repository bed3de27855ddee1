# rnc: the driver, LLVM emission, targets, linking. The only layer that sees LLVM.
find_package(LLVM REQUIRED CONFIG PATHS /usr/lib/llvm-${RNC_LLVM_VERSION}/lib/cmake/llvm NO_DEFAULT_PATH)
find_library(LLD_ELF lldELF REQUIRED HINTS ${LLVM_LIBRARY_DIRS})
find_library(LLD_COMMON lldCommon REQUIRED HINTS ${LLVM_LIBRARY_DIRS})
find_library(ZSTD zstd REQUIRED)  # lld's own dependencies
find_package(ZLIB REQUIRED)

rnc_layer(rnc_compiler compiler EXCEPT compiler/library)
target_include_directories(rnc_compiler SYSTEM PUBLIC ${LLVM_INCLUDE_DIRS})
target_compile_definitions(rnc_compiler PUBLIC RNC_VERSION="${PROJECT_VERSION}")
target_link_libraries(rnc_compiler PUBLIC rnc_passes rnc_contract ${LLD_ELF} ${LLD_COMMON} LLVM ZLIB::ZLIB ${ZSTD} CLI11::CLI11
                      nlohmann_json::nlohmann_json)
target_link_directories(rnc_compiler PUBLIC ${LLVM_LIBRARY_DIRS})

add_executable(rnc compiler/main.cpp)
target_link_libraries(rnc PRIVATE rnc_compiler)
# With this allocator the time of deep networks grows as they do, with glibc's a quarter faster. Sanitizers have their own.
if(NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize" AND NOT RNC_FUZZ)
  find_library(RNC_JEMALLOC jemalloc REQUIRED)
  target_link_libraries(rnc PRIVATE -Wl,--push-state,--no-as-needed ${RNC_JEMALLOC} -Wl,--pop-state)
endif()

# librnc: the functions of compiler/rnc.h, in a shared library that exports nothing else.
add_library(librnc SHARED compiler/library/rnc.cpp)
target_link_libraries(librnc PRIVATE rnc_compiler)
target_link_options(librnc PRIVATE -Wl,--version-script=${CMAKE_SOURCE_DIR}/compiler/library/rnc.map)
set_target_properties(librnc PROPERTIES OUTPUT_NAME rnc VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                      LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib LINK_DEPENDS ${CMAKE_SOURCE_DIR}/compiler/library/rnc.map)
