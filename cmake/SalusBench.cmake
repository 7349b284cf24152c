# salus_bench(NAME x_bench DEPS module... [SOURCES file...] [LIBS library...])
#
# Builds bench/x_bench.cc (or SOURCES) with Google Benchmark, as part of the target `benchmarks`,
# which `make bench` builds and the default build does not.
find_package(benchmark QUIET)
add_custom_target(benchmarks)

function(salus_bench)
  cmake_parse_arguments(B "" "NAME" "DEPS;SOURCES;LIBS" ${ARGN})
  if(NOT benchmark_FOUND)
    message(STATUS "${B_NAME}: Google Benchmark not found, left out")
    return()
  endif()
  if(NOT B_SOURCES)
    set(B_SOURCES ${CMAKE_SOURCE_DIR}/bench/${B_NAME}.cc)
  endif()
  list(TRANSFORM B_DEPS PREPEND salus_ OUTPUT_VARIABLE deps)
  add_executable(${B_NAME} EXCLUDE_FROM_ALL ${B_SOURCES})
  target_link_libraries(${B_NAME} PRIVATE ${deps} ${B_LIBS} benchmark::benchmark)
  add_dependencies(benchmarks ${B_NAME})
endfunction()

# salus_system_bench(NAME x DEPS module... SOURCES file... [LIBS library...])
#
# A program of the whole-system bench, which scripts/bench.sh runs; part of `system_benchmarks`.
add_custom_target(system_benchmarks)

function(salus_system_bench)
  cmake_parse_arguments(B "" "NAME" "DEPS;SOURCES;LIBS" ${ARGN})
  list(TRANSFORM B_DEPS PREPEND salus_ OUTPUT_VARIABLE deps)
  add_executable(${B_NAME} EXCLUDE_FROM_ALL ${B_SOURCES})
  target_link_libraries(${B_NAME} PRIVATE bench_parts ${deps} ${B_LIBS})
  add_dependencies(system_benchmarks ${B_NAME})
endfunction()
