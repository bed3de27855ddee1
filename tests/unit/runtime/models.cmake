# The runtime's test models: tests/unit/runtime/models/linear.cpp and variants of it that must be refused.
# They have checksums as rnc's libraries do.
add_executable(seal_library ${CMAKE_SOURCE_DIR}/tests/unit/runtime/models/seal_library.cpp)
target_link_libraries(seal_library PRIVATE rnc_runtime)

function(rnc_test_model name)
  add_library(${name} MODULE ${CMAKE_SOURCE_DIR}/tests/unit/runtime/models/linear.cpp)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_definitions(${name} PRIVATE ${ARGN})
  set_target_properties(${name} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test_models)
  target_link_options(${name} PRIVATE LINKER:--build-id=0x0000000000000000)
  add_custom_command(TARGET ${name} POST_BUILD COMMAND seal_library $<TARGET_FILE:${name}>)
  add_dependencies(${name} seal_library)
  add_dependencies(unit_runtime ${name})
endfunction()

rnc_test_model(linear)
rnc_test_model(linear_12_classes MODEL_CLASSES=12)
rnc_test_model(linear_wrong_magic MODEL_MAGIC=7u)
rnc_test_model(linear_wrong_version MODEL_VERSION=99u)
rnc_test_model(linear_wrong_cpu MODEL_FEATURES="sse2,flux-capacitor,avx1024")
rnc_test_model(linear_wrong_offset MODEL_FIRST_OFFSET=64)
rnc_test_model(linear_untrained MODEL_OPTIMIZER="")
rnc_test_model(linear_odd_recipe MODEL_BATCH=0)
rnc_test_model(linear_no_lr MODEL_LR="rate")
rnc_test_model(linear_batch_norm MODEL_MIN_BATCH=2)
rnc_test_model(linear_7_labels MODEL_LABELS=7)
rnc_test_model(linear_ignores_8 MODEL_LABELS=7 MODEL_IGNORED_LABEL=8)

add_dependencies(unit_runtime rnrun)
target_compile_definitions(unit_runtime PRIVATE RNC_TEST_MODELS="${CMAKE_BINARY_DIR}/test_models"
                                                RNC_RNRUN="$<TARGET_FILE:rnrun>")
