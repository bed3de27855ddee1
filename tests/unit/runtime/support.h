// What the runtime's tests share.
#pragma once

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>

#include "runtime/contract/checksum.h"
#include "runtime/support/error.h"

namespace rnrun {

inline std::string model_path(const std::string& name) {
  return std::string(RNC_TEST_MODELS) + "/" + name + ".so";
}

// A directory of its own, removed with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rnrun-test-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline void write_text(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_text(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

// The trailer of a trainer that consists of these two.
inline rn_trailer trailer_of(const std::string& program, const std::string& library) {
  rn_trailer trailer{program.size(), library.size(), 0, {}};
  std::memcpy(trailer.magic, RN_TRAILER_MAGIC, sizeof trailer.magic);
  const std::string before = program + library;
  trailer.checksum = contract::trailer_checksum(std::as_bytes(std::span(before)), trailer);
  return trailer;
}

inline std::string bytes_of(const rn_trailer& trailer) {
  return {reinterpret_cast<const char*>(&trailer), sizeof trailer};
}

// The message of the Error that f() throws; "" if it throws none.
template <class F>
std::string error_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace rnrun
