# quire_embed_sql(<target> <output.cpp> <file.sql>...)
# Writes the migrations into a source file as an array of storage::migration.
# The number is that of the file name: 0002_tasks.sql is migration 2.
function(quire_embed_sql target output)
  add_custom_command(
    OUTPUT "${output}"
    COMMAND ${CMAKE_COMMAND} "-DOUTPUT=${output}" "-DFILES=${ARGN}"
            -P "${PROJECT_SOURCE_DIR}/cmake/embed_sql.cmake"
    DEPENDS ${ARGN} "${PROJECT_SOURCE_DIR}/cmake/embed_sql.cmake"
    COMMENT "Embedding the migrations"
    VERBATIM)
  target_sources(${target} PRIVATE "${output}")
endfunction()
