# How the compiler is called: through ccache when that is there, and with the
# headers of CAF precompiled for the targets that need them.
option(QUIRE_CCACHE "Compile through ccache when it is installed" ${PROJECT_IS_TOP_LEVEL})
option(QUIRE_PRECOMPILE "Precompile the headers of CAF" ON)

if(QUIRE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(QUIRE_CCACHE_PROGRAM ccache)
  mark_as_advanced(QUIRE_CCACHE_PROGRAM)
  if(QUIRE_CCACHE_PROGRAM)
    # ccache declines precompiled headers unless it is told that the macros
    # __DATE__ and __TIME__ in them do not matter:
    # https://ccache.dev/manual/4.7.5.html#_precompiled_headers
    set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros "${QUIRE_CCACHE_PROGRAM}")
  endif()
endif()

# quire_precompile_caf(<target>)
# Compiles the sources of the target, which uses CAF, with one precompiled header
# that all such targets share. Sources include what they use all the same.
function(quire_precompile_caf target)
  # A launcher that the caller chose may be a ccache without the setting above,
  # which would then compile everything anew each time.
  if(NOT QUIRE_PRECOMPILE OR DEFINED CACHE{CMAKE_CXX_COMPILER_LAUNCHER}
     OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    return()
  endif()
  if(NOT TARGET quire_precompiled)
    set(source "${PROJECT_BINARY_DIR}/quire_precompiled.cpp")
    file(CONFIGURE OUTPUT "${source}" CONTENT "// Carries the precompiled header.\n")
    add_library(quire_precompiled OBJECT "${source}")
    target_compile_features(quire_precompiled PRIVATE cxx_std_20)
    target_link_libraries(quire_precompiled PRIVATE CAF::core quire_settings)
    quire_shared_code(quire_precompiled)
    target_precompile_headers(quire_precompiled PRIVATE
      <caf/all.hpp> <chrono> <functional> <map> <memory> <optional> <string> <string_view> <vector>)
  endif()
  quire_shared_code(${target})
  target_precompile_headers(${target} REUSE_FROM quire_precompiled)
endfunction()

# A precompiled header serves only code that is generated the same way.
function(quire_shared_code target)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF QUIRE_USES_ACTORS ON)
  target_compile_options(${target} PRIVATE -fPIC -fpch-preprocess)
endfunction()
