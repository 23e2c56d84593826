# Builds the tests that use threads but not CAF with ThreadSanitizer, and runs them.
# Run as a test: cmake -DSOURCE=<root of the tree> -DBUILD=<folder> -DGENERATOR=...
#   -DCOMPILER=... -P thread.cmake

function(run_step what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${what} failed (${result}):\n${output}")
  endif()
endfunction()

run_step("configuring" ${CMAKE_COMMAND} -S "${SOURCE}" -B "${BUILD}" -G "${GENERATOR}"
  "-DCMAKE_CXX_COMPILER=${COMPILER}" -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_FLAGS_DEBUG=-O1 -g1"
  -DQUIRE_SANITIZE=thread -DQUIRE_BUILD_BENCHMARKS=OFF -DQUIRE_WARNINGS_AS_ERRORS=ON)
run_step("building" ${CMAKE_COMMAND} --build "${BUILD}" --target thread_tests planted_race --parallel 2)

# A sanitizer that finds nothing at all would be easy to satisfy.
execute_process(COMMAND "${BUILD}/bin/planted_race" RESULT_VARIABLE result OUTPUT_QUIET ERROR_VARIABLE output)
if(result EQUAL 0 OR NOT output MATCHES "data race")
  message(FATAL_ERROR "a planted race was not found:\n${output}")
endif()
set(ENV{TSAN_OPTIONS} "halt_on_error=1")
run_step("running" "${BUILD}/bin/thread_tests" --color_output=no)
