# What `cmake --install` brings besides programs, libraries and headers: find_package(rnc), pkg-config, manual pages,
# completions; and the Debian packages that `--target package` makes: rnc, librnrun0, librnrun-dev, python3-rnc.
include(CMakePackageConfigHelpers)
set(RNC_INSTALL ${CMAKE_SOURCE_DIR}/compiler/install)
set(RNC_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/rnc)

# The targets' names for others: rnc::rnrun and rnc::rnc are the libraries.
set(programs rnrun)
set(libraries librnrun)
set_target_properties(rnrun PROPERTIES EXPORT_NAME runner)
set_target_properties(librnrun PROPERTIES EXPORT_NAME rnrun)
if(NOT RNC_RUNTIME_ONLY)
  list(APPEND programs rnc)
  list(APPEND libraries librnc)
  set_target_properties(rnc PROPERTIES EXPORT_NAME compiler)
  set_target_properties(librnc PROPERTIES EXPORT_NAME rnc)
endif()
install(TARGETS ${programs} EXPORT rncTargets RUNTIME COMPONENT rnc)
foreach(library ${libraries})
  target_include_directories(${library} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()
install(TARGETS ${libraries} EXPORT rncTargets LIBRARY COMPONENT librnrun0 NAMELINK_COMPONENT librnrun-dev)
install(EXPORT rncTargets NAMESPACE rnc:: DESTINATION ${RNC_CMAKE_DIR} COMPONENT librnrun-dev)

configure_package_config_file(${RNC_INSTALL}/rncConfig.cmake.in rncConfig.cmake INSTALL_DESTINATION ${RNC_CMAKE_DIR}
                              PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(rncConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/rncConfig.cmake ${CMAKE_BINARY_DIR}/rncConfigVersion.cmake ${RNC_INSTALL}/rnc_add_model.cmake
        DESTINATION ${RNC_CMAKE_DIR} COMPONENT librnrun-dev)
# Relative, so that they hold wherever they are installed.
file(RELATIVE_PATH RNC_PREFIX_FROM_PC /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
foreach(library rnrun rnc)
  configure_file(${RNC_INSTALL}/${library}.pc.in ${library}.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/${library}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT librnrun-dev)
endforeach()
install(FILES runtime/contract/abi.h runtime/contract/cpu.h runtime/rnrun.h runtime/rnrun.hpp compiler/rnc.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/rnc COMPONENT librnrun-dev)
install(FILES ${rnrun_archive} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT librnrun-dev)

# Manual pages are what --help prints, as Debian's help2man writes it.
if(NOT CMAKE_CROSSCOMPILING)
  find_program(HELP2MAN help2man REQUIRED)
  foreach(program ${programs})
    add_custom_command(
      OUTPUT ${program}.1
      COMMAND ${HELP2MAN} --no-info --no-discard-stderr --output=${program}.1 --include=${RNC_INSTALL}/${program}.h2m
              bin/$<TARGET_FILE_NAME:${program}>  # its shell would take a path with a space apart
      WORKING_DIRECTORY ${CMAKE_BINARY_DIR}
      DEPENDS ${program} ${RNC_INSTALL}/${program}.h2m VERBATIM)
    list(APPEND manual ${CMAKE_BINARY_DIR}/${program}.1)
  endforeach()
  add_custom_target(manual ALL DEPENDS ${manual})
  install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT rnc)
endif()

foreach(program ${programs})
  install(FILES ${RNC_INSTALL}/completion.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
          RENAME ${program} COMPONENT rnc)
endforeach()
install(FILES ${RNC_INSTALL}/completion.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _rnc
        COMPONENT rnc)
install(DIRECTORY samples/ DESTINATION ${CMAKE_INSTALL_DATADIR}/rnc/samples COMPONENT rnc
        FILES_MATCHING PATTERN "*.graph" PATTERN "embed/*" PATTERN "*.md")
install(DIRECTORY runtime/python/rnc DESTINATION lib/python3/dist-packages COMPONENT python3-rnc
        FILES_MATCHING PATTERN "*.py")

# The version and the packages' relations are Debian's: librnrun0 holds both libraries, by their SONAMEs.
set(CPACK_GENERATOR DEB TGZ)
set(CPACK_PACKAGE_VENDOR "rnc")
set(CPACK_PACKAGE_CONTACT "rnc developers <rnc@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Ahead-of-time compiler and trainer for convolutional networks")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL rnc rnrun-mpi librnrun0 librnrun-dev python3-rnc)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_BINARY_DIR}/lib)
set(of_same "(= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_RNC_PACKAGE_NAME rnc)
set(CPACK_DEBIAN_RNC_PACKAGE_SUGGESTS "dataset-fashion-mnist, librnrun-dev, python3-rnc, rnrun-mpi")
set(CPACK_DEBIAN_RNRUN-MPI_PACKAGE_NAME rnrun-mpi)
set(CPACK_DEBIAN_RNRUN-MPI_PACKAGE_DEPENDS "rnc ${of_same}")
set(CPACK_DEBIAN_LIBRNRUN0_PACKAGE_NAME librnrun0)
set(CPACK_DEBIAN_LIBRNRUN0_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRNRUN-DEV_PACKAGE_NAME librnrun-dev)
set(CPACK_DEBIAN_LIBRNRUN-DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBRNRUN-DEV_PACKAGE_DEPENDS "librnrun0 ${of_same}, rnc ${of_same}, zlib1g-dev")
set(CPACK_DEBIAN_PYTHON3-RNC_PACKAGE_NAME python3-rnc)
set(CPACK_DEBIAN_PYTHON3-RNC_PACKAGE_SECTION python)
set(CPACK_DEBIAN_PYTHON3-RNC_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PYTHON3-RNC_PACKAGE_DEPENDS "python3, python3-numpy, librnrun0 ${of_same}, rnc ${of_same}")
include(CPack)
cpack_add_component(rnc DESCRIPTION "The compiler rnc and the trainer rnrun, their manual pages and sample networks.")
cpack_add_component(rnrun-mpi DESCRIPTION "Training over several machines by Open MPI or MPICH.")
cpack_add_component(librnrun0 DESCRIPTION "The runtime and the compiler as libraries with C interfaces.")
cpack_add_component(librnrun-dev DESCRIPTION "Headers, static library, CMake's and pkg-config's files of librnrun and librnc.")
cpack_add_component(python3-rnc DESCRIPTION "Compiles, runs and trains networks from Python, with NumPy and PyTorch.")
