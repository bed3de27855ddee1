// The runtime's errors: what a user can correct. main() prints "rnrun: error: <message>" and exits with `status()`.
#pragma once

#include <stdexcept>
#include <string>

namespace rnrun {

// A file, model, machine or data set is not as it should be. Exit status 1.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : Error(message, 1) {}
  int status() const { return status_; }

 protected:
  Error(const std::string& message, int status) : std::runtime_error(message), status_(status) {}

 private:
  int status_;
};

// The command line is wrong; the message says what is allowed. Exit status 2.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message) : Error(message, 2) {}
};

}  // namespace rnrun
