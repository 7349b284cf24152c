// ServerProcess is the real salusd on a data directory, as a child of the bench.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace salus::bench {

class ServerProcess {
 public:
  // Starts it and waits for its line that says where it listens; a failure ends this process.
  ServerProcess(const std::string& program, const std::string& directory);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  pid_t pid() const { return pid_; }
  std::uint16_t machine_port() const { return machine_port_; }
  std::uint16_t public_port() const { return public_port_; }

  // Stop asks it to stop and waits; a bad exit ends this process.
  void Stop();

 private:
  pid_t pid_ = -1;
  int output_ = -1;
  std::uint16_t machine_port_ = 0;
  std::uint16_t public_port_ = 0;
};

}  // namespace salus::bench
