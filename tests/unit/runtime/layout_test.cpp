#include "runtime/model/layout.h"

#include <doctest/doctest.h>

#include <numeric>
#include <span>
#include <vector>

namespace rnrun {

namespace {

std::vector<float> iota(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

// The physical image of 1, 2, 3, ..., and a check that it comes back; starts from rubbish, so padding must be
// written.
std::vector<float> stored(const rn_type& type) {
  const auto plain = iota(element_count(type));
  std::vector<float> physical(static_cast<size_t>(physical_bytes(type)) / sizeof(float), -7.0f);
  from_plain(type, std::as_bytes(std::span(plain)).data(),
             std::as_writable_bytes(std::span(physical)).data());
  std::vector<float> back(plain.size());
  to_plain(type, std::as_bytes(std::span(physical)).data(), std::as_writable_bytes(std::span(back)).data());
  CHECK(back == plain);
  return physical;
}

}  // namespace

TEST_CASE("plain tensors are stored as they are") {
  const rn_type type = {RN_F32, 2, {2, 3}, {0, 1}, 0, {}, {}};
  CHECK(stored(type) == iota(6));
  const rn_type scalar = {RN_F32, 0, {}, {}, 0, {}, {}};
  CHECK(stored(scalar) == iota(1));
}

TEST_CASE("a permuted order transposes") {
  const rn_type type = {RN_F32, 2, {2, 3}, {1, 0}, 0, {}, {}};
  CHECK(stored(type) == std::vector<float>{1, 4, 2, 5, 3, 6});
}

TEST_CASE("blocked channels: lanes past the end are zero") {
  // [1, 3, 1, 2] in blocks of two channels: [1, 2 blocks, 1, 2, 2 lanes].
  const rn_type type = {RN_F32, 4, {1, 3, 1, 2}, {0, 1, 2, 3}, 1, {1}, {2}};
  CHECK(physical_bytes(type) == 8 * 4);
  CHECK(plain_bytes(type) == 6 * 4);
  CHECK(stored(type) == std::vector<float>{1, 3, 2, 4, 5, 0, 6, 0});
}

TEST_CASE("two blocks, as weights have them") {
  // [3, 2] in blocks 1:2 then 0:2: [2, 1, 2 inputs, 2 outputs].
  const rn_type type = {RN_F32, 2, {3, 2}, {0, 1}, 2, {1, 0}, {2, 2}};
  CHECK(stored(type) == std::vector<float>{1, 3, 2, 4, 5, 0, 6, 0});
}

TEST_CASE("a dimension in blocks of blocks") {
  // [6, 2] in blocks 0:2, 1:2, 0:2: [2, 1, 2 pairs of rows, 2 columns, 2 rows].
  const rn_type type = {RN_F32, 2, {6, 2}, {0, 1}, 3, {0, 1, 0}, {2, 2, 2}};
  CHECK(valid(type, false));
  CHECK(stored(type) == std::vector<float>{1, 3, 2, 4, 5, 7, 6, 8, 9, 11, 10, 12, 0, 0, 0, 0});
}

TEST_CASE("malformed types are recognised") {
  const rn_type good = {RN_F32, 2, {3, 2}, {1, 0}, 1, {1}, {2}};
  CHECK(valid(good, false));
  const auto with = [&](auto change) {
    rn_type type = good;
    change(type);
    return valid(type, false);
  };
  CHECK(!with([](rn_type& t) { t.dtype = 5; }));
  CHECK(!with([](rn_type& t) { t.dtype = -1; }));
  CHECK(!with([](rn_type& t) { t.rank = 7; }));
  CHECK(!with([](rn_type& t) { t.rank = -1; }));
  CHECK(!with([](rn_type& t) { t.dims[0] = -1; }));
  CHECK(!with([](rn_type& t) { t.dims[0] = 0; }));
  CHECK(!with([](rn_type& t) { t.dims[0] = t.dims[1] = int64_t{1} << 30; }));
  CHECK(!with([](rn_type& t) { t.dims[0] = INT64_MAX; }));
  CHECK(!with([](rn_type& t) { t.order[0] = 0; }));
  CHECK(!with([](rn_type& t) { t.order[0] = 2; }));
  CHECK(!with([](rn_type& t) { t.blocks = 3; }));
  CHECK(!with([](rn_type& t) { t.block_dim[0] = 2; }));
  CHECK(!with([](rn_type& t) { t.block_size[0] = 0; }));
  CHECK(!with([](rn_type& t) { t.block_size[0] = 1 << 20; }));
  CHECK(!with([](rn_type& t) { t.blocks = RN_MAX_RANK + 1; }));
  CHECK(!with([](rn_type& t) {
    t.blocks = 2;
    t.block_dim[1] = 1;
    t.block_size[1] = 4096;
  }));
  rn_type batch = good;
  batch.dims[0] = -1;
  CHECK(valid(batch, true));
  batch.dims[1] = -1;
  CHECK(!valid(batch, true));
}

}  // namespace rnrun
