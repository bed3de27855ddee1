// Writing zip archives of entries that are not compressed (PKWARE's APPNOTE.TXT), with the 64-bit fields of
// zip64 throughout, so that there is one form for any size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

namespace rnrun {

// An archive in parts; the entries' data stay where they are, and must outlive it.
class ZipImage {
 public:
  ZipImage() = default;
  ZipImage(const ZipImage&) = delete;
  ZipImage& operator=(const ZipImage&) = delete;

  // An entry that consists of these parts. Not after finish().
  void add(const std::string& name, std::span<const std::span<const std::byte>> data);
  // Adds the directory. The bytes of the file, one part after the other; the same entries give the same bytes.
  std::span<const std::span<const std::byte>> finish();

 private:
  void put(std::string text);  // as the next part, which is kept here
  std::deque<std::string> texts_;
  std::vector<std::span<const std::byte>> parts_;
  std::string directory_;
  uint64_t entries_ = 0;
  uint64_t bytes_ = 0;  // of the parts so far
};

}  // namespace rnrun
