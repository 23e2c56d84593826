# What `cmake --install` puts where, and the package that find_package(quire) finds.
include(CMakePackageConfigHelpers)

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/quire")

foreach(library types messages storage rules actors runtime)
  if(TARGET quire_${library})
    install(TARGETS quire_${library} EXPORT quireTargets
      ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
      LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
      INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  endif()
endforeach()

foreach(folder messages storage actors app)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/quire"
    FILES_MATCHING PATTERN "*.hpp"
    PATTERN "examples" EXCLUDE)
endforeach()

if(TARGET quire)
  install(TARGETS quire RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

install(EXPORT quireTargets NAMESPACE quire:: DESTINATION "${package_folder}")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/quireConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/quireConfig.cmake" INSTALL_DESTINATION "${package_folder}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/quireConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(
  FILES
    "${PROJECT_BINARY_DIR}/quireConfig.cmake"
    "${PROJECT_BINARY_DIR}/quireConfigVersion.cmake"
    "${PROJECT_SOURCE_DIR}/cmake/FindCAF.cmake"
  DESTINATION "${package_folder}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}")
