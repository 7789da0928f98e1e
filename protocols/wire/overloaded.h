// Lambdas as one visitor: std::visit(Overloaded{[](int) {...}, [](double) {...}}, variant).
#pragma once

namespace carbongate {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

}  // namespace carbongate
