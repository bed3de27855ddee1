# rnc_add_model(TARGET NAME SOURCE FILE [WEIGHTS FILE] [TARGET_CPU CPU] [TARGET_TRIPLE TRIPLE] [OPTIONS FLAG...]
#               [DEPENDS FILE...])
#
# Compiles a network (.graph or .onnx) when TARGET is built, and links it in: an object file, and the header NAME.h with
# functions of its own types (NAME_create, NAME_infer, NAME_evaluate, NAME_train_step). With WEIGHTS these are inside, and
# the model is for inference. TARGET gets rnc::rnrun, unless it links rnc::rnrun_static itself. When cross compiling, code
# is made for CMAKE_C_COMPILER_TARGET or CMAKE_CXX_COMPILER_TARGET, or for TARGET_TRIPLE. OPTIONS are further flags of rnc;
# DEPENDS, files that SOURCE includes.
function(rnc_add_model target name)
  cmake_parse_arguments(PARSE_ARGV 2 model "" "SOURCE;WEIGHTS;TARGET_CPU;TARGET_TRIPLE" "OPTIONS;DEPENDS")
  if(NOT TARGET ${target})
    message(FATAL_ERROR "rnc_add_model: there is no target ${target}")
  endif()
  if(NOT model_SOURCE OR model_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "rnc_add_model(${target} ${name}): SOURCE is missing, or not known: ${model_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT name MATCHES "^[A-Za-z_][A-Za-z0-9_]*$")
    message(FATAL_ERROR "rnc_add_model: ${name} cannot be a name in C")
  endif()

  cmake_path(ABSOLUTE_PATH model_SOURCE OUTPUT_VARIABLE source)
  set(flags --link-name=${name} ${model_OPTIONS})
  if(model_WEIGHTS)
    cmake_path(ABSOLUTE_PATH model_WEIGHTS OUTPUT_VARIABLE weights)
    list(APPEND flags --weights=${weights})
  endif()
  if(model_TARGET_CPU)
    list(APPEND flags --target-cpu=${model_TARGET_CPU})
  endif()
  if(NOT model_TARGET_TRIPLE AND CMAKE_CROSSCOMPILING)
    set(model_TARGET_TRIPLE ${CMAKE_C_COMPILER_TARGET})
    if(NOT model_TARGET_TRIPLE)
      set(model_TARGET_TRIPLE ${CMAKE_CXX_COMPILER_TARGET})
    endif()
    if(NOT model_TARGET_TRIPLE)
      message(FATAL_ERROR "rnc_add_model(${target} ${name}): give TARGET_TRIPLE, as aarch64-linux-gnu")
    endif()
  endif()
  if(model_TARGET_TRIPLE)
    list(APPEND flags --target-triple=${model_TARGET_TRIPLE})
  endif()

  set(directory ${CMAKE_CURRENT_BINARY_DIR}/rnc_models)
  file(MAKE_DIRECTORY ${directory})
  set(object ${directory}/${name}.o)
  set(header ${directory}/${name}.h)
  add_custom_command(
    OUTPUT ${object} ${header}
    COMMAND rnc::compiler ${source} ${flags} -o ${object}
    COMMAND rnc::compiler ${source} ${flags} -o ${header}
    DEPENDS ${source} ${weights} ${model_DEPENDS} rnc::compiler
    COMMENT "Compiling the network ${name}"
    VERBATIM)
  set_source_files_properties(${object} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  target_sources(${target} PRIVATE ${object} ${header})
  target_include_directories(${target} PRIVATE ${directory})
  get_target_property(linked ${target} LINK_LIBRARIES)
  if(NOT "rnc::rnrun_static" IN_LIST linked)
    target_link_libraries(${target} PRIVATE rnc::rnrun)
  endif()
endfunction()
