# rnrun: loads compiled models; trains, evaluates, measures. Never includes ir, passes or compiler.
#
# A trainer made by rnc --emit=trainer is a copy of rnrun, so rnrun needs nothing but the C library of the machine it is
# taken to: the other libraries are linked statically (fmt, of which Debian has no static library, as headers).
find_library(RNC_ZLIB NAMES libz.a z REQUIRED)
find_library(RNC_JPEG NAMES libjpeg.a jpeg REQUIRED)
find_library(RNC_PNG NAMES libpng16.a png16 REQUIRED)
find_library(RNC_GIF NAMES libgif.a gif REQUIRED)
find_library(RNC_WEBP_DEMUX NAMES libwebpdemux.a webpdemux REQUIRED)
# libtiff, and what its compressions need.
foreach(library tiff webp zstd lzma jbig deflate Lerc)
  string(TOUPPER ${library} name)
  find_library(RNC_${name} NAMES lib${library}.a ${library} REQUIRED)
  list(APPEND RNC_TIFF_LIBRARIES ${RNC_${name}})
endforeach()
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libgomp.a OUTPUT_VARIABLE libgomp
                OUTPUT_STRIP_TRAILING_WHITESPACE)
if(EXISTS "${libgomp}")
  set(OpenMP_gomp_LIBRARY "${libgomp}" CACHE FILEPATH "GCC's OpenMP library")
endif()
find_package(OpenMP REQUIRED COMPONENTS CXX)

# What compiler and runtime share.
find_library(RNC_XXHASH NAMES libxxhash.a xxhash REQUIRED)
rnc_layer(rnc_contract runtime/contract)
target_link_libraries(rnc_contract PRIVATE fmt::fmt-header-only nlohmann_json::nlohmann_json PUBLIC ${RNC_XXHASH})

rnc_layer(rnc_runtime runtime EXCEPT "runtime/(contract|library)")
target_compile_options(rnc_contract PRIVATE -ffunction-sections -fdata-sections)  # so that librnrun takes what it needs
target_compile_options(rnc_runtime PRIVATE -ffunction-sections -fdata-sections)
target_compile_definitions(rnc_runtime PUBLIC RNC_VERSION="${PROJECT_VERSION}")
target_link_libraries(rnc_runtime PUBLIC rnc_contract fmt::fmt-header-only ${RNC_GIF} ${RNC_WEBP_DEMUX} ${RNC_TIFF_LIBRARIES}
                      ${RNC_JPEG} ${RNC_PNG} ${RNC_ZLIB} OpenMP::OpenMP_CXX nlohmann_json::nlohmann_json
                      CLI11::CLI11 ${CMAKE_DL_LIBS})

# The report's page, with the library that draws its charts (Debian's libjs-chart.js).
find_file(RNC_CHART_JS chart.min.js PATHS /usr/share/javascript/chart.js /usr/share/nodejs/chart.js/dist NO_DEFAULT_PATH
          REQUIRED)
set(report ${CMAKE_SOURCE_DIR}/runtime/report)
set(report_page ${CMAKE_BINARY_DIR}/report_page.cpp)
file(GLOB report_parts CONFIGURE_DEPENDS ${report}/*.html ${report}/*.css ${report}/*.js)
add_custom_command(
  OUTPUT ${report_page}
  COMMAND ${CMAKE_COMMAND} -DDIRECTORY=${report} -DCHART=${RNC_CHART_JS} -DOUT=${report_page} -P ${report}/embed.cmake
  DEPENDS ${report}/embed.cmake ${report_parts} ${RNC_CHART_JS})
target_sources(rnc_runtime PRIVATE ${report_page})

add_executable(rnrun runtime/main.cpp)
target_link_libraries(rnrun PRIVATE rnc_runtime)
target_link_options(rnrun PRIVATE $<$<CONFIG:Release>:-static-libstdc++;-static-libgcc>)

# Training over several ranks: for each MPI that is there, a library that rnrun loads when it was started by that MPI
# (runtime/ranks/mpi_interface.h). Its compiler wrapper knows where it is.
foreach(mpi openmpi mpich)
  string(TOUPPER ${mpi} name)
  find_program(RNC_MPICC_${name} mpicc.${mpi} DOC "compiler wrapper of ${mpi}; rnrun does without if it is not there")
  if(RNC_MPICC_${name})
    set(plugin ${CMAKE_BINARY_DIR}/lib/rnc/librnrun-mpi-${mpi}.so)
    add_custom_command(
      OUTPUT ${plugin}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/lib/rnc
      COMMAND ${RNC_MPICC_${name}} -std=c11 -O2 -Wall -Wextra -Werror -fPIC -shared -I${CMAKE_SOURCE_DIR} -o ${plugin}
              ${CMAKE_SOURCE_DIR}/runtime/ranks/mpi/plugin.c
      DEPENDS runtime/ranks/mpi/plugin.c runtime/ranks/mpi_interface.h)
    add_custom_target(rnrun_mpi_${mpi} ALL DEPENDS ${plugin})
    add_dependencies(rnrun rnrun_mpi_${mpi})
    install(PROGRAMS ${plugin} DESTINATION lib/rnc COMPONENT rnrun-mpi)
  endif()
endforeach()
include(runtime/library/library.cmake)
