#include "bench/server_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "base/check.h"
#include "bench/figures.h"
#include "codec/json.h"

namespace salus::bench {

namespace {

// A port in the line that salusd prints when it listens:
// {"event":"listening","machine_port":N,...}.
std::uint16_t PortIn(const codec::Json& line, std::string_view name) {
  const boost::json::value* port = line.is_object() ? line.as_object().if_contains(name) : nullptr;
  if (port == nullptr || !port->is_int64())
    Die("salusd", Internal("does not say where it listens"));
  return static_cast<std::uint16_t>(port->as_int64());
}

}  // namespace

ServerProcess::ServerProcess(const std::string& program, const std::string& directory) {
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  pid_ = fork();
  CHECK(pid_ >= 0);
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // it does not outlive a bench that dies
    dup2(ends[1], STDOUT_FILENO);
    execl(program.c_str(), program.c_str(), "--config", directory.c_str(), nullptr);
    _exit(127);
  }
  close(ends[1]);
  output_ = ends[0];
  std::string line;
  char byte = 0;
  while (read(output_, &byte, 1) == 1 && byte != '\n') line += byte;
  if (line.empty()) Die(program, Internal("ended before it listened"));
  const codec::Json listening = OrDie("the server's first line", codec::ParseJson(line));
  machine_port_ = PortIn(listening, "machine_port");
  public_port_ = PortIn(listening, "public_port");
}

void ServerProcess::Stop() {
  kill(pid_, SIGTERM);
  int status = 0;
  CHECK(waitpid(pid_, &status, 0) == pid_);
  pid_ = -1;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    Die("salusd", Internal(fmt::format("ended with wait status {}", status)));
  }
}

ServerProcess::~ServerProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(output_);
}

}  // namespace salus::bench
