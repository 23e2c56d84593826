# How the compiler is called: through ccache when that is there, and with the
# headers of CAF and Boost.Test precompiled for the targets that need them.
option(QUIRE_CCACHE "Compile through ccache when it is installed" ${PROJECT_IS_TOP_LEVEL})
option(QUIRE_PRECOMPILE "Precompile the headers of CAF and Boost.Test" ON)

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

# What is precompiled together, by the name of the set.
set(QUIRE_HEADERS_STD
  <algorithm> <chrono> <filesystem> <functional> <map> <memory> <optional> <string> <string_view> <vector>)
set(QUIRE_HEADERS_actors <caf/all.hpp> ${QUIRE_HEADERS_STD})
set(QUIRE_HEADERS_tests <boost/test/unit_test.hpp> ${QUIRE_HEADERS_STD})
set(QUIRE_HEADERS_actor_tests <caf/all.hpp> ${QUIRE_HEADERS_tests})

# quire_precompile(<target> <set>)
# Compiles the sources of the target with one precompiled header that all targets with
# this set share. Sources include what they use all the same.
function(quire_precompile target set)
  # Code with actors is compiled in its own way (see quire_library.cmake).
  if(set MATCHES "actor")
    set_target_properties(${target} PROPERTIES QUIRE_USES_ACTORS ON)
  endif()
  # A launcher that the caller chose may be a ccache without the setting above,
  # which would then compile everything anew each time.
  if(NOT QUIRE_PRECOMPILE OR DEFINED CACHE{CMAKE_CXX_COMPILER_LAUNCHER}
     OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    return()
  endif()
  set(carrier "quire_precompiled_${set}")
  if(NOT TARGET ${carrier})
    set(source "${PROJECT_BINARY_DIR}/${carrier}.cpp")
    file(CONFIGURE OUTPUT "${source}" CONTENT "// Carries the precompiled header.\n")
    add_library(${carrier} OBJECT "${source}")
    target_compile_features(${carrier} PRIVATE cxx_std_20)
    target_link_libraries(${carrier} PRIVATE quire_settings)
    if(set MATCHES "actor")
      target_link_libraries(${carrier} PRIVATE CAF::core)
      set_target_properties(${carrier} PROPERTIES QUIRE_USES_ACTORS ON)
    endif()
    if(set MATCHES "tests")
      target_link_libraries(${carrier} PRIVATE Boost::unit_test_framework)
      target_compile_definitions(${carrier} PRIVATE BOOST_TEST_DYN_LINK)
    endif()
    quire_shared_code(${carrier})
    target_precompile_headers(${carrier} PRIVATE ${QUIRE_HEADERS_${set}})
  endif()
  quire_shared_code(${target})
  target_precompile_headers(${target} REUSE_FROM ${carrier})
endfunction()

# A precompiled header serves only code that is generated the same way.
function(quire_shared_code target)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${target} PRIVATE -fPIC -fpch-preprocess)
endfunction()
