#include "tests/support/isolated.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>

#include "ir/graph/diagnostics.h"

namespace rnc::test {
namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File temporary() {
  File file(std::tmpfile(), std::fclose);
  check(file != nullptr, "no temporary file");
  return file;
}

std::string text_of(std::FILE* file) {
  std::rewind(file);
  std::string text;
  char buffer[4096];
  for (size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, file)) > 0;) text.append(buffer, n);
  return text;
}

std::string describe(int status) {
  if (WIFEXITED(status)) return fmt::format("exit {}", WEXITSTATUS(status));
  return fmt::format("signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
}

}  // namespace

Isolated run_isolated(const std::function<std::string()>& work, std::chrono::seconds limit) {
  const File result = temporary(), errors = temporary();
  std::fflush(nullptr);
  const pid_t child = fork();
  check(child >= 0, "no process");
  if (child == 0) {
    for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, SIG_DFL);
    dup2(fileno(errors.get()), STDERR_FILENO);
    const rlimit cpu_time{static_cast<rlim_t>(limit.count()), RLIM_INFINITY};
    setrlimit(RLIMIT_CPU, &cpu_time);
    std::string text;
    try {
      text = work();
    } catch (const std::exception& error) {  // must not leave: the child would go on with the parent's tests
      std::fputs(error.what(), stderr);
      std::fflush(stderr);
      _exit(1);
    }
    std::fwrite(text.data(), 1, text.size(), result.get());
    std::fflush(result.get());
    _exit(0);
  }
  int status = 0;
  check(waitpid(child, &status, 0) == child, "no child");
  return {text_of(result.get()), describe(status), text_of(errors.get())};
}

}  // namespace rnc::test
