// Config is DIR/salus.toml, read strictly: a key that is not known is an error, not a typo that is
// silently ignored.
//
// Source: TOML 1.0; docs/formats/data-directory.md lists the keys.
// Shape:  sections [log], [server] and [aggregate]; every key has a default but log.origin.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace salus::node {

struct Config {
  std::string origin;
  std::string public_address = "127.0.0.1";
  std::uint16_t public_port = 8443;
  std::string machine_address = "127.0.0.1";
  std::uint16_t machine_port = 9443;
  std::uint16_t metrics_port = 0;          // 0: none; loopback only
  std::string spool;                       // folder for file exchange; empty: none
  std::string policy = "quorum none\n";    // C2SP tlog-policy text
  bool public_entries = false;             // entry bundles for everyone
  std::vector<std::string> followers;      // witnesses admitted to bundles
  std::vector<std::string> map_verifiers;  // witnesses admitted to map updates
  std::uint64_t max_body_bytes = 4ull << 30;
  std::uint32_t max_connections = 4096;
  unsigned threads = 0;  // 0: one per core
  std::chrono::milliseconds interval_loaded{50};
  std::chrono::milliseconds interval_quiet{1000};
  std::chrono::milliseconds interval_idle{300'000};

  // What this server does in secure aggregation.
  struct Aggregate {
    bool is_leader = false;
    bool is_helper = false;
    std::uint32_t job_reports = 1024;         // of an aggregation job, at most
    unsigned threads = 1;                     // that verify reports, as a leader
    std::chrono::milliseconds interval{500};  // between looks for something to do
    std::chrono::milliseconds late{300'000};  // waited after a batch by time, as a leader
    std::uint32_t key_days = 28;              // a key to seal to is offered; 0: until somebody acts
    std::uint32_t keep_days = 90;             // after a task's end it keeps what repeats need
    std::string identity;                     // directory of who helpers admit; empty: nobody
    bool transcripts = true;                  // of all messages between aggregators are kept
    bool is_on() const { return is_leader || is_helper; }
  };
  Aggregate aggregate;

  // Errors: InvalidArgument with line and key.
  static Result<Config> Parse(std::string_view toml);
  std::string ToToml() const;
};

}  // namespace salus::node
