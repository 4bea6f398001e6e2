# weir_embed(OUTPUT NAME FILE NAME FILE …): a C file that defines, for each NAME, `const struct weir_asset NAME` with
# the bytes of FILE; an empty FILE gives an empty asset. As a script (cmake -P) it writes the file itself.
if(NOT CMAKE_SCRIPT_MODE_FILE)
    set(weir_embed_script "${CMAKE_CURRENT_LIST_FILE}")
    function(weir_embed output)
        set(files)
        foreach(item IN LISTS ARGN)
            if(IS_ABSOLUTE "${item}")
                list(APPEND files "${item}")
            endif()
        endforeach()
        string(REPLACE ";" "," items "${ARGN}")
        add_custom_command(OUTPUT ${output}
            COMMAND ${CMAKE_COMMAND} "-DOUTPUT=${output}" "-DITEMS=${items}" -P "${weir_embed_script}"
            DEPENDS ${files} "${weir_embed_script}" VERBATIM)
    endfunction()
    return()
endif()

string(REPLACE "," ";" items "${ITEMS}")
set(text "// Made by cmake/Embed.cmake.\n#include \"sim/report_internal.h\"\n")
while(items)
    list(POP_FRONT items name file)
    if(file STREQUAL "NONE")
        string(APPEND text "const struct weir_asset ${name} = {0};\n")
    else()
        file(READ "${file}" bytes HEX)
        string(REGEX REPLACE "(................................................................)" "\\1\n" bytes "${bytes}")
        string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
        string(APPEND text "static const unsigned char ${name}_data[] = {\n${bytes}};\n"
            "const struct weir_asset ${name} = {${name}_data, sizeof(${name}_data)};\n")
    endif()
endwhile()
file(WRITE "${OUTPUT}" "${text}")
