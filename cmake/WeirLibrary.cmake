# libweir: every folder but cli/ in one shared library for embedders. The `weir` command links the
# same static folders, because it alone reaches behind the public API (docs/architecture.md).
set(weir_parts)
foreach(folder IN LISTS WEIR_FOLDERS)
    if(TARGET weir_${folder})
        list(APPEND weir_parts weir_${folder})
    endif()
endforeach()
