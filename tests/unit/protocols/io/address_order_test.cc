#include "protocols/io/address_order.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace carbongate::io {
namespace {

using Addresses = std::vector<std::string>;

Addresses arranged(AddressOrder<std::string>& order, Addresses addresses) {
  order.arrange(addresses);
  return addresses;
}

TEST(AddressOrder, KeepsTheOrderWhileThereIsAnswerInTime) {
  AddressOrder<std::string> order;
  EXPECT_EQ(arranged(order, {"a", "b"}), (Addresses{"a", "b"}));
  EXPECT_EQ(arranged(order, {"b", "a"}), (Addresses{"b", "a"}));
  order.failed();
  EXPECT_EQ(arranged(order, {}), Addresses{});
  order.failed();
  EXPECT_EQ(arranged(order, {"a"}), Addresses{"a"});
}

TEST(AddressOrder, BeginsWithAnotherOneAfterATimeout) {
  AddressOrder<std::string> order;
  order.failed();  // of nothing
  EXPECT_EQ(arranged(order, {"a", "b", "c"}), (Addresses{"a", "b", "c"}));
  order.failed();
  EXPECT_EQ(arranged(order, {"a", "b", "c"}), (Addresses{"b", "c", "a"}));
  EXPECT_EQ(arranged(order, {"a", "b", "c"}), (Addresses{"b", "c", "a"})) << "as long as that one is there";
  order.failed();
  EXPECT_EQ(arranged(order, {"a", "b", "c"}), (Addresses{"c", "a", "b"}));
  order.failed();
  EXPECT_EQ(arranged(order, {"a", "b", "c"}), (Addresses{"a", "b", "c"})) << "none is better than another";
  order.failed();
  EXPECT_EQ(arranged(order, {"a", "b", "c"}), (Addresses{"b", "c", "a"}));
}

TEST(AddressOrder, DoesNotGoRoundWithANameServerThatDoes) {
  AddressOrder<std::string> order;
  EXPECT_EQ(arranged(order, {"a", "b"}).front(), "a");
  order.failed();
  EXPECT_EQ(arranged(order, {"b", "a"}).front(), "b");
  EXPECT_EQ(arranged(order, {"a", "b"}).front(), "b");
}

}  // namespace
}  // namespace carbongate::io
