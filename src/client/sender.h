// Sender is `audit send`: it streams events to a server, survives broken connections, and believes
// no answer that it has not checked.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "audit/verify.h"
#include "base/random.h"
#include "base/result.h"
#include "client/answer_check.h"
#include "client/kept_receipt.h"
#include "client/line_batch.h"
#include "client/transport.h"

namespace salus::client {

// SentLine is what became of one line of the input.
struct SentLine {
  std::uint64_t line = 0;  // counted from 1, over the whole input
  CheckedLine::Status status = CheckedLine::Status::kLogged;
  std::string_view event_id;
  merkle::LeafIndex index;
  merkle::LeafHash leaf;
  const Error* refusal = nullptr;  // of a refused one
  std::string_view text;           // the line itself
  bool was_earlier = false;        // refused in an earlier run, by the journal; without its text
};

// SendOptions of one run. The callbacks run on the calling thread, in the input's order.
struct SendOptions {
  std::size_t lines_per_request = 1000;
  std::size_t bytes_per_request = 2 * 1024 * 1024;
  unsigned connections = 2;
  InputFormat format = InputFormat::kNdjson;  // kFhir: one resource a line (FhirLines)
  bool is_atomic = false;  // one request holds the whole input (4 MiB at most), or none of it
  std::filesystem::path journal;   // empty: none
  std::filesystem::path receipts;  // where `receipted` keeps them: the journal holds for it only
  // How often a request is tried, and how long to wait in between, doubled each time.
  unsigned attempts = 8;
  std::chrono::milliseconds first_wait{250};
  std::chrono::milliseconds longest_wait{30'000};
  std::function<void(std::chrono::milliseconds)>
      wait;  // tests replace it; it may run on any thread

  std::function<Result<void>(const SentLine& line)> answered;
  std::function<Result<void>(const KeptReceipt& receipt)> receipted;
  // flush runs before a batch is noted in the journal: it makes durable what the two above wrote.
  std::function<Result<void>()> flush;
};

// SendReport counts lines that are not blank.
struct SendReport {
  std::uint64_t logged = 0;
  std::uint64_t repeats = 0;
  std::uint64_t refused = 0;  // in an earlier run too, by the journal
  std::uint64_t skipped = 0;  // acknowledged to an earlier run, and not refused
  // unopened counts repeats of which the receipt was checked, and not the content: it was when they
  // were first sent, or their key is gone.
  std::uint64_t unopened = 0;
  std::uint64_t receipts = 0;
  std::uint64_t retries = 0;
};

// Sender sends one input after the other.
//
// Threads: one thread at a time; it starts its own.
class Sender {
 public:
  // MakeTransport makes one connection; it is called on the threads that use them.
  using MakeTransport = std::function<Result<std::unique_ptr<Transport>>()>;
  // source is our id in the certificate, under which the server logs.
  Sender(audit::PinnedLog log, std::string source, MakeTransport make_transport,
         RandomSource& random);

  // Send sends all lines. A refused line is counted and does not stop the others.
  //
  // Errors: Unavailable when a request failed as often as allowed: what was acknowledged until then
  //         stands in report and journal; VerificationFailed, with the line of the input, when an
  //         answer does not hold: nothing more is sent; PermissionDenied, ResourceExhausted;
  //         whatever a callback returns.
  Result<void> Send(const EventInput& input, const SendOptions& options, SendReport& report);

 private:
  class Run;

  const audit::PinnedLog log_;
  const std::string source_;
  const MakeTransport make_transport_;
  RandomSource& random_;
  KnownTags tags_;
};

}  // namespace salus::client
