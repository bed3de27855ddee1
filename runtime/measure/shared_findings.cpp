#include "runtime/measure/shared_findings.h"

#include <algorithm>
#include <cstring>

namespace rnrun {

namespace {

constexpr int64_t kBlock = Communicator::kBlock;

int64_t whole_blocks(int64_t bytes) { return (bytes + kBlock - 1) / kBlock * kBlock; }

bool has_rows(const rn_value& output) { return output.type.dtype == RN_F32 && output.type.rank > 0; }

}  // namespace

// What travels of a batch: the outputs' rows, then the fields, each in whole blocks so that it is aligned.
void SharedFindings::for_parts(int64_t samples, const std::function<void(std::span<std::byte>)>& output,
                               const std::function<void(size_t, int64_t)>& field) const {
  for (const rn_value& value : outputs(entry_.entry()))
    if (has_rows(value)) output(std::as_writable_bytes(entry_.rows(value.name, samples)));
  for (size_t f = 0; f < fields_.size(); ++f) field(f, samples * fields_[f].bytes());
}

int64_t SharedFindings::bytes_of(int64_t samples) const {
  int64_t bytes = 0;
  for_parts(
      samples, [&](std::span<std::byte> rows) { bytes += whole_blocks(static_cast<int64_t>(rows.size())); },
      [&](size_t, int64_t size) { bytes += whole_blocks(size); });
  return bytes;
}

void SharedFindings::send(const Batch& own, std::span<std::byte> to) const {
  std::byte* at = to.data();
  const auto put = [&](const std::byte* from, int64_t bytes) {
    std::memcpy(at, from, static_cast<size_t>(bytes));
    at += whole_blocks(bytes);
  };
  for_parts(
      own.size, [&](std::span<std::byte> rows) { put(rows.data(), static_cast<int64_t>(rows.size())); },
      [&](size_t f, int64_t bytes) { put(own.values[f], bytes); });
}

void SharedFindings::add_sent(std::span<const uint32_t> indices, const std::byte* from) {
  Batch batch{.size = static_cast<int64_t>(indices.size())};
  for_parts(
      batch.size,
      [&](std::span<std::byte> rows) {
        std::memcpy(rows.data(), from, rows.size());
        from += whole_blocks(static_cast<int64_t>(rows.size()));
      },
      [&](size_t, int64_t bytes) {
        batch.values.push_back(from);
        from += whole_blocks(bytes);
      });
  batch.others = batch.values;
  findings_.add(indices, entry_, batch);
}

void SharedFindings::add(std::span<const std::span<const uint32_t>> batches, const Batch& own) {
  if (ranks_.is_first() && own.size > 0) findings_.add(batches[0], entry_, own);
  if (ranks_.size() == 1) return;
  const auto size = static_cast<size_t>(ranks_.size());
  std::vector<int> blocks_out(size), blocks_in(size);
  std::vector<int64_t> bytes(size);
  int64_t bytes_in = 0;
  for (size_t r = 1; r < size; ++r) {
    bytes[r] = batches[r].empty() ? 0 : bytes_of(static_cast<int64_t>(batches[r].size()));
    bytes_in += bytes[r];
    if (ranks_.is_first()) blocks_in[r] = static_cast<int>(bytes[r] / kBlock);
  }
  const int64_t bytes_out = bytes[static_cast<size_t>(ranks_.rank())];
  blocks_out[0] = static_cast<int>(bytes_out / kBlock);
  const auto reserve = [](Memory& memory, int64_t needed) {
    if (memory.size() < needed) memory = Memory(needed, "batches of other ranks");
  };
  reserve(out_, bytes_out);
  if (ranks_.is_first()) reserve(in_, bytes_in);
  if (bytes_out > 0) send(own, {out_.data(), static_cast<size_t>(bytes_out)});
  ranks_.swap(out_, blocks_out, in_, blocks_in);
  if (!ranks_.is_first()) return;
  const std::byte* at = in_.data();
  for (size_t r = 1; r < size; ++r) {
    if (!batches[r].empty()) add_sent(batches[r], at);
    at += bytes[r];
  }
}

}  // namespace rnrun
