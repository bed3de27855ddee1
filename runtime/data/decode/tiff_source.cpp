#include "runtime/data/decode/tiff_source.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace rnrun {

namespace {

tsize_t read_bytes(thandle_t handle, void* to, tsize_t count) {
  auto& source = *static_cast<TiffSource*>(handle);
  const auto size = static_cast<toff_t>(source.file.size());
  const toff_t taken =
      std::min<toff_t>(static_cast<toff_t>(std::max<tsize_t>(count, 0)), size - std::min(source.at, size));
  if (taken > 0) std::memcpy(to, source.file.data() + source.at, taken);
  source.at += taken;
  return static_cast<tsize_t>(taken);
}
tsize_t write_bytes(thandle_t, void*, tsize_t) { return 0; }
toff_t seek(thandle_t handle, toff_t offset, int whence) {
  auto& source = *static_cast<TiffSource*>(handle);
  source.at = offset + (whence == SEEK_CUR ? source.at : whence == SEEK_END ? source.file.size() : 0);
  return source.at;
}
int close_source(thandle_t) { return 0; }
toff_t size_of(thandle_t handle) { return static_cast<TiffSource*>(handle)->file.size(); }
int note_error(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  auto& message = static_cast<TiffSource*>(user)->message;
  if (message[0] == 0) std::vsnprintf(message.data(), message.size(), format, arguments);
  return 1;
}
int pass_over(TIFF*, void*, const char*, const char*, va_list) { return 1; }

}  // namespace

Tiff open_tiff(TiffSource& source) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(),
                                                                                 TIFFOpenOptionsFree);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), note_error, &source);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), pass_over, nullptr);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), tmsize_t{1} << 30);
  return {TIFFClientOpenExt("", "rm", &source, read_bytes, write_bytes, seek, close_source, size_of, nullptr,
                            nullptr, options.get()),
          TIFFClose};
}

}  // namespace rnrun
