// Errors of the surroundings: a code for machines, a text for people.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>

namespace carbongate::model {

struct Fault {
  boost::system::error_code code;
  std::string
      text;  // what failed, where, and what to do: "store /var/lib/carbongate: disk full (database or disk is full)"
};

[[noreturn]] inline void throw_exception_from_error(const Fault& fault, const boost::source_location&) {
  throw std::runtime_error(fault.text);
}

template <class T>
using Result = boost::system::result<T, Fault>;

}  // namespace carbongate::model
