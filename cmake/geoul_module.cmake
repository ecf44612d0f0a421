# geoul_module(NAME
#   SOURCES    foo.cpp ...        files of the module, relative to its folder
#   HEADERS    foo.h ...          every header; each is also compiled alone
#   MODULES    core ...           modules it uses; must be allowed by tools/layers.txt
#   LIBRARIES  ZLIB::ZLIB ...     third-party libraries that only this module includes
#   TESTS      foo_test.cpp ...   one test program NAME_test, label NAME
#   TEST_LIBRARIES ...            further libraries of the tests
#   FUZZ       foo_fuzz.cpp ...   libFuzzer programs, one a file (preset fuzz)
# )
# makes the static library geoul_NAME (alias geoul::NAME).

add_library(geoul_options INTERFACE)
target_compile_options(geoul_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-restrict>  # false alarms of g++ 12 on std::string and std::optional
  -ffp-contract=off)
target_include_directories(geoul_options INTERFACE ${CMAKE_SOURCE_DIR})
if(GEOUL_SANITIZE)
  target_compile_options(geoul_options INTERFACE -fsanitize=${GEOUL_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(geoul_options INTERFACE -fsanitize=${GEOUL_SANITIZE})
endif()

# Fails the configuration where a module uses another that tools/layers.txt does not allow.
file(STRINGS ${CMAKE_SOURCE_DIR}/tools/layers.txt GEOUL_LAYERS REGEX "^[a-z]")
function(geoul_check_layer name modules)
  foreach(line IN LISTS GEOUL_LAYERS)
    if(line MATCHES "^${name}:(.*)$")
      separate_arguments(allowed UNIX_COMMAND "${CMAKE_MATCH_1}")
      foreach(module IN LISTS modules)
        if(NOT module IN_LIST allowed)
          message(FATAL_ERROR "geoul/${name} may not use geoul/${module}: see tools/layers.txt")
        endif()
      endforeach()
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "geoul/${name} is missing in tools/layers.txt")
endfunction()

function(geoul_module name)
  cmake_parse_arguments(M "" "" "SOURCES;HEADERS;MODULES;LIBRARIES;TESTS;TEST_LIBRARIES;FUZZ" ${ARGN})
  geoul_check_layer(${name} "${M_MODULES}")

  # Every header compiles alone: one generated source a header.
  set(alone)
  foreach(header IN LISTS M_HEADERS)
    string(REPLACE "/" "_" stem ${header})
    set(file ${CMAKE_CURRENT_BINARY_DIR}/alone_${stem}.cpp)
    file(CONFIGURE OUTPUT ${file} CONTENT "#include \"geoul/${name}/${header}\"\n")
    list(APPEND alone ${file})
  endforeach()

  add_library(geoul_${name} STATIC ${M_SOURCES} ${alone})
  add_library(geoul::${name} ALIAS geoul_${name})
  list(TRANSFORM M_MODULES PREPEND geoul:: OUTPUT_VARIABLE modules)
  target_link_libraries(geoul_${name} PUBLIC ${modules} Threads::Threads PRIVATE geoul_options ${M_LIBRARIES})
  target_include_directories(geoul_${name} PUBLIC ${CMAKE_SOURCE_DIR})

  if(M_TESTS)
    add_executable(${name}_test ${M_TESTS})
    target_link_libraries(${name}_test PRIVATE geoul_options geoul::${name} ${M_TEST_LIBRARIES} GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE GEOUL_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    add_test(NAME ${name} COMMAND ${name}_test WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
    set_tests_properties(${name} PROPERTIES LABELS ${name} TIMEOUT 600 ENVIRONMENT GEOUL_CACHE=off)
  endif()

  if(GEOUL_BUILD_FUZZ)
    foreach(source IN LISTS M_FUZZ)
      get_filename_component(stem ${source} NAME_WE)
      add_executable(${stem} ${source})
      target_link_libraries(${stem} PRIVATE geoul_options geoul::${name})
      target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
    endforeach()
  endif()
endfunction()
