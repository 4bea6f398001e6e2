# Compiler settings shared by every target, and weir_folder(): one folder of the house as a static library.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release)
endif()

add_library(weir_options INTERFACE)
target_include_directories(weir_options INTERFACE
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}> $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>)
target_compile_definitions(weir_options INTERFACE _GNU_SOURCE WEIR_VERSION_STRING="${PROJECT_VERSION}")
target_compile_options(weir_options INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes
    -Wundef -Wvla -Wwrite-strings -Wpointer-arith -Wformat=2 -Wimplicit-fallthrough
    -ffp-contract=off)
if(CMAKE_C_COMPILER_ID STREQUAL GNU) # clang takes exception to NAN and INFINITY themselves, which are floats
    target_compile_options(weir_options INTERFACE -Wdouble-promotion)
endif()
if(WEIR_WERROR)
    target_compile_options(weir_options INTERFACE -Werror)
endif()
if(WEIR_SANITIZE)
    target_compile_options(weir_options INTERFACE
        -fsanitize=${WEIR_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(weir_options INTERFACE -fsanitize=${WEIR_SANITIZE})
endif()
if(WEIR_FUZZ)
    target_compile_options(weir_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Across files, for what simulations run a million times: a third faster. The objects hold plain code
# as well, so that only programs that ask for it (weir_fast) take the longer link. GCC: clang's
# objects hold one or the other.
set(WEIR_FAST OFF)
if(WEIR_LTO AND CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT WEIR_SANITIZE AND NOT WEIR_FUZZ)
    set(WEIR_FAST ON)
endif()
set(WEIR_FAST_FOLDERS core abr manifest engine player sim)

# weir_folder(NAME SOURCES... LINK targets...): static library weir_NAME.
function(weir_folder name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    add_library(weir_${name} STATIC ${ARG_SOURCES})
    target_link_libraries(weir_${name} PUBLIC weir_options ${ARG_LINK})
    if(WEIR_FAST AND name IN_LIST WEIR_FAST_FOLDERS)
        target_compile_options(weir_${name} PRIVATE -O3 -flto=auto -ffat-lto-objects)
    endif()
endfunction()

# weir_fast(TARGET): link this program with what simulations run optimised across files.
function(weir_fast target)
    if(WEIR_FAST)
        target_link_options(${target} PRIVATE -O3 -flto=auto -ffp-contract=off)
    endif()
endfunction()

# Test programs take the plain code, else each of them would be optimised anew.
function(weir_plain target)
    if(WEIR_FAST)
        target_link_options(${target} PRIVATE -fno-lto -fno-use-linker-plugin)
    endif()
endfunction()

# weir_test(NAME SOURCES... LINK targets...): a CMocka program, registered with CTest under NAME.
function(weir_test name)
    cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE ${ARG_LINK} weir_options PkgConfig::CMOCKA)
    weir_plain(${name})
    target_compile_definitions(${name} PRIVATE
        WEIR_SOURCE_DIR="${CMAKE_SOURCE_DIR}" WEIR_BINARY_DIR="${CMAKE_BINARY_DIR}")
    add_test(NAME ${name} COMMAND ${name})
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 300) # under sanitizers, on a busy machine
    endif()
    set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} SKIP_RETURN_CODE 77 LABELS "${ARG_LABELS}")
endfunction()

# weir_fuzz(NAME SOURCES... LINK targets...): with WEIR_FUZZ a libFuzzer program; otherwise a CTest
# that replays the corpus tests/fuzz/corpus/NAME (a file each) through the same entry point.
function(weir_fuzz name)
    cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
    if(WEIR_FUZZ)
        add_executable(${name} ${ARG_SOURCES})
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
        target_link_libraries(${name} PRIVATE ${ARG_LINK} weir_options)
    else()
        add_executable(${name} ${ARG_SOURCES} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
        target_link_libraries(${name} PRIVATE ${ARG_LINK} weir_options)
        weir_plain(${name})
        add_test(NAME ${name}_corpus COMMAND ${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
        set_tests_properties(${name}_corpus PROPERTIES TIMEOUT 300 LABELS fuzz)
    endif()
endfunction()
