#include "runtime/support/npz.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <deque>

#include "runtime/support/error.h"
#include "runtime/support/file.h"
#include "runtime/support/zip_write.h"

namespace rnrun {

namespace {

// The magic, the version, and what the array is, as a literal of Python: padded so that the elements behind
// it are aligned.
std::string npy_header(const Array& array) {
  constexpr size_t kAlignment = 64, kBefore = 10;
  const char* comma = array.shape.size() == 1 ? "," : "";
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                 contract::numpy_name(array.dtype), fmt::join(array.shape, ", "), comma);
  text.resize((kBefore + text.size() + 1 + kAlignment - 1) / kAlignment * kAlignment - kBefore - 1, ' ');
  text += '\n';
  const auto low = static_cast<char>(text.size() & 0xff), high = static_cast<char>(text.size() >> 8);
  return std::string("\x93NUMPY\x01", 7) + '\0' + low + high + text;
}

}  // namespace

void write_npz(const std::string& path, const Arrays& arrays) {
  ZipImage image;
  std::deque<std::string> headers;
  for (const auto& [name, array] : arrays) {
    if (contract::numpy_name(array.dtype).empty())
      throw Error(
          fmt::format("cannot write {}: NumPy has no type for {}, which '{}' is; f16, f32 or a .safetensors "
                      "file will do",
                      path, contract::name(array.dtype), name));
    headers.push_back(npy_header(array));
    const std::array<std::span<const std::byte>, 2> parts = {std::as_bytes(std::span(headers.back())),
                                                             array.data};
    image.add(name + ".npy", parts);
  }
  replace_file(path, image.finish());
}

}  // namespace rnrun
