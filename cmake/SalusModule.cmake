# salus_module(NAME DEPS... SOURCES... HEADERS... TESTS... LIBS... PRIVATE_LIBS...)
#
# One static library salus_<NAME> and one test binary <NAME>_test, which links that library only.
# DEPS are the modules of tools/deps.json; LIBS are third-party libraries whose types may show in a
# public header, PRIVATE_LIBS those that may not.
#
# A test reads published vectors from the folder in the environment variable SALUS_VECTORS, else
# from SALUS_VECTORS_DEFAULT.
#
# `unit_tests` builds every test binary; `header_check` compiles each public header alone.
add_custom_target(unit_tests)
add_custom_target(header_check)

# A header must compile by itself; a public one must not let the crypto libraries' macros out.
function(salus_check_headers module)
  set(units "")
  foreach(header ${ARGN})
    set(unit ${CMAKE_CURRENT_BINARY_DIR}/header_check/${header}.cc)
    file(READ ${header} text LIMIT 600)
    string(TOLOWER "${text}" text)
    set(is_private 0)
    if(text MATCHES "not a public header|internal to the module|test code only")
      set(is_private 1)
    endif()
    configure_file(${CMAKE_SOURCE_DIR}/cmake/header_check.cc.in ${unit} @ONLY)
    list(APPEND units ${unit})
  endforeach()
  add_library(${module}_headers OBJECT EXCLUDE_FROM_ALL ${units})
  target_link_libraries(${module}_headers PRIVATE salus_${module})
  target_compile_options(${module}_headers PRIVATE -O0 -g0)
  add_dependencies(header_check ${module}_headers)
endfunction()

function(salus_module)
  cmake_parse_arguments(M "" "NAME" "DEPS;SOURCES;HEADERS;TESTS;LIBS;PRIVATE_LIBS" ${ARGN})
  set(target salus_${M_NAME})
  list(TRANSFORM M_DEPS PREPEND salus_ OUTPUT_VARIABLE deps)
  if(M_SOURCES)
    add_library(${target} STATIC ${M_SOURCES} ${M_HEADERS})
    target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(${target} PUBLIC ${deps} ${M_LIBS} PRIVATE ${M_PRIVATE_LIBS})
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(${target} INTERFACE ${deps} ${M_LIBS})
  endif()
  if(M_TESTS)
    add_executable(${M_NAME}_test ${M_TESTS})
    target_link_libraries(${M_NAME}_test PRIVATE ${target} GTest::gmock_main)
    target_compile_definitions(${M_NAME}_test PRIVATE
      SALUS_VECTORS_DEFAULT="${CMAKE_SOURCE_DIR}/../shared/vectors")
    add_test(NAME ${M_NAME}_test COMMAND ${M_NAME}_test)
    set_tests_properties(${M_NAME}_test PROPERTIES LABELS "gtest;unit")
    add_dependencies(unit_tests ${M_NAME}_test)
  endif()
  if(M_HEADERS)
    salus_check_headers(${M_NAME} ${M_HEADERS})
  endif()
endfunction()
