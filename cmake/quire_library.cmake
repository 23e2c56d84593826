# Ours are included as "quire/<folder>/<file>.hpp", in the tree and once installed.
file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/include")
file(CREATE_LINK "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}/include/quire" SYMBOLIC)

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")

# Settings that every target of ours shares: warnings and sanitizers.
add_library(quire_settings INTERFACE)
target_compile_features(quire_settings INTERFACE cxx_std_20)
target_compile_options(quire_settings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(QUIRE_WARNINGS_AS_ERRORS)
  target_compile_options(quire_settings INTERFACE -Werror)
endif()
foreach(sanitizer IN LISTS QUIRE_SANITIZE)
  target_compile_options(quire_settings INTERFACE -fsanitize=${sanitizer})
  target_link_options(quire_settings INTERFACE -fsanitize=${sanitizer})
endforeach()
if("undefined" IN_LIST QUIRE_SANITIZE)
  # CAF 0.17 binds null references in its own headers (init_fun_factory.hpp).
  target_compile_options(quire_settings INTERFACE -fno-sanitize=null -fno-sanitize-recover=undefined
    # They are nearly half of the time to compile CAF's templates: code that uses
    # them does without. What handles raw memory, storage and rules, has them.
    $<$<BOOL:$<TARGET_PROPERTY:QUIRE_USES_ACTORS>>:-fno-sanitize=alignment,vptr>)
endif()

# quire_library(<name> SOURCES ... [PUBLIC ...] [PRIVATE ...])
# A static library quire_<name>, known as quire::<name>, installed with the
# headers of its folder.
function(quire_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;PUBLIC;PRIVATE")
  add_library(quire_${name} STATIC ${arg_SOURCES})
  add_library(quire::${name} ALIAS quire_${name})
  set_target_properties(quire_${name} PROPERTIES
    EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_compile_features(quire_${name} PUBLIC cxx_std_20)
  target_include_directories(quire_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(quire_${name}
    PUBLIC ${arg_PUBLIC}
    PRIVATE ${arg_PRIVATE} $<BUILD_INTERFACE:quire_settings>)
  if(arg_PUBLIC MATCHES "quire::(messages|actors|runtime)")
    set_target_properties(quire_${name} PROPERTIES QUIRE_USES_ACTORS ON)
  endif()
  if(arg_PUBLIC MATCHES "quire::(messages|actors)")
    quire_precompile(quire_${name} actors)
  endif()
endfunction()
