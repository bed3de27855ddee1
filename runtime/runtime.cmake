# rnrun: loads compiled models; trains, evaluates, measures. Never includes ir, passes or compiler.
find_package(ZLIB REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)

rnc_layer(rnc_runtime runtime)
target_compile_definitions(rnc_runtime PUBLIC RNC_VERSION="${PROJECT_VERSION}")
target_link_libraries(rnc_runtime PUBLIC ZLIB::ZLIB OpenMP::OpenMP_CXX nlohmann_json::nlohmann_json CLI11::CLI11
                      ${CMAKE_DL_LIBS})

add_executable(rnrun runtime/main.cpp)
target_link_libraries(rnrun PRIVATE rnc_runtime)
install(TARGETS rnrun)
install(FILES runtime/abi.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/rnc)
