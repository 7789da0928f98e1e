#include "gateway/app/version.h"

#include <fmt/format.h>

#include <boost/version.hpp>

namespace carbongate::app {

std::string version() {
  return CARBONGATE_VERSION;
}

std::string version_text() {
  return fmt::format("carbongate {} ({}, Boost {}.{}.{})", CARBONGATE_VERSION, CARBONGATE_COMPILER, BOOST_VERSION / 100000,
                     BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
}

}  // namespace carbongate::app
