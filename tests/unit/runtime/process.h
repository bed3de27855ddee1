// Runs programs as a user would, for tests of whole commands.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/runtime/support.h"

namespace rnrun {

struct ProcessResult {
  int status = 0;  // exit status; 128 + signal if a signal ended it
  std::string out;
  std::string err;
};

// A running program with its output in files.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments) {
    pid_ = fork();
    if (pid_ != 0) return;
    dup2(open((directory_ / "out").c_str(), O_CREAT | O_WRONLY, 0600), STDOUT_FILENO);
    dup2(open((directory_ / "err").c_str(), O_CREAT | O_WRONLY, 0600), STDERR_FILENO);
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  ~Process() {
    if (pid_ > 0) wait();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void kill(int signal) const { ::kill(pid_, signal); }
  // Waits until standard output contains `text`; false when the program ends or a minute passes before.
  bool wait_for_output(const std::string& text) {
    for (int i = 0; i < 6000; ++i) {
      siginfo_t info{};  // asked before the output is read: what it wrote last counts
      waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
      if (read_text(directory_ / "out").find(text) != std::string::npos) return true;
      if (info.si_pid != 0) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  ProcessResult wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_text(directory_ / "out"),
            read_text(directory_ / "err")};
  }

 private:
  TemporaryDirectory directory_;
  pid_t pid_ = 0;
};

// rnrun with these arguments.
inline std::vector<std::string> rnrun_command(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), RNC_RNRUN);
  return arguments;
}

inline ProcessResult run_rnrun(const std::vector<std::string>& arguments) {
  return Process(rnrun_command(arguments)).wait();
}

}  // namespace rnrun
