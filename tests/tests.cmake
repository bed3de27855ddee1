# Unit tests: tests/unit/<layer>/*.cpp make one program per layer, linked with that layer and what it may use.
find_package(doctest REQUIRED)

function(rnc_unit_tests layer)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${layer}/*.cpp)
  if(sources)
    add_executable(unit_${layer} ${CMAKE_SOURCE_DIR}/tests/unit/main.cpp ${sources})
    target_link_libraries(unit_${layer} PRIVATE ${ARGN} doctest::doctest)
    target_compile_definitions(unit_${layer} PRIVATE RNC_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    add_test(NAME unit_${layer} COMMAND unit_${layer})
  endif()
endfunction()

rnc_unit_tests(ir rnc_ir)
rnc_unit_tests(passes rnc_passes)
rnc_unit_tests(compiler rnc_compiler rnc_runtime)
rnc_unit_tests(runtime rnc_runtime)
