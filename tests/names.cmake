# Checks that nothing is decided by what an operation, an entry, an input or an output is called: operations have
# traits (ir/ops/op.h), entries and their arguments roles (ir/graph/graph.h, runtime/contract/abi.h). Names stand for
# roles only where text is read: in ir/text.
# Run by ctest as: cmake -DROOT=<source dir> -P tests/names.cmake
cmake_minimum_required(VERSION 3.16)
set(names "model|infer|loss|train|backward|update|train_step|prepare|image|label|label2|lambda|lr|step")
set(compared "(name|entry|called|label|input|output|first|string_view\\([^)]*\\))(\\(\\))? *[!=]= *\"(${names})\"")
set(found_by "find_entry\\(\"(${names})\"|outputs, \"(${names})\"")
set(cut "(ends_with|starts_with)\\(\"[^\"]*(_grad|grad\\.|momentum)|substr\\([a-z_.]*find\\('\\.'\\)")

set(failures "")
foreach(layer ir/graph ir/ops ir/loops passes compiler runtime)
  file(GLOB_RECURSE sources RELATIVE ${ROOT} ${ROOT}/${layer}/*.cpp ${ROOT}/${layer}/*.h)
  foreach(source ${sources})
    file(STRINGS ${ROOT}/${source} lines REGEX "[\"']")
    foreach(line ${lines})
      if(line MATCHES "${compared}|${found_by}|${cut}")
        list(APPEND failures "${source}: ${line}")
      endif()
    endforeach()
  endforeach()
endforeach()
list(FILTER failures EXCLUDE REGEX "^ir/graph/graph.cpp: +return output == \"loss\"")  # usual_output_role

# Of tasks only runtime/task/ and the formats of data know what their samples and figures are.
foreach(layer runtime/model runtime/measure runtime/train)
  file(GLOB_RECURSE sources RELATIVE ${ROOT} ${ROOT}/${layer}/*.cpp ${ROOT}/${layer}/*.h)
  foreach(source ${sources})
    file(STRINGS ${ROOT}/${source} lines REGEX "(^|[^a-z_])([Tt]op-?[15]|[Ll]abels?|[Cc]lassifier)([^a-z_2]|$)")
    foreach(line ${lines})
      list(APPEND failures "${source}: ${line}")
    endforeach()
  endforeach()
endforeach()

if(failures)
  list(JOIN failures "\n  " text)
  message(FATAL_ERROR "decided by a name:\n  ${text}")
endif()
