// salusd: the server of one data directory.

#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "api/api_server.h"
#include "api/exchange_folder.h"
#include "base/log.h"
#include "hardening.h"
#include "node/node.h"
#include "options.h"

namespace salus {
namespace {

constexpr std::chrono::seconds kDrainTimeout{30};

// Every thread that is started later inherits the mask, so that only WaitForStop sees the signals.
sigset_t BlockStopSignals() {
  signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// A server of many threads would keep an arena of freed memory for each, and after the first large
// buffer that it frees it would keep the next ones too: a fifth of what is resident.
void KeepHeapSmall() {
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

void SayListening(const api::ApiServer& server) {
  const std::string line = fmt::format(
      "{{\"event\":\"listening\",\"public_port\":{},\"machine_port\":{},\"metrics_port\":{},"
      "\"pid\":{}}}\n",
      server.public_port(), server.machine_port(), server.metrics_port(), getpid());
  std::fputs(line.c_str(), stdout);
  std::fflush(stdout);
}

Result<void> Serve(const Options& options, const sigset_t& stop_signals) {
  const SystemClock clock;
  SystemRandom random;
  TRY(const std::unique_ptr<node::Node> node,
      node::Node::Open(options.directory, node::NodeAccess::kReadWrite, clock, random,
                       options.config));
  TRY(const std::unique_ptr<api::ApiServer> server, api::ApiServer::Start(*node));
  const std::string& spool = options.spool.empty() ? node->config().spool : options.spool;
  std::unique_ptr<api::ExchangeFolder> exchange;
  if (!spool.empty()) {
    TRY(exchange, api::ExchangeFolder::Start(server->service(), spool));
  }
  SayListening(*server);
  int signal_number = 0;
  sigwait(&stop_signals, &signal_number);
  Log(LogLevel::kInfo, "stopping: running requests finish first");
  exchange.reset();
  if (!server->Drain(kDrainTimeout)) Log(LogLevel::kWarning, "some requests were cut off");
  return {};
}

}  // namespace
}  // namespace salus

int main(int argc, char** argv) {
  int exit_code = 0;
  const auto options = salus::ParseOptions(argc, argv, exit_code);
  if (!options) return exit_code;
  salus::KeepHeapSmall();
  const sigset_t stop_signals = salus::BlockStopSignals();
  salus::HardenProcess();
  if (const salus::Result<void> served = salus::Serve(*options, stop_signals); !served) {
    std::fprintf(stderr, "salusd: %s\n", served.error().message.c_str());
    return 1;
  }
  return 0;
}
