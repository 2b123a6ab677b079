# The package that find_package(bits) finds. A target that belongs to it is
# installed with EXPORT bitsTargets where it is declared.

include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/bits")
configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/bitsConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/bitsConfig.cmake" INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/bitsConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/bitsConfig.cmake"
              "${PROJECT_BINARY_DIR}/bitsConfigVersion.cmake"
        DESTINATION "${package_dir}")
install(EXPORT bitsTargets NAMESPACE bits:: DESTINATION "${package_dir}")
