// The dashboard as it is served: the files that build.mjs bundled, compiled into the program.
//
// Everything is static and constant, so any thread may read it. Without CARBONGATE_DASHBOARD there are no files.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace carbongate::web {

struct Asset {
  std::string_view path;          // "/index.html", "/app-4F2A6C1D.js": as it is asked for; "/" is "/index.html"
  std::string_view content_type;  // "text/html; charset=utf-8"
  std::string_view etag;          // with its quotation marks; of the file as it is, not of its gzip bytes
  std::string_view gzip;          // the file, compressed (RFC 1952): Content-Encoding: gzip
  std::size_t size;               // bytes of the file as it is
  bool immutable;                 // its name changes with what is in it: clients may keep it for ever
};

// Ascending by path.
std::span<const Asset> assets();

}  // namespace carbongate::web
