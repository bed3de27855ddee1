// Event files that TensorBoard reads, written without it: records framed as TensorFlow's TFRecord, each a
// protocol buffer Event (tensorflow/core/util/event.proto) with a Summary of scalars.
#pragma once

#include <cstdint>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

namespace rnrun {

struct EventValue {
  std::string tag;   // "loss/train"
  double value = 0;  // stored in single precision
};

class EventFile {
 public:
  // Begins the file events.out.tfevents.<seconds>.<process> in `directory`, an existing one. Throws Error.
  explicit EventFile(const std::string& directory);
  // Adds values at a step, with the present time. Throws Error when they cannot be written.
  void add(int64_t step, std::span<const EventValue> values);

 private:
  void write_record(std::string_view data);
  std::string path_;
  std::ofstream out_;
};

// CRC-32C (Castagnoli), as TFRecord masks it in event files.
uint32_t crc32c(std::string_view data);
uint32_t masked_crc32c(std::string_view data);

}  // namespace rnrun
