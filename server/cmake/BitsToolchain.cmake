# What holds for every target of the tree: language, build type, tools that make
# the build faster, hardening, sanitizers. Warnings are in BitsTarget.cmake,
# since generated code does without them.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

include(CheckPIESupported)
check_pie_supported()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(BITS_CCACHE)
  find_program(BITS_CCACHE_PROGRAM ccache)
  if(BITS_CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # Generated headers are younger than the compiler's start: cache them too.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        "${CMAKE_COMMAND}" -E env
        CCACHE_SLOPPINESS=time_macros,include_file_mtime,include_file_ctime
        # Another clone of the tree finds what this one compiled.
        "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
        "${BITS_CCACHE_PROGRAM}")
  endif()
endif()

if(BITS_MOLD)
  find_program(BITS_MOLD_PROGRAM mold)
  if(BITS_MOLD_PROGRAM)
    add_link_options(-fuse-ld=mold)
  endif()
endif()

# In a unity build GCC takes every .cc for a header.
add_compile_options("$<$<AND:$<BOOL:${CMAKE_UNITY_BUILD}>,$<CXX_COMPILER_ID:GNU>>:-Wno-subobject-linkage>")
add_compile_definitions(_GLIBCXX_ASSERTIONS)
# __FILE__ is relative to the tree: shorter in logs, and the same in every clone,
# so that ccache finds in one what was compiled in another.
add_compile_options("-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=")

if(BITS_SANITIZE)
  # vptr checks double the time that gRPC's service classes take to compile, and
  # need RTTI of libraries that may lack it.
  add_compile_options(-fsanitize=${BITS_SANITIZE} -fno-sanitize=vptr
                      -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${BITS_SANITIZE})
else()
  add_compile_options(-fstack-protector-strong)
  add_compile_options("$<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
  add_link_options(-Wl,-z,relro -Wl,-z,now)
endif()
