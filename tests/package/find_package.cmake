# Installs the build into a folder of its own, then configures, builds and runs a
# foreign project that finds Quire there.
# Run as a test: cmake -DBUILD=<build folder> -DSOURCE=<foreign project> -DSCRATCH=<folder>
#   -DGENERATOR=... -DCOMPILER=... -DBUILD_TYPE=... -DFLAGS=... -P find_package.cmake

function(run_step what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${what} failed (${result}):\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE "${SCRATCH}")
file(MAKE_DIRECTORY "${SCRATCH}/data")
set(prefix "${SCRATCH}/prefix")
run_step("installing" ${CMAKE_COMMAND} --install "${BUILD}" --prefix "${prefix}")

# Nothing that is installed may point back into the build or the sources.
file(GLOB_RECURSE package_files "${prefix}/*.cmake")
if(NOT package_files)
  message(FATAL_ERROR "no package files were installed")
endif()
get_filename_component(tree "${SOURCE}/../.." ABSOLUTE)
foreach(file IN LISTS package_files)
  file(READ "${file}" text)
  foreach(place "${BUILD}/include" "${tree}/messages" "quire_settings")
    string(FIND "${text}" "${place}" position)
    if(NOT position EQUAL -1)
      message(FATAL_ERROR "${file} mentions ${place}")
    endif()
  endforeach()
endforeach()

run_step("configuring the foreign project" ${CMAKE_COMMAND}
  -S "${SOURCE}" -B "${SCRATCH}/build" -G "${GENERATOR}"
  "-DCMAKE_PREFIX_PATH=${prefix}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
  "-DCMAKE_BUILD_TYPE=${BUILD_TYPE}" "-DCMAKE_CXX_FLAGS=${FLAGS}")
run_step("building the foreign project" ${CMAKE_COMMAND} --build "${SCRATCH}/build")
run_step("running the foreign program" "${SCRATCH}/build/consumer" "${SCRATCH}/data")
if(EXISTS "${prefix}/bin/quire")
  run_step("running the installed program" "${prefix}/bin/quire" --help)
endif()
file(REMOVE_RECURSE "${SCRATCH}")
