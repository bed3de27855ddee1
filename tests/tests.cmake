# What tests share: random numbers, random networks, golden files.
file(GLOB support CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/support/*.cpp)
add_library(rnc_test_support STATIC ${support})
rnc_join_files(rnc_test_support)
target_link_libraries(rnc_test_support PUBLIC rnc_ir rnc_runtime)
target_compile_definitions(rnc_test_support PRIVATE RNC_SOURCE_DIR="${CMAKE_SOURCE_DIR}")

# Includes follow the direction of dependencies.
add_test(NAME layers COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_SOURCE_DIR} -P ${CMAKE_SOURCE_DIR}/tests/layers.cmake)
# No two types have one name.
add_test(NAME definitions COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_SOURCE_DIR} -P ${CMAKE_SOURCE_DIR}/tests/definitions.cmake)
# Nothing is decided by a name.
add_test(NAME names COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_SOURCE_DIR} -P ${CMAKE_SOURCE_DIR}/tests/names.cmake)

# Sources are formatted, by the version of clang-format that .clang-format is written for.
foreach(layer ir passes compiler runtime tests)
  file(GLOB_RECURSE found CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${layer}/*.cpp ${CMAKE_SOURCE_DIR}/${layer}/*.h)
  list(APPEND formatted ${found})
endforeach()
add_test(NAME format COMMAND clang-format-14 --dry-run -Werror ${formatted})

# Unit tests: tests/unit/<layer>/*.cpp make one program per layer, linked with that layer and what it may use.
find_package(doctest REQUIRED)

function(rnc_unit_tests layer)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${layer}/*.cpp)
  if(sources)
    add_executable(unit_${layer} ${CMAKE_SOURCE_DIR}/tests/unit/main.cpp ${sources})
    rnc_join_files(unit_${layer})
    target_link_libraries(unit_${layer} PRIVATE ${ARGN} doctest::doctest)
    target_compile_definitions(unit_${layer} PRIVATE RNC_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    add_test(NAME unit_${layer} COMMAND unit_${layer})
  endif()
endfunction()

rnc_unit_tests(ir rnc_ir rnc_test_support)
target_compile_definitions(unit_ir PRIVATE ONNX_ML)
rnc_unit_tests(passes rnc_passes rnc_test_support)
rnc_unit_tests(compiler rnc_compiler rnc_runtime rnc_test_support)
rnc_unit_tests(runtime rnc_runtime)

# Compiled models against PyTorch and against the reference interpreter.
file(GLOB run_tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/run/*.cpp)
add_executable(run_tests ${CMAKE_SOURCE_DIR}/tests/unit/main.cpp ${run_tests})
rnc_join_files(run_tests)
target_link_libraries(run_tests PRIVATE rnc_compiler rnc_runtime rnc_test_support doctest::doctest)
add_test(NAME run COMMAND run_tests -tce=random*networks*,*guarded*)
add_test(NAME guarded_host COMMAND run_tests -tc=*guarded*)
foreach(first 1 151)
  add_test(NAME random_networks_${first} COMMAND run_tests -tc=random*networks*)
  set_tests_properties(random_networks_${first} PROPERTIES ENVIRONMENT "RNC_TEST_SEED=${first};RNC_TEST_COUNT=150")
endforeach()
add_test(NAME samples COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/samples.sh $<TARGET_FILE_DIR:rnc> ${CMAKE_SOURCE_DIR})
add_test(NAME command_line COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/command_line.sh $<TARGET_FILE_DIR:rnc> ${CMAKE_SOURCE_DIR})
add_test(NAME training COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/training.sh $<TARGET_FILE_DIR:rnc>)
add_test(NAME augmentation COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/augmentation.sh $<TARGET_FILE_DIR:rnc>)
add_test(NAME scalar_inputs COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/scalar_inputs.sh $<TARGET_FILE_DIR:rnc>)
add_test(NAME runs COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/runs.sh $<TARGET_FILE_DIR:rnc>)
add_test(NAME rates COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/rates.sh $<TARGET_FILE_DIR:rnc>)
add_test(NAME imbalance COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/imbalance.sh $<TARGET_FILE_DIR:rnc>)
# What compiling takes as networks grow.
if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  set(growth_flags --instrumented)
endif()
add_test(NAME growth
         COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/growth.py --bin $<TARGET_FILE_DIR:rnc> ${growth_flags})
set_tests_properties(growth PROPERTIES RUN_SERIAL TRUE)  # it compares times
add_test(NAME files COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/files.sh $<TARGET_FILE_DIR:rnc>)
add_test(NAME data COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/data.sh $<TARGET_FILE_DIR:rnc> ${CMAKE_SOURCE_DIR})
add_test(NAME predict COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/predict.sh $<TARGET_FILE_DIR:rnc> ${CMAKE_SOURCE_DIR})
add_test(NAME explain COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/explain.sh $<TARGET_FILE_DIR:rnc> ${CMAKE_SOURCE_DIR})
string(REGEX MATCHALL "-fsanitize=[^ ]*" sanitizers "${CMAKE_CXX_FLAGS}")
add_test(NAME library COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/library.sh $<TARGET_FILE_DIR:rnc> ${CMAKE_SOURCE_DIR} ${sanitizers})
add_test(NAME installed COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/installed.sh $<TARGET_FILE_DIR:rnc> ${CMAKE_SOURCE_DIR})
add_test(NAME onnx_export_files COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/onnx_export.sh $<TARGET_FILE_DIR:rnc>)
add_test(NAME class_names COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/class_names.sh $<TARGET_FILE_DIR:rnc> ${CMAKE_SOURCE_DIR})

# Tests labelled "full" need packages that only they need: tests/install_debian.sh tests. Without these they fail, but
# ctest -LE full leaves them out.
set(full format drawing tasks python_api installed report_page weights_files onnx_import onnx_export onnx_kernels onnx_forms
    onnx_training onnx_node_tests onnx_errors compare_torchvision compare_logits compare_training compare_pytorch compare_views
    compare_explain precision mpi compare_ranks)
add_test(NAME drawing COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/drawing.sh $<TARGET_FILE_DIR:rnc> ${CMAKE_SOURCE_DIR})
add_test(NAME tasks COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/tasks.py --bin $<TARGET_FILE_DIR:rnc>)
add_test(NAME python_api COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/python_api.py --bin $<TARGET_FILE_DIR:rnc>)
add_test(NAME report_page COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/report_page.sh $<TARGET_FILE_DIR:rnc> ${CMAKE_SOURCE_DIR})
add_test(NAME weights_files COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/weights_files.py --bin $<TARGET_FILE_DIR:rnc>)
add_test(NAME onnx_import COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/onnx_import.py --bin $<TARGET_FILE_DIR:rnc>
         --opsets 17 13 9)
add_test(NAME onnx_export COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/onnx_export.py --bin $<TARGET_FILE_DIR:rnc>)
add_test(NAME onnx_kernels COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/onnx_kernels.py --bin $<TARGET_FILE_DIR:rnc>)
add_test(NAME onnx_training COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/onnx_training.py --bin $<TARGET_FILE_DIR:rnc>)
add_test(NAME onnx_forms COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/onnx_forms.py --bin $<TARGET_FILE_DIR:rnc>)
add_test(NAME onnx_errors COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/onnx_errors.py --bin $<TARGET_FILE_DIR:rnc>)
add_test(NAME onnx_node_tests COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/onnx_node_tests.py
         --bin $<TARGET_FILE_DIR:rnc>)
# Those with the largest weights by hand.
add_test(NAME compare_torchvision COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/compare_torchvision.py
         $<TARGET_FILE_DIR:rnc> convnext_tiny efficientnet_b0 mobilenet_v2 mobilenet_v3_small regnet_y_400mf
         shufflenet_v2_x1_0 squeezenet1_1 googlenet resunet siamese_resnet20 resnet1d cifar_preact_drop_resnet20
         cifar_skipinit_resnet20 dncnn lenet mlp)
add_test(NAME compare_logits COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/compare_logits.py --bin $<TARGET_FILE_DIR:rnc>)
add_test(NAME compare_views COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/compare_views.py --bin $<TARGET_FILE_DIR:rnc>)
add_test(NAME compare_explain COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/compare_explain.py --bin $<TARGET_FILE_DIR:rnc>)
add_test(NAME precision COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/precision.py --bin $<TARGET_FILE_DIR:rnc>
         --seeds 1)
add_test(NAME compare_training COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/compare_training.py --bin $<TARGET_FILE_DIR:rnc>)
add_test(NAME compare_pytorch COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/compare_pytorch.py
         --bin $<TARGET_FILE_DIR:rnc> --model cifar_resnet20,cifar_resnet56,wrn_16_4,fashion_resnet18
         --cases decided,followed --batches 2 --seeds 1)
# Training over ranks of Open MPI and MPICH.
add_test(NAME mpi COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/mpi.sh $<TARGET_FILE_DIR:rnc>)
add_test(NAME compare_ranks COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/tests/run/compare_ranks.py --bin $<TARGET_FILE_DIR:rnc>)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  list(APPEND full aarch64 variants static)
  add_test(NAME static COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/static.sh $<TARGET_FILE_DIR:rnc> ${CMAKE_SOURCE_DIR})
  add_test(NAME aarch64 COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/aarch64.sh $<TARGET_FILE_DIR:rnc> ${CMAKE_SOURCE_DIR})
  add_test(NAME variants COMMAND sh ${CMAKE_SOURCE_DIR}/tests/run/variants.sh $<TARGET_FILE_DIR:rnc> ${CMAKE_SOURCE_DIR} ${sanitizers})
endif()
set_tests_properties(${full} PROPERTIES LABELS full)
set_tests_properties(mpi PROPERTIES RUN_SERIAL TRUE)  # of more ranks than there are CPUs, some of which are to be late
if(sanitizers)
  set_tests_properties(python_api installed PROPERTIES DISABLED TRUE)  # Python cannot load libraries that are instrumented
  set_tests_properties(mpi compare_ranks PROPERTIES DISABLED TRUE)  # the MPIs themselves are not clean
endif()

include(tests/unit/runtime/models.cmake)

# Golden tests: each tests/text/*.graph is one. tests/text/run.cpp describes the files.
add_executable(text_test ${CMAKE_SOURCE_DIR}/tests/text/run.cpp)
target_link_libraries(text_test PRIVATE rnc_passes)
file(GLOB goldens CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/text/*.graph)
foreach(golden ${goldens})
  cmake_path(GET golden STEM name)
  add_test(NAME text_${name} COMMAND text_test ${golden})
endforeach()

# Measurements, run by hand.
add_executable(bench_direct_tile EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/bench/direct_tile.cpp)
target_link_libraries(bench_direct_tile PRIVATE rnc_compiler)
add_executable(bench_loader EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tests/bench/loader.cpp)
target_link_libraries(bench_loader PRIVATE rnc_runtime)

include(tests/fuzz/fuzz.cmake)

if(CMAKE_CXX_FLAGS MATCHES "-fsanitize=thread")
  # Some tests fork a program with threads. Guarded hosts then start some of their own as well, which ThreadSanitizer
  # stops at ("dup thread with used id").
  get_property(all DIRECTORY PROPERTY TESTS)
  set_property(TEST ${all} APPEND PROPERTY ENVIRONMENT TSAN_OPTIONS=die_after_fork=0)
  set_tests_properties(guarded_host PROPERTIES DISABLED TRUE)
endif()
