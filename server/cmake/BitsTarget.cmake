# The functions with which every folder declares its targets.

set(BITS_WARNINGS
    -Wall -Wextra -Wpedantic -Wconversion -Wno-sign-conversion -Wshadow
    -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
    $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
    $<$<BOOL:${BITS_WERROR}>:-Werror>)

# What all our own targets share: warnings, and includes from the root of the
# repository (#include "server/domain/job.h").
function(bits_configure_target target)
  target_compile_options(${target} PRIVATE ${BITS_WARNINGS})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
endfunction()

# bits_library(NAME bits_x SOURCES a.h a.cc .. [DEPS ..] [PRIVATE_DEPS ..])
#   A static library with the alias bits::x. DEPS are what its headers need, and
#   are passed on; PRIVATE_DEPS are what only its .cc files need. With headers
#   only it is an interface library.
function(bits_library)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  _bits_check_arguments(bits_library)
  set(compiled ${ARG_SOURCES})
  list(FILTER compiled INCLUDE REGEX "\\.cc$")
  if(compiled)
    add_library(${ARG_NAME} STATIC ${ARG_SOURCES})
    bits_configure_target(${ARG_NAME})
    target_link_libraries(${ARG_NAME} PUBLIC ${ARG_DEPS}
                          PRIVATE ${ARG_PRIVATE_DEPS})
  else()
    add_library(${ARG_NAME} INTERFACE)
    target_link_libraries(${ARG_NAME} INTERFACE ${ARG_DEPS})
  endif()
  string(REGEX REPLACE "^bits_" "" short "${ARG_NAME}")
  add_library(bits::${short} ALIAS ${ARG_NAME})
endfunction()

# bits_executable(NAME bitsd SOURCES .. [DEPS ..])
function(bits_executable)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPS" ${ARGN})
  _bits_check_arguments(bits_executable)
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  bits_configure_target(${ARG_NAME})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPS})
  if(TARGET bits_tsan_edges)
    target_link_libraries(${ARG_NAME} PRIVATE bits_tsan_edges)
  endif()
endfunction()

# bits_test(NAME foo_test SOURCES .. [DEPS ..] [LABELS unit ..] [ENV K=V ..]
#           [ARGS ..] [TIMEOUT seconds] [DISCOVER] [SERIAL] [BLACK_BOX])
#   A GoogleTest program, run by CTest as one test; with DISCOVER each TEST is a
#   CTest test of its own, so that long suites run side by side. gtest, gmock
#   and their main() are linked. LABELS is one or more of unit, contract,
#   conformance, integration, fault, bench (default unit). TIMEOUT is for a
#   build without sanitizers (default 60). SERIAL: no other test beside it.
#   BLACK_BOX: none of the code under test is in the program itself, it starts
#   bitsd; see BITS_BLACK_BOX_TESTS.
function(bits_test)
  cmake_parse_arguments(ARG "DISCOVER;SERIAL;BLACK_BOX" "NAME;TIMEOUT"
                        "SOURCES;DEPS;LABELS;ENV;ARGS" ${ARGN})
  _bits_check_arguments(bits_test)
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(ARG_BLACK_BOX AND BITS_BLACK_BOX_TESTS)
    _bits_black_box_test()
    return()
  endif()
  bits_executable(NAME ${ARG_NAME} SOURCES ${ARG_SOURCES}
                  DEPS ${ARG_DEPS} GTest::gmock GTest::gtest GTest::gmock_main)
  if(ARG_DISCOVER)
    _bits_test_properties(properties)
    # What is between here and the test takes off so many backslashes.
    string(REPEAT "\\" 8 escape)
    string(REPLACE "\\;" "${escape};" properties "${properties}")
    string(REPLACE ";" "${escape};" labels "${ARG_LABELS}")
    gtest_discover_tests(${ARG_NAME} TEST_PREFIX ${ARG_NAME}.
      EXTRA_ARGS ${ARG_ARGS} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
      PROPERTIES ${properties} LABELS "${labels}")
  else()
    bits_add_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME} ${ARG_ARGS}
                  LABELS ${ARG_LABELS} ENV ${ARG_ENV} TIMEOUT ${ARG_TIMEOUT})
    if(ARG_SERIAL)
      set_tests_properties(${ARG_NAME} PROPERTIES RUN_SERIAL ON)
    endif()
  endif()
endfunction()

