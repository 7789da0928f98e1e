# Makes INPUT a string in OUTPUT: cmake -DINPUT=openapi.yaml -DOUTPUT=openapi.cc -P embed_openapi.cmake. In pieces, for
# compilers need not take a literal of more than 64 KiB.
file(READ ${INPUT} text HEX)
string(LENGTH "${text}" digits)
set(bytes "")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${text}")
math(EXPR size "${digits} / 2")
file(WRITE ${OUTPUT}
  "#include \"gateway/ops/server.h\"\n\nnamespace carbongate::ops {\nnamespace {\n\nconstexpr char kText[] = {${bytes}};\n\n}  // namespace\n\nstd::string_view openapi_yaml() {\n  return {kText, ${size}};\n}\n\n}  // namespace carbongate::ops\n")
