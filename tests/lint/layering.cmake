# Fails when a file includes or says what its layer must not know. Debian puts
# the headers of CAF, SQLite and spdlog where every compiler looks, so the link
# lines do not keep the layers apart; this does.
# Run as a test: cmake -DROOT=<source folder> -P layering.cmake

# Lists the sources below the folders in ARGN, relative to ROOT.
function(sources_below result)
  set(files "")
  foreach(folder IN LISTS ARGN)
    file(GLOB_RECURSE found RELATIVE "${ROOT}" "${ROOT}/${folder}/*.hpp" "${ROOT}/${folder}/*.cpp")
    list(APPEND files ${found})
  endforeach()
  set(${result} "${files}" PARENT_SCOPE)
endfunction()

# Reports each line of the files in ARGN that matches `pattern`, comments aside.
function(forbid pattern why)
  foreach(file IN LISTS ARGN)
    file(STRINGS "${ROOT}/${file}" hits REGEX "${pattern}")
    foreach(hit IN LISTS hits)
      string(REGEX REPLACE "//.*" "" code "${hit}")
      if(code MATCHES "${pattern}")
        message(SEND_ERROR "${file}: ${hit}\n  ${why}")
      endif()
    endforeach()
  endforeach()
endfunction()

function(forbid_include pattern why)
  forbid("^[ ]*#[ ]*include[ ]*[<\"](${pattern})" "${why}" ${ARGN})
endfunction()

sources_below(files messages/types)
forbid_include("caf/|boost/|nlohmann/|sqlite3|spdlog/|quire/(storage|actors|app)/|quire/messages/[a-z_]+\\.hpp"
  "messages/types knows the standard library only" ${files})

sources_below(files messages)
forbid_include("sqlite3|spdlog/|quire/(storage|actors|app)/"
  "messages know neither SQLite nor spdlog, storage, actors or app; a forward declaration will do" ${files})

sources_below(files storage)
forbid_include("caf/|spdlog/|quire/messages/[a-z_]+\\.hpp|quire/(actors|app)/"
  "storage knows no actors and does not log; of messages it knows types/" ${files})

sources_below(files actors)
forbid_include("quire/app/" "actors do not know who starts them" ${files})

sources_below(files messages actors app)
forbid_include("sqlite3" "only storage speaks to SQLite; the others go through it" ${files})

sources_below(files messages app)
list(FILTER files INCLUDE REGEX "\\.hpp$")
forbid_include("spdlog/" "headers for users do not bring spdlog along" ${files})

sources_below(files messages storage actors app tests benchmarks)
list(REMOVE_ITEM files messages/caf_compat.hpp messages/caf_replies.hpp
  tests/support/actor_fixture.hpp)
forbid("CAF_(MAJOR|MINOR|PATCH)_VERSION|CAF_VERSION|QUIRE_CAF_LEGACY"
  "differences between versions of CAF belong into messages/caf_compat.hpp and caf_replies.hpp" ${files})

sources_below(files messages storage actors app benchmarks)
# Some requests are limited by something else, those of the benchmarks by the runtime, and
# one file says how such a one is made.
list(REMOVE_ITEM files messages/caf_compat.hpp actors/task_work.cpp app/actor_handler.cpp app/bridge.hpp
  benchmarks/clients.hpp benchmarks/overload_bench.cpp)
forbid("caf::infinite|ask_without_limit" "everything that waits has a limit" ${files})

sources_below(files messages storage actors app tests benchmarks)
forbid("^[ ]*#[ ]*include[ ]*\"[^q]|^[ ]*#[ ]*include[ ]*\"q[^u]"
  "our own headers are included as \"quire/<folder>/<file>.hpp\"" ${files})
list(FILTER files INCLUDE REGEX "\\.hpp$")
# Within a function of a header it harms nobody.
forbid("^using namespace" "no `using namespace` in headers" ${files})
