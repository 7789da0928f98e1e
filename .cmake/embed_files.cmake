# cmake -D FILES=<path|path|...> -D OUTPUT=<file.cc> -P embed_files.cmake
# Writes the definition of carbongate::config::builtin_files() (config/reader/builtin_files.h). Bytes, not string literals:
# whatever a file contains is kept as it is.
string(REPLACE "|" ";" files "${FILES}")
list(SORT files)

set(arrays "")
set(table "")
set(number 0)
foreach(file IN LISTS files)
  get_filename_component(folder ${file} DIRECTORY)
  get_filename_component(kind ${folder} NAME)
  get_filename_component(stem ${file} NAME_WLE)
  file(SIZE ${file} size)
  if(size EQUAL 0)
    continue()
  endif()
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
  string(APPEND arrays "constexpr char kFile${number}[] = {${bytes}};\n")
  string(APPEND table "    {\"${kind}\", \"${stem}\", {kFile${number}, sizeof kFile${number}}},\n")
  math(EXPR number "${number} + 1")
endforeach()

set(text "// Generated from config/profiles, config/factors and config/platforms.
#include \"config/reader/builtin_files.h\"

namespace carbongate::config {
namespace {

${arrays}
")
if(number GREATER 0)
  string(APPEND text "constexpr BuiltinFile kFiles[] = {\n${table}};\n\n}  // namespace\n\n"
                     "std::span<const BuiltinFile> builtin_files() { return kFiles; }\n\n")
else()
  string(APPEND text "}  // namespace\n\nstd::span<const BuiltinFile> builtin_files() { return {}; }\n\n")
endif()
string(APPEND text "}  // namespace carbongate::config\n")
file(WRITE ${OUTPUT} "${text}")
