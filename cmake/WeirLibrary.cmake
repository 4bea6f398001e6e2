# libweir: what embedders link. One shared library of all static folders but sim/ and cli/, made of the very same
# objects (they are position-independent, and hidden but for WEIR_API). The `weir` command links the static folders,
# because it alone reaches behind the public API (docs/architecture.md). Also what is installed: library, headers,
# weir.pc, a CMake package (weir::weir), man pages.
include(CMakePackageConfigHelpers)

# Coverage-instrumented objects need libFuzzer's runtime in whatever links them.
if(NOT WEIR_FUZZ)
    set(weir_objects)
    foreach(folder core abr manifest net demux render engine player)
        if(TARGET weir_${folder})
            list(APPEND weir_objects $<TARGET_OBJECTS:weir_${folder}>)
        endif()
    endforeach()
    add_library(weir_shared SHARED ${weir_objects})
    # For the libraries that the folders use: their archives add no object, all are there already.
    target_link_libraries(weir_shared PRIVATE weir_player)
    target_include_directories(weir_shared INTERFACE
        $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    set_target_properties(weir_shared PROPERTIES OUTPUT_NAME weir EXPORT_NAME weir LINKER_LANGUAGE C
        VERSION ${PROJECT_VERSION} SOVERSION 0)
    # Hidden objects hide everything but WEIR_API; the script keeps the linker's own symbols in as well.
    target_link_options(weir_shared PRIVATE LINKER:--version-script=${CMAKE_SOURCE_DIR}/cmake/libweir.map)
    set_property(TARGET weir_shared PROPERTY LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/libweir.map)
    if(NOT WEIR_SANITIZE) # sanitizers' own symbols come with the program
        target_link_options(weir_shared PRIVATE LINKER:--no-undefined)
    endif()

    install(TARGETS weir_shared EXPORT weirTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/weir DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")

    set(weir_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weir)
    install(EXPORT weirTargets NAMESPACE weir:: DESTINATION ${weir_package_dir})
    configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/weirConfig.cmake.in
        ${CMAKE_BINARY_DIR}/weirConfig.cmake INSTALL_DESTINATION ${weir_package_dir})
    write_basic_package_version_file(${CMAKE_BINARY_DIR}/weirConfigVersion.cmake COMPATIBILITY SameMinorVersion)
    install(FILES ${CMAKE_BINARY_DIR}/weirConfig.cmake ${CMAKE_BINARY_DIR}/weirConfigVersion.cmake
        DESTINATION ${weir_package_dir})

    # Paths relative to weir.pc itself, so that an installed tree may be moved. LIBDIR may be "lib/x86_64-linux-gnu".
    file(RELATIVE_PATH WEIR_PC_TO_PREFIX /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
    string(REGEX REPLACE "/$" "" WEIR_PC_TO_PREFIX "${WEIR_PC_TO_PREFIX}")
    configure_file(${CMAKE_SOURCE_DIR}/cmake/weir.pc.in ${CMAKE_BINARY_DIR}/weir.pc @ONLY)
    install(FILES ${CMAKE_BINARY_DIR}/weir.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()

# weir_man_pages(): weir.1 and weir-VERB.1 of what `weir VERB --help` prints, once the command exists.
function(weir_man_pages)
    set(pages)
    foreach(page weir weir-play weir-inspect weir-serve weir-sim weir-eval weir-report weir-replay weir-trace weir-content)
        add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/man/${page}.1
            COMMAND ${CMAKE_SOURCE_DIR}/scripts/make_man.sh $<TARGET_FILE:weir> ${page} ${CMAKE_BINARY_DIR}/man/${page}.1
            DEPENDS weir ${CMAKE_SOURCE_DIR}/scripts/make_man.sh VERBATIM)
        list(APPEND pages ${CMAKE_BINARY_DIR}/man/${page}.1)
    endforeach()
    add_custom_target(man ALL DEPENDS ${pages})
    install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endfunction()
# The command is defined later than this file is read; and what runs here must not need a sanitizer's settings.
if(NOT WEIR_SANITIZE AND NOT WEIR_FUZZ AND NOT CMAKE_CROSSCOMPILING)
    cmake_language(DEFER CALL weir_man_pages)
endif()
