// What can be wrong with bytes before any protocol looks at them.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <string>

namespace carbongate::wire {

enum class Error {
  truncated = 1,  // fewer bytes than asked for
  overflow,       // more bytes than the buffer may hold
};

inline const boost::system::error_category& error_category() {
  class Category final : public boost::system::error_category {
   public:
    const char* name() const noexcept override { return "carbongate.wire"; }
    std::string message(int value) const override {
      switch (static_cast<Error>(value)) {
        case Error::truncated: return "ends too early";
        case Error::overflow: return "longer than allowed";
      }
      return "unknown error";
    }
  };
  static const Category kCategory;
  return kCategory;
}

inline boost::system::error_code make_error_code(Error error) {
  return {static_cast<int>(error), error_category()};
}

template <class T>
using Result = boost::system::result<T>;

}  // namespace carbongate::wire

template <>
struct boost::system::is_error_code_enum<carbongate::wire::Error> : std::true_type {};
