# librnrun: the functions of runtime/rnrun.h, in a shared library that exports nothing else. It shares with the programs that
# load it what rnrun has linked statically: GCC's OpenMP library cannot be linked into a shared one.
file(GLOB rnrun_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/runtime/library/*.cpp)
add_library(rnrun_library OBJECT ${rnrun_sources})
target_link_libraries(rnrun_library PRIVATE rnc_runtime)
add_library(librnrun SHARED $<TARGET_OBJECTS:rnrun_library>)
target_link_libraries(librnrun PRIVATE $<TARGET_FILE:rnc_runtime> $<TARGET_FILE:rnc_contract> ${RNC_XXHASH}
                      jpeg png16 gif webpdemux webp tiff z gomp ${CMAKE_DL_LIBS})
add_dependencies(librnrun rnc_runtime rnc_contract)
set(rnrun_map ${CMAKE_SOURCE_DIR}/runtime/library/rnrun.map)
target_link_options(librnrun PRIVATE -Wl,--version-script=${rnrun_map} -Wl,--gc-sections)
set_target_properties(librnrun PROPERTIES OUTPUT_NAME rnrun VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                      LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib LINK_DEPENDS ${rnrun_map})

# librnrun.a is one object with all it needs of the runtime, of which only the functions of rnrun.h can be seen from outside.
# Programs that link it need -lstdc++ -lgomp -lz -lm besides.
file(STRINGS ${CMAKE_SOURCE_DIR}/runtime/rnrun.h rnrun_functions REGEX "^[a-z].*[ *]rnrun_[a-z_]+\\(")
list(TRANSFORM rnrun_functions REPLACE "^[^(]*[ *](rnrun_[a-z_]+)\\(.*" "--undefined=\\1")
set(rnrun_object ${CMAKE_BINARY_DIR}/rnrun_library.o)
set(rnrun_archive ${CMAKE_BINARY_DIR}/lib/librnrun.a)
add_custom_command(
  OUTPUT ${rnrun_archive}
  COMMAND ${CMAKE_LINKER} -r --gc-sections ${rnrun_functions} --force-group-allocation -o ${rnrun_object} $<TARGET_OBJECTS:rnrun_library> --start-group
          $<TARGET_FILE:rnc_runtime> $<TARGET_FILE:rnc_contract> --end-group ${RNC_XXHASH}
  COMMAND ${CMAKE_OBJCOPY} --wildcard --weaken-symbol=_Z* ${rnrun_object}  # GNU's unique symbols cannot be hidden
  COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=rnrun_* ${rnrun_object}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${rnrun_archive}
  COMMAND ${CMAKE_AR} rcs ${rnrun_archive} ${rnrun_object}
  DEPENDS rnrun_library $<TARGET_OBJECTS:rnrun_library> rnc_runtime rnc_contract
  COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(librnrun_static ALL DEPENDS ${rnrun_archive})

# The Python package: build/python/rnc, beside build/lib where it looks for the libraries.
file(GLOB python_sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}/runtime/python ${CMAKE_SOURCE_DIR}/runtime/python/rnc/*.py)
foreach(source ${python_sources})
  configure_file(${CMAKE_SOURCE_DIR}/runtime/python/${source} ${CMAKE_BINARY_DIR}/python/${source} COPYONLY)
endforeach()
