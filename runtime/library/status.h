// How errors leave the library: as a status, with their text kept for the thread.
#pragma once

#include <new>
#include <string>
#include <string_view>

#include "runtime/model/session.h"
#include "runtime/rnrun.h"
#include "runtime/support/error.h"
#include "runtime/train/train_step.h"

namespace rnrun {

// Keeps the text for rnrun_error_text. Returns `status`.
rnrun_status failed(rnrun_status status, std::string_view text) noexcept;
const char* error_text() noexcept;

// Runs `f`; nothing that it throws gets further.
template <class F>
rnrun_status guarded(const F& f) noexcept {
  try {
    f();
    return RNRUN_OK;
  } catch (const Diverged& error) {
    return failed(RNRUN_DIVERGED, error.what());
  } catch (const Cancelled& error) {
    return failed(RNRUN_CANCELLED, error.what());
  } catch (const Error& error) {
    return failed(error.status() == 2 ? RNRUN_USAGE : RNRUN_ERROR, error.what());
  } catch (const std::bad_alloc&) {
    return failed(RNRUN_NO_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return failed(RNRUN_ERROR, error.what());
  } catch (...) {
    return failed(RNRUN_ERROR, "an unknown error");
  }
}

// Throws UsageError where a pointer is null that may not be; `what` is its name in rnrun.h.
void need(const void* pointer, std::string_view what);
template <class... Rest>
void need(const void* pointer, std::string_view what, const Rest&... rest) {
  need(pointer, what);
  need(rest...);
}

// For the caller to free with rnrun_text_free.
char* text_for_caller(const std::string& text);

}  // namespace rnrun
