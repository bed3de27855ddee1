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
target_link_options(librnrun PRIVATE -Wl,--version-script=${rnrun_map} -Wl,-z,defs -Wl,--gc-sections)
set_target_properties(librnrun PROPERTIES OUTPUT_NAME rnrun VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                      LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib LINK_DEPENDS ${rnrun_map})
install(TARGETS librnrun)

# The Python package: build/python/rnc, beside build/lib where it looks for the libraries.
file(GLOB python_sources CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}/runtime/python ${CMAKE_SOURCE_DIR}/runtime/python/rnc/*.py)
foreach(source ${python_sources})
  configure_file(${CMAKE_SOURCE_DIR}/runtime/python/${source} ${CMAKE_BINARY_DIR}/python/${source} COPYONLY)
endforeach()
install(DIRECTORY runtime/python/rnc DESTINATION lib/python3/dist-packages FILES_MATCHING PATTERN "*.py")
