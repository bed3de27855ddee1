# Fuzz targets: tests/fuzz/<name>_fuzz.cpp with its corpus in tests/fuzz/<name>. Every build replays the corpus in
# its tests; -DRNC_FUZZ=ON with clang also makes the libFuzzer program, run as  bin/parse_fuzz tests/fuzz/parse
function(rnc_fuzz name)
  set(source ${CMAKE_SOURCE_DIR}/tests/fuzz/${name}_fuzz.cpp)
  add_executable(${name}_replay ${source} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.cpp)
  target_link_libraries(${name}_replay PRIVATE ${ARGN})
  add_test(NAME fuzz_${name} COMMAND ${name}_replay ${CMAKE_SOURCE_DIR}/tests/fuzz/${name})
  if(RNC_FUZZ)
    add_executable(${name}_fuzz ${source})
    target_link_libraries(${name}_fuzz PRIVATE ${ARGN})
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
  endif()
endfunction()

rnc_fuzz(parse rnc_ir)
rnc_fuzz(loops rnc_ir)
rnc_fuzz(onnx rnc_ir)
rnc_fuzz(safetensors rnc_runtime)
rnc_fuzz(torch rnc_runtime)
rnc_fuzz(dataset rnc_runtime)
rnc_fuzz(csv rnc_runtime)
rnc_fuzz(image rnc_runtime)
# Good images are a corpus too: bin/image_fuzz tests/fuzz/image tests/images
add_test(NAME fuzz_image_good COMMAND image_replay ${CMAKE_SOURCE_DIR}/tests/images)
