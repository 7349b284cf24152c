# salus_test(NAME x_test LABEL conformance|integration|e2e DEPS module... SOURCES file...
#            [LIBS library...])
#
# A GoogleTest binary that spans modules. Unit tests stand beside their code, in salus_module.
function(salus_test)
  cmake_parse_arguments(T "" "NAME;LABEL" "DEPS;SOURCES;LIBS" ${ARGN})
  list(TRANSFORM T_DEPS PREPEND salus_ OUTPUT_VARIABLE deps)
  add_executable(${T_NAME} ${T_SOURCES})
  target_link_libraries(${T_NAME} PRIVATE ${deps} ${T_LIBS} GTest::gmock_main)
  target_compile_definitions(${T_NAME} PRIVATE
    SALUS_VECTORS_DEFAULT="${CMAKE_SOURCE_DIR}/../shared/vectors")
  add_test(NAME ${T_NAME} COMMAND ${T_NAME})
  set_tests_properties(${T_NAME} PROPERTIES LABELS "gtest;${T_LABEL}")
endfunction()
