// Names made distinct by numbers.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace rnc {

// The names taken, and free ones. Numbers of a base are tried once each, however many names are made from it.
class UniqueNames {
 public:
  // Whether `name` was free.
  bool take(std::string name) { return taken_.insert(std::move(name)).second; }
  bool contains(const std::string& name) const { return taken_.contains(name); }
  // `base` with the first number after it, from `first` on, that makes a free name, which is taken.
  std::string numbered(const std::string& base, size_t first) {
    size_t& next = next_.try_emplace(base, first).first->second;
    while (!take(base + std::to_string(next))) ++next;
    return base + std::to_string(next++);
  }

 private:
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, size_t> next_;  // all numbers below it, from the first on, are taken
};

}  // namespace rnc
