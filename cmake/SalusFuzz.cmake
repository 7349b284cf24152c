# salus_fuzz(NAME x_fuzz DEPS module...)
#
# Builds fuzz/x_fuzz.cc. Under g++ it is linked with replay_main.cc, and CTest replays
# fuzz/corpus/x_fuzz/ with truncations and bit flips of each seed. With SALUS_LIBFUZZER it is linked
# with libFuzzer, and CTest runs the corpus once.
add_custom_target(fuzz_targets)

function(salus_fuzz)
  cmake_parse_arguments(F "" "NAME" "DEPS" ${ARGN})
  set(corpus ${CMAKE_SOURCE_DIR}/fuzz/corpus/${F_NAME})
  list(TRANSFORM F_DEPS PREPEND salus_ OUTPUT_VARIABLE deps)
  add_executable(${F_NAME} ${CMAKE_SOURCE_DIR}/fuzz/${F_NAME}.cc)
  target_link_libraries(${F_NAME} PRIVATE ${deps})
  add_dependencies(fuzz_targets ${F_NAME})
  if(SALUS_LIBFUZZER)
    target_link_options(${F_NAME} PRIVATE -fsanitize=fuzzer)
    add_test(NAME ${F_NAME} COMMAND ${F_NAME} -runs=0 ${corpus})
  else()
    target_sources(${F_NAME} PRIVATE ${CMAKE_SOURCE_DIR}/fuzz/replay_main.cc)
    add_test(NAME ${F_NAME} COMMAND ${F_NAME} ${corpus})
  endif()
  set_tests_properties(${F_NAME} PROPERTIES LABELS fuzz)
endfunction()
