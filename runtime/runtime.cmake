# rnrun: loads compiled models; trains, evaluates, measures. Never includes ir, passes or compiler.
#
# A trainer made by rnc --emit=trainer is a copy of rnrun, so rnrun needs nothing but the C library of the machine it is
# taken to: the other libraries are linked statically (fmt, of which Debian has no static library, as headers).
find_library(RNC_ZLIB NAMES libz.a z REQUIRED)
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libgomp.a OUTPUT_VARIABLE libgomp
                OUTPUT_STRIP_TRAILING_WHITESPACE)
if(EXISTS "${libgomp}")
  set(OpenMP_gomp_LIBRARY "${libgomp}" CACHE FILEPATH "GCC's OpenMP library")
endif()
find_package(OpenMP REQUIRED COMPONENTS CXX)

rnc_layer(rnc_runtime runtime)
target_compile_definitions(rnc_runtime PUBLIC RNC_VERSION="${PROJECT_VERSION}")
target_link_libraries(rnc_runtime PUBLIC fmt::fmt-header-only ${RNC_ZLIB} OpenMP::OpenMP_CXX nlohmann_json::nlohmann_json
                      CLI11::CLI11 ${CMAKE_DL_LIBS})

add_executable(rnrun runtime/main.cpp)
target_link_libraries(rnrun PRIVATE rnc_runtime)
target_link_options(rnrun PRIVATE $<$<CONFIG:Release>:-static-libstdc++;-static-libgcc>)
install(TARGETS rnrun)
install(FILES runtime/abi.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/rnc)
