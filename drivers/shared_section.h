// What several devices share, and name in their configuration: MQTT devices a broker, devices on one bus a serial line.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "config/reader/node.h"
#include "config/reader/problem.h"
#include "config/reader/reader.h"

namespace carbongate {

// One of those, as read. Each driver derives its own.
struct SharedEntry {
  virtual ~SharedEntry() = default;
};

// A map at the top of the configuration, from names to what is shared. It belongs to the driver that knows how to read
// it. In static storage.
struct SharedSection {
  std::string_view key;        // "brokers"
  std::string_view reference;  // the key under which a device names an entry: "broker"
  std::string_view example;    // an entry: "{url: \"mqtt://10.0.0.2:1883\"}"

  // Problems go to `problems`; an entry is returned in any case.
  std::unique_ptr<SharedEntry> (*read)(const config::Node& entry, const std::string& name, const config::Node& root,
                                       config::Problems& problems);
};

// The entries of one section. All are read, once each, whether or not a device refers to them: a misspelt reference
// does not hide what is wrong with the entry that was meant.
class SharedEntries {
 public:
  SharedEntries(const SharedSection& section, const config::Node& root, config::Problems& problems);

  // The entry that the device names. nullptr: none, reported here or where the section could not be read.
  const SharedEntry* find(config::Reader& device) const;

 private:
  const SharedSection& section_;
  std::map<std::string, std::unique_ptr<SharedEntry>, std::less<>> entries_;
  bool complete_ = true;  // false: what is not here may have been meant to be
};

}  // namespace carbongate
