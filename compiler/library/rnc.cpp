// The functions of rnc.h.
#include "compiler/rnc.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <span>
#include <string_view>

#include "compiler/compile.h"
#include "compiler/options.h"
#include "compiler/output.h"
#include "compiler/variants.h"
#include "ir/graph/diagnostics.h"
#include "ir/onnx/onnx.h"
#include "ir/text/text.h"

struct rnc_artifact {
  std::string bytes;
  std::string notes;
  std::string remarks;
};

namespace {

using namespace rnc;

// Of fixed size, so that it can always be kept.
std::array<char, 65536>& kept_text() noexcept {
  thread_local std::array<char, 65536> text{};
  return text;
}

rnc_status failed(rnc_status status, std::string_view text) noexcept {
  auto& kept = kept_text();
  const size_t size = std::min(text.size(), kept.size() - 1);
  std::memcpy(kept.data(), text.data(), size);
  kept[size] = '\0';
  return status;
}

// Runs `f`; nothing that it throws gets further.
template <class F>
rnc_status guarded(const F& f) noexcept {
  try {
    f();
    return RNC_OK;
  } catch (const UsageError& error) {
    return failed(RNC_USAGE, error.message);
  } catch (const UserError& error) {
    std::string text = error.render();
    if (text.ends_with('\n')) text.pop_back();
    return failed(RNC_ERROR, text);
  } catch (const std::bad_alloc&) {
    return failed(RNC_NO_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return failed(RNC_ERROR, error.what());
  } catch (...) {
    return failed(RNC_ERROR, "an unknown error");
  }
}

void need(const void* pointer, std::string_view what) {
  if (pointer == nullptr) throw UsageError{fmt::format("'{}' is a null pointer", what)};
}

Request request_of(const char* const* options, int64_t count) {
  constexpr int64_t kMost = 1 << 16;
  if (count < 0 || count > kMost) throw UsageError{fmt::format("{} options: must be 0 to {}", count, kMost)};
  std::vector<std::string> texts;
  for (int64_t i = 0; i < count; ++i) {
    need(options, "options");
    need(options[i], "options[i]");
    texts.emplace_back(options[i]);
  }
  return parse_request(std::move(texts));
}

rnc_artifact* artifact_of(Request request) {
  auto artifact = std::make_unique<rnc_artifact>();
  request.tell = [&](std::string_view kind, const std::string& text) {
    artifact->notes += fmt::format("{}{}: {}", artifact->notes.empty() ? "" : "\n", kind, text);
  };
  Artifact made = compile(request);
  artifact->bytes = std::move(made.bytes);
  artifact->remarks = str(made.remarks);
  return artifact.release();
}

}  // namespace

const char* rnc_version(void) { return RNC_VERSION; }
const char* rnc_error_text(void) { return kept_text().data(); }

rnc_status rnc_compile_file(const char* path, const char* const* options, int64_t option_count,
                            rnc_artifact** artifact) {
  return guarded([&] {
    need(path, "path");
    need(artifact, "artifact");
    Request request = request_of(options, option_count);
    if (onnx::is_model_file(path))
      request.onnx = path;
    else
      request.source = read_source(path);
    *artifact = artifact_of(std::move(request));
  });
}

rnc_status rnc_compile_text(const char* text, size_t size, const char* name, const char* const* options,
                            int64_t option_count, rnc_artifact** artifact) {
  return guarded([&] {
    need(text, "text");
    need(name, "name");
    need(artifact, "artifact");
    if (size > kMaxSourceBytes)
      throw UsageError{fmt::format("a text of {} bytes: at most {} are read", size, kMaxSourceBytes)};
    Request request = request_of(options, option_count);
    request.source = std::make_shared<const SourceFile>(SourceFile{name, {text, size}});
    *artifact = artifact_of(std::move(request));
  });
}

rnc_status rnc_compile_onnx(const void* bytes, size_t size, const char* name, const char* const* options,
                            int64_t option_count, rnc_artifact** artifact) {
  return guarded([&] {
    need(bytes, "bytes");
    need(name, "name");
    need(artifact, "artifact");
    if (*name == '\0') throw UsageError{"'name' is empty"};
    Request request = request_of(options, option_count);
    request.onnx = name;
    request.onnx_bytes = std::make_shared<const std::string>(static_cast<const char*>(bytes), size);
    *artifact = artifact_of(std::move(request));
  });
}

const void* rnc_artifact_bytes(const rnc_artifact* artifact, size_t* size) {
  if (size != nullptr) *size = artifact == nullptr ? 0 : artifact->bytes.size();
  return artifact == nullptr ? nullptr : artifact->bytes.data();
}

const char* rnc_artifact_notes(const rnc_artifact* artifact) {
  return artifact == nullptr ? "" : artifact->notes.c_str();
}

const char* rnc_artifact_remarks(const rnc_artifact* artifact) {
  return artifact == nullptr ? "" : artifact->remarks.c_str();
}

rnc_status rnc_artifact_write(const rnc_artifact* artifact, const char* path) {
  return guarded([&] {
    need(artifact, "artifact");
    need(path, "path");
    if (std::string_view(path) == "-") throw UsageError{"'-' is no file"};
    write_file(path, artifact->bytes);
  });
}

void rnc_artifact_free(rnc_artifact* artifact) { delete artifact; }

const char* rnc_target_text(const char* const* options, int64_t option_count) {
  thread_local std::string text;
  const rnc_status status = guarded([&] {
    text.clear();
    for (const Target& target : resolve_targets(target_request(request_of(options, option_count))))
      text += fmt::format("{}{} {} {}", text.empty() ? "" : "; ", target.triple, target.cpu,
                          target.feature_string());
  });
  return status == RNC_OK ? text.c_str() : nullptr;
}