# Another build's program, against this one's bitsd.
macro(_bits_black_box_test)
  file(RELATIVE_PATH _folder "${PROJECT_BINARY_DIR}" "${CMAKE_CURRENT_BINARY_DIR}")
  set(_shards 0)
  if(ARG_DISCOVER)
    set(_shards 1 2 3 4 5 6)  # which tests are in it is known only once it is built
  endif()
  list(LENGTH _shards _count)
  foreach(_shard IN LISTS _shards)
    set(_name ${ARG_NAME})
    set(_env ${ARG_ENV} "BITSD=$<TARGET_FILE:bitsd>")
    if(ARG_DISCOVER)
      math(EXPR _index "${_shard} - 1")
      set(_name ${ARG_NAME}.${_shard}_of_${_count})
      list(APPEND _env GTEST_TOTAL_SHARDS=${_count} GTEST_SHARD_INDEX=${_index})
    endif()
    bits_add_test(NAME ${_name}
                  COMMAND "${BITS_BLACK_BOX_TESTS}/${_folder}/${ARG_NAME}" ${ARG_ARGS}
                  LABELS ${ARG_LABELS} ENV ${_env} TIMEOUT ${ARG_TIMEOUT})
    if(ARG_SERIAL)
      set_tests_properties(${_name} PROPERTIES RUN_SERIAL ON)
    endif()
  endforeach()
endmacro()

# bits_add_test(NAME x COMMAND .. [LABELS ..] [ENV K=V ..] [TIMEOUT seconds]
#               [SERIAL])
#   A test that is a script. It may exit with 77 after printing why it is
#   skipped.
function(bits_add_test)
  cmake_parse_arguments(ARG "SERIAL" "NAME;TIMEOUT" "COMMAND;LABELS;ENV" ${ARGN})
  add_test(NAME ${ARG_NAME} COMMAND ${ARG_COMMAND})
  _bits_test_properties(properties)
  set_tests_properties(${ARG_NAME} PROPERTIES ${properties}
                       LABELS "${ARG_LABELS}" SKIP_RETURN_CODE 77)
endfunction()

# Sets `out` to the properties that do not differ between a test that is
# discovered and one that is declared. Reads the caller's ARG_ENV, ARG_TIMEOUT,
# ARG_SERIAL.
macro(_bits_test_properties out)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  set(_env ${ARG_ENV})
  if(BITS_SANITIZE)
    math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * 5")
    set(_dir "${PROJECT_SOURCE_DIR}/tests/sanitizers")
    list(APPEND _env
      "BITS_SANITIZED=${BITS_SANITIZE}"
      "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1"
      "LSAN_OPTIONS=suppressions=${_dir}/lsan.supp:print_suppressions=0"
      "UBSAN_OPTIONS=print_stacktrace=1"
      "TSAN_OPTIONS=suppressions=${_dir}/tsan.supp:second_deadlock_stack=1")
  endif()
  set(${out} TIMEOUT ${ARG_TIMEOUT})
  if(_env)
    string(REPLACE ";" "\\;" _env "${_env}")
    list(APPEND ${out} ENVIRONMENT "${_env}")
  endif()
  if(ARG_SERIAL)
    list(APPEND ${out} RUN_SERIAL ON)
  endif()
endmacro()

function(bits_add_subdirectory_if_present directory)
  if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${directory}/CMakeLists.txt")
    add_subdirectory(${directory})
  endif()
endfunction()

# While the tree is being laid out: sources that are not there yet are left out.
macro(_bits_check_arguments function)
  set(_present)
  foreach(_source IN LISTS ARG_SOURCES)
    if(IS_ABSOLUTE "${_source}" OR EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${_source}")
      list(APPEND _present "${_source}")
    else()
      message(WARNING "${ARG_NAME}: no ${_source} yet")
    endif()
  endforeach()
  if(NOT _present AND ARG_SOURCES)
    message(WARNING "${ARG_NAME} left out: it has no sources yet")
    return()
  endif()
  set(ARG_SOURCES ${_present})
  if(ARG_UNPARSED_ARGUMENTS OR NOT ARG_NAME OR NOT ARG_SOURCES)
    message(FATAL_ERROR "${function}(NAME ${ARG_NAME}): "
            "NAME and SOURCES are needed; not understood: "
            "'${ARG_UNPARSED_ARGUMENTS}'")
  endif()
endmacro()
